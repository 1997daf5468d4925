import { throwIfAborted } from '../../base/abort.ts';
import type { Clock } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import type { ContextStore } from '../../store/store.ts';
import type { CallOptions } from '../types.ts';
import { inPlaceCardId } from '../../base/card-ids.ts';
import type { CardKeeper } from './card-keeper.ts';
import { endOfPart } from './card-maker.ts';
import { parseCardPlace, parsePlace, tellPlace } from './cursors.ts';
import { messageOf, tokensOf } from './message.ts';
import { type CardBody, type CardedMessage, isStill, type SessionBody } from './session-body.ts';
import type { SessionId, SessionStore } from './session-store.ts';
import type { ExpandRequest, ListRequest, OriginalMessage, Page, SessionDetails, SessionView } from './types.ts';
import { cardView } from './window-limits.ts';

export interface SessionReadsDeps {
  readonly store: ContextStore;
  readonly clock: Clock;
  readonly sessions: SessionStore;
  readonly keeper: CardKeeper;
  readonly view: (where: Pick<SessionId, 'namespace'>, body: SessionBody) => SessionView;
}

const LIST_LIMIT = 100;
const CARDS_OF_A_PAGE = 100;
/** About what the messages of a page weigh. */
const EXPANDED_BYTES_MAX = 1024 * 1024;

/** What is told of sessions, page by page. */
export class SessionReads {
  readonly #deps: SessionReadsDeps;

  constructor(deps: SessionReadsDeps) {
    this.#deps = deps;
  }

  async get(id: SessionId, { cursor }: Page, { signal }: CallOptions = {}): Promise<SessionDetails> {
    const { sessions, keeper, view } = this.#deps;
    const { body: stored, version } = await sessions.read(id);
    if (version === null) throw new CodedError('NOT_FOUND', 'no such session');
    const from = cursor === undefined ? undefined : parseCardPlace(cursor);
    const page: CardBody[] = [];
    let next: string | undefined;
    for await (const card of sessions.cards(id, stored, from)) {
      // Who stops waiting for a late page has no more read.
      throwIfAborted(signal);
      if (page.length === CARDS_OF_A_PAGE) {
        next = card.name;
        break;
      }
      if (card.messages.length > 0) page.push(card);
    }
    const cards = await keeper.current(id, page);
    const body = await keeper.currentLive(id, stored);
    return {
      ...view(id, body),
      live: body.live,
      cards: cards.map(cardView),
      ...(next !== undefined && { cursor: next }),
    };
  }

  async list(
    request: ListRequest,
    { signal }: CallOptions = {},
  ): Promise<{ readonly sessions: readonly SessionView[]; readonly cursor?: string }> {
    throwIfAborted(signal);
    const { sessions: store, view } = this.#deps;
    const { namespace, agentId, limit = LIST_LIMIT, cursor } = request;
    const after = cursor === undefined ? undefined : store.place(namespace, cursor);
    const { sessions, next } = await store.list(namespace, agentId, limit, after);
    const views = sessions.map((body) => view({ namespace }, body));
    if (next === undefined) return { sessions: views };
    return { sessions: views, cursor: store.cursor(namespace, next) };
  }

  /** What was deleted since, or has come again as another message, is passed over. */
  async expand(
    request: ExpandRequest,
    { signal }: CallOptions = {},
  ): Promise<{ readonly messages: readonly OriginalMessage[]; readonly cursor?: string }> {
    const carded = await this.#messagesOf(request, request.cardId);
    throwIfAborted(signal);
    const from = request.cursor === undefined ? 0 : parsePlace(request.cursor);
    const asked = carded.slice(from, endOfPart(carded, from));
    const ids = asked.map(({ id }) => id);
    const { store, clock } = this.#deps;
    const records = await store.fetch(request.namespace, ids, clock.nowMs());
    const messages: OriginalMessage[] = [];
    let bytes = 0;
    let place = 0;
    for (const message of asked) {
      const record = records[place] ?? null;
      if (record !== null && isStill(message, record)) {
        bytes += 3 * record.text.length + JSON.stringify(record.metadata).length;
        if (messages.length > 0 && bytes > EXPANDED_BYTES_MAX) break;
        const said = messageOf(record) ?? { role: 'user' as const, content: record.text };
        messages.push({ ...said, record, tokens: tokensOf(record) });
      }
      place++;
    }
    return from + place < carded.length ? { messages, cursor: tellPlace(from + place) } : { messages };
  }

  async #messagesOf(id: SessionId, cardId: string): Promise<readonly CardedMessage[]> {
    const { sessions } = this.#deps;
    const { body } = await sessions.read(id);
    const inPlace = body.live.find(({ messages, card }) => card && inPlaceCardId(messages[0]?.id ?? '') === cardId);
    if (inPlace !== undefined) return inPlace.messages;
    const card = await sessions.card(id, cardId);
    if (card === null || card.number >= body.cards) throw new CodedError('NOT_FOUND', 'no such card');
    return card.messages;
  }
}
