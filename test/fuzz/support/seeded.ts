import fc from 'fast-check';
import { seedAt, seededRandom, type SeededRandom } from '../../../src/base/seeded-random.ts';

/** Choices that depend on a seed and a case's number alone, so that any case can be made again by itself. */
export class Seeded {
  readonly #next: SeededRandom;

  constructor(seed: number, position: number) {
    this.#next = seededRandom(seedAt(seed, position));
  }

  /** A whole number from 0 to `end` - 1. */
  below(end: number): number {
    return Math.floor(this.#next() * end);
  }

  chance(share: number): boolean {
    return this.#next() < share;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error('there is nothing to choose from');
    return item;
  }

  bytes(count: number): Buffer {
    return Buffer.from(Array.from({ length: count }, () => this.below(256)));
  }

  /** Values of fast-check's, from a seed of this one. */
  sample<T>(arbitrary: fc.Arbitrary<T>, count: number): T[] {
    return fc.sample(arbitrary, { numRuns: count, seed: this.below(2 ** 31) });
  }
}
