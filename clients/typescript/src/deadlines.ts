import { type Clock, TIMER_MS_MAX } from '../../../src/base/clock.ts';

/** Something that must be over by a time of the monotonic clock; Infinity: never. */
export interface Timed {
  readonly deadlineAtMs: number;
  expire(): void;
}

/**
 * One timer for all calls: it stands at the earliest deadline known when it was set. Calls usually have the
 * same timeout, so a new one seldom comes before it, and most calls cost neither a timer nor an entry anywhere:
 * when it runs out, it asks which calls there are.
 */
export class Deadlines {
  readonly #clock: Clock;
  readonly #pending: () => Iterable<Timed>;
  #armedAtMs = Infinity;
  #disarm: (() => void) | null = null;

  constructor(clock: Clock, pending: () => Iterable<Timed>) {
    this.#clock = clock;
    this.#pending = pending;
  }

  watch(deadlineAtMs: number): void {
    if (deadlineAtMs < this.#armedAtMs) this.#arm(deadlineAtMs);
  }

  stop(): void {
    this.#disarm?.();
    this.#disarm = null;
    this.#armedAtMs = Infinity;
  }

  #arm(atMs: number): void {
    this.#disarm?.();
    this.#armedAtMs = atMs;
    const delayMs = Math.max(0, Math.ceil(atMs - this.#clock.monotonicMs()));
    this.#disarm = this.#clock.after(Math.min(delayMs, TIMER_MS_MAX), () => this.#onTime());
  }

  #onTime(): void {
    this.#disarm = null;
    this.#armedAtMs = Infinity;
    const nowMs = this.#clock.monotonicMs();
    const due: Timed[] = [];
    let nextMs = Infinity;
    for (const timed of this.#pending()) {
      if (timed.deadlineAtMs <= nowMs) due.push(timed);
      else if (timed.deadlineAtMs < nextMs) nextMs = timed.deadlineAtMs;
    }
    for (const timed of due) timed.expire();
    this.watch(nextMs);
  }
}
