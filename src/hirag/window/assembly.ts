// From what is live to what is sent: always in a shape that a chat model takes, never more than there is room for.

import { inPlaceCardId } from '../../base/card-ids.ts';
import type { ContextRecord } from '../../base/context.ts';
import { callIdsOf, type Message, messageOf, tokensOf } from './message.ts';
import type { LiveItem } from './session-body.ts';

export interface WindowMessage extends Message {
  readonly kind: 'header' | 'card' | 'message' | 'memory';
  readonly tokens: number;
  readonly id?: string;
  readonly cardId?: string;
}

/** What is sent whole or not at all: a message, or one with tool calls and all their results. */
export interface Block {
  readonly messages: readonly WindowMessage[];
}

export interface Fitted {
  readonly header: WindowMessage | null;
  /** Oldest first. */
  readonly cards: readonly WindowMessage[];
  readonly blocks: readonly Block[];
  /** What memory may take: nothing where anything else had to go. */
  readonly left: number;
}

interface OpenBlock {
  readonly messages: WindowMessage[];
  /** Tool calls without a result. */
  readonly open: Set<string>;
}

/**
 * What is live as blocks. `recordOf`: null of a message that somebody has deleted. A result without its call is left out. Calls
 * that were never answered are taken from their message, unless it is the last: then their results are still to come.
 */
export function blocksOf(live: readonly LiveItem[], recordOf: (id: string) => ContextRecord | null): Block[] {
  const blocks: OpenBlock[] = [];
  const calledIn = new Map<string, OpenBlock>();
  for (const item of live) {
    const message = windowMessage(item, recordOf);
    if (message === null) continue;
    if (message.role !== 'tool') {
      const block: OpenBlock = { messages: [message], open: new Set(callIdsOf(message.toolCalls)) };
      for (const call of block.open) calledIn.set(call, block);
      blocks.push(block);
      continue;
    }
    const call = message.toolCallId ?? '';
    const caller = calledIn.get(call);
    if (caller?.open.delete(call) !== true) continue;
    caller.messages.push(message);
  }
  return blocks.flatMap((block, i) =>
    block.open.size === 0 || i === blocks.length - 1 ? [block] : withoutCalls(block),
  );
}

function withoutCalls({ messages }: OpenBlock): Block[] {
  const [first] = messages;
  if (first === undefined || typeof first.content !== 'string' || first.content.trim() === '') return [];
  const { role, content, name, kind, tokens, id } = first;
  const rest = { role, content, kind, tokens, ...(name !== undefined && { name }), ...(id !== undefined && { id }) };
  return [{ messages: [rest] }];
}

function windowMessage(
  { messages, card }: LiveItem,
  recordOf: (id: string) => ContextRecord | null,
): WindowMessage | null {
  const [first] = messages;
  if (first === undefined) return null;
  const { id, role, answers } = first;
  if (card !== undefined) {
    const call = answers === undefined ? {} : { toolCallId: answers };
    return { role, content: card.summary, ...call, kind: 'card', tokens: card.tokens, cardId: inPlaceCardId(id) };
  }
  const record = recordOf(id);
  if (record === null) return null;
  const message = messageOf(record) ?? { role, content: record.text };
  return { ...message, kind: 'message', tokens: tokensOf(record), id };
}

/** Of the cards before the messages, the newest; with more there would be no room for what is found. */
export const CARDS_SHARE = 1 / 8;

/**
 * What has room, in this order: the last user message, the header, the other messages from the newest on, the newest cards.
 * The messages are the newest without a gap, but for the last user message.
 */
export function fit(
  maxTokens: number,
  header: WindowMessage | null,
  cards: readonly WindowMessage[],
  blocks: readonly Block[],
): Fitted {
  let left = maxTokens;
  const take = (tokens: number): boolean => {
    if (tokens > left) return false;
    left -= tokens;
    return true;
  };
  const lastUser = blocks.findLastIndex(isOfUser);
  const kept = new Set<number>();
  if (lastUser >= 0 && take(tokensIn(blocks[lastUser] as Block))) kept.add(lastUser);
  const hasHeader = header !== null && take(header.tokens);
  for (let place = blocks.length - 1; place >= 0; place--) {
    if (kept.has(place)) continue;
    if (place === lastUser || !take(tokensIn(blocks[place] as Block))) break;
    kept.add(place);
  }
  const isWhole = kept.size === blocks.length && hasHeader === (header !== null);
  const shown = isWhole ? cardsWithin(cards, maxTokens * CARDS_SHARE, left) : [];
  const cardTokens = shown.reduce((sum, { tokens }) => sum + tokens, 0);
  return {
    header: hasHeader ? header : null,
    cards: shown,
    blocks: blocks.filter((_, place) => kept.has(place)),
    left: isWhole ? left - cardTokens : 0,
  };
}

/** The newest, one at least where there is room for it. */
function cardsWithin(cards: readonly WindowMessage[], share: number, left: number): WindowMessage[] {
  const shown: WindowMessage[] = [];
  let tokens = 0;
  for (const card of cards.toReversed()) {
    if (tokens + card.tokens > left || (shown.length > 0 && tokens + card.tokens > share)) break;
    shown.unshift(card);
    tokens += card.tokens;
  }
  return shown;
}

/** In the order in which they are sent: memory stands right before the last user message. */
export function inOrder({ header, cards, blocks }: Fitted, memory: WindowMessage | null): WindowMessage[] {
  const lastUser = blocks.findLastIndex(isOfUser);
  const before = lastUser < 0 ? [] : blocks.slice(0, lastUser);
  const after = lastUser < 0 ? blocks : blocks.slice(lastUser);
  return [
    ...(header === null ? [] : [header]),
    ...cards,
    ...before.flatMap(({ messages }) => messages),
    ...(memory === null ? [] : [memory]),
    ...after.flatMap(({ messages }) => messages),
  ];
}

export function tokensIn({ messages }: Block): number {
  return messages.reduce((sum, { tokens }) => sum + tokens, 0);
}

function isOfUser({ messages }: Block): boolean {
  return messages[0]?.role === 'user';
}
