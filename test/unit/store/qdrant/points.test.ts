import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { numbersOf } from '../../../../src/store/qdrant/points.ts';

function digitsOf(value: number): number {
  const [mantissa = ''] = String(Math.abs(value)).split('e');
  return mantissa.replace('.', '').replace(/^0+/, '').length;
}

function expectExact(values: readonly number[]): void {
  const vector = Float32Array.from(values);
  const numbers = numbersOf(vector);
  expect(Float32Array.from(numbers)).toEqual(vector);
  // As Qdrant reads them.
  expect(Float32Array.from(JSON.parse(JSON.stringify(numbers)) as number[])).toEqual(vector);
}

describe('numbers of a vector', () => {
  it('are the same 32-bit numbers, whatever their size', () => {
    fc.assert(
      fc.property(fc.array(fc.float({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0)), (values) => {
        // There is one zero in JSON.
        expectExact(values.map((value) => (value === 0 ? 0 : value)));
      }),
      { numRuns: 2_000 },
    );
  });

  it('take no more than nine digits each', () => {
    const sizes = fc.tuple(fc.integer({ min: -45, max: 38 }), fc.double({ min: -9.99, max: 9.99, noNaN: true }));
    fc.assert(
      fc.property(fc.array(sizes, { minLength: 1 }), (parts) => {
        const vector = Float32Array.from(parts, ([power, factor]) => factor * Number(`1e${power}`)).filter(isFinite);
        for (const number of numbersOf(vector)) expect(digitsOf(number)).toBeLessThanOrEqual(9 + zerosOf(number));
      }),
      { numRuns: 2_000 },
    );
  });

  it('are exact next to each power of ten and of two', () => {
    const values = [1e-45, 3.4028234e38, 0];
    for (let power = -40; power <= 37; power++) values.push(...neighboursOf(Number(`1e${power}`)));
    for (let power = -140; power <= 126; power++) values.push(...neighboursOf(2 ** power));
    expectExact([...values, ...values.map((value) => (value === 0 ? 0 : -value))]);
  });
});

/** Behind the digits of a large number. */
function zerosOf(value: number): number {
  return /^-?\d+$/.test(String(value)) ? (/0*$/.exec(String(value)) ?? [''])[0].length : 0;
}

function neighboursOf(value: number): number[] {
  const floats = new Float32Array([value]);
  const bits = new Uint32Array(floats.buffer);
  const nearest = bits[0] as number;
  return [-2, -1, 0, 1, 2].map((step) => {
    bits[0] = Math.max(1, nearest + step);
    return floats[0] as number;
  });
}
