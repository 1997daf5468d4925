/** Time that one thread has worked, for another thread to read. One thread adds; sums wrap around after an hour. */
export class BusyTime {
  /** Crosses the thread border. */
  readonly buffer: SharedArrayBuffer;
  readonly #totalUs: Int32Array;

  constructor(buffer = new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer;
    this.#totalUs = new Int32Array(buffer);
  }

  addMs(ms: number): void {
    Atomics.add(this.#totalUs, 0, Math.round(ms * 1_000));
  }

  get totalUs(): number {
    return Atomics.load(this.#totalUs, 0);
  }
}
