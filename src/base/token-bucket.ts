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
  #tokensPerMs: number;
  #burst: number;
  #tokens: number;
  #filledAtMs: number;
  /** What others who share it do not know of. */
  #unsettled = 0;
  #onTaken: (() => void) | null = null;
  #mayRise = false;

  constructor(limit: RateLimit, clock: Clock) {
    this.#clock = clock;
    this.#tokensPerMs = limit.perSecond / 1000;
    this.#burst = Math.max(1, limit.burst);
    this.#tokens = this.#burst;
    this.#filledAtMs = clock.monotonicMs();
  }

  /** 0 where the request may go ahead, else in how many milliseconds the next one may. */
  take(): number {
    this.#fill();
    if (this.#tokens >= 1) {
      this.#tokens -= 1;
      if (this.#onTaken !== null && this.#unsettled++ === 0) this.#onTaken();
      return 0;
    }
    return Math.ceil((1 - this.#tokens) / this.#tokensPerMs);
  }

  get limit(): RateLimit {
    return { perSecond: this.#tokensPerMs * 1000, burst: this.#burst };
  }

  /** Others take from it, too: `onTaken` is called with the first that is taken after each `settle`. */
  share(onTaken: () => void): void {
    this.#onTaken = onTaken;
  }

  /** How many were taken since the last time, which whoever asks tells the others. */
  settle(): number {
    const taken = this.#unsettled;
    this.#unsettled = 0;
    return taken;
  }

  /** What is left for all, beside what was taken since `settle`; the first time no more than there was. */
  adopt(left: number): void {
    this.#fill();
    const shared = Math.min(this.#burst, left - this.#unsettled);
    this.#tokens = this.#mayRise ? shared : Math.min(this.#tokens, shared);
    this.#mayRise = true;
  }

  /** Nobody is told: what is adopted next is not what all have taken. */
  alone(): void {
    this.#mayRise = false;
  }

  /** From now on; what was taken counts on. */
  change(limit: RateLimit): void {
    const burst = Math.max(1, limit.burst);
    if (burst === this.#burst && limit.perSecond === this.limit.perSecond) return;
    this.#fill();
    // Others may have begun to count anew by now, or not.
    this.#mayRise = false;
    const taken = this.#burst - this.#tokens;
    this.#tokens = Math.max(Math.min(this.#tokens, burst), burst - taken);
    this.#tokensPerMs = limit.perSecond / 1000;
    this.#burst = burst;
  }

  #fill(): void {
    const nowMs = this.#clock.monotonicMs();
    this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#filledAtMs) * this.#tokensPerMs);
    this.#filledAtMs = nowMs;
  }
}

/** Makes the bucket of a key or an address. */
export type NewBucket = (name: string, limit: RateLimit) => TokenBucket;

/** Each server counts for itself. */
export function ofThisServer(clock: Clock): NewBucket {
  return (_name, limit) => new TokenBucket(limit, clock);
}
