import type { Command } from 'commander';
import { withClient, withServerOptions, type ClientOptions } from './server/connection.ts';
import { writeJson, type Io } from './terminal/io.ts';
import { countOf } from './terminal/render.ts';

const HELP = `
The server does so by itself every hirag.gc_interval_secs. The key must be of namespaces * and have the scope admin.

Example:
  context-manager gc --json`;

/** `gc` */
export function addGc(program: Command, io: Io): void {
  withServerOptions(program.command('gc').description('End the lifetimes that are over, now.'))
    .addHelpText('after', HELP)
    .action((options: ClientOptions) => gc(options, io));
}

async function gc(options: ClientOptions, io: Io): Promise<void> {
  const swept = await withClient(options, io, (client) => client.gc());
  if (options.json) return writeJson(io.stdout, swept);
  return io.stdout.write(
    `deleted ${countOf(swept.deleted, 'context')}, moved ${countOf(swept.promoted, 'context')} to long_term\n`,
  );
}
