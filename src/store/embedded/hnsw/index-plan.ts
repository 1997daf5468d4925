// When a level's vectors are indexed anew. At most two segments: a large one, and a small one for what
// came after it, so that a growing level rewrites little of what it has.

import type { LevelLimits } from './index-tuning.ts';

export interface SegmentState {
  readonly from: number;
  readonly to: number;
  /** Contexts in the graph. */
  readonly count: number;
  /** Vectors of further passages in it. */
  readonly passageCount: number;
  /** Those whose contexts still live unchanged. */
  readonly live: number;
  readonly path: string;
}

export type Plan =
  /** Build (from, newest], starting from the graph in `base` where there is one. `isBetter`: only for more links. */
  | { readonly kind: 'build'; readonly from: number; readonly base: SegmentState | null; readonly isBetter?: true }
  /** So few are left that an exact scan answers sooner. */
  | { readonly kind: 'drop' };

/** A graph in which more is dead than this share is built from nothing. */
const DEAD_SHARE_MAX = 0.25;
/** Past this share of the large segment the small one is merged into it. */
const SMALL_SHARE_MAX = 0.05;
/** Below this share of the threshold an index is given up; the gap keeps a level at the border from flapping. */
const DROP_SHARE = 0.5;

/**
 * null: all is well. `live` counts the level's contexts, `passages` the vectors of further passages that are scanned
 * exactly, as far as it is known: each of them costs as much as a context. `moreLinks`: by so many links a vector the large
 * graph has too few, or below zero too many.
 */
export function planIndex(
  live: number,
  segments: readonly SegmentState[],
  { threshold, tailMax }: LevelLimits,
  passages = 0,
  moreLinks = 0,
): Plan | null {
  const [large, small] = segments;
  if (large === undefined) return live + passages > threshold ? { kind: 'build', from: 0, base: null } : null;
  const indexedPassages = segments.reduce((sum, { passageCount }) => sum + passageCount, 0);
  if (live + passages + indexedPassages < threshold * DROP_SHARE) return { kind: 'drop' };
  if (isWornOut(large)) return { kind: 'build', from: 0, base: null };
  const uncovered = live - large.live;
  const tail = uncovered - (small?.live ?? 0) + passages;
  const isSmallWornOut = small !== undefined && isWornOut(small);
  // What no graph covers comes first: it is compared one by one until then.
  if (tail <= tailMax && !isSmallWornOut)
    return moreLinks > 0 ? { kind: 'build', from: 0, base: null, isBetter: true } : null;
  if (uncovered > large.count * SMALL_SHARE_MAX) return { kind: 'build', from: 0, base: moreLinks < 0 ? null : large };
  return { kind: 'build', from: large.to, base: small === undefined || isSmallWornOut ? null : small };
}

function isWornOut(segment: SegmentState): boolean {
  return segment.count - segment.live > segment.count * DEAD_SHARE_MAX;
}
