import { expect, it } from 'vitest';
import { BLOCK_ROWS } from '../../../../../src/store/embedded/columns/column-kernel.generated.ts';
import { LevelColumns } from '../../../../../src/store/embedded/columns/level-columns.ts';
import { marginOf, toOwnSteps } from '../../../../../src/store/embedded/arrays/eight-bits.ts';
import { dot, vectorOf } from '../../../../contract/store-samples.ts';

const DIMENSION = 64;
const COUNT = BLOCK_ROWS + 300;
const vectors = Array.from({ length: COUNT }, (_, i) => vectorOf(`v-${i}`, DIMENSION));
const query = vectorOf('query', DIMENSION);
const codes = new Int8Array(DIMENSION);
const queryStep = toOwnSteps(query, codes, 0);

/** Documents with even ordinals, as another level may have the others. */
function ordinalsOf(first: number, count: number): number[] {
  return Array.from({ length: count }, (_, i) => (first + i) * 2);
}

/** Appends in pieces that do not fit the blocks. */
function append(columns: LevelColumns, missing: ReadonlySet<number> = new Set()): void {
  for (let first = 0; first < COUNT; first += 700) {
    const count = Math.min(700, COUNT - first);
    const isAdded = columns.append(ordinalsOf(first, count), (take) => {
      for (let place = count - 1; place >= 0; place--)
        if (!missing.has(first + place)) take(place, vectors[first + place] as Float32Array);
    });
    expect(isAdded).toBe(true);
  }
}

/** About the dot products with the query. */
function scores(columns: LevelColumns): number[] {
  return Array.from(columns.multiply(codes), (sum, row) => sum * (columns.steps[row] as number) * queryStep);
}

it('gives dot products within the margin, whichever block a row is in', () => {
  const columns = new LevelColumns(DIMENSION);
  append(columns);
  const found = scores(columns);
  expect(found).toHaveLength(COUNT);
  found.forEach((score, row) => {
    expect(Math.abs(score - dot(query, vectors[row] as Float32Array))).toBeLessThan(
      marginOf(columns.steps[row] as number, queryStep),
    );
    expect(columns.steps[row]).toBeLessThanOrEqual(columns.stepMax);
  });
  expect(columns.memoryBytes).toBeGreaterThan(2 * BLOCK_ROWS * DIMENSION);
});

it('finds the row of a document, and none of one that was never added', () => {
  const columns = new LevelColumns(DIMENSION);
  expect(columns.rowOf(0)).toBe(-1);
  append(columns);
  expect([0, 2, BLOCK_ROWS * 2, (COUNT - 1) * 2].map((ordinal) => columns.rowOf(ordinal))).toEqual([
    0,
    1,
    BLOCK_ROWS,
    COUNT - 1,
  ]);
  expect([1, BLOCK_ROWS * 2 + 1, COUNT * 2].map((ordinal) => columns.rowOf(ordinal))).toEqual([-1, -1, -1]);
});

it('has no score where a vector is gone', () => {
  const columns = new LevelColumns(DIMENSION);
  append(columns, new Set([3, BLOCK_ROWS]));
  expect(scores(columns).flatMap((score, row) => (Number.isNaN(score) ? [row] : []))).toEqual([3, BLOCK_ROWS]);
});

it('adds nothing where the vectors cannot be read', () => {
  const columns = new LevelColumns(DIMENSION);
  append(columns);
  const before = scores(columns);
  const fail = () =>
    columns.append([COUNT * 2], () => {
      throw new Error('the disk is gone');
    });
  expect(fail).toThrow('the disk is gone');
  expect(scores(columns)).toEqual(before);
});

it('says no where there is no memory for all of them, and adds none', () => {
  const columns = new LevelColumns(16_384);
  const read = () => {
    throw new Error('nothing is to be read');
  };
  // 4 GiB, and one row.
  expect(columns.append(new Array<number>(2 ** 18 + 1).fill(0), read)).toBe(false);
  expect(columns.count).toBe(0);
});

it('follows documents to their new ordinals, and forgets the dead', () => {
  const columns = new LevelColumns(DIMENSION);
  append(columns);
  columns.looked = COUNT * 2 - 1;
  const before = scores(columns);
  // Of each level every third document has died, the last ones too.
  const lives = (row: number) => row % 3 !== 0 && row < COUNT - 3;
  let kept = 0;
  const moved = Uint32Array.from({ length: COUNT * 2 + 10 }, (_, ordinal) =>
    lives(ordinal >> 1) ? kept++ : 0xffffffff,
  );
  columns.renumber(moved);
  expect(columns.count).toBe(COUNT - 3);
  expect(columns.looked).toBe(kept);
  for (let row = 0; row < COUNT; row++) if (lives(row)) expect(columns.rowOf(moved[row * 2] as number)).toBe(row);
  const after = scores(columns);
  after.forEach((score, row) => expect(score).toBe(lives(row) ? before[row] : Number.NaN));
  // The other level's have no row.
  expect(columns.rowOf(moved[3] as number)).toBe(-1);
  expect(columns.append([kept], (take) => take(0, query))).toBe(true);
  expect(columns.rowOf(kept)).toBe(COUNT - 3);
});
