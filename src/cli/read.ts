import { Option, type Command } from 'commander';
import type { JsonObject, Level } from '../base/context.ts';
import type { Context } from '../protocol/messages.generated.ts';
import { readScope, withClient, withScopeOptions, type ClientOptions } from './connection.ts';
import { writeJson, type Io } from './io.ts';
import { parseCount, parseLevels, parseObject } from './parse.ts';
import { formatTime, oneLine, renderRows } from './render.ts';

interface ListOptions extends ClientOptions {
  readonly limit: number;
  readonly level?: readonly Level[];
  readonly filter?: JsonObject;
}

/** `get <id>` and `list` */
export function addReading(program: Command, io: Io): void {
  withScopeOptions(program.command('get').description('Show one context.').argument('<id>', 'its id'))
    .addHelpText('after', '\nExample:\n  context-manager get 0198c1c2-3a5b-7c1d-9e2f-0123456789ab --json')
    .action((id: string, options: ClientOptions) => get(id, options, io));

  const list = program
    .command('list')
    .description('List contexts, newest first.')
    .addOption(new Option('--limit <number>', 'contexts at most').argParser(parseCount).default(20))
    .addOption(
      new Option('--level <levels>', 'only these levels: immediate, short_term, long_term').argParser(parseLevels),
    )
    .addOption(new Option('--filter <json>', 'filter, as in the wire protocol').argParser(parseObject));
  withScopeOptions(list)
    .addHelpText(
      'after',
      "\nWithout --agent, the contexts of every agent are listed; --session lists exactly that session's.\n\nExamples:\n  context-manager list --level immediate,short_term\n  context-manager list --session trip-42 --limit 100 --json",
    )
    .action((options: ListOptions) => listContexts(options, io));
}

async function get(id: string, options: ClientOptions, io: Io): Promise<void> {
  const { context } = await withClient(options, io, (client) => client.get({ id, namespace: options.namespace }));
  if (options.json) return writeJson(io.stdout, context);
  return io.stdout.write(renderContext(context));
}

function renderContext(context: Context): string {
  const rows: [string, string][] = [
    ['id', context.id],
    ['namespace', context.namespace],
    ['agent', context.agent_id],
    ['session', context.session_id ?? '-'],
    ['level', context.level],
    ['created', formatTime(context.created_at)],
    ['updated', `${formatTime(context.updated_at)} (version ${context.version})`],
    ['expires', context.expires_at === undefined ? 'never' : formatTime(context.expires_at)],
    ['tokens', String(context.token_count)],
    ['read', `${context.access_count} times`],
    ['tags', context.tags.join(', ') || '-'],
    ['metadata', JSON.stringify(context.metadata)],
  ];
  const text = context.text.split('\n').map(oneLine).join('\n');
  return `${renderRows(rows.map(([name, value]) => [name, oneLine(value)]))}\n${text}\n`;
}

async function listContexts(options: ListOptions, io: Io): Promise<void> {
  const contexts = await withClient(options, io, async (client) => {
    const found: Context[] = [];
    const pages = client.list({
      ...readScope(options),
      limit: Math.min(options.limit, 1000),
      levels: options.level,
      filter: options.filter,
    });
    for await (const context of pages) {
      found.push(context);
      if (found.length === options.limit) break;
    }
    return found;
  });
  if (options.json) return writeJson(io.stdout, contexts);
  if (contexts.length === 0) return io.stdout.write('nothing found\n');
  const rows = contexts.map(({ id, level, created_at: createdMs, text }) => [
    id,
    level,
    formatTime(createdMs),
    oneLine(text),
  ]);
  return io.stdout.write(renderRows(rows, io.stdout.columns));
}
