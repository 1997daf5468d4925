import type { Command } from 'commander';
import { withClient, withScopeOptions, type ClientOptions } from './server/connection.ts';
import { renderContext } from './terminal/context-view.ts';
import { writeJson, type Io } from './terminal/io.ts';

/** `get <id>` */
export function addGet(program: Command, io: Io): void {
  withScopeOptions(program.command('get').description('Show one context.').argument('<id>', 'its id'))
    .addHelpText('after', '\nExample:\n  context-manager get 0198c1c2-3a5b-7c1d-9e2f-0123456789ab --json')
    .action((id: string, options: ClientOptions) => get(id, options, io));
}

async function get(id: string, options: ClientOptions, io: Io): Promise<void> {
  const { context } = await withClient(options, io, (client) => client.get({ id, namespace: options.namespace }));
  if (options.json) return writeJson(io.stdout, context);
  return io.stdout.write(renderContext(context));
}
