// Long reads in steps: between two of them the thread answers others and commits writes. What a read has found before
// may have changed since, so each says by itself what it holds on to.

import type { Clock } from '../../../base/clock.ts';

/** Gives `T` in the end. Wherever it yields, others may have their turn; no statement is open and no transaction. */
export type Steps<T> = Generator<void, T, void>;

/** How long one step may take: who works asks it now and then, and yields when the time is over. */
export class Pace {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  #endMs = Infinity;

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  startStep(ms: number): void {
    this.#endMs = this.#clock.monotonicMs() + ms;
  }

  get isOver(): boolean {
    return this.#clock.monotonicMs() >= this.#endMs;
  }
}
