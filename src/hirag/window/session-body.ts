// The document of a session: what is live, in order, and how it is to be treated. It is the one truth of the window; whatever
// else is written can be written again.

import type { ContextOutline, JsonObject } from '../../base/context.ts';
import { recordedAt } from '../../store/times.ts';
import type { Role } from './message.ts';
import type { SessionState } from './memory-block.ts';

/** A message that is in the window, without its content. */
export interface LiveMessage {
  readonly id: string;
  readonly role: Role;
  readonly tokens: number;
  readonly atMs: number;
  /** When it was stored: one that was deleted and has come again under its id is another one. */
  readonly recordedAtMs: number;
  /** Ids of the tool calls that it makes. */
  readonly calls?: readonly string[];
  /** Id of the tool call that it answers. */
  readonly answers?: string;
}

/** One message, or several that a card stands for in their place. */
export interface LiveItem {
  readonly messages: readonly LiveMessage[];
  readonly card?: CardText;
}

/** What a card says, and of what. */
export interface CardText {
  readonly summary: string;
  /** Of what is sent: the summary and what introduces it. */
  readonly tokens: number;
  /** Sum of the versions of its messages when it was made: where another one comes out, something of them has changed. */
  readonly versions: number;
  /** The model that its summary is of; absent: it is of sentences that were said. */
  readonly madeBy?: string;
}

/** A message that a card stands for. */
export type CardedMessage = Pick<LiveMessage, 'id' | 'tokens' | 'recordedAtMs'>;

export interface SessionConfig {
  readonly maxTokens?: number;
  readonly offloadAt?: number;
  readonly relieveTo?: number;
  readonly rearmAt?: number;
  readonly header?: { readonly text: string; readonly tokens: number };
  readonly state?: SessionState;
}

export interface SessionBody {
  readonly agentId: string;
  readonly sessionId: string;
  readonly createdAtMs: number;
  readonly usedAtMs: number;
  readonly config: SessionConfig;
  readonly live: readonly LiveItem[];
  /** Cards that there are, and the name of the last one; each names the one before. */
  readonly cards: number;
  readonly lastCard: string | null;
  /** So many of the first cards were made by a reset: the window does not show them. */
  readonly hiddenCards: number;
  /** Of the others, those of which everything was deleted since. */
  readonly emptyCards: number;
  readonly archivedMessages: number;
  /** The pressure that was left where relief was not enough; null: the next offload comes at its threshold. */
  readonly triedPressure: number | null;
  /** The last assistant messages, the newest last, and how many of them in a row were alike. */
  readonly recentAnswers: readonly string[];
  readonly echoRun: number;
  /** Some of its messages are memory blocks. */
  readonly hasMemoryBlocks: boolean;
}

/** A card as a document. */
export interface CardBody extends CardText {
  readonly number: number;
  readonly name: string;
  /** Of the card before it; null: it is the first. */
  readonly previous: string | null;
  /** In their order; empty: everything was deleted. */
  readonly messages: readonly CardedMessage[];
  readonly firstAtMs: number;
  readonly lastAtMs: number;
}

export const SESSION_KIND = 'session';
export const CARD_KIND = 'card';
/** Where messages are looked for by their ids: some of a card, which are its terms. */
export const CARD_IDS_KIND = 'card_ids';

export function newSession(agentId: string, sessionId: string, nowMs: number): SessionBody {
  return {
    agentId,
    sessionId,
    createdAtMs: nowMs,
    usedAtMs: nowMs,
    config: {},
    live: [],
    cards: 0,
    lastCard: null,
    hiddenCards: 0,
    emptyCards: 0,
    archivedMessages: 0,
    triedPressure: null,
    recentAnswers: [],
    echoRun: 0,
    hasMemoryBlocks: false,
  };
}

export function sessionKey(agentId: string, sessionId: string): string {
  return JSON.stringify([agentId, sessionId]);
}

/** Bodies are plain data; what is stored is what was written. */
export function toBody(body: SessionBody | CardBody): JsonObject {
  return body as unknown as JsonObject;
}

export function itemTokens({ messages, card }: LiveItem): number {
  return card?.tokens ?? tokensIn(messages);
}

export function liveTokens(live: readonly LiveItem[]): number {
  return live.reduce((sum, item) => sum + itemTokens(item), 0);
}

/** Of the messages that a window may show as they are, and of the last question, which is recalled by even where a card stands for it. */
export function shownIds({ live }: Pick<SessionBody, 'live'>): string[] {
  const asked = messagesOf(live).findLast(({ role }) => role === 'user')?.id;
  return live.flatMap(({ messages, card }) =>
    messages.filter(({ id }) => card === undefined || id === asked).map(({ id }) => id),
  );
}

export function tokensIn(messages: readonly CardedMessage[]): number {
  return messages.reduce((sum, { tokens }) => sum + tokens, 0);
}

/** Whether what is stored is still the message that was listed. */
export function isStill(
  { recordedAtMs }: CardedMessage,
  stored: ContextOutline | null | undefined,
): stored is ContextOutline {
  return stored !== null && stored !== undefined && recordedAt(stored) === recordedAtMs;
}

export function messagesOf(live: readonly LiveItem[]): LiveMessage[] {
  return live.flatMap(({ messages }) => messages);
}

/** Without messages that were deleted and have come again: they stand where they come now. */
export function withoutThose(live: readonly LiveItem[], ids: ReadonlySet<string>): readonly LiveItem[] {
  if (!live.some(({ messages }) => messages.some(({ id }) => ids.has(id)))) return live;
  return live.flatMap((item) => {
    const messages = item.messages.filter(({ id }) => !ids.has(id));
    return messages.length === 0 ? [] : [{ ...item, messages }];
  });
}
