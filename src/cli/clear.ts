import { Argument, type Command } from 'commander';
import type { Client } from '../../clients/typescript/src/index.ts';
import { LEVELS, type Level } from '../base/context.ts';
import { isLiteralNamespace } from '../base/namespace-set.ts';
import { DEFAULT_NAMESPACE, EVERY_NAMESPACE } from '../base/wire-names.ts';
import { namespaceOption, withClient, withServerOptions, type ClientOptions } from './server/connection.ts';
import { CommandError } from './terminal/command-error.ts';
import { checkConfirmable, confirmed, withConfirmOptions, type ConfirmOptions } from './terminal/confirm.ts';
import { writeJson, type Io } from './terminal/io.ts';
import { countOf } from './terminal/render.ts';

interface ClearOptions extends ClientOptions, ConfirmOptions {}

const HELP = `
Deletes every context of the level in the namespace, of all agents and sessions. The key must have the scope admin.

Examples:
  context-manager clear immediate --namespace shop --dry-run
  context-manager clear short_term --yes`;

/** `clear <level>` */
export function addClear(program: Command, io: Io): void {
  const command = program
    .command('clear')
    .description('Delete every context of a level in a namespace.')
    .addArgument(new Argument('<level>', 'which').choices(LEVELS));
  withServerOptions(withConfirmOptions(command))
    .addOption(namespaceOption())
    .addHelpText('after', HELP)
    .action((level: Level, options: ClearOptions) => clear(level, options, io));
}

async function clear(level: Level, options: ClearOptions, io: Io): Promise<void> {
  checkConfirmable(io, options);
  const { json, dryRun, yes } = options;
  await withClient(options, io, async (client) => {
    const namespace = options.namespace ?? ownNamespace(client);
    if (dryRun || !yes) {
      const held = (await client.stats({ namespace })).counts[level];
      if (dryRun && json) return writeJson(io.stdout, { would_delete: held });
      if (dryRun || held === 0) return io.stdout.write(`${countOf(held, 'context')} would be deleted\n`);
      const where = namespace === undefined ? '' : ` of ${namespace}`;
      if (!(await confirmed(io, `Delete ${countOf(held, 'context')} in ${level}${where}?`, options)))
        throw new CommandError('nothing was deleted');
    }
    const { deleted } = await client.clearLevel({ level, namespace });
    return json ? writeJson(io.stdout, { deleted }) : io.stdout.write(`deleted ${countOf(deleted, 'context')}\n`);
  });
}

/** Where a request acts that names none (wire protocol, section 5); undefined: the server will ask for one. */
function ownNamespace({ namespaces }: Client): string | undefined {
  if (namespaces.includes(EVERY_NAMESPACE)) return DEFAULT_NAMESPACE;
  return namespaces.length === 1 ? namespaces.find(isLiteralNamespace) : undefined;
}
