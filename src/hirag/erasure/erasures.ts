import { orAbort, throwIfAborted } from '../../base/abort.ts';
import type { Clock } from '../../base/clock.ts';
import type { ContextOutline, Filter } from '../../base/context.ts';
import { CodedError, toCodedError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Metrics } from '../../base/metrics.ts';
import type { Random } from '../../base/random.ts';
import type { CachedEmbeddingProvider } from '../../embedding/cache.ts';
import type { ErasePlace } from '../../store/erasure.ts';
import { checkFilter } from '../../store/filter.ts';
import type { ContextStore } from '../../store/store.ts';
import type { CallOptions } from '../call-options.ts';
import type { Sessions } from '../window/sessions.ts';
import type { Summaries } from '../window/summary/summaries.ts';
import { forgetTasks, type SummaryTask } from '../window/summary/task-store.ts';
import { type Checkpoint, countDocuments, eraseFacts, eraseFactsOf, eraseSessions } from './erase-documents.ts';
import { ErasureNotes, type OpenNote, type SessionName } from './erasure-notes.ts';
import type { AfterErasure, EraseInput, ErasureEstimate, ErasureOutcome } from './types.ts';

export interface ErasuresDeps {
  readonly store: ContextStore;
  readonly embedding: Pick<CachedEmbeddingProvider, 'forget'>;
  readonly sessions: Pick<Sessions, 'refresh'>;
  /** Absent: no model makes any. */
  readonly summaries?: Pick<Summaries, 'forget'> | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
  readonly log: Log;
}

const CONTEXTS_AT_ONCE = 250;
const NOTHING: ErasureOutcome = {
  rows: 0,
  vectors: 0,
  postings: 0,
  supersessions: 0,
  sessions: 0,
  cards: 0,
  facts: 0,
  summaryTasks: 0,
  cacheEntries: 0,
  indexFiles: 0,
  blankedPages: 0,
  files: 'none',
};

/**
 * Deletes contexts with all that was made of them, and the bytes that it took. It is noted before it begins and until it is
 * done: what a failure, a kill or the end of the server cuts off is gone on with. What is stored while it runs may stay.
 */
export class Erasures {
  readonly #deps: ErasuresDeps;
  readonly #notes: ErasureNotes;
  readonly #closing = new AbortController();
  readonly #running = new Set<Promise<unknown>>();

  constructor(deps: ErasuresDeps) {
    this.#deps = deps;
    this.#notes = new ErasureNotes(deps.store, deps.clock, deps.random);
  }

  /** Resolves when it is done. Who stops waiting does not stop it. */
  async erase(
    input: EraseInput,
    { signal }: CallOptions = {},
    after: AfterErasure = nothingMore,
  ): Promise<ErasureOutcome> {
    throwIfAborted(signal);
    if (input.filter !== undefined) checkFilter(input.filter);
    const note = await this.#notes.begin(input);
    return orAbort(this.#track(this.#run(note, after)), signal);
  }

  async estimate({ namespace, agentId }: EraseInput): Promise<ErasureEstimate> {
    const { store } = this.#deps;
    const filter = agentId === undefined ? {} : { filter: ofAgent(agentId) };
    const rows = await store.countMatching({ namespace, ...filter });
    return { rows, ...(await countDocuments(store, namespace, agentId)) };
  }

  /** Goes on with those that were cut off. To be called at the start, and every so often. */
  async resume(signal: AbortSignal, after: AfterErasure = nothingMore): Promise<void> {
    for (const note of await this.#notes.take()) {
      if (signal.aborted || this.#closing.signal.aborted) return this.#notes.leave(note);
      const { rows, facts } = await this.#track(this.#run(note, after));
      this.#deps.log.info({ contexts: rows, facts }, 'an erasure that was cut off is done');
    }
  }

  /** What is under way is left to the next start. */
  async close(): Promise<void> {
    this.#closing.abort(new CodedError('SHUTTING_DOWN', 'the server is shutting down: the next start goes on with it'));
    await Promise.allSettled(this.#running);
  }

  async #track<T>(work: Promise<T>): Promise<T> {
    this.#running.add(work);
    try {
      return await work;
    } finally {
      this.#running.delete(work);
    }
  }

  async #run(begun: OpenNote, after: AfterErasure): Promise<ErasureOutcome> {
    const { metrics, log } = this.#deps;
    try {
      const outcome = await this.#erase(begun, after);
      metrics.count('erasures_total', { outcome: 'done' });
      return outcome;
    } catch (error) {
      this.#notes.leave(begun);
      metrics.count('erasures_total', { outcome: 'cut_off' });
      log.warn({ code: toCodedError(error).code }, 'an erasure was cut off, and is gone on with later');
      throw error;
    }
  }

  async #erase(begun: OpenNote, after: AfterErasure): Promise<ErasureOutcome> {
    const { store } = this.#deps;
    let note = begun;
    const keep = (next: OpenNote | null): void => {
      if (next === null) throw new CodedError('OVERLOADED', 'another server goes on with this erasure');
      note = next;
    };
    const checkpoint: Checkpoint = async () => {
      throwIfAborted(this.#closing.signal);
      keep(await this.#notes.renew(note));
    };
    const noteSessions = async (sessions: readonly SessionName[]): Promise<void> => {
      throwIfAborted(this.#closing.signal);
      keep(sessions.length === 0 ? await this.#notes.renew(note) : await this.#notes.change(note, { sessions }));
    };
    const stored = note.input === null ? {} : await this.#stored(note.input, begun.sessions, checkpoint, noteSessions);
    const failure = note.input === null ? null : await failureOf(orAbort(after(note.input), this.#closing.signal));
    const isLeft = failure !== null && toCodedError(failure).retryable;
    // From here on nothing tells of it but bytes that nobody reads, or a snapshot that is tried again.
    if (!isLeft) keep(await this.#notes.change(note, { input: null, sessions: [] }));
    const scrubbed = await store.scrub(this.#closing.signal);
    if (!isLeft) await this.#notes.end(note);
    if (failure !== null) throw failure;
    return { ...NOTHING, ...stored, ...scrubbed };
  }

  /** What is stored of it, and what is in memory. */
  async #stored(
    input: EraseInput,
    pendingSessions: readonly SessionName[],
    checkpoint: Checkpoint,
    noteSessions: (sessions: readonly SessionName[]) => Promise<void>,
  ): Promise<Omit<ErasureOutcome, 'blankedPages' | 'files'>> {
    const { store, embedding, summaries } = this.#deps;
    const { namespace, agentId } = input;
    const isPart = input.filter !== undefined || input.id !== undefined;
    const isWhole = !isPart && agentId === undefined;
    const reach = { store, namespace, checkpoint };
    let summaryTasks = 0;
    if (!isPart) {
      const isMeant = (task: SummaryTask): boolean =>
        task.namespace === namespace && (agentId === undefined || task.agentId === agentId);
      summaries?.forget(isMeant);
      summaryTasks = await forgetTasks(store, isMeant);
    }
    let cards = await this.#refresh(namespace, pendingSessions);
    let facts = isWhole ? 0 : await eraseFactsOf(reach, input);
    const contexts = await this.#contexts(input, isPart, checkpoint, noteSessions);
    cards += contexts.cards;
    let sessions = 0;
    if (!isPart) {
      const erased = await eraseSessions(reach, agentId);
      sessions = erased.sessions;
      cards += erased.cards;
      facts += await eraseFacts(reach, agentId);
    }
    const cacheEntries = await embedding.forget(namespace, this.#closing.signal);
    const indexFiles = await store.forgetNamespace({ namespace, isWhole });
    return { ...contexts, cards, sessions, facts, summaryTasks, cacheEntries, indexFiles };
  }

  async #contexts(
    { namespace, agentId, filter, id }: EraseInput,
    isPart: boolean,
    checkpoint: Checkpoint,
    noteSessions: (sessions: readonly SessionName[]) => Promise<void>,
  ): Promise<Pick<ErasureOutcome, 'rows' | 'vectors' | 'postings' | 'supersessions' | 'cards'>> {
    const { store } = this.#deps;
    const restriction = filter ?? (agentId === undefined ? undefined : ofAgent(agentId));
    const request = { namespace, limit: CONTEXTS_AT_ONCE, ...(restriction && { filter: restriction }) };
    const counts = { rows: 0, vectors: 0, postings: 0, supersessions: 0, cards: 0 };
    let from: ErasePlace | undefined;
    do {
      await checkpoint();
      let sessions: readonly SessionName[] = [];
      const before = async (found: readonly ContextOutline[]): Promise<void> => {
        sessions = sessionsOf(found);
        await noteSessions(sessions);
      };
      const some = await store.eraseSome(
        { ...request, ...(id !== undefined && { ids: [id] }), ...(from && { from }) },
        isPart ? before : undefined,
      );
      counts.cards += await this.#refresh(namespace, sessions);
      counts.rows += some.rows;
      counts.vectors += some.vectors;
      counts.postings += some.postings;
      counts.supersessions += some.supersessions;
      from = some.next;
    } while (from !== undefined);
    return counts;
  }

  async #refresh(namespace: string, names: readonly SessionName[]): Promise<number> {
    let cards = 0;
    for (const [agentId, sessionId] of names)
      cards += await this.#deps.sessions.refresh({ namespace, agentId, sessionId });
    return cards;
  }
}

function nothingMore(): Promise<void> {
  return Promise.resolve();
}

/** null: it did not fail. */
async function failureOf(work: Promise<unknown>): Promise<Error | null> {
  try {
    await work;
    return null;
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function ofAgent(agentId: string): Filter {
  return { must: [{ key: 'agent_id', match: { value: agentId } }] };
}

function sessionsOf(found: readonly ContextOutline[]): SessionName[] {
  const names = new Map<string, SessionName>();
  for (const { agentId, sessionId } of found)
    if (sessionId !== null) names.set(JSON.stringify([agentId, sessionId]), [agentId, sessionId]);
  return [...names.values()];
}
