import type { Clock } from './clock.ts';

export interface RateLimit {
  /** In the long run. */
  readonly perSecond: number;
  /** At once after a pause. */
  readonly burst: number;
}

/** Counts what is done: the requests of one key or one address, lines of one kind. */
export class TokenBucket {
  readonly #clock: Clock;
  readonly #tokensPerMs: number;
  readonly #burst: number;
  #tokens: number;
  #filledAtMs: number;

  constructor(limit: RateLimit, clock: Clock) {
    this.#clock = clock;
    this.#tokensPerMs = limit.perSecond / 1000;
    this.#burst = Math.max(1, limit.burst);
    this.#tokens = this.#burst;
    this.#filledAtMs = clock.monotonicMs();
  }

  /** 0 where the request may go ahead, else in how many milliseconds the next one may. */
  take(): number {
    const nowMs = this.#clock.monotonicMs();
    this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#filledAtMs) * this.#tokensPerMs);
    this.#filledAtMs = nowMs;
    if (this.#tokens >= 1) {
      this.#tokens -= 1;
      return 0;
    }
    return Math.ceil((1 - this.#tokens) / this.#tokensPerMs);
  }
}
