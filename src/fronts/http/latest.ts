import type { Clock } from '../../base/clock.ts';

/** Asking is work for others: several readers share an answer for so long. */
const FRESH_MS = 10_000;
/** No reader waits longer. */
const WAIT_MS = 1_000;
/** What is older is not told. */
const STALE_MS = 60_000;

/** The last answer of something that may be slow, or not answer at all. */
export class Latest<T> {
  readonly #clock: Clock;
  readonly #ask: () => Promise<T>;
  #known: { readonly atMs: number; readonly value: T } | null = null;
  #asking: Promise<void> | null = null;

  constructor(clock: Clock, ask: () => Promise<T>) {
    this.#clock = clock;
    this.#ask = ask;
  }

  /** Undefined: there was no answer of late. */
  get value(): T | undefined {
    return this.#ageMs < STALE_MS ? this.#known?.value : undefined;
  }

  /** Asks where it is time to, and waits for the answer, but not for long. Never rejects. */
  async refresh(): Promise<void> {
    if (this.#ageMs < FRESH_MS) return;
    this.#asking ??= this.#askOnce();
    const timeout = Promise.withResolvers<void>();
    const cancel = this.#clock.after(WAIT_MS, timeout.resolve);
    await Promise.race([this.#asking, timeout.promise]);
    cancel();
  }

  get #ageMs(): number {
    return this.#known === null ? Infinity : this.#clock.monotonicMs() - this.#known.atMs;
  }

  async #askOnce(): Promise<void> {
    try {
      this.#known = { value: await this.#ask(), atMs: this.#clock.monotonicMs() };
    } catch {
      // Nothing is known, which is what is told; failures are counted and logged where they are.
    } finally {
      this.#asking = null;
    }
  }
}
