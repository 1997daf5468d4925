import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TopList } from '../../../../../src/store/embedded/arrays/top-list.ts';

describe('TopList', () => {
  it('keeps the highest scores', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -50, max: 50 })), fc.integer({ min: 0, max: 9 }), (scores, size) => {
        const list = new TopList(size);
        scores.forEach((score, i) => list.push(i, score));
        const kept = list.items();
        expect(kept.map(({ score }) => score).sort((a, b) => b - a)).toEqual(
          [...scores].sort((a, b) => b - a).slice(0, size),
        );
        for (const { ordinal, score } of kept) expect(scores[ordinal]).toBe(score);
      }),
    );
  });
});
