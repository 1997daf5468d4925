// Tells a thread that builds an index to end. It is never ended from outside: a thread that is stopped while it enters
// the vector index's binding takes the whole process down (an exception of Node-API that nobody catches, usearch 2.26).

const RUNNING = 0;
const STOPPED = 1;

export class BuildStop {
  /** Crosses the thread border. */
  readonly buffer: SharedArrayBuffer;
  readonly #state: Int32Array;

  constructor(buffer = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer;
    this.#state = new Int32Array(buffer);
  }

  /** Also wakes the builder where it rests. */
  request(): void {
    Atomics.store(this.#state, 0, STOPPED);
    Atomics.notify(this.#state, 0);
  }

  /** Holds the thread up for so long, or until a stop is requested. */
  rest(ms: number): void {
    Atomics.wait(this.#state, 0, RUNNING, ms);
  }

  /** Between two pieces of work: throws where a stop was requested. */
  check(): void {
    if (Atomics.load(this.#state, 0) === STOPPED) throw new Error('the build was stopped');
  }
}
