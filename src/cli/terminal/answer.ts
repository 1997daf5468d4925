import { oneLine } from '../../base/control-characters.ts';
import { ContextManagerError, type Client } from '../../../clients/typescript/src/index.ts';
import { termsSought } from '../../base/text/analyzer.ts';
import type { ContextQueryReply } from '../../protocol/messages.generated.ts';
import { bar, countOf, formatTime, renderRows } from './render.ts';
import type { Style } from './style.ts';
import { excerpt, markTerms, wrap } from './wrap.ts';

/** How an answer is shown. */
export interface AnswerLook {
  readonly question: string;
  readonly style: Style;
  /** Of the terminal; undefined: there is none, and each context is one line. */
  readonly columns: number | undefined;
  /** Whole texts, however long. */
  readonly full: boolean;
}

const INDENT = '   ';
const LINES_MAX = 6;
const COLUMNS_MIN = 20;

/** Contexts and a summary: on a terminal wrapped to its width, elsewhere a line each. */
export function renderAnswer(reply: ContextQueryReply, look: AnswerLook): string {
  const { contexts, total_tokens: tokens, retrieval_time_ms: tookMs, metadata } = reply;
  if (contexts.length === 0) return 'nothing found\n';
  const terms = termsSought(look.question);
  const shown = look.columns === undefined ? renderLines(reply, look, terms) : renderBlocks(reply, look, terms);
  const below = metadata.below_threshold === true ? '; none as similar as hirag.relevance_threshold asks' : '';
  const summary = `${countOf(contexts.length, 'context')}, ${countOf(tokens, 'token')}, ${tookMs.toFixed(0)} ms; ${metadata.total_searched.toLocaleString('en')} searched${below}`;
  return `${shown}${look.style.quiet(summary)}\n`;
}

function renderLines({ contexts }: ContextQueryReply, { style }: AnswerLook, terms: ReadonlySet<string>): string {
  return renderRows(
    contexts.map(({ relevance_score: score, level, created_at: createdMs, text }, place) => [
      String(place + 1),
      score.toFixed(2),
      level,
      formatTime(createdMs),
      markTerms(oneLine(text), terms, style.found),
    ]),
  );
}

function renderBlocks(reply: ContextQueryReply, look: AnswerLook, terms: ReadonlySet<string>): string {
  const { style, full, columns = Infinity } = look;
  const width = Math.max(COLUMNS_MIN, columns - INDENT.length);
  return reply.contexts
    .map(({ relevance_score: score, level, created_at: createdMs, text }, place) => {
      const about = `${score.toFixed(2)}  ${level}  ${formatTime(createdMs)}`;
      const lines = wrap(text, width);
      const shown = full ? lines : excerpt(lines, LINES_MAX, terms);
      const words = shown.map((line) => `${INDENT}${markTerms(line, terms, style.found)}\n`).join('');
      return `${String(place + 1).padEnd(INDENT.length)}${style.quiet(about)}\n${words}\n`;
    })
    .join('');
}

type Receipt = NonNullable<ContextQueryReply['receipts']>[number];

/** Texts of candidates that the answer left out are asked for in so many calls at a time. */
const CALLS_AT_ONCE = 32;

/** The text of every candidate; one that was deleted meanwhile has none. */
export async function textsOf(
  reply: ContextQueryReply,
  client: Client,
  namespace: string | undefined,
): Promise<Map<string, string>> {
  const texts = new Map(reply.contexts.map(({ id, text }) => [id, text]));
  const missing = (reply.receipts ?? []).map(({ id }) => id).filter((id) => !texts.has(id));
  for (let from = 0; from < missing.length; from += CALLS_AT_ONCE) {
    const some = missing.slice(from, from + CALLS_AT_ONCE);
    const found = await Promise.all(some.map((id) => textOf(client, id, namespace)));
    for (const [place, text] of found.entries()) if (text !== undefined) texts.set(some[place] ?? '', text);
  }
  return texts;
}

async function textOf(client: Client, id: string, namespace: string | undefined): Promise<string | undefined> {
  try {
    return (await client.get({ id, namespace })).context.text;
  } catch (error) {
    if (error instanceof ContextManagerError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
}

const BAR_COLUMNS = 10;
/** Narrower terminals have no room for the parts of a score beside the text. */
const COLUMNS_FOR_PARTS = 130;
const PARTS = ['similarity', 'lexical', 'recency', 'level', 'frequency'] as const;

/** A line for each candidate: what became of it, its score as a bar, and its text. */
export function renderReceipts(
  receipts: readonly Receipt[],
  texts: ReadonlyMap<string, string>,
  { style, columns }: AnswerLook,
): string {
  const withParts = columns === undefined || columns >= COLUMNS_FOR_PARTS;
  const heading = [
    'outcome',
    'score',
    ' '.repeat(BAR_COLUMNS),
    ...(withParts ? [...PARTS, 'tokens', 'id'] : []),
    'text',
  ];
  const rows = receipts.map(({ id, outcome, relevance_score: score, scores, token_count: tokens }) => [
    outcome,
    score.toFixed(3),
    bar(score, BAR_COLUMNS),
    ...(withParts ? [...PARTS.map((part) => scores[part].toFixed(3)), String(tokens), id] : []),
    oneLine(texts.get(id) ?? '(deleted meanwhile)'),
  ]);
  const [head = '', ...lines] = renderRows([heading, ...rows], columns).split('\n');
  const colored = lines.map((line, place) => {
    const receipt = receipts[place];
    if (receipt === undefined) return line;
    return receipt.outcome === 'included'
      ? line.replace(receipt.outcome, style.good)
      : line.replace(receipt.outcome, style.quiet);
  });
  return `\n${[style.quiet(head), ...colored].join('\n')}`;
}
