// Sessions and their cards as documents. A session is changed from one version to the next, and the cards that such a change
// speaks of are written before it: cards that a kill or a faster server has left alone are in no chain and shown to nobody.

import type { Clock } from '../../base/clock.ts';
import type { ContextOutline } from '../../base/context.ts';
import { CodedError } from '../../base/errors.ts';
import type { Random } from '../../base/random.ts';
import type { ContextStore } from '../../store/store.ts';
import {
  allDocuments,
  DOCUMENT_TERMS_MAX,
  type DocumentChange,
  type DocumentPlace,
  type StoredDocument,
} from '../../store/documents.ts';
import {
  CARD_IDS_KIND,
  CARD_KIND,
  type CardBody,
  isStill,
  newSession,
  SESSION_KIND,
  type SessionBody,
  sessionKey,
  toBody,
} from './session-body.ts';

export interface SessionId {
  readonly namespace: string;
  readonly agentId: string;
  readonly sessionId: string;
}

export interface KnownSession {
  readonly body: SessionBody;
  /** null: it is not stored yet. */
  readonly version: number | null;
}

export type CardPlace = Pick<CardBody, 'number' | 'name'>;

/** What a change makes of a session. */
export interface SessionChange<T> {
  readonly body: SessionBody;
  readonly cards: readonly CardBody[];
  readonly value: T;
}

export interface SessionStoreDeps {
  readonly store: ContextStore;
  readonly clock: Clock;
  readonly random: Random;
}

const ATTEMPTS_MAX = 16;
const RETRY_MS = 100;
const CARDS_AT_ONCE = 50;
const NAME_BYTES = 6;
const VERSIONS_PER_MS = 1024;

export class SessionStore {
  readonly #deps: SessionStoreDeps;

  constructor(deps: SessionStoreDeps) {
    this.#deps = deps;
  }

  async read({ namespace, agentId, sessionId }: SessionId): Promise<KnownSession> {
    const [found] = await this.#deps.store.documents(namespace, SESSION_KIND, [sessionKey(agentId, sessionId)]);
    if (!found) return { body: newSession(agentId, sessionId, this.#deps.clock.nowMs()), version: null };
    return { body: found.body as unknown as SessionBody, version: found.version };
  }

  /**
   * Changes the session as it is at that moment: `change` is asked again where another server was faster. `OVERLOADED` where
   * others always are. `readAhead`: as it was shortly before, which most often is how it still is.
   */
  update<T>(
    id: SessionId,
    change: (known: KnownSession) => Promise<SessionChange<T>>,
    readAhead?: KnownSession,
  ): Promise<T> {
    let ahead = readAhead;
    return this.#untilWritten(async () => {
      const known = ahead ?? (await this.read(id));
      ahead = undefined;
      const changed = await change(known);
      return (await this.#write(id, known, changed)) ? { value: changed.value } : null;
    });
  }

  /** Where there is such a session, and `change` makes something of it. */
  change(id: SessionId, change: (body: SessionBody) => SessionBody | null): Promise<void> {
    return this.#untilWritten(async () => {
      const known = await this.read(id);
      const body = known.version === null ? null : change(known.body);
      const isDone = body === null || (await this.#write(id, known, { body, cards: [], value: null }));
      return isDone ? { value: undefined } : null;
    });
  }

  /** The card as it is at that moment; false: it is not there, `change` makes nothing of it, or somebody else was faster. */
  async changeCard(
    { namespace, agentId, sessionId }: SessionId,
    name: string,
    change: (card: CardBody) => CardBody | null,
  ): Promise<boolean> {
    const [found] = await this.#deps.store.documents(namespace, CARD_KIND, [cardKey(agentId, sessionId, name)]);
    const changed = found ? change(found.body as unknown as CardBody) : null;
    if (!found || changed === null) return false;
    const document = { ...found, version: found.version + 1, body: toBody(changed) };
    const [result] = await this.#deps.store.writeDocuments([{ op: 'put', document, ifVersion: found.version }]);
    return result?.op === 'put' && result.written;
  }

  /** The session alone; its cards before. */
  async remove({ namespace, agentId, sessionId }: SessionId): Promise<void> {
    const owner = sessionKey(agentId, sessionId);
    for (const ofCards of [CARD_IDS_KIND, CARD_KIND])
      for await (const page of this.#pages({
        namespace,
        kind: ofCards,
        owner,
        descending: false,
        limit: CARDS_AT_ONCE,
      }))
        await this.#deps.store.writeDocuments(page.map(({ kind, key }) => ({ op: 'delete', namespace, kind, key })));
    await this.#deps.store.writeDocuments([{ op: 'delete', namespace, kind: SESSION_KIND, key: owner }]);
  }

  /** The cards that belong to the session, the newest first, from one of them on. */
  async *cards(
    { namespace, agentId, sessionId }: SessionId,
    { lastCard }: Pick<SessionBody, 'lastCard'>,
    from?: CardPlace,
  ): AsyncGenerator<CardBody> {
    let expected = from?.name ?? lastCard;
    if (expected === null) return;
    const owner = sessionKey(agentId, sessionId);
    const scan = { namespace, kind: CARD_KIND, owner, descending: true, limit: CARDS_AT_ONCE };
    for await (const page of this.#pages({ ...scan, ...(from && { from: from.number }) })) {
      for (const { body } of page) {
        const card = body as unknown as CardBody;
        if (card.name !== expected) continue;
        yield card;
        expected = card.previous;
        if (expected === null) return;
      }
    }
  }

  /**
   * The card of the session that stands for this message, wherever it is in the conversation; null: none. Undefined where a kill
   * has left cards that make it unclear.
   */
  async cardWith(id: SessionId, body: SessionBody, stored: ContextOutline): Promise<CardBody | null | undefined> {
    const { namespace, agentId, sessionId } = id;
    const { store } = this.#deps;
    const reach = { namespace, owner: sessionKey(agentId, sessionId), descending: false };
    const found = await store.scanDocuments({ ...reach, kind: CARD_IDS_KIND, term: stored.id, limit: CARDS_AT_ONCE });
    for (const { body: place } of found.documents) {
      const { number, name } = place as unknown as CardPlace;
      // One that is in no chain, as the session has never come so far.
      if (number >= body.cards) continue;
      const { documents } = await store.scanDocuments({ ...reach, kind: CARD_KIND, from: number, limit: 2 });
      if (documents[1]?.order === number) return undefined;
      const card = documents[0]?.body as unknown as CardBody | undefined;
      const isIn = card?.messages.some((message) => message.id === stored.id && isStill(message, stored)) === true;
      if (card?.name === name && isIn) return card;
    }
    return null;
  }

  /** All that there are, in chains or not, some at a time. */
  async *everyCard({ namespace, agentId, sessionId }: SessionId): AsyncGenerator<readonly CardBody[]> {
    const reach = { namespace, kind: CARD_KIND, owner: sessionKey(agentId, sessionId), descending: false };
    for await (const page of this.#pages({ ...reach, limit: CARDS_AT_ONCE }))
      yield page.map(({ body }) => body as unknown as CardBody);
  }

  async card({ namespace, agentId, sessionId }: SessionId, name: string): Promise<CardBody | null> {
    const [found] = await this.#deps.store.documents(namespace, CARD_KIND, [cardKey(agentId, sessionId, name)]);
    return found ? (found.body as unknown as CardBody) : null;
  }

  /** Sessions of one agent or of all, last used first. */
  async list(namespace: string, owner: string | undefined, limit: number, after: DocumentPlace | undefined) {
    const reach = { namespace, kind: SESSION_KIND, descending: true, limit, ...(owner !== undefined && { owner }) };
    const page = await this.#deps.store.scanDocuments({ ...reach, ...(after && { after }) });
    return { sessions: page.documents.map(({ body }) => body as unknown as SessionBody), next: page.next };
  }

  /** Throws `BAD_REQUEST` where it is no cursor of this namespace. */
  place(namespace: string, cursor: string): DocumentPlace {
    return this.#deps.store.cursorPlace(namespace, cursor).place;
  }

  cursor(namespace: string, place: DocumentPlace): string {
    return this.#deps.store.placeCursor(namespace, place);
  }

  newCardName(number: number): string {
    return `${number}-${Buffer.from(this.#deps.random.bytes(NAME_BYTES)).toString('hex')}`;
  }

  async #untilWritten<T>(attempt: () => Promise<{ readonly value: T } | null>): Promise<T> {
    for (let attempts = 0; attempts < ATTEMPTS_MAX; attempts++) {
      const written = await attempt();
      if (written !== null) return written.value;
      await new Promise<void>((resolve) => this.#deps.clock.after(this.#pauseMs(attempts), resolve));
    }
    throw new CodedError('OVERLOADED', 'others keep changing this session', { retryAfterMs: RETRY_MS });
  }

  async #write(id: SessionId, { version }: KnownSession, { body, cards }: SessionChange<unknown>): Promise<boolean> {
    const puts = cards
      .flatMap((card) => [cardDocument(id, card), ...idsDocuments(id, card)])
      .map((document): DocumentChange => ({ op: 'put', document, ifVersion: null }));
    const session = this.#sessionDocument(id, body, version);
    const put: DocumentChange = { op: 'put', document: session, ifVersion: version };
    const results = await this.#deps.store.writeDocuments([...puts, put]);
    const last = results.at(-1);
    if (last?.op === 'put' && last.written) return true;
    await this.#deps.store.writeDocuments(
      puts.flatMap((change): DocumentChange[] => {
        if (change.op !== 'put') return [];
        const { namespace, kind, key } = change.document;
        return [{ op: 'delete', namespace, kind, key }];
      }),
    );
    return false;
  }

  #sessionDocument({ namespace, agentId, sessionId }: SessionId, body: SessionBody, version: number | null) {
    const document: StoredDocument = {
      namespace,
      kind: SESSION_KIND,
      key: sessionKey(agentId, sessionId),
      owner: agentId,
      order: body.usedAtMs,
      version: version === null ? this.#firstVersion() : version + 1,
      body: toBody(body),
    };
    return document;
  }

  /**
   * None that a session of this name has had before it was forgotten: who read that one, and is late, changes nothing of the new
   * one. A session has fewer versions than `VERSIONS_PER_MS` a millisecond.
   */
  #firstVersion(): number {
    const [high = 0, low = 0] = this.#deps.random.bytes(2);
    return this.#deps.clock.nowMs() * VERSIONS_PER_MS + ((high * 256 + low) % VERSIONS_PER_MS);
  }

  /** Longer from time to time, and not the same for two servers. */
  #pauseMs(attempt: number): number {
    const [jitter = 0] = this.#deps.random.bytes(1);
    return Math.min(50, 2 ** attempt) * (0.5 + jitter / 255);
  }

  #pages(scan: Parameters<ContextStore['scanDocuments']>[0]) {
    return allDocuments((request) => this.#deps.store.scanDocuments(request), scan);
  }
}

function cardDocument({ namespace, agentId, sessionId }: SessionId, card: CardBody): StoredDocument {
  return {
    namespace,
    kind: CARD_KIND,
    key: cardKey(agentId, sessionId, card.name),
    owner: sessionKey(agentId, sessionId),
    order: card.number,
    version: 1,
    body: toBody(card),
  };
}

/** As many as it takes for all of its messages. */
function idsDocuments({ namespace, agentId, sessionId }: SessionId, card: CardBody): StoredDocument[] {
  const owner = sessionKey(agentId, sessionId);
  const { number, name, messages } = card;
  const documents: StoredDocument[] = [];
  for (let from = 0; from < messages.length; from += DOCUMENT_TERMS_MAX) {
    documents.push({
      namespace,
      kind: CARD_IDS_KIND,
      key: JSON.stringify([agentId, sessionId, name, from]),
      owner,
      order: number,
      version: 1,
      terms: messages.slice(from, from + DOCUMENT_TERMS_MAX).map(({ id }) => id),
      body: { number, name },
    });
  }
  return documents;
}

function cardKey(agentId: string, sessionId: string, name: string): string {
  return JSON.stringify([agentId, sessionId, name]);
}
