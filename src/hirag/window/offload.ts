// Lets the oldest exchanges leave a session: what they were becomes cards.

import type { ContextRecord } from '../../base/context.ts';
import type { CardMaker } from './card-maker.ts';
import { planOffload, type WindowLimits } from './offload-plan.ts';
import type { SessionId } from './session-store.ts';
import { type SummaryTask, taskOf } from './summary/task-store.ts';
import {
  type CardBody,
  type CardedMessage,
  type LiveItem,
  type LiveMessage,
  liveTokens,
  messagesOf,
  type SessionBody,
} from './session-body.ts';

export interface OffloadDeps {
  readonly maker: Pick<CardMaker, 'make'>;
  readonly newCardName: (number: number) => string;
}

export interface Offloaded {
  readonly body: SessionBody;
  readonly cards: readonly CardBody[];
  /** Ids of the messages that left. */
  readonly left: readonly string[];
}

type Records = ReadonlyMap<string, ContextRecord>;

/** By the plan; the pressure that stays is noted where it is not yet enough. `known`: records that need not be read again. */
export async function offload(
  namespace: string,
  body: SessionBody,
  limits: WindowLimits,
  known: Records,
  deps: OffloadDeps,
): Promise<Offloaded> {
  const { leaving, staying, carded } = planOffload(body.live, limits);
  const { body: archived, cards, left } = await archive(namespace, body, leaving, known, deps);
  const live: LiveItem[] = [];
  let place = 0;
  for (const { from, count } of carded) {
    live.push(...staying.slice(place, from));
    place = from + count;
    const messages = messagesOf(staying.slice(from, place));
    const made = await deps.maker.make(namespace, messages, known);
    if (made !== null) live.push({ messages: onlyThose(messages, made.messages), card: made.text });
  }
  live.push(...staying.slice(place));
  const pressure = liveTokens(live) / limits.maxTokens;
  return { body: { ...archived, live, triedPressure: pressure < limits.rearmAt ? null : pressure }, cards, left };
}

/** A card for each of the groups, which are live no more. Of what was deleted there is nothing to tell. */
export async function archive(
  namespace: string,
  body: SessionBody,
  groups: readonly (readonly LiveItem[])[],
  known: Records,
  { maker, newCardName }: OffloadDeps,
): Promise<Offloaded> {
  const cards: CardBody[] = [];
  const left: string[] = [];
  let { lastCard } = body;
  for (const group of groups) {
    const made = await maker.make(namespace, messagesOf(group), known);
    if (made === null) continue;
    const { text, messages, firstAtMs, lastAtMs } = made;
    const number = body.cards + cards.length;
    const name = newCardName(number);
    const carded = messages.map(({ id, tokens, recordedAtMs }) => ({ id, tokens, recordedAtMs }));
    cards.push({ ...text, number, name, previous: lastCard, messages: carded, firstAtMs, lastAtMs });
    left.push(...messages.map(({ id }) => id));
    lastCard = name;
  }
  return {
    body: {
      ...body,
      live: body.live.slice(groups.reduce((sum, group) => sum + group.length, 0)),
      cards: body.cards + cards.length,
      lastCard,
      archivedMessages: body.archivedMessages + left.length,
    },
    cards,
    left,
  };
}

/** As they are listed. */
export function onlyThose(messages: readonly LiveMessage[], there: readonly CardedMessage[]): LiveMessage[] {
  const ids = new Set(there.map(({ id }) => id));
  return messages.filter(({ id }) => ids.has(id));
}

/** Those that an offload has made, where a model is to make them anew. */
export function newCards(id: SessionId, before: SessionBody, { body, cards }: Offloaded): SummaryTask[] {
  const task = (card: string, isInPlace: boolean): SummaryTask => taskOf(id, card, isInPlace);
  const known = new Set(before.live.flatMap(({ card, messages }) => (card === undefined ? [] : [messages[0]?.id])));
  const inPlace = body.live.flatMap(({ card, messages: [first] }) =>
    card === undefined || first === undefined || known.has(first.id) ? [] : [task(first.id, true)],
  );
  return [...cards.map(({ name }) => task(name, false)), ...inPlace];
}
