import type { Clock } from '../../base/clock.ts';
import { ERROR_TABLE, type ErrorCode } from '../../base/error-table.ts';
import type { ContextStoreBatchReply, NewContext } from '../../protocol/messages.generated.ts';

export interface PlacedContext {
  /** Line or turn number. */
  readonly place: number;
  readonly context: NewContext;
}

export interface Counts {
  stored: number;
  alreadyThere: number;
  failed: number;
}

export interface UploadOptions {
  readonly storeBatch: (request: { contexts: NewContext[] }) => Promise<ContextStoreBatchReply>;
  readonly clock: Clock;
  /** A context that the server refused. */
  readonly onRefused: (place: number, code: string, message: string) => void;
  /** After every batch that was answered. */
  readonly onProgress: (counts: Readonly<Counts>) => void;
}

const BATCH_CONTEXTS = 100;
/** Well under a frame, whatever the texts are made of. */
const BATCH_CHARS_MAX = 1_000_000;
/** Batches that wait for their answer; past it reading the input stops. */
const BATCHES_IN_FLIGHT = 4;
const ATTEMPTS = 6;
const FIRST_PAUSE_MS = 200;

/**
 * Sends contexts in batches, several under way at a time. Bounded levels remember by order of arrival, so batches
 * that hold such contexts go one after the other.
 */
export class Uploader {
  readonly counts: Counts = { stored: 0, alreadyThere: 0, failed: 0 };
  readonly #options: UploadOptions;
  readonly #underWay = new Set<Promise<void>>();
  #batch: PlacedContext[] = [];
  #batchChars = 0;
  #failure: { readonly error: unknown } | undefined;

  constructor(options: UploadOptions) {
    this.#options = options;
  }

  /** Resolves when the next one may come. Rejects with what made an earlier batch fail. */
  async add(item: PlacedContext): Promise<void> {
    const chars = item.context.text.length + JSON.stringify(item.context.metadata ?? {}).length;
    if (this.#batch.length > 0 && this.#batchChars + chars > BATCH_CHARS_MAX) await this.#send();
    this.#batch.push(item);
    this.#batchChars += chars;
    if (this.#batch.length >= BATCH_CONTEXTS) await this.#send();
  }

  /** Sends what is left and waits for every answer. */
  async finish(): Promise<void> {
    if (this.#batch.length > 0 && this.#failure === undefined) await this.#send();
    await Promise.all(this.#underWay);
    this.#throwFailure();
  }

  async #send(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    this.#batchChars = 0;
    const inOrder = batch.some(({ context }) => context.level !== 'long_term');
    while (this.#underWay.size >= (inOrder ? 1 : BATCHES_IN_FLIGHT)) await Promise.race(this.#underWay);
    this.#throwFailure();
    const sending: Promise<void> = this.#store(batch)
      .catch((error: unknown) => {
        this.#failure ??= { error };
      })
      .finally(() => this.#underWay.delete(sending));
    this.#underWay.add(sending);
  }

  #throwFailure(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  /** Contexts refused for a passing reason are sent again, with growing pauses. */
  async #store(batch: readonly PlacedContext[]): Promise<void> {
    let waiting = batch;
    for (let attempt = 1; waiting.length > 0; attempt++) {
      const { results } = await this.#options.storeBatch({ contexts: waiting.map(({ context }) => context) });
      waiting = waiting.filter((item, place) => this.#note(item, results[place], attempt < ATTEMPTS));
      this.#options.onProgress(this.counts);
      if (waiting.length > 0) await this.#pause(FIRST_PAUSE_MS * 2 ** (attempt - 1));
    }
  }

  /** True where the context is to be sent again. */
  #note(
    item: PlacedContext,
    result: ContextStoreBatchReply['results'][number] | undefined,
    mayRetry: boolean,
  ): boolean {
    if (result !== undefined && !('error' in result)) {
      if (result.created) this.counts.stored += 1;
      else this.counts.alreadyThere += 1;
      return false;
    }
    const { code, message } = result?.error ?? { code: 'INTERNAL', message: 'the server did not answer for it' };
    if (mayRetry && code in ERROR_TABLE && ERROR_TABLE[code as ErrorCode].retryable) return true;
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
