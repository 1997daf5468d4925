import { oneLine } from '../base/control-characters.ts';
import { Option, type Command } from 'commander';
import type { Level } from '../base/context.ts';
import type { ContextQueryReply } from '../protocol/messages.generated.ts';
import { readScope, withClient, withScopeOptions, type ClientOptions } from './server/connection.ts';
import { momentOf, type MomentOptions, withMomentOptions } from './server/moment.ts';
import { filterOf, withNarrowingOptions, type NarrowingOptions } from './server/narrowing.ts';
import { renderAnswer, renderReceipts, textsOf } from './terminal/answer.ts';
import { writeJson, type Io } from './terminal/io.ts';
import { parseCount, parseLevels, parsePriority, parseShare } from './terminal/option-parsers.ts';
import { styleOf } from './terminal/style.ts';

interface QueryOptions extends ClientOptions, NarrowingOptions, MomentOptions {
  readonly maxTokens?: number;
  readonly limit: number;
  readonly level?: readonly Level[];
  readonly threshold?: number;
  readonly priority?: ReturnType<typeof parsePriority>;
  readonly explain?: boolean;
  readonly full?: boolean;
}

/** `query <text>` */
export function addQuery(program: Command, io: Io): void {
  const command = program
    .command('query')
    .description('Ask for the contexts that matter to a text, best first.')
    .argument('<text>', 'what to look for')
    .addOption(
      new Option('--max-tokens <number>', "token budget of the answer (default: the server's)").argParser(parseCount),
    )
    .addOption(new Option('--limit <number>', 'contexts at most').argParser(parseCount).default(10))
    .addOption(
      new Option('--level <levels>', 'only these levels: immediate, short_term, long_term').argParser(parseLevels),
    )
    .addOption(new Option('--threshold <share>', "least score, 0 to 1 (default: the server's)").argParser(parseShare))
    .addOption(
      new Option('--priority <strategy>', 'Balanced, Recent, Deep, or three shares: 30,40,30').argParser(parsePriority),
    )
    .addOption(new Option('--explain', 'show what was ranked and why it was left out'))
    .addOption(new Option('--full', 'show whole texts; a terminal otherwise shows some lines of a long one'));
  withScopeOptions(withMomentOptions(withNarrowingOptions(command)))
    .addHelpText(
      'after',
      '\nWithout --agent, the contexts of every agent are searched.\n\nExamples:\n  context-manager query "how does the customer want invoices?"\n  context-manager query "last order" --session trip-42 --max-tokens 500 --json\n  context-manager query "refund" --tag billing --since 7d\n  context-manager query "refund" --filter \'{"must": [{"key": "metadata.customer", "match": {"value": 7}}]}\'',
    )
    .action((text: string, options: QueryOptions) => query(text, options, io));
}

const NO_TEXTS: ReadonlyMap<string, string> = new Map<string, string>();

async function query(text: string, options: QueryOptions, io: Io): Promise<void> {
  const { reply, texts } = await withClient(options, io, async (client) => {
    const answer = await client.query({
      query: text,
      limit: options.limit,
      ...readScope(options),
      max_tokens: options.maxTokens,
      levels: options.level,
      filter: filterOf(options),
      ...momentOf(options),
      relevance_threshold: options.threshold,
      priority: options.priority,
      explain: options.explain,
    });
    return { reply: answer, texts: options.json ? NO_TEXTS : await textsOf(answer, client, options.namespace) };
  });
  if (options.json) return writeJson(io.stdout, reply);
  const { columns } = io.stdout;
  const look = { question: text, style: styleOf(io.stdout, io.environment), columns, full: options.full ?? false };
  await io.stdout.write(renderAnswer(reply, look));
  if (reply.receipts !== undefined) await io.stdout.write(renderReceipts(reply.receipts, texts, look));
  for (const warning of warningsOf(reply)) await io.stderr.write(`warning: ${oneLine(warning)}\n`);
}

/** One for each reason. Without vectors every level was searched by words, and where these have found something, nothing is amiss. */
function warningsOf({ contexts, metadata }: ContextQueryReply): string[] {
  const levels = new Map<string, string[]>();
  for (const { level, code } of metadata.degraded) levels.set(code, [...(levels.get(code) ?? []), level]);
  return [...levels].flatMap(([code, named]) => {
    if (code !== 'EMBEDDING_UNAVAILABLE') return [`${named.join(', ')} could not be searched (${code})`];
    if (contexts.some(({ scores }) => scores.lexical > 0)) return [];
    return ['the embedding service is away, so only words were looked for (EMBEDDING_UNAVAILABLE)'];
  });
}
