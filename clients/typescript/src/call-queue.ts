import type { Call } from './call.ts';

/** Calls in the order they came; whoever pushes keeps it bounded. One may leave from the middle. */
export class CallQueue {
  readonly #calls = new Set<Call>();

  get size(): number {
    return this.#calls.size;
  }

  [Symbol.iterator](): Iterator<Call> {
    return this.#calls[Symbol.iterator]();
  }

  push(call: Call): void {
    this.#calls.add(call);
  }

  shift(): Call | undefined {
    const [first] = this.#calls;
    if (first !== undefined) this.#calls.delete(first);
    return first;
  }

  remove(call: Call): void {
    this.#calls.delete(call);
  }

  takeAll(): Call[] {
    const all = [...this.#calls];
    this.#calls.clear();
    return all;
  }
}
