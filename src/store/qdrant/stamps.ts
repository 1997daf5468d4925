import type { Clock } from '../../base/clock.ts';
import type { Random } from '../../base/random.ts';

/** Stamps of one millisecond; what is more takes those of the next. */
const PER_MS = 1024;

/** No stamp of that millisecond or later is below it. */
export function stampAt(ms: number): number {
  return Math.floor(ms) * PER_MS;
}

/**
 * Numbers for the order of arrival. Servers that share a database have no counter in common, so each takes the time: what
 * one of them stamps always rises, and between two it is as true as their clocks. Within a millisecond each begins anywhere,
 * so that two hardly ever give the same number, which a page could not end between. A double holds them beyond the year 2200.
 */
export class Stamps {
  readonly #clock: Clock;
  readonly #random: Random;
  #last = 0;

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  next(): number {
    const [high = 0, low = 0] = this.#random.bytes(2);
    const place = (high * 256 + low) % PER_MS;
    this.#last = Math.max(this.#last + 1, stampAt(this.#clock.nowMs()) + place);
    return this.#last;
  }
}
