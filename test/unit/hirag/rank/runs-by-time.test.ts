import { describe, expect, it } from 'vitest';
import { weightOfTimeOnly } from '../../../../src/hirag/rank/runs-by-time.ts';
import { CandidateColumns, DIRECT_FLAG, NOBODY, TIME_ONLY_FLAG } from '../../../../src/store/candidates.ts';

/** A run of contexts, of which those at these places are hits. */
function weight(count: number, hits: readonly number[], searched: number, flags = TIME_ONLY_FLAG): number {
  const columns = new CandidateColumns(count, 0);
  columns.flags.fill(flags);
  for (const place of hits) columns.flags[place] = flags | DIRECT_FLAG;
  columns.previous.forEach((_, place) => (columns.previous[place] = place === 0 ? NOBODY : place - 1));
  columns.next.forEach((_, place) => (columns.next[place] = place === count - 1 ? NOBODY : place + 1));
  return weightOfTimeOnly(columns, searched);
}

const ALONE = Array.from({ length: 40 }, (_, i) => 3 * i);

describe('what neighbours by time alone count', () => {
  it('is all where hits stand side by side, and least where they stand alone', () => {
    expect(weight(60, [10, 11, 12, 30, 31, 50, 51, 52], 600)).toBe(1);
    expect(weight(120, ALONE, 400)).toBeLessThan(0.4);
  });

  it('is least, too, where those beside hits are no candidates', () => {
    const columns = new CandidateColumns(20, 0);
    columns.flags.fill(TIME_ONLY_FLAG | DIRECT_FLAG);
    columns.previous.fill(20);
    columns.next.fill(21);
    expect(weightOfTimeOnly(columns, 400)).toBeLessThan(0.4);
    columns.previous.fill(NOBODY);
    columns.next.fill(NOBODY);
    expect(weightOfTimeOnly(columns, 400)).toBeGreaterThan(0.6);
  });

  it('is as ever where there is next to nothing to go by', () => {
    expect(weight(3, [0, 1, 2], 3)).toBe(1);
    expect(weight(3, [1], 600)).toBeGreaterThan(0.6);
    expect(weight(3, [], 600)).toBe(1);
    expect(weight(0, [], 0)).toBe(1);
  });

  it('is all for contexts of sessions and with names', () => {
    expect(weight(120, ALONE, 400, 0)).toBe(1);
  });
});
