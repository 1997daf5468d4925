import { oneLine } from '../base/control-characters.ts';
import { Option, type Command } from 'commander';
import type { Level } from '../base/context.ts';
import type { Context } from '../protocol/messages.generated.ts';
import { readScope, withClient, withScopeOptions, type ClientOptions } from './server/connection.ts';
import { momentOf, type MomentOptions, withMomentOptions } from './server/moment.ts';
import { filterOf, withNarrowingOptions, type NarrowingOptions } from './server/narrowing.ts';
import { writeJson, type Io } from './terminal/io.ts';
import { parseCount, parseLevels } from './terminal/option-parsers.ts';
import { formatTime, renderRows } from './terminal/render.ts';

interface ListOptions extends ClientOptions, NarrowingOptions, MomentOptions {
  readonly limit: number;
  readonly level?: readonly Level[];
}

/** `list` */
export function addList(program: Command, io: Io): void {
  const list = program
    .command('list')
    .description('List contexts, newest first.')
    .addOption(new Option('--limit <number>', 'contexts at most').argParser(parseCount).default(20))
    .addOption(
      new Option('--level <levels>', 'only these levels: immediate, short_term, long_term').argParser(parseLevels),
    );
  withScopeOptions(withMomentOptions(withNarrowingOptions(list)))
    .addHelpText(
      'after',
      "\nWithout --agent, the contexts of every agent are listed; --session lists exactly that session's.\n\nExamples:\n  context-manager list --level immediate,short_term\n  context-manager list --session trip-42 --limit 100 --json\n  context-manager list --tag billing --since 7d --before 1h\n  context-manager list --as-of 2027-01-31 --include-past",
    )
    .action((options: ListOptions) => listContexts(options, io));
}

async function listContexts(options: ListOptions, io: Io): Promise<void> {
  const contexts = await withClient(options, io, async (client) => {
    const found: Context[] = [];
    const pages = client.list({
      ...readScope(options),
      limit: Math.min(options.limit, 1000),
      levels: options.level,
      filter: filterOf(options),
      ...momentOf(options),
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
