import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Owner } from '../../../../../src/store/embedded/memory/owner-table.ts';

/** Documents that were created at these times, in the order of their ordinals. */
function documentsOf(createdAt: readonly number[]) {
  return {
    levels: new Uint8Array(createdAt.length).fill(3),
    count: createdAt.length,
    compareCreation: (a: number, b: number) => (createdAt[a] as number) - (createdAt[b] as number) || a - b,
  };
}

describe('the members of an owner', () => {
  const times = fc.oneof(
    // Stored as they were created, with some that come late.
    fc
      .array(fc.integer({ min: -40, max: 5 }), { minLength: 1, maxLength: 600 })
      .map((late) => late.map((by, i) => i + by)),
    fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 600 }),
  );

  it('stand in the order of their creation, and each is found at its place', () => {
    fc.assert(
      fc.property(times, fc.integer({ min: 1, max: 5 }), (createdAt, everyNth) => {
        const documents = documentsOf(createdAt);
        const owner = new Owner(0, 'agent', null);
        const own = createdAt.map((_, ordinal) => ordinal).filter((ordinal) => ordinal % everyNth === 0);
        for (const ordinal of own) owner.insert(ordinal, documents);
        const inOrder = own.toSorted((a, b) => documents.compareCreation(a, b));
        expect([...owner.members.subarray(0, owner.memberCount)]).toEqual(inOrder);
        for (const ordinal of createdAt.keys()) {
          const before = inOrder.filter((member) => documents.compareCreation(member, ordinal) < 0).length;
          expect(owner.position(ordinal, documents)).toBe(before);
        }
      }),
      { numRuns: 50 },
    );
  });
});
