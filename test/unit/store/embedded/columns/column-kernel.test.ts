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

  it.each([[1, 0], [31, 0], [64, 5], [64, 10], [257, 8], [1024, 9]])('multiplies vectors of %i numbers with a query in which %i of ten are zero', (dimension, zeros) => {
    const kernel = new ColumnKernel(dimension);
    const count = BLOCK_ROWS + 37;
    const vectors = Array.from({ length: count }, (_, row) => codesOf(row, dimension));
    const blocks = [kernel.allocate() as number, kernel.allocate() as number];
    vectors.forEach((codes, row) => kernel.write(blocks[Math.floor(row / BLOCK_ROWS)] as number, row % BLOCK_ROWS, codes, 0, 1));
    const query = codesOf(-7, dimension, zeros);
    const sums = new Int32Array(count);
    kernel.multiply(query, blocks, count, sums);
    expect(sums).toEqual(Int32Array.from(vectors, (codes) => product(query, codes)));
  });

  it('holds the largest sums that there can be', () => {
    const kernel = new ColumnKernel(16_384);
    const block = kernel.allocate() as number;
    kernel.write(block, 5, new Int8Array(16_384).fill(-127), 0, 1);
    const sums = new Int32Array(6);
    kernel.multiply(new Int8Array(16_384).fill(127), [block], 6, sums);
    expect([...sums]).toEqual([0, 0, 0, 0, 0, -(127 ** 2) * 16_384]);
  });

  it('gives a freed block to the next who asks, without what was in it', () => {
    const kernel = new ColumnKernel(64);
    const first = kernel.allocate() as number;
    const second = kernel.allocate() as number;
    kernel.write(first, 0, new Int8Array(128 * 64).fill(3), 0, 128);
    kernel.write(second, 0, new Int8Array(128 * 64).fill(2), 0, 128);
    kernel.free(first);
    expect(kernel.allocate()).toBe(first);
    const sums = new Int32Array(BLOCK_ROWS + 2);
    kernel.multiply(new Int8Array(64).fill(1), [first, second], BLOCK_ROWS + 2, sums);
    expect([...sums.subarray(0, 2), ...sums.subarray(BLOCK_ROWS)]).toEqual([0, 0, 128, 128]);
  });
});
