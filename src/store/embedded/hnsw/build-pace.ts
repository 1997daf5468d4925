// How fast an index is built beside a thread that answers requests. A low priority is not enough: a builder takes the
// caches and the memory's bandwidth from searches that compare vectors, whichever core it runs on.

import type { Clock } from '../../../base/clock.ts';
import type { BusyTime } from '../border/busy-time.ts';

/** Beside a thread that is busy all the time the builder rests so many times as long as it works; beside an idle one not at all. */
const REST_MAX = 4;

/** Beside a thread that works so much of the time, or more, the builder keeps to one processor. */
const BUSY_SHARE = 0.05;

/** Lets the builder rest in proportion to how busy the other thread is. */
export class BuildPace {
  readonly #busy: BusyTime;
  readonly #clock: Clock;
  readonly #rest: (ms: number) => void;
  #workSinceMs: number;
  #lookedAtMs: number;
  #lookedAtUs: number;
  #isAlone = false;

  /** `rest` holds the thread up. */
  constructor(busy: BusyTime, clock: Clock, rest: (ms: number) => void) {
    this.#busy = busy;
    this.#clock = clock;
    this.#rest = rest;
    this.#workSinceMs = this.#lookedAtMs = clock.monotonicMs();
    this.#lookedAtUs = busy.totalUs;
  }

  /** The other thread did next to nothing before the last pause. */
  get isAlone(): boolean {
    return this.#isAlone;
  }

  /** To be called after each piece of work. */
  pause(): void {
    const nowMs = this.#clock.monotonicMs();
    const totalUs = this.#busy.totalUs;
    // As 32 bits, so that a sum that wrapped around gives the same difference.
    const busyMs = ((totalUs - this.#lookedAtUs) | 0) / 1_000;
    const busyShare = Math.min(1, busyMs / Math.max(1, nowMs - this.#lookedAtMs));
    this.#lookedAtMs = nowMs;
    this.#lookedAtUs = totalUs;
    this.#isAlone = busyShare < BUSY_SHARE;
    const restMs = (nowMs - this.#workSinceMs) * busyShare * REST_MAX;
    if (restMs >= 1) this.#rest(restMs);
    this.#workSinceMs = this.#clock.monotonicMs();
  }
}
