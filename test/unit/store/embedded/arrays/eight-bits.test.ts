import { describe, expect, it } from 'vitest';
import { eightBitQuery, toEightBits } from '../../../../../src/store/embedded/arrays/eight-bits.ts';
import { dot, vectorOf } from '../../../../contract/store-samples.ts';

const DIMENSION = 1024;

function codesOf(vector: Float32Array): Int8Array {
  const codes = new Int8Array(vector.length);
  toEightBits(vector, codes, 0);
  return codes;
}

describe('vectors in eight bits', () => {
  it('have dot products within the margin of the true ones', () => {
    for (let i = 0; i < 50; i++) {
      const query = vectorOf(`q-${i}`, DIMENSION);
      const vector = vectorOf(`v-${i % 7}`, DIMENSION);
      const { codes, scale, margin } = eightBitQuery(query);
      const product = codesOf(vector).reduce((sum, code, place) => sum + code * (codes[place] as number), 0) * scale;
      expect(Math.abs(product - dot(query, vector))).toBeLessThan(margin);
    }
  });

  it('are rounded to the nearest step, and cut off beyond the range', () => {
    const vector = new Float32Array(DIMENSION);
    vector.set([0.375, -0.375, 0.9, -0.9, 0, 0.0021, -0.0021, 0.0014]);
    expect([...codesOf(vector).subarray(0, 8)]).toEqual([127, -127, 127, -127, 0, 1, -1, 0]);
    expect(toEightBits(vector, new Int8Array(DIMENSION), 0)).toBe(false);
    expect(
      toEightBits(
        vector.map((value) => value / 3),
        new Int8Array(DIMENSION),
        0,
      ),
    ).toBe(true);
  });

  it('of a query without any direction are zeros', () => {
    expect(eightBitQuery(new Float32Array(4)).codes).toEqual(new Int8Array(4));
  });
});
