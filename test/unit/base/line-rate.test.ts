import { describe, expect, it } from 'vitest';
import { LineRate } from '../../../src/base/line-rate.ts';
import { FakeClock } from '../../support/fake-clock.ts';

describe('a line rate', () => {
  it('lets some lines of a kind through, and tells how many it left out', () => {
    const clock = new FakeClock();
    const rate = new LineRate(clock);
    const pass = (kind: string, times: number) => Array.from({ length: times }, () => rate.pass(kind));
    expect(pass('a', 25)).toEqual([...Array<object>(20).fill({}), ...Array<null>(5).fill(null)]);
    expect(pass('b', 1)).toEqual([{}]);
    clock.advance(200);
    expect(pass('a', 2)).toEqual([{ left_out: 5 }, null]);
    clock.advance(60_000);
    expect(pass('a', 21)).toEqual([{ left_out: 1 }, ...Array<object>(19).fill({}), null]);
  });
});
