import { describe, expect, it } from 'vitest';
import { RecentRatio } from '../../../../src/fronts/http/recent-ratio.ts';

describe('a recent ratio', () => {
  const sums = { part: 0, whole: 0 };
  const grow = (part: number, whole: number): void => {
    sums.part += part;
    sums.whole += whole;
  };

  it('is of what came since the oldest note, and 0 where nothing did', () => {
    const ratio = new RecentRatio(() => ({ ...sums }));
    expect(ratio.value).toBe(0);
    grow(1, 4);
    expect(ratio.value).toBe(0.25);
    for (let note = 0; note < 29; note++) ratio.note();
    expect(ratio.value).toBe(0.25);
    grow(4, 4);
    expect(ratio.value).toBe(5 / 8);
    ratio.note();
    expect(ratio.value).toBe(1);
    for (let note = 0; note < 30; note++) ratio.note();
    expect(ratio.value).toBe(0);
  });
});
