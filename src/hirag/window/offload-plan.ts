// What leaves a window, and when. Pure: from what is live to what stays.

import { itemTokens, type LiveItem, liveTokens, messagesOf } from './session-body.ts';

export interface WindowLimits {
  readonly maxTokens: number;
  readonly offloadAt: number;
  readonly relieveTo: number;
  readonly rearmAt: number;
}

export interface OffloadPlan {
  /** The oldest, in order: each of these becomes a card. */
  readonly leaving: readonly (readonly LiveItem[])[];
  readonly staying: readonly LiveItem[];
  /** Places in `staying`, each with how many items from there on one card is to stand for. */
  readonly carded: readonly { readonly from: number; readonly count: number }[];
}

/** Pressure that must have come on top before what was not enough is tried again. */
const TRIED_AGAIN_AFTER = 0.1;
/** However short they are: the document of a session is written with each append. */
export const LIVE_MESSAGES_MAX = 1_000;
const LIVE_MESSAGES_RELIEVED = 600;
/** A card of what is longer would say too little of it. */
const CARD_ORIGINAL_TOKENS = 1_200;
const CARD_MESSAGES_MAX = 100;

/** Whether it is time; `triedPressure`: what the last try has left where that was not enough. */
export function mustOffload(live: readonly LiveItem[], limits: WindowLimits, triedPressure: number | null): boolean {
  if (countOf(live) > LIVE_MESSAGES_MAX) return true;
  const pressure = liveTokens(live) / limits.maxTokens;
  if (pressure < limits.offloadAt) return false;
  return triedPressure === null || pressure >= triedPressure + TRIED_AGAIN_AFTER;
}

/** What is remembered of a try until the next one. */
export function triedAfter(
  live: readonly LiveItem[],
  { maxTokens, rearmAt }: WindowLimits,
  tried: number | null,
): number | null {
  const pressure = liveTokens(live) / maxTokens;
  return pressure < rearmAt ? null : tried;
}

/**
 * The oldest exchanges leave, whole, until what stays is at most `relieveTo`; the newest stays. A message of it that alone
 * is more than that stands as a card in its place, with what answers its tool calls.
 */
export function planOffload(live: readonly LiveItem[], { maxTokens, relieveTo }: WindowLimits): OffloadPlan {
  const relieved = maxTokens * relieveTo;
  const exchanges = exchangesOf(live);
  const newest = exchanges.at(-1) ?? [];
  const carded = oversizedIn(newest, relieved);
  const saved = carded.reduce((sum, { from, count }) => sum + tokensOf(newest.slice(from, from + count)), 0);
  let tokens = liveTokens(live) - saved;
  let count = countOf(live);
  const leaving: LiveItem[][] = [];
  for (const exchange of exchanges.slice(0, -1)) {
    if (tokens <= relieved && count <= LIVE_MESSAGES_RELIEVED) break;
    leaving.push([...exchange]);
    tokens -= tokensOf(exchange);
    count -= countOf(exchange);
  }
  const staying = live.slice(leaving.reduce((sum, exchange) => sum + exchange.length, 0));
  if (count > LIVE_MESSAGES_MAX) return splitNewest(leaving, staying);
  const shift = staying.length - newest.length;
  return {
    leaving: inCards(leaving),
    staying,
    carded: carded.map(({ from, count: many }) => ({ from: from + shift, count: many })),
  };
}

/** An exchange of very many messages: its oldest leave, all but those that never part. */
function splitNewest(leaving: LiveItem[][], staying: readonly LiveItem[]): OffloadPlan {
  const groups = groupsOf(staying);
  let count = countOf(staying);
  let place = 0;
  while (count > LIVE_MESSAGES_RELIEVED && place < groups.length - 1) {
    const group = groups[place++] as LiveItem[];
    leaving.push(group);
    count -= countOf(group);
  }
  return { leaving: inCards(leaving), staying: groups.slice(place).flat(), carded: [] };
}

/** Exchanges that one card stands for: as many as it can say something of. */
function inCards(exchanges: readonly (readonly LiveItem[])[]): LiveItem[][] {
  const cards: LiveItem[][] = [];
  for (const exchange of exchanges) {
    const last = cards.at(-1);
    const fits =
      last !== undefined &&
      originalTokens(last) + originalTokens(exchange) <= CARD_ORIGINAL_TOKENS &&
      countOf(last) + countOf(exchange) <= CARD_MESSAGES_MAX;
    if (fits) last.push(...exchange);
    else cards.push([...exchange]);
  }
  return cards;
}

function oversizedIn(newest: readonly LiveItem[], relieved: number): { from: number; count: number }[] {
  const found: { from: number; count: number }[] = [];
  const answered = new Set(messagesOf(newest).flatMap(({ answers }) => answers ?? []));
  for (let from = 0; from < newest.length; from++) {
    const item = newest[from] as LiveItem;
    const [message] = item.messages;
    if (item.card !== undefined || message === undefined || message.tokens <= relieved) continue;
    const calls = message.calls ?? [];
    if (calls.length === 0) {
      found.push({ from, count: 1 });
      continue;
    }
    // Its results would be nobody's without it: they go with it, once all of them are there.
    if (!calls.every((call) => answered.has(call))) continue;
    let count = 1;
    while (newest[from + count]?.messages.every(({ role }) => role === 'tool') === true) count++;
    if (!isWhole(newest.slice(from, from + count), calls)) continue;
    found.push({ from, count });
    from += count - 1;
  }
  return found;
}

function isWhole(items: readonly LiveItem[], calls: readonly string[]): boolean {
  const answered = new Set(messagesOf(items).flatMap(({ answers }) => answers ?? []));
  return items.every(({ card }, i) => i === 0 || card === undefined) && calls.every((call) => answered.has(call));
}

/**
 * A user message and all up to the next one; what comes before the first is one, too. Where a tool's result comes only
 * after the next user message, both exchanges are one: a call and its result never part.
 */
export function exchangesOf(live: readonly LiveItem[]): LiveItem[][] {
  return joined(live, (item) => item.messages[0]?.role === 'user');
}

/** What never parts: a message alone, or tool calls with all up to the last of their results. */
function groupsOf(live: readonly LiveItem[]): LiveItem[][] {
  return joined(live, () => true);
}

function joined(live: readonly LiveItem[], begins: (item: LiveItem) => boolean): LiveItem[][] {
  const lastOf = lastResults(live);
  const parts: LiveItem[][] = [];
  let until = -1;
  live.forEach((item, place) => {
    const last = parts.at(-1);
    if (last === undefined || (begins(item) && place > until)) parts.push([item]);
    else last.push(item);
    until = Math.max(until, lastOf[place] as number);
  });
  return parts;
}

/** For each place, that of the last result of the calls made there. */
function lastResults(live: readonly LiveItem[]): number[] {
  const last = live.map((_, place) => place);
  const calledAt = new Map<string, number>();
  live.forEach(({ messages }, place) => {
    for (const { calls = [], answers } of messages) {
      for (const call of calls) calledAt.set(call, place);
      const caller = answers === undefined ? undefined : calledAt.get(answers);
      if (caller !== undefined) last[caller] = place;
    }
  });
  return last;
}

function tokensOf(items: readonly LiveItem[]): number {
  return items.reduce((sum, item) => sum + itemTokens(item), 0);
}

function originalTokens(items: readonly LiveItem[]): number {
  return messagesOf(items).reduce((sum, { tokens }) => sum + tokens, 0);
}

function countOf(items: readonly LiveItem[]): number {
  return items.reduce((sum, { messages }) => sum + messages.length, 0);
}
