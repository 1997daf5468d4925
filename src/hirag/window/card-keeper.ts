import type { Clock } from '../../base/clock.ts';
import type { ContextOutline } from '../../base/context.ts';
import type { ContextStore } from '../../store/store.ts';
import type { CardMaker, MadeCard } from './card-maker.ts';
import { onlyThose } from './offload.ts';
import {
  type CardBody,
  type CardedMessage,
  type CardText,
  isStill,
  type LiveItem,
  type SessionBody,
} from './session-body.ts';
import type { SessionId, SessionStore } from './session-store.ts';
import { type SummaryTask, taskOf } from './summary/task-store.ts';

export interface CardKeeperDeps {
  readonly store: ContextStore;
  readonly clock: Clock;
  readonly sessions: SessionStore;
  readonly maker: CardMaker;
  /** Told of cards that were made anew. */
  readonly onMade: (tasks: readonly SummaryTask[]) => void;
}

const LOOKED_AT_ONCE = 500;

/**
 * Cards as they may be told: of what is stored as it was when they were made. A card of which a message was deleted since, or
 * changed, is made anew of what is there before anybody sees it. Nobody needs to tell it of a deletion, whichever server did it.
 */
export class CardKeeper {
  readonly #deps: CardKeeperDeps;

  constructor(deps: CardKeeperDeps) {
    this.#deps = deps;
  }

  /** In their order; those of which nothing is there any more are left out. */
  async current(id: SessionId, cards: readonly CardBody[]): Promise<CardBody[]> {
    const outlines = await this.#outlines(
      id,
      cards.flatMap(({ messages }) => messages),
    );
    const told: CardBody[] = [];
    for (const card of cards) {
      const current = isCurrent(card.messages, card, outlines) ? card : await this.#madeAnew(id, card);
      if (current.messages.length > 0) told.push(current);
    }
    return told;
  }

  /** The same of cards that stand in the places of messages. */
  async currentLive(id: SessionId, body: SessionBody): Promise<SessionBody> {
    const inPlace = body.live.flatMap(({ messages, card }) => (card === undefined ? [] : messages));
    if (inPlace.length === 0) return body;
    const outlines = await this.#outlines(id, inPlace);
    const outdated = body.live.filter(
      ({ messages, card }) => card !== undefined && !isCurrent(messages, card, outlines),
    );
    if (outdated.length === 0) return body;
    const made = new Map<string, LiveItem | null>();
    for (const { messages } of outdated) {
      const anew = await this.#deps.maker.make(id.namespace, messages);
      made.set(messages[0]?.id ?? '', anew && { messages: onlyThose(messages, anew.messages), card: anew.text });
    }
    const replaced = (live: readonly LiveItem[]): LiveItem[] =>
      live.flatMap((item) => {
        const anew = item.card === undefined ? undefined : made.get(item.messages[0]?.id ?? '');
        return anew === undefined ? [item] : (anew ?? []);
      });
    await this.#deps.sessions.change(id, (now) => ({ ...now, live: replaced(now.live) }));
    const cards = [...made.values()].flatMap((item) => item?.messages[0]?.id ?? []);
    this.#deps.onMade(cards.map((card) => taskOf(id, card, true)));
    return { ...body, live: replaced(body.live) };
  }

  async #madeAnew(id: SessionId, card: CardBody): Promise<CardBody> {
    const made = await this.#deps.maker.make(id.namespace, card.messages);
    const anew = remade(card, made);
    const { sessions, onMade } = this.#deps;
    const isWritten = await sessions.changeCard(id, card.name, (now) =>
      now.versions === card.versions && now.messages.length === card.messages.length ? anew : null,
    );
    if (isWritten && made === null) await sessions.change(id, (body) => withEmptyCard(body, card));
    if (isWritten && made !== null) onMade([taskOf(id, card.name, false)]);
    return anew;
  }

  async #outlines(
    { namespace }: SessionId,
    messages: readonly CardedMessage[],
  ): Promise<ReadonlyMap<string, ContextOutline>> {
    const { store, clock } = this.#deps;
    const outlines = new Map<string, ContextOutline>();
    for (let from = 0; from < messages.length; from += LOOKED_AT_ONCE) {
      const ids = messages.slice(from, from + LOOKED_AT_ONCE).map((message) => message.id);
      for (const found of await store.outlines(namespace, ids, clock.nowMs()))
        if (found !== null) outlines.set(found.id, found);
    }
    return outlines;
  }
}

function isCurrent(
  messages: readonly CardedMessage[],
  { versions }: CardText,
  outlines: ReadonlyMap<string, ContextOutline>,
): boolean {
  let sum = 0;
  for (const message of messages) {
    const outline = outlines.get(message.id);
    if (!isStill(message, outline)) return false;
    sum += outline.version;
  }
  return sum === versions;
}

/** `made` null: nothing is left of it but its place. */
function remade({ number, name, previous, firstAtMs, lastAtMs }: CardBody, made: MadeCard | null): CardBody {
  const place = { number, name, previous };
  if (made === null) return { ...place, summary: '', tokens: 0, versions: 0, messages: [], firstAtMs, lastAtMs };
  return { ...place, ...made.text, messages: made.messages, firstAtMs: made.firstAtMs, lastAtMs: made.lastAtMs };
}

/** Those before a reset are counted no more. */
function withEmptyCard(body: SessionBody, { number }: CardBody): SessionBody | null {
  if (number < body.hiddenCards || number >= body.cards) return null;
  return { ...body, emptyCards: body.emptyCards + 1 };
}
