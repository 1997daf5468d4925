import { describe, expect, it } from 'vitest';
import { termColumns } from '../../../src/store/term-columns.ts';

describe('columns of term scores', () => {
  it('are one for each term where there is room', () => {
    const columns = termColumns([1, 1, 1], [0, 5, 2], 10, 3);
    expect(columns).toMatchObject({ own: [0, 1, 2], count: 3 });
    expect([0, 1, 2].map(columns.columnOf)).toEqual([0, 1, 2]);
    expect(termColumns([], [], 10, 3)).toMatchObject({ own: [], count: 0 });
  });

  it('go to the terms that say most, the others share the last', () => {
    const columns = termColumns([1, 1, 1, 1], [9, 1, 0, 2], 10, 2);
    expect(columns).toMatchObject({ own: [1, 3], count: 3 });
    expect([0, 1, 2, 3].map(columns.columnOf)).toEqual([2, 0, 2, 1]);
  });

  it('count the weight', () => {
    expect(termColumns([1, 1, 5], [2, 2, 3], 10, 1).own).toEqual([2]);
    expect(termColumns([1, 1, 1], [2, 2, 3], 10, 1).own).toEqual([0]);
  });

  it('stay where no term occurs', () => {
    expect(termColumns([1, 1, 1], [0, 0, 0], 10, 2)).toMatchObject({ own: [0], count: 2 });
  });
});
