// The vectors of a level in eight bits, number by number rather than one after another. A vector that compares spellings
// is zero nearly everywhere, and a short query's even more so: multiplying it with all vectors means reading one column
// in eight or nine, from end to end. Up to some hundred thousand vectors that takes less time than a graph, and misses nothing.

import { toOwnSteps } from '../memory/eight-bits.ts';
import { grown } from '../memory/growing.ts';
import { BLOCK_ROWS } from './column-kernel.generated.ts';
import type { ColumnKernel } from './column-kernel.ts';

/** An ordinal, a step and a sum. */
const ROW_BYTES = 12;

/** Derived, like all indexes: filled by who searches, up to the document that `looked` tells. */
export class LevelColumns {
  /** Documents with lower ordinals have been looked at. */
  looked = 0;
  count = 0;
  /** Document of each row, rising; also of those that have died since. */
  ordinals = new Uint32Array(0);
  /** Of the codes of each row; NaN where there is no vector. */
  steps = new Float32Array(0);
  /** No row has a larger step. */
  stepMax = 0;
  readonly #kernel: ColumnKernel;
  readonly #blocks: number[] = [];
  #sums = new Int32Array(0);

  constructor(kernel: ColumnKernel) {
    this.#kernel = kernel;
  }

  /**
   * Adds rows for these documents, which come after all others. `read` hands over their vectors, each with its place in
   * `ordinals`; one that is gone stays away. False, and nothing added, where there is no memory.
   */
  append(ordinals: readonly number[], read: (take: (place: number, vector: Float32Array) => void) => void): boolean {
    const first = this.count;
    const count = first + ordinals.length;
    if (!this.#reserve(count)) return false;
    const { dimension } = this.#kernel;
    const codes = new Int8Array(ordinals.length * dimension);
    const steps = new Float32Array(ordinals.length).fill(Number.NaN);
    read((place, vector) => (steps[place] = toOwnSteps(vector, codes, place * dimension)));
    for (let row = first; row < count; ) {
      const end = Math.min(count, (Math.floor(row / BLOCK_ROWS) + 1) * BLOCK_ROWS);
      this.#kernel.write(this.#blocks[Math.floor(row / BLOCK_ROWS)] as number, row % BLOCK_ROWS, codes, row - first, end - row);
      row = end;
    }
    this.ordinals = grown(this.ordinals, count);
    this.ordinals.set(ordinals, first);
    this.steps = grown(this.steps, count);
    this.steps.set(steps, first);
    for (const step of steps) if (step > this.stepMax) this.stepMax = step;
    this.count = count;
    return true;
  }

  /** Dot products of these codes with those of all rows; valid until the next call. */
  multiply(codes: Int8Array): Int32Array {
    if (this.#sums.length < this.count) this.#sums = new Int32Array(this.ordinals.length);
    this.#kernel.multiply(codes, this.#blocks, this.count, this.#sums);
    return this.#sums.subarray(0, this.count);
  }

  /** -1 where the document has no row. */
  rowOf(ordinal: number): number {
    let low = 0;
    let high = this.count - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const found = this.ordinals[middle] as number;
      if (found === ordinal) return middle;
      if (found < ordinal) low = middle + 1;
      else high = middle - 1;
    }
    return -1;
  }

  /** Empty again: ordinals have changed, most of the documents are dead, or nobody needs them any more. */
  clear(): void {
    this.looked = this.count = this.stepMax = 0;
    for (const block of this.#blocks.splice(0)) this.#kernel.free(block);
  }

  get memoryBytes(): number {
    return this.#blocks.length * this.#kernel.blockBytes + this.ordinals.length * ROW_BYTES;
  }

  #reserve(count: number): boolean {
    while (this.#blocks.length * BLOCK_ROWS < count) {
      const block = this.#kernel.allocate();
      if (block === null) return false;
      this.#blocks.push(block);
    }
    return true;
  }
}
