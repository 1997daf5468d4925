import type { Clock } from '../../base/clock.ts';

/** Stamps of one millisecond; what is more takes those of the next. */
const PER_MS = 1024;

/**
 * Numbers for the order of arrival. Servers that share a database have no counter in common, so each takes the time: what
 * one of them stamps always rises, and between two it is as true as their clocks. A double holds them beyond the year 2200.
 */
export class Stamps {
  readonly #clock: Clock;
  #last = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  next(): number {
    this.#last = Math.max(this.#last + 1, Math.floor(this.#clock.nowMs()) * PER_MS);
    return this.#last;
  }
}
