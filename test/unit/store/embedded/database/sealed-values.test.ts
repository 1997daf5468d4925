import { expect, it } from 'vitest';
import { openVectors, sealedVectors } from '../../../../../src/store/embedded/database/sealed-values.ts';
import { toNumbers } from '../../../../../src/store/embedded/database/stored-passages.ts';

it('sums vectors of any length one after another', () => {
  for (const [seq, length] of [384, 12, 384, 40_000, 3].entries()) {
    const numbers = Float32Array.from({ length }, (_, i) => i - seq);
    const stored = Uint8Array.from(sealedVectors(null, 'vectors', seq, numbers));
    expect([...stored.subarray(-2)]).toEqual([0, 0]);
    expect(toNumbers(openVectors(null, 'vectors', seq, stored))).toEqual(numbers);
  }
});
