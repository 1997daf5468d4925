import { describe, expect, it } from 'vitest';
import { planIndex, type SegmentState } from '../../../../../src/store/embedded/hnsw/index-plan.ts';

const THRESHOLD = 1000;
const LIMITS = { threshold: THRESHOLD, tailMax: 50 };

function segment(from: number, to: number, count: number, live = count, passageCount = 0): SegmentState {
  return { from, to, count, passageCount, live, path: `${from}-${to}` };
}

describe('planIndex', () => {
  const large = segment(0, 9000, 8000);
  const small = segment(9000, 9300, 300);

  it('leaves a level below the threshold alone', () => {
    expect(planIndex(THRESHOLD, [], LIMITS)).toBeNull();
    expect(planIndex(0, [], LIMITS)).toBeNull();
  });

  it('builds the first segment past the threshold', () => {
    expect(planIndex(THRESHOLD + 1, [], LIMITS)).toEqual({ kind: 'build', from: 0, base: null });
  });

  it('scans a short tail', () => {
    expect(planIndex(8050, [large], LIMITS)).toBeNull();
    expect(planIndex(8350, [large, small], LIMITS)).toBeNull();
  });

  it('gives a long tail a segment of its own, and makes that grow', () => {
    expect(planIndex(8051, [large], LIMITS)).toEqual({ kind: 'build', from: 9000, base: null });
    expect(planIndex(8351, [large, small], LIMITS)).toEqual({ kind: 'build', from: 9000, base: small });
  });

  it('merges what has become large beside the large one', () => {
    expect(planIndex(8401, [large, small], LIMITS)).toEqual({
      kind: 'build',
      from: 0,
      base: large,
    });
  });

  it('builds anew what is mostly dead', () => {
    expect(planIndex(5900, [segment(0, 9000, 8000, 5900)], LIMITS)).toEqual({ kind: 'build', from: 0, base: null });
    expect(planIndex(8250, [large, segment(9000, 9300, 300, 200)], LIMITS)).toEqual({
      kind: 'build',
      from: 9000,
      base: null,
    });
  });

  it('gives up the index of a level that has become small', () => {
    expect(planIndex(499, [large], LIMITS)).toEqual({ kind: 'drop' });
    expect(planIndex(500, [segment(0, 9000, 600, 500)], LIMITS)).toBeNull();
  });

  it('counts further passages as what they cost, and not as contexts that died', () => {
    expect(planIndex(100, [], LIMITS, THRESHOLD - 100)).toBeNull();
    expect(planIndex(100, [], LIMITS, THRESHOLD)).toEqual({ kind: 'build', from: 0, base: null });
    const passages = segment(0, 9000, 100, 100, 2000);
    expect(planIndex(100, [passages], LIMITS)).toBeNull();
    expect(planIndex(101, [passages], LIMITS, 100)).toEqual({ kind: 'build', from: 9000, base: null });
    expect(planIndex(100, [segment(0, 9000, 100, 100, 300)], LIMITS)).toEqual({ kind: 'drop' });
  });
});
