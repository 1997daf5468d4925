import { orAbort } from '../base/abort.ts';
import type { Clock } from '../base/clock.ts';
import type { Embedded, EmbeddingKind } from './provider.ts';

/** Time in which calls find each other. */
const WINDOW_MS = 2;

export interface RequestBounds {
  readonly texts: number;
  /** Of all its texts, unless it has one alone. */
  readonly chars: number;
}

export type SendRequest = (texts: readonly string[], kind: EmbeddingKind, signal: AbortSignal) => Promise<Embedded[]>;

/** One request to be, and the calls that share it; it is aborted when none of them waits any more. */
interface Shared {
  readonly texts: string[];
  chars: number;
  callers: number;
  settled: boolean;
  readonly controller: AbortController;
  readonly answer: PromiseWithResolvers<Embedded[]>;
  /** Of the timer. */
  readonly cancel: () => void;
}

/** Calls that come within 2 ms of each other and fit into one request go in one. What they hold is theirs: nothing is kept. */
export class MergedCalls {
  readonly #send: SendRequest;
  readonly #bounds: RequestBounds;
  readonly #clock: Clock;
  readonly #open = new Map<EmbeddingKind, Shared>();

  constructor(send: SendRequest, bounds: RequestBounds, clock: Clock) {
    this.#send = send;
    this.#bounds = bounds;
    this.#clock = clock;
  }

  /** `texts` fit into one request. */
  async embed(texts: readonly string[], kind: EmbeddingKind, signal: AbortSignal | undefined): Promise<Embedded[]> {
    const chars = charsOf(texts);
    const shared = this.#join(texts, chars, kind);
    const from = shared.texts.length - texts.length;
    try {
      const embedded = await orAbort(shared.answer.promise, signal);
      return embedded.slice(from, from + texts.length);
    } finally {
      shared.callers--;
      if (shared.callers === 0 && !shared.settled) shared.controller.abort();
    }
  }

  #join(texts: readonly string[], chars: number, kind: EmbeddingKind): Shared {
    const open = this.#open.get(kind);
    if (open !== undefined && !this.#fits(open, texts.length, chars)) this.#flush(kind, open);
    const shared = this.#open.get(kind) ?? this.#openRequest(kind);
    shared.texts.push(...texts);
    shared.chars += chars;
    shared.callers++;
    if (!this.#fits(shared, 1, 0)) this.#flush(kind, shared);
    return shared;
  }

  #fits(shared: Shared, texts: number, chars: number): boolean {
    return shared.texts.length + texts <= this.#bounds.texts && shared.chars + chars <= this.#bounds.chars;
  }

  #openRequest(kind: EmbeddingKind): Shared {
    const shared: Shared = {
      texts: [],
      chars: 0,
      callers: 0,
      settled: false,
      controller: new AbortController(),
      answer: Promise.withResolvers<Embedded[]>(),
      cancel: this.#clock.after(WINDOW_MS, () => this.#flush(kind, shared)),
    };
    // Those who gave up have been told why.
    shared.answer.promise.catch(() => undefined);
    this.#open.set(kind, shared);
    return shared;
  }

  #flush(kind: EmbeddingKind, shared: Shared): void {
    shared.cancel();
    this.#open.delete(kind);
    const { texts, controller, answer } = shared;
    if (controller.signal.aborted) return;
    void this.#send(texts, kind, controller.signal)
      .then(answer.resolve, answer.reject)
      .finally(() => (shared.settled = true));
  }
}

function charsOf(texts: readonly string[]): number {
  return texts.reduce((chars, text) => chars + text.length, 0);
}
