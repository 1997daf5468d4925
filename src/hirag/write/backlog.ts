import { CodedError } from '../../base/errors.ts';
import type { ContextRecord } from '../../base/context.ts';
import type { Log } from '../../base/log.ts';
import type { Metrics } from '../../base/metrics.ts';
import type { PassageEmbedder } from '../../embedding/passage-embedder.ts';
import type { ContextStore, PendingRequest, TextVectors, Unembedded, WriteOp } from '../../store/store.ts';
import type { BacklogCounts } from '../types.ts';
import { withoutVector } from './text-vectors.ts';

export interface BacklogDeps {
  readonly store: ContextStore;
  readonly embedder: PassageEmbedder;
  readonly dimension: number;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** Texts of one call of the model at most, and what they may weigh together. */
const TEXTS_MAX = 32;
const BYTES_MAX = 1024 * 1024;
/** What a model says of a text itself. */
const REFUSALS: ReadonlySet<string> = new Set(['BAD_REQUEST', 'PAYLOAD_TOO_LARGE']);
/** Runs left out at most while the service answers and has no vector for what is left. */
const RESTS_MAX = 60;

/**
 * Makes the vectors of contexts that were stored without. What is to be done stands in the store alone: nothing is lost by a
 * kill, and of two servers over one store, which may do the same at once, the later one changes nothing. A text that was
 * changed meanwhile has a vector of its own or waits for it: none gets that of another.
 */
export class Backlog {
  readonly #deps: BacklogDeps;
  #counts: BacklogCounts = { pending: 0, refused: 0 };
  /** Texts of the next call: fewer after each that failed, so that one text that the model fails at stands alone in the end. */
  #texts = TEXTS_MAX;
  /** Behind what failed last, so that the others have their turn before it is tried again. */
  #after: PendingRequest['after'];
  /** Runs to be left out, and how many the next time: twice as many after each run that brought nothing. */
  #rests = 0;
  #restsNext = 1;

  constructor(deps: BacklogDeps) {
    this.#deps = deps;
    for (const state of ['pending', 'refused'] as const)
      deps.metrics.gauge('embedding_backlog', () => this.#counts[state], { state });
  }

  /** As of the last run. */
  get counts(): BacklogCounts {
    return this.#counts;
  }

  /** Until nothing waits any more, the model fails, or `signal` aborts, which is looked at between two batches. */
  async run(signal: AbortSignal): Promise<BacklogCounts> {
    const { pending: left } = this.#counts;
    await this.#count();
    // What came since the last run has not been tried.
    const isResting = this.#counts.pending <= left && this.#rests > 0 && this.#rests-- > 0;
    if (this.#counts.pending === 0 || isResting) return this.#counts;
    try {
      const hasBrought = await this.#pass(signal);
      this.#rests = hasBrought ? 0 : this.#restsNext;
      this.#restsNext = hasBrought ? 1 : Math.min(RESTS_MAX, this.#restsNext * 2);
    } finally {
      await this.#count();
    }
    return this.#counts;
  }

  /** Whether it made vectors, or found that there are none. */
  async #pass(signal: AbortSignal): Promise<boolean> {
    let embedded = 0;
    let refused = 0;
    // Each text is looked at once, wherever the last run has ended.
    let isSecondRound = this.#after === undefined;
    try {
      while (!signal.aborted) {
        const { records, next } = await this.#deps.store.pending({
          limit: this.#texts,
          bytesMax: BYTES_MAX,
          ...(this.#after && { after: this.#after }),
        });
        // Wherever the next run goes on: behind these, should they fail.
        this.#after = next;
        const outcome = await this.#embed(records, signal);
        embedded += outcome.embedded;
        refused += outcome.refused;
        this.#texts = Math.min(TEXTS_MAX, this.#texts * 2);
        if (next !== undefined) continue;
        if (isSecondRound) break;
        isSecondRound = true;
      }
      return embedded + refused > 0;
    } catch (error) {
      this.#texts = Math.max(1, this.#texts >> 1);
      throw error;
    } finally {
      if (embedded + refused > 0)
        this.#deps.log.info({ embedded, refused }, 'contexts got the vectors that they lacked');
    }
  }

  async #embed(records: readonly ContextRecord[], signal: AbortSignal): Promise<{ embedded: number; refused: number }> {
    if (records.length === 0) return { embedded: 0, refused: 0 };
    const { embedder, store, dimension, metrics, log } = this.#deps;
    const made = await embedder.texts(records, signal);
    const ops: WriteOp[] = [];
    let refused = 0;
    records.forEach(({ namespace, id, text }, i) => {
      const vectors = made[i] as TextVectors | CodedError;
      const isRefused = vectors instanceof CodedError;
      // What is wrong with the service or with a setting is not the text's fault: it waits.
      if (isRefused && !REFUSALS.has(vectors.code)) return;
      if (isRefused) {
        refused++;
        log.warn({ code: vectors.code }, 'the model has no vector for a context: words alone will find it');
      }
      const patch = { vectors: isRefused ? withoutVector(dimension, 'refused') : vectors };
      ops.push({ op: 'update', namespace, id, patch, onlyIf: { text, unembedded: 'pending' } });
    });
    if (ops.length > 0) await store.write(ops);
    const embedded = ops.length - refused;
    for (const [outcome, count] of Object.entries({ embedded, refused }))
      if (count > 0) metrics.count('embedding_backlog_total', { outcome }, count);
    return { embedded, refused };
  }

  async #count(): Promise<void> {
    this.#counts = (await this.#deps.store.unembedded()) satisfies Readonly<Record<Unembedded, number>>;
  }
}
