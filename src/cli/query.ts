import { Option, type Command } from 'commander';
import type { JsonObject, Level } from '../base/context.ts';
import type { ContextQueryReply } from '../protocol/messages.generated.ts';
import { readScope, withClient, withScopeOptions, type ClientOptions } from './server/connection.ts';
import { writeJson, type Io } from './terminal/io.ts';
import { parseCount, parseLevels, parseObject, parsePriority, parseShare } from './terminal/option-parsers.ts';
import { countOf, formatTime, oneLine, renderRows } from './terminal/render.ts';

interface QueryOptions extends ClientOptions {
  readonly maxTokens?: number;
  readonly limit: number;
  readonly level?: readonly Level[];
  readonly filter?: JsonObject;
  readonly threshold?: number;
  readonly priority?: ReturnType<typeof parsePriority>;
  readonly explain?: boolean;
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
    .addOption(new Option('--filter <json>', 'filter, as in the wire protocol').argParser(parseObject))
    .addOption(new Option('--threshold <share>', "least score, 0 to 1 (default: the server's)").argParser(parseShare))
    .addOption(
      new Option('--priority <strategy>', 'Balanced, Recent, Deep, or three shares: 30,40,30').argParser(parsePriority),
    )
    .addOption(new Option('--explain', 'show what was ranked and why it was left out'));
  withScopeOptions(command)
    .addHelpText(
      'after',
      '\nWithout --agent, the contexts of every agent are searched.\n\nExamples:\n  context-manager query "how does the customer want invoices?"\n  context-manager query "last order" --session trip-42 --max-tokens 500 --json\n  context-manager query "refund" --filter \'{"must": [{"key": "tags", "match": {"value": "billing"}}]}\'',
    )
    .action((text: string, options: QueryOptions) => query(text, options, io));
}

async function query(text: string, options: QueryOptions, io: Io): Promise<void> {
  const reply = await withClient(options, io, (client) =>
    client.query({
      query: text,
      limit: options.limit,
      ...readScope(options),
      max_tokens: options.maxTokens,
      levels: options.level,
      filter: options.filter,
      relevance_threshold: options.threshold,
      priority: options.priority,
      explain: options.explain,
    }),
  );
  if (options.json) return writeJson(io.stdout, reply);
  await io.stdout.write(renderAnswer(reply, io.stdout.columns));
  for (const warning of warningsOf(reply)) await io.stderr.write(`warning: ${warning}\n`);
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

function renderAnswer(reply: ContextQueryReply, columns: number | undefined): string {
  if (reply.contexts.length === 0) return 'nothing found\n';
  const rows = reply.contexts.map((context, place) => [
    String(place + 1),
    context.relevance_score.toFixed(2),
    context.level,
    formatTime(context.created_at),
    oneLine(context.text),
  ]);
  const summary = `${countOf(reply.contexts.length, 'context')}, ${countOf(reply.total_tokens, 'token')}, ${reply.retrieval_time_ms.toFixed(0)} ms; ${reply.metadata.total_searched.toLocaleString('en')} searched${reply.metadata.below_threshold === true ? '; none as similar as hirag.relevance_threshold asks' : ''}`;
  return `${renderRows(rows, columns)}${summary}\n${renderReceipts(reply, columns)}`;
}

function renderReceipts(reply: ContextQueryReply, columns: number | undefined): string {
  if (reply.receipts === undefined) return '';
  const heading = ['outcome', 'score', 'similarity', 'lexical', 'recency', 'level', 'frequency', 'tokens', 'id'];
  const rows = reply.receipts.map(({ id, outcome, relevance_score: score, scores, token_count: tokens }) => [
    outcome,
    score.toFixed(3),
    ...[scores.similarity, scores.lexical, scores.recency, scores.level, scores.frequency].map((part) =>
      part.toFixed(3),
    ),
    String(tokens),
    id,
  ]);
  return `\n${renderRows([heading, ...rows], columns)}`;
}
