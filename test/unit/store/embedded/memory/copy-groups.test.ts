import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CopyGroups } from '../../../../../src/store/embedded/memory/copy-groups.ts';

class Documents {
  count = 0;
  textKeys = new Float64Array(16);
  copyGroups = new Uint32Array(16);
  readonly copies = new CopyGroups(this);

  add(key: number): void {
    const ordinal = this.count++;
    if (ordinal === this.textKeys.length) {
      const [keys, groups] = [this.textKeys, this.copyGroups];
      this.textKeys = new Float64Array(2 * ordinal);
      this.copyGroups = new Uint32Array(2 * ordinal);
      this.textKeys.set(keys);
      this.copyGroups.set(groups);
    }
    this.textKeys[ordinal] = key;
    this.copyGroups[ordinal] = 0;
    this.copies.add(ordinal);
  }

  /** Of each ordinal, those it shares its group with. */
  groups(): (readonly number[])[] {
    return Array.from({ length: this.count }, (_, ordinal) => {
      const group = this.copyGroups[ordinal] as number;
      return group === 0 ? [ordinal] : this.copies.members(group);
    });
  }
}

function naive(keys: readonly number[]): number[][] {
  return keys.map((key, i) => (Number.isNaN(key) ? [i] : [...keys.keys()].filter((j) => keys[j] === key)));
}

const key = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 40 }).map((n) => n * 2 ** 40 + 7) },
  { weight: 3, arbitrary: fc.maxSafeNat() },
  { weight: 1, arbitrary: fc.constantFrom(0, Number.NaN) },
);

describe('groups of copies', () => {
  it('hold the documents of one key, however many there are', () => {
    fc.assert(
      fc.property(fc.array(key, { maxLength: 600, size: 'max' }), (keys) => {
        const documents = new Documents();
        for (const one of keys) documents.add(one);
        expect(documents.groups()).toEqual(naive(keys));
      }),
      { numRuns: 60 },
    );
  });

  it('are the same with room for so many, or for fewer', () => {
    fc.assert(
      fc.property(fc.array(key, { maxLength: 300, size: 'max' }), fc.nat({ max: 300 }), (keys, room) => {
        const documents = new Documents();
        documents.copies.reserve(room);
        for (const one of keys) documents.add(one);
        expect(documents.groups()).toEqual(naive(keys));
      }),
      { numRuns: 30 },
    );
  });

  it('are the same after documents got other ordinals, and grow on', () => {
    fc.assert(
      fc.property(fc.array(key, { maxLength: 300, size: 'max' }), fc.array(key, { maxLength: 200 }), (keys, later) => {
        const documents = new Documents();
        for (const one of keys) documents.add(one);
        const kept = keys.filter((_, i) => i % 3 !== 0);
        documents.count = kept.length;
        documents.textKeys.set(kept);
        documents.copies.rebuild();
        for (const one of later) documents.add(one);
        expect(documents.groups()).toEqual(naive([...kept, ...later]));
      }),
      { numRuns: 60 },
    );
  });

  it('cost nothing while there are few documents, and are accounted', () => {
    const documents = new Documents();
    for (let i = 0; i < 60; i++) documents.add(i + 1);
    expect(documents.copies.memoryBytes).toBe(0);
    for (let i = 0; i < 60; i++) documents.add(i + 1);
    expect(documents.copies.memoryBytes).toBeGreaterThan(120 * 8);
  });
});
