import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { placeIn } from '../../../../../src/store/embedded/arrays/rising.ts';

describe('a place in rising numbers', () => {
  it('is found wherever numbers are missing, and where there is none is none', () => {
    const number = fc.oneof(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 2 ** 40 }));
    fc.assert(
      fc.property(
        fc.uniqueArray(number, { maxLength: 40 }),
        number,
        fc.integer({ min: 0, max: 40 }),
        (some, other, cut) => {
          const rising = Float64Array.from(some.sort((a, b) => a - b));
          const length = Math.min(cut, rising.length);
          for (const value of [...rising, other, -1, 2 ** 41])
            expect(placeIn(rising, length, value)).toBe(rising.subarray(0, length).indexOf(value));
        },
      ),
    );
  });
});
