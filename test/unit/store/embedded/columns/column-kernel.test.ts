import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { renderKernel } from '../../../../../src/store/embedded/columns/assemble-kernel.ts';
import { BLOCK_ROWS } from '../../../../../src/store/embedded/columns/column-kernel.generated.ts';
import { ColumnKernel } from '../../../../../src/store/embedded/columns/column-kernel.ts';

/** Codes from -127 to 127, the same for the same seed; `zeros` of ten are zero. */
function codesOf(seed: number, length: number, zeros = 0): Int8Array {
  let state = seed + 1;
  return Int8Array.from({ length }, () => {
    state = Math.imul(state, 48_271) % 2_147_483_647;
    const value = Math.abs(state);
    return value % 10 < zeros ? 0 : (value % 255) - 127;
  });
}

function product(a: Int8Array, b: Int8Array): number {
  return a.reduce((sum, code, i) => sum + code * (b[i] as number), 0);
}

describe('the kernel of columns', () => {
  it('is assembled from its text', async () => {
    const saved = new URL('../../../../../src/store/embedded/columns/column-kernel.generated.ts', import.meta.url);
    expect(readFileSync(saved, 'utf8')).toBe(await renderKernel());
  });

  it.each([
    [1, 0],
    [31, 0],
    [64, 5],
    [64, 10],
    [257, 8],
    [1024, 9],
  ])('multiplies vectors of %i numbers with a query in which %i of ten are zero', (dimension, zeros) => {
    const kernel = new ColumnKernel(dimension);
    const count = BLOCK_ROWS + 37;
    const vectors = Array.from({ length: count }, (_, row) => codesOf(row, dimension));
    expect(kernel.reserve(count)).toBe(true);
    kernel.write(0, vectors[0] as Int8Array, 1);
    const others = new Int8Array((count - 1) * dimension);
    vectors.slice(1).forEach((codes, i) => others.set(codes, i * dimension));
    kernel.write(1, others, count - 1);
    const query = codesOf(-7, dimension, zeros);
    const sums = new Int32Array(count);
    kernel.multiply(query, sums);
    expect(sums).toEqual(Int32Array.from(vectors, (codes) => product(query, codes)));
  });

  it('holds the largest sums that there can be', () => {
    const kernel = new ColumnKernel(16_384);
    kernel.reserve(6);
    kernel.write(5, new Int8Array(16_384).fill(-127), 1);
    const sums = new Int32Array(6);
    kernel.multiply(new Int8Array(16_384).fill(127), sums);
    expect([...sums]).toEqual([0, 0, 0, 0, 0, -(127 ** 2) * 16_384]);
  });

  it('keeps what it has while it grows, and says no where it cannot', () => {
    const kernel = new ColumnKernel(1_024);
    kernel.reserve(1);
    kernel.write(0, new Int8Array(1_024).fill(2), 1);
    expect(kernel.reserve(BLOCK_ROWS * 3)).toBe(true);
    const before = kernel.memoryBytes;
    // More than the 4 GiB that WebAssembly has.
    expect(kernel.reserve(2 ** 22 + 1)).toBe(false);
    expect(kernel.memoryBytes).toBe(before);
    const sums = new Int32Array(1);
    kernel.multiply(new Int8Array(1_024).fill(3), sums);
    expect([...sums]).toEqual([6_144]);
  });
});
