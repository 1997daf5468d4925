import { setImmediate } from 'node:timers/promises';

/** Words of so much text are told apart in about a millisecond. */
const UNITS_OF_A_SLICE = 16_384;

/**
 * Lets long computations of one thread share it with everybody else: between two slices of any of them the event loop
 * goes round once, however many wait, so that together they hold it up no longer than one alone.
 */
export class LoopTurns {
  #last: Promise<void> = Promise.resolve();
  #units = 0;

  /** Resolves when it is the caller's turn for a slice of its work. */
  next(): Promise<void> {
    this.#last = this.#last.then(() => setImmediate());
    return this.#last;
  }

  /** The same before a text of so many UTF-16 units, where it is much with those before it: short ones share a slice. */
  nextForText(units: number): Promise<void> {
    this.#units += units;
    if (this.#units < UNITS_OF_A_SLICE) return Promise.resolve();
    this.#units = 0;
    return this.next();
  }
}

/** What `steps` comes to, with a turn for others wherever it pauses. */
export async function inTurns<T>(steps: Generator<void, T>, turns: LoopTurns): Promise<T> {
  for (;;) {
    const { done, value } = steps.next();
    if (done === true) return value;
    await turns.next();
  }
}
