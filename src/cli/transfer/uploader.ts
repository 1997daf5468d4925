import type { Clock } from '../../base/clock.ts';
import { ERROR_TABLE, type ErrorCode } from '../../base/error-table.ts';
import { BATCH_DEPTH_MAX, BATCH_VALUES_MAX, weigh } from '../../protocol/body-weight.ts';
import type { ContextStoreBatchReply, ContextStoreReply, NewContext } from '../../protocol/messages.generated.ts';

export interface PlacedContext {
  /** Where it stands in the input, for people. */
  readonly place: string;
  readonly context: NewContext;
  /** When its lifetime ends, by the server's clock; what remains of it is told when the context leaves. */
  readonly expiresAtMs?: number;
}

export interface Counts {
  stored: number;
  alreadyThere: number;
  /** Left out, as their lifetime was over. */
  expired: number;
  failed: number;
}

export interface UploadOptions {
  readonly storeBatch: (request: { contexts: NewContext[] }) => Promise<ContextStoreBatchReply>;
  readonly store: (context: NewContext) => Promise<ContextStoreReply>;
  /** The namespace holds a context of this id; what a context supersedes must be there. */
  readonly isThere: (namespace: string | undefined, id: string) => Promise<boolean>;
  readonly clock: Clock;
  /** The server's time. */
  readonly serverNowMs: () => number;
  /** A context that the server refused. */
  readonly onRefused: (place: string, code: string, message: string) => void;
  /** After every batch that was answered. */
  readonly onProgress: (counts: Readonly<Counts>) => void;
}

const BATCH_CONTEXTS = 100;
/** Well under a frame. */
const BATCH_BYTES_MAX = 1_000_000;
/** Batches that wait for their answer; past it reading the input stops. */
const BATCHES_IN_FLIGHT = 4;
/** Contexts that wait for the end of the input; one more is refused as the server refused it. */
const EARLY_MAX = 10_000;
const ATTEMPTS = 6;
const FIRST_PAUSE_MS = 200;
/** With these the server or the client refuses a whole batch for what one context in it may be to blame for. */
const BLAMED_ON_ONE = new Set(['BAD_REQUEST', 'PAYLOAD_TOO_LARGE', 'CONFLICT', 'INTERNAL']);

type Result = ContextStoreBatchReply['results'][number];

interface UnderWay {
  readonly done: Promise<void>;
  readonly createdAtMs: ReadonlySet<number | undefined>;
}

/**
 * Sends contexts in batches, several under way at a time. Where the order of arrival counts, batches go one after the
 * other: bounded levels remember by it, and lists go by it where the time of creation is the same.
 */
export class Uploader {
  readonly counts: Counts = { stored: 0, alreadyThere: 0, expired: 0, failed: 0 };
  readonly #options: UploadOptions;
  readonly #underWay = new Set<UnderWay>();
  #batch: PlacedContext[] = [];
  #bytes = 0;
  #values = 0;
  /** What they supersede was not there when they were sent: it may have come since. */
  #early: PlacedContext[] = [];
  #isEnding = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: UploadOptions) {
    this.#options = options;
  }

  /** Resolves when the next one may come. Rejects with what made an earlier batch fail. */
  async add(item: PlacedContext): Promise<void> {
    const { bytes, values, depth } = weigh(item.context);
    const isFull = this.#bytes + bytes > BATCH_BYTES_MAX || this.#values + values + 1 > BATCH_VALUES_MAX;
    const isAlone = depth > BATCH_DEPTH_MAX;
    if (this.#batch.length > 0 && (isFull || isAlone)) await this.#send();
    this.#batch.push(item);
    this.#bytes += bytes;
    this.#values += values + 1;
    if (isAlone || this.#batch.length >= BATCH_CONTEXTS) await this.#send();
  }

  /** Sends what is left and waits for every answer. */
  async finish(): Promise<void> {
    if (this.#batch.length > 0 && this.#failure === undefined) await this.#send();
    await Promise.all([...this.#underWay].map(({ done }) => done));
    this.#throwFailure();
    this.#isEnding = true;
    // Of several that supersede each other, the superseded ones come first.
    for (let early = this.#early; early.length > 0; ) {
      const waited = new Set(early.map(({ context }) => context.id));
      const ready = early.filter(({ context }) => context.supersedes?.every((id) => !waited.has(id)) === true);
      const next = ready.length > 0 ? ready : early;
      for (const item of next) await this.#store([await this.#withoutGone(item)]);
      early = early.filter((item) => !next.includes(item));
    }
  }

  /** What was deleted where the line was written supersedes nothing here. */
  async #withoutGone(item: PlacedContext): Promise<PlacedContext> {
    const { supersedes = [], ...context } = item.context;
    const kept: string[] = [];
    for (const id of supersedes) if (await this.#options.isThere(context.namespace, id)) kept.push(id);
    return { ...item, context: kept.length === 0 ? context : { ...context, supersedes: kept } };
  }

  async #send(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    this.#bytes = 0;
    this.#values = 0;
    while (this.#mustWait(batch)) await Promise.race([...this.#underWay].map(({ done }) => done));
    this.#throwFailure();
    const sending: UnderWay = {
      createdAtMs: new Set(batch.map(({ context }) => context.created_at)),
      done: this.#store(batch)
        .catch((error: unknown) => {
          this.#failure ??= { error };
        })
        .finally(() => this.#underWay.delete(sending)),
    };
    this.#underWay.add(sending);
  }

  #mustWait(batch: readonly PlacedContext[]): boolean {
    if (this.#underWay.size === 0) return false;
    if (this.#underWay.size >= BATCHES_IN_FLIGHT) return true;
    return batch.some(
      ({ context }) =>
        context.level !== 'long_term' || (context.created_at !== undefined && this.#isUnderWay(context.created_at)),
    );
  }

  #isUnderWay(createdAtMs: number): boolean {
    return [...this.#underWay].some((other) => other.createdAtMs.has(createdAtMs));
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Contexts refused for a passing reason are sent again, with growing pauses. */
  async #store(batch: readonly PlacedContext[]): Promise<void> {
    let waiting = batch;
    for (let attempt = 1; waiting.length > 0; attempt++) {
      const alive = this.#withTime(waiting);
      const results = await this.#resultsOf(alive.map(({ context }) => context));
      waiting = alive.filter((item, place) => this.#note(item, results[place], attempt < ATTEMPTS));
      this.#options.onProgress(this.counts);
      if (waiting.length > 0) await this.#pause(FIRST_PAUSE_MS * 2 ** (attempt - 1));
    }
  }

  /** Those whose lifetime is not over, each with what remains of it. */
  #withTime(items: readonly PlacedContext[]): PlacedContext[] {
    const alive: PlacedContext[] = [];
    for (const item of items) {
      const { context, expiresAtMs } = item;
      const ttlMs = expiresAtMs === undefined ? undefined : expiresAtMs - this.#options.serverNowMs();
      if (ttlMs === undefined) alive.push(item);
      else if (ttlMs >= 1) alive.push({ ...item, context: { ...context, ttl_ms: ttlMs } });
      else this.counts.expired += 1;
    }
    return alive;
  }

  /**
   * One result for each context. Where the whole is refused it goes again in halves, so that what is wrong with one of
   * them takes no other with it.
   */
  async #resultsOf(contexts: NewContext[]): Promise<readonly Result[]> {
    const [first, ...more] = contexts;
    if (first === undefined) return [];
    try {
      if (more.length === 0 && isTooDeepForBatch(first)) return [await this.#options.store(first)];
      return (await this.#options.storeBatch({ contexts })).results;
    } catch (error) {
      if (!isBlamedOnOne(error)) throw error;
      if (more.length === 0) return [{ error: { code: error.code, message: error.message } }];
      const middle = Math.ceil(contexts.length / 2);
      return [
        ...(await this.#resultsOf(contexts.slice(0, middle))),
        ...(await this.#resultsOf(contexts.slice(middle))),
      ];
    }
  }

  get #mayWait(): boolean {
    return !this.#isEnding && this.#early.length < EARLY_MAX;
  }

  /** True where the context is to be sent again. */
  #note(item: PlacedContext, result: Result | undefined, mayRetry: boolean): boolean {
    if (result !== undefined && !('error' in result)) {
      if (result.created) this.counts.stored += 1;
      else this.counts.alreadyThere += 1;
      return false;
    }
    const { code, message } = result?.error ?? { code: 'INTERNAL', message: 'the server did not answer for it' };
    if (mayRetry && code in ERROR_TABLE && ERROR_TABLE[code as ErrorCode].retryable) return true;
    // `CONFLICT`: it may be there from an earlier run, without what had been deleted before.
    const isOfOthers = code === 'NOT_FOUND' || code === 'CONFLICT';
    if (isOfOthers && item.context.supersedes !== undefined && this.#mayWait) {
      this.#early.push(item);
      return false;
    }
    this.counts.failed += 1;
    this.#options.onRefused(item.place, code, message);
    return false;
  }

  async #pause(durationMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#options.clock.after(durationMs, resolve);
    await promise;
  }
}

/** In a batch it lies deeper than by itself. */
function isTooDeepForBatch(context: NewContext): boolean {
  return weigh(context).depth > BATCH_DEPTH_MAX;
}

/** The server refuses a whole batch for what one in it may be to blame for. */
export function isBlamedOnOne(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && 'code' in error && BLAMED_ON_ONE.has(String(error.code));
}
