import type { Command } from 'commander';
import type { Client } from '../../clients/typescript/src/index.ts';
import type { JsonObject } from '../base/context.ts';
import { EVERY_AGENT } from '../base/wire-names.ts';
import { withClient, withScopeOptions, type ClientOptions } from './server/connection.ts';
import { filterOf, withNarrowingOptions, type NarrowingOptions } from './server/narrowing.ts';
import { CommandError, usageError } from './terminal/command-error.ts';
import { checkConfirmable, confirmed, withConfirmOptions, type ConfirmOptions } from './terminal/confirm.ts';
import { writeJson, type Io } from './terminal/io.ts';
import { countOf } from './terminal/render.ts';
import { WHENEVER } from './transfer/times.ts';

interface DeleteOptions extends ClientOptions, NarrowingOptions, ConfirmOptions {}

const HELP = `
Without an id, all contexts are deleted that match --filter, --tag, --since and --before together; --agent and --session
narrow them down. How many there are is told, and deleting them must be confirmed: on a terminal it is asked, elsewhere
--yes says so. --dry-run only counts them.

Examples:
  context-manager delete 0198c1c2-3a5b-7c1d-9e2f-0123456789ab
  context-manager delete --session trip-42 --before 7d --dry-run --filter '{}'
  context-manager delete --tag draft --before 30d --yes
  context-manager delete --filter '{"must": [{"key": "session_id", "match": {"value": "trip-42"}}]}'`;

/** `delete <id>` and `delete --filter <json>` */
export function addDelete(program: Command, io: Io): void {
  const command = program
    .command('delete')
    .description('Delete one context, or all that match a filter.')
    .argument('[id]', 'its id');
  withScopeOptions(withConfirmOptions(withNarrowingOptions(command)))
    .addHelpText('after', HELP)
    .action((id: string | undefined, options: DeleteOptions) => {
      const filter = filterOf(options);
      if ((id === undefined) === (filter === undefined))
        throw usageError('give either an id or --filter (--tag, --since, --before)');
      return id === undefined
        ? removeMatching(narrowed(filter ?? {}, options), options, io)
        : removeOne(id, options, io);
    });
}

async function removeOne(id: string, options: DeleteOptions, io: Io): Promise<void> {
  if (options.dryRun)
    throw usageError('--dry-run counts what matches a filter: `context-manager get` shows one context');
  const { namespace } = options;
  const { deleted } = await withClient(options, io, (client) => client.delete({ id, namespace }));
  if (options.json) await writeJson(io.stdout, { deleted });
  else if (deleted > 0) await io.stdout.write(`deleted ${countOf(deleted, 'context')}\n`);
  if (deleted === 0) throw new CommandError(`there is no context ${id}`, 'Check the id and the --namespace.');
}

async function removeMatching(filter: JsonObject, options: DeleteOptions, io: Io): Promise<void> {
  checkConfirmable(io, options);
  const { namespace, json, dryRun, yes } = options;
  await withClient(options, io, async (client) => {
    if (dryRun || !yes) {
      const matching = await countMatching(client, filter, namespace);
      if (dryRun && json) return writeJson(io.stdout, { would_delete: matching });
      if (dryRun || matching === 0) return io.stdout.write(`${countOf(matching, 'context')} would be deleted\n`);
      const isWanted = await confirmed(io, `Delete ${countOf(matching, 'context')}?`, options);
      if (!isWanted) throw new CommandError('nothing was deleted');
    }
    const { deleted } = await client.delete({ filter, namespace });
    return json ? writeJson(io.stdout, { deleted }) : io.stdout.write(`deleted ${countOf(deleted, 'context')}\n`);
  });
}

const PAGE = 1000;

async function countMatching(client: Client, filter: JsonObject, namespace: string | undefined): Promise<number> {
  let count = 0;
  const list = client.list({ filter, namespace, agent_id: EVERY_AGENT, limit: PAGE, ...WHENEVER });
  for await (const { contexts } of list.pages()) count += contexts.length;
  return count;
}

function narrowed(filter: JsonObject, { agent, session }: DeleteOptions): JsonObject {
  const must: JsonObject[] = [filter];
  if (agent !== undefined && agent !== EVERY_AGENT) must.push({ key: 'agent_id', match: { value: agent } });
  if (session !== undefined) must.push({ key: 'session_id', match: { value: session } });
  return must.length === 1 ? filter : { must };
}
