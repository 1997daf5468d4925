import { Option, type Command } from 'commander';
import type { JsonObject } from '../base/context.ts';
import { EVERY_AGENT } from '../base/wire-names.ts';
import { CommandError, usageError } from './terminal/command-error.ts';
import { withClient, withScopeOptions, type ClientOptions } from './server/connection.ts';
import { writeJson, type Io } from './terminal/io.ts';
import { parseObject } from './terminal/option-parsers.ts';
import { countOf } from './terminal/render.ts';

interface DeleteOptions extends ClientOptions {
  readonly filter?: JsonObject;
}

/** `delete <id>` and `delete --filter <json>` */
export function addDelete(program: Command, io: Io): void {
  const command = program
    .command('delete')
    .description('Delete one context, or all that match a filter.')
    .argument('[id]', 'its id')
    .addOption(new Option('--filter <json>', 'delete what matches, as in the wire protocol').argParser(parseObject));
  withScopeOptions(command)
    .addHelpText(
      'after',
      '\n--agent and --session narrow a --filter down.\n\nExamples:\n  context-manager delete 0198c1c2-3a5b-7c1d-9e2f-0123456789ab\n  context-manager delete --filter \'{"must": [{"key": "session_id", "match": {"value": "trip-42"}}]}\'',
    )
    .action((id: string | undefined, options: DeleteOptions) => remove(id, options, io));
}

async function remove(id: string | undefined, options: DeleteOptions, io: Io): Promise<void> {
  if ((id === undefined) === (options.filter === undefined)) throw usageError('give either an id or --filter');
  const target = id === undefined ? { filter: narrowed(options) } : { id };
  const { deleted } = await withClient(options, io, (client) =>
    client.delete({ ...target, namespace: options.namespace }),
  );
  if (options.json) await writeJson(io.stdout, { deleted });
  else if (deleted > 0 || id === undefined) await io.stdout.write(`deleted ${countOf(deleted, 'context')}\n`);
  if (id !== undefined && deleted === 0)
    throw new CommandError(`there is no context ${id}`, 'Check the id and the --namespace.');
}

function narrowed({ filter = {}, agent, session }: DeleteOptions): JsonObject {
  const must: JsonObject[] = [filter];
  if (agent !== undefined && agent !== EVERY_AGENT) must.push({ key: 'agent_id', match: { value: agent } });
  if (session !== undefined) must.push({ key: 'session_id', match: { value: session } });
  return must.length === 1 ? filter : { must };
}
