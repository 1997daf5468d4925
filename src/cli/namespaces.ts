import { oneLine } from '../base/control-characters.ts';
import type { Command } from 'commander';
import { LEVELS } from '../base/context.ts';
import { withClient, withServerOptions, type ClientOptions } from './server/connection.ts';
import { writeJson, type Io } from './terminal/io.ts';
import { renderRows } from './terminal/render.ts';

/** `namespaces` */
export function addNamespaces(program: Command, io: Io): void {
  withServerOptions(
    program.command('namespaces').description('List the namespaces that the key has, and what they hold.'),
  )
    .addHelpText('after', '\nExample:\n  context-manager namespaces --json')
    .action((options: ClientOptions) => listNamespaces(options, io));
}

async function listNamespaces(options: ClientOptions, io: Io): Promise<void> {
  const { namespaces } = await withClient(options, io, (client) => client.listNamespaces());
  if (options.json) return writeJson(io.stdout, namespaces);
  if (namespaces.length === 0) return io.stdout.write('nothing is stored\n');
  const rows = namespaces.map(({ namespace, counts }) => [
    oneLine(namespace),
    ...LEVELS.map((level) => counts[level].toLocaleString('en')),
  ]);
  return io.stdout.write(renderRows([['namespace', ...LEVELS], ...rows]));
}
