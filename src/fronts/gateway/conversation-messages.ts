// What is said in a conversation, as memory keeps it.

import type { LoopTurns } from '../../base/loop-turns.ts';
import { TEXT_CHARS_MAX } from '../../base/wire-limits.ts';
import type { Told } from './prompt-plan.ts';
import type { Recognition } from './recognition.ts';
import { objectOf, textOr } from './json-values.ts';
import { fingerprintOf, idAfter, saidOf, wireMessage, type Said, type WindowMessage } from './said.ts';
import { RESERVED } from './session-identity.ts';
import type { Answer } from './shapes/shape.ts';
import type { TokenCaller } from './tokens.ts';

/** Whose conversation, and where it goes on. */
export interface Place {
  readonly caller: TokenCaller;
  readonly address: string | undefined;
  /** Null: memory of the agent at large. */
  readonly sessionId: string | null;
  /** The message that what is told follows; absent: that is recognised. */
  readonly after?: string | undefined;
  readonly signal: AbortSignal;
}

/** Nothing is ever said in it: its window is what the agent remembers. */
export const NO_SESSION = `${RESERVED}no-session`;

export const NOTHING_KNOWN: Recognition = { newFrom: 0, run: 0, shownEnd: 0 };

/** After so many messages others have their turn. */
const FRESH_AT_ONCE = 128;

export async function freshOf(
  place: Place,
  all: readonly Told[],
  { newFrom }: Recognition,
  previous: string,
  hasPrefill: boolean,
  turns: LoopTurns,
): Promise<{ readonly fresh: Record<string, unknown>[]; readonly lastId: string }> {
  const scope = scopeOf(place);
  const told = hasPrefill ? all.slice(0, -1) : all;
  const isAtLarge = place.sessionId === null;
  // Without a session nobody knows what is new but what nobody has answered yet.
  const from = isAtLarge ? told.findLastIndex(({ said }) => said.role === 'assistant') + 1 : newFrom;
  const metadata = isAtLarge ? { metadata: { conversation: conversationOf(place, all) } } : {};
  let lastId = previous;
  const fresh: Record<string, unknown>[] = [];
  const firstAt = isAtLarge ? 0 : from;
  for (const [place, { said, fingerprint }] of told.slice(firstAt).entries()) {
    if (place % FRESH_AT_ONCE === FRESH_AT_ONCE - 1) await turns.next();
    lastId = idAfter(lastId, scope, fingerprint);
    if (firstAt + place >= from) fresh.push(wireMessage(said, lastId, isAtLarge ? metadataOf(said, metadata) : {}));
  }
  return { fresh, lastId };
}

function metadataOf({ role }: Said, { metadata }: { readonly metadata?: object }): object {
  return { metadata: { role, ...metadata } };
}

export function contextOf(said: Said, conversation: string, isCut: boolean) {
  const text = said.text.slice(0, TEXT_CHARS_MAX).toWellFormed();
  return { text, role: said.role, metadata: { role: said.role, conversation, ...(isCut && { cut: true }) } };
}

export function answerMessage(
  { place, lastId, prefill }: { readonly place: Place; readonly lastId: string; readonly prefill: string },
  { said, isCut, responseId }: Answer,
): Record<string, unknown> {
  const whole = { ...said, text: prefill + said.text };
  const id = idAfter(lastId, scopeOf(place), fingerprintOf(whole));
  return wireMessage(whole, id, {
    ...(isCut && { metadata: { cut: true } }),
    ...(responseId !== undefined && { tags: [tagOfResponse(responseId)] }),
  });
}

/** By which a later request finds the answer that it follows. */
export function tagOfResponse(responseId: string): string {
  return `response:${responseId.slice(0, 100)}`;
}

/** Conversations without a session are told apart by how they begin. */
export function conversationOf(place: Place, told: readonly Told[]): string {
  const [first] = told;
  return idAfter('', scopeOf(place), first === undefined ? '' : first.fingerprint);
}

/** What was answered in a conversation, each answer once although both the session and the client tell of it. */
export function answersIn(
  shown: readonly WindowMessage[],
  told: readonly Told[],
  { newFrom, run, shownEnd }: Recognition,
): string[] {
  const shownSaid = (from: number, to?: number) =>
    shown.slice(from, to).flatMap((message) => (message.kind === 'message' ? saidOf(message) : []));
  const toldSaid = (from: number, to?: number) => told.slice(from, to).map((each) => each.said);
  const said = [
    // From before the session's window.
    ...(run > 0 && run === shownEnd ? toldSaid(0, newFrom - run) : []),
    ...shownSaid(0, shownEnd - run),
    // What both have the client tells in full, also where the session shows a card.
    ...toldSaid(newFrom - run, newFrom),
    ...shownSaid(shownEnd),
    ...toldSaid(newFrom),
  ];
  return said
    .filter(({ role, text, toolCalls }) => role === 'assistant' && toolCalls === undefined && text.trim() !== '')
    .map(({ text }) => text);
}

export function scopeOf({ caller, sessionId }: Place): string[] {
  return [caller.namespace, caller.agent, sessionId ?? NO_SESSION];
}

export function sessionKeyOf(place: Place): string {
  return JSON.stringify(scopeOf(place));
}

export function plainText(content: unknown): string {
  if (typeof content === 'string') return content;
  return Array.isArray(content) ? content.flatMap((part) => textOr(objectOf(part)['text'])).join('\n') : '';
}
