import { expect, it } from 'vitest';
import { Ring } from '../../../src/base/ring.ts';

it('a ring keeps the last so many in order, also after it was emptied', () => {
  const ring = new Ring<number>(3);
  expect(ring.all).toEqual([]);
  for (let i = 0; i < 8; i++) {
    ring.push(i);
    expect(ring.all).toEqual([i - 2, i - 1, i].filter((each) => each >= 0));
    expect(ring.newest(2)).toEqual([i, i - 1].filter((each) => each >= 0));
  }
  ring.clear();
  expect(ring.all).toEqual([]);
  for (const i of [8, 9]) ring.push(i);
  expect(ring.all).toEqual([8, 9]);
  expect(ring.newest(10)).toEqual([9, 8]);
});
