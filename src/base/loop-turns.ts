import { setImmediate } from 'node:timers/promises';

/**
 * Lets long computations of one thread share it with everybody else: between two slices of any of them the event loop
 * goes round once, however many wait, so that together they hold it up no longer than one alone.
 */
export class LoopTurns {
  #last: Promise<void> = Promise.resolve();

  /** Resolves when it is the caller's turn for a slice of its work. */
  next(): Promise<void> {
    this.#last = this.#last.then(() => setImmediate());
    return this.#last;
  }
}
