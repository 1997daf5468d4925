// The vectors of a level in eight bits, number by number rather than one after another. A vector that compares spellings
// is zero nearly everywhere, and a short query's even more so: multiplying it with all vectors means reading one column
// in eight or nine, from end to end. Up to some hundred thousand vectors that takes less time than a graph, and passes
// over none.

import { toOwnSteps } from '../arrays/eight-bits.ts';
import { grown } from '../arrays/growing.ts';
import { ColumnKernel } from './column-kernel.ts';

/** An ordinal, a step and a sum. */
const ROW_BYTES = 12;
/** In `moved`: the document is dead. */
const DEAD = 0xffffffff;

/** Derived, like all indexes: filled by who searches, up to the document that `looked` tells. */
export class LevelColumns {
  /** Documents with lower ordinals have been looked at. */
  looked = 0;
  count = 0;
  /** Document of each row, never falling; also of those that have died since. */
  ordinals = new Uint32Array(0);
  /** Of the codes of each row; NaN where there is no vector. */
  steps = new Float32Array(0);
  /** No row has a larger step. */
  stepMax = 0;
  readonly #dimension: number;
  readonly #kernel: ColumnKernel;
  #sums = new Int32Array(0);

  /** Throws where this process cannot have one. */
  constructor(dimension: number) {
    this.#dimension = dimension;
    this.#kernel = new ColumnKernel(dimension);
  }

  /** Of so many rows, about. */
  static memoryBytesOf(rows: number, dimension: number): number {
    return rows * (dimension + ROW_BYTES);
  }

  /**
   * Adds rows for these documents, which come after all others. `read` hands over their vectors, each with its place in
   * `ordinals`; one that is gone stays away. False, and nothing added, where there is no memory.
   */
  append(ordinals: readonly number[], read: (take: (place: number, vector: Float32Array) => void) => void): boolean {
    const first = this.count;
    const count = first + ordinals.length;
    if (!this.#kernel.reserve(count)) return false;
    const codes = new Int8Array(ordinals.length * this.#dimension);
    const steps = new Float32Array(ordinals.length).fill(Number.NaN);
    read((place, vector) => (steps[place] = toOwnSteps(vector, codes, place * this.#dimension)));
    this.#kernel.write(first, codes, ordinals.length);
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
    const sums = this.#sums.subarray(0, this.count);
    this.#kernel.multiply(codes, sums);
    return sums;
  }

  /** -1 where the document has no row. */
  rowOf(ordinal: number): number {
    let low = 0;
    let high = this.count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.ordinals[middle] as number) <= ordinal) low = middle + 1;
      else high = middle;
    }
    return low > 0 && this.ordinals[low - 1] === ordinal ? low - 1 : -1;
  }

  /** `moved`: the new ordinal of each old one, `DEAD` for those that have none; the order stays. */
  renumber(moved: Uint32Array): void {
    while (this.count > 0 && moved[this.ordinals[this.count - 1] as number] === DEAD) this.count--;
    // A dead row takes the ordinal of the next one that lives, which is the last that has it.
    let next = 0;
    for (let row = this.count - 1; row >= 0; row--) {
      const to = moved[this.ordinals[row] as number] as number;
      if (to === DEAD) this.steps[row] = Number.NaN;
      else next = to;
      this.ordinals[row] = next;
    }
    this.looked = moved.subarray(0, this.looked).reduce((living, to) => (to === DEAD ? living : living + 1), 0);
  }

  get memoryBytes(): number {
    return this.#kernel.memoryBytes + this.ordinals.length * ROW_BYTES;
  }
}
