import type { ContextRecord, Level } from '../../base/context.ts';
import type { CodedError } from '../../base/errors.ts';
import type { LoopTurns } from '../../base/loop-turns.ts';
import { allocate, type BudgetOutcome, type BudgetRules } from './budget.ts';
import { DuplicateFilter, outlineOf, printInTurns, type TextPrint } from '../rank/duplicates.ts';
import type { Ranked } from '../rank/ranking.ts';
import type { ReceiptOutcome } from '../types.ts';

export interface AnswerRules extends BudgetRules {
  readonly nearDuplicateThreshold: number;
}

/** Records in the order of the ids asked for; null where there is none any more, or where `error` kept it from being read. */
export interface Fetched {
  readonly records: readonly (ContextRecord | null)[];
  readonly error?: CodedError;
}

/** Never rejects. */
export type FetchRecords = (ids: readonly string[]) => Promise<Fetched>;

export interface Answer {
  /** In rank order. */
  readonly included: readonly { readonly ranked: Ranked; readonly record: ContextRecord }[];
  readonly totalTokens: number;
  readonly allocations: BudgetOutcome['allocations'];
  /** One per ranked candidate, in its order; null where the context is gone or could not be read. */
  readonly outcomes: readonly (ReceiptOutcome | null)[];
  /** Levels whose contexts could not be read, and why. */
  readonly lost: ReadonlyMap<Level, CodedError>;
}

interface Item {
  readonly ranked: Ranked;
  readonly level: Level;
  /** By the rank. */
  readonly place: number;
  /** Where it stands when the budget is spent: its place, or that of an older one that it stands for. */
  standing: number;
  isFiller: boolean;
  /** As ranked, until the record says otherwise. */
  tokenCount: number;
  /** Its own, or that of a better one that it stands for. */
  relevance: number;
  state: 'open' | 'duplicate' | 'gone';
  record: ContextRecord | null;
  print: TextPrint | null;
  /** `outlineOf` its text; null: not known. */
  outline: number | null;
}

/** Texts fetched beyond those needed when duplicates turned up, as more of them tend to follow. */
const FETCH_AHEAD = 32;
/** Characters of short texts compared before other work gets its turn, which it also gets within long ones: a few milliseconds. */
const YIELD_EVERY_CHARS = 32_768;

/**
 * From the admitted candidates (best first) to the answer: budget, texts of what the budget chose, duplicates
 * out, and again with what that sets free, until the chosen ones are known and distinct.
 */
export async function assemble(
  ranked: readonly Ranked[],
  rules: AnswerRules,
  fetch: FetchRecords,
  turns: LoopTurns,
): Promise<Answer> {
  const items = ranked.map(openItem);
  const byStanding = [...items];
  const lost = new Map<Level, CodedError>();
  let ahead = 0;
  for (;;) {
    const open = byStanding.filter((item) => item.state === 'open');
    const outcome = allocate(open, rules);
    const chosen = open.filter((_, i) => outcome.included[i]);
    const unread = chosen.filter((item) => item.record === null);
    // As long as they are what they were ranked as, the same ones would be chosen again.
    if (unread.length > 0 && !(await read(withNext(unread, open, ahead), fetch, lost))) continue;
    if (!(await markDuplicates(open, new Set(chosen), rules.nearDuplicateThreshold, turns))) {
      return answerOf(items, chosen.sort(byPlace), outcome, rules, lost);
    }
    byStanding.sort((a, b) => a.standing - b.standing);
    ahead = FETCH_AHEAD;
  }
}

function openItem(ranked: Ranked, place: number): Item {
  const { level, tokenCount, isFiller, relevanceScore: relevance } = ranked;
  return {
    ranked,
    level,
    relevance,
    place,
    standing: place,
    isFiller,
    tokenCount,
    state: 'open',
    record: null,
    print: null,
    outline: null,
  };
}

function byPlace(a: Item, b: Item): number {
  return a.place - b.place;
}

function withNext(unread: readonly Item[], open: readonly Item[], ahead: number): Item[] {
  const wanted = new Set(unread);
  for (const item of open) {
    if (wanted.size >= ahead) break;
    if (item.record === null) wanted.add(item);
  }
  return [...wanted];
}

/** Where texts cannot be had, the answer goes on without these contexts. True: all are there, and as long as they were. */
async function read(items: readonly Item[], fetch: FetchRecords, lost: Map<Level, CodedError>): Promise<boolean> {
  const { records, error } = await fetch(items.map((item) => item.ranked.id));
  let areAsRanked = true;
  items.forEach((item, i) => {
    const record = records[i] ?? null;
    item.record = record;
    areAsRanked &&= record?.tokenCount === item.tokenCount;
    if (record !== null) item.tokenCount = record.tokenCount;
    else {
      item.state = 'gone';
      if (error !== undefined) lost.set(item.level, error);
    }
  });
  return areAsRanked;
}

/**
 * Of a chosen context and those below it that say the same, the youngest stands, in the place of the best: what was
 * said last is how it is. The others are duplicates. True where a chosen one is.
 */
async function markDuplicates(
  open: readonly Item[],
  chosen: ReadonlySet<Item>,
  threshold: number,
  turns: LoopTurns,
): Promise<boolean> {
  if (chosen.size < 2) return false;
  const alike = withLikeOutlines(open);
  if (alike.length < 2) return false;
  const seen = new DuplicateFilter<Item>(threshold);
  let found = false;
  let chars = 0;
  for (const item of alike) {
    if (item.record === null) continue;
    if (item.print === null) {
      chars += item.record.text.length;
      if (chars >= YIELD_EVERY_CHARS) {
        chars = 0;
        await turns.next();
      }
      item.print = await printInTurns(item.record.text, turns);
    }
    const rival = seen.find(item.print);
    if (rival === undefined) {
      if (chosen.has(item)) seen.add(item.print, item);
      continue;
    }
    const isNews = item.ranked.createdAtMs > rival.ranked.createdAtMs;
    const [stands, repeated] = isNews ? [item, rival] : [rival, item];
    repeated.state = 'duplicate';
    stands.standing = rival.standing;
    stands.relevance = Math.max(item.relevance, rival.relevance);
    stands.isFiller = item.isFiller && rival.isFiller;
    seen.replace(item.print, stands);
    found ||= chosen.has(repeated);
  }
  return found;
}

/** Of those that are read all that may repeat another one, in their order: nearly always none. */
function withLikeOutlines(open: readonly Item[]): readonly Item[] {
  const counts = new Map<number, number>();
  for (const item of open) {
    if (item.record === null) continue;
    item.outline ??= outlineOf(item.record.text);
    // It may repeat any of them.
    if (item.outline === null) return open;
    counts.set(item.outline, (counts.get(item.outline) ?? 0) + 1);
  }
  return open.filter(({ outline }) => outline !== null && (counts.get(outline) ?? 0) > 1);
}

function answerOf(
  items: readonly Item[],
  chosen: readonly Item[],
  budget: BudgetOutcome,
  rules: AnswerRules,
  lost: ReadonlyMap<Level, CodedError>,
): Answer {
  const included = new Set(chosen);
  const last = chosen.at(-1);
  const lastPlace = last === undefined ? -1 : items.indexOf(last);
  const tokensLeft = rules.maxTokens - budget.totalTokens;
  const full = chosen.length >= rules.limit;
  const outcomes = items.map((item, place): ReceiptOutcome | null => {
    if (included.has(item)) return 'included';
    if (item.state === 'gone') return null;
    if (item.state !== 'open') return item.state;
    return full && (place > lastPlace || item.tokenCount <= tokensLeft) ? 'over_limit' : 'over_budget';
  });
  return {
    included: chosen.map((item) => ({ ranked: item.ranked, record: item.record as ContextRecord })),
    totalTokens: budget.totalTokens,
    allocations: budget.allocations,
    outcomes,
    lost,
  };
}
