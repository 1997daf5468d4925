import type { Clock } from '../base/clock.ts';

/** An answer younger than this is given out without asking again. */
const FRESH_MS = 1_000;
/** One older than this is not given out: the caller waits for the next. */
const STALE_MS = 5_000;
/** A store that takes longer than this to say that it lives does not. */
const TIMEOUT_MS = 2_000;

/** Whether the store answers, known without waiting in the usual case, and asked at most once a second. */
export class HealthProbe {
  readonly #ask: () => Promise<boolean>;
  readonly #clock: Clock;
  #known: { readonly healthy: boolean; readonly atMs: number } | null = null;
  #asking: Promise<boolean> | null = null;

  /** `ask` may hang or reject: both mean no. */
  constructor(ask: () => Promise<boolean>, clock: Clock) {
    this.#ask = ask;
    this.#clock = clock;
  }

  healthy(): boolean | Promise<boolean> {
    const ageMs = this.#known === null ? Infinity : this.#clock.monotonicMs() - this.#known.atMs;
    if (this.#known !== null && ageMs < FRESH_MS) return this.#known.healthy;
    this.#asking ??= this.#refresh();
    return this.#known !== null && ageMs < STALE_MS ? this.#known.healthy : this.#asking;
  }

  async #refresh(): Promise<boolean> {
    const timeout = Promise.withResolvers<boolean>();
    const cancel = this.#clock.after(TIMEOUT_MS, () => timeout.resolve(false));
    const healthy = await Promise.race([this.#askSafely(), timeout.promise]);
    cancel();
    this.#known = { healthy, atMs: this.#clock.monotonicMs() };
    this.#asking = null;
    return healthy;
  }

  async #askSafely(): Promise<boolean> {
    try {
      return await this.#ask();
    } catch {
      return false;
    }
  }
}
