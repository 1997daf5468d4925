// What is to be built next of a level, with which links. First whatever makes all of it searchable soon, with few links where
// many would take long; links that only make searches better come after.

import type { WorkerSettings } from '../border/messages.ts';
import type { SegmentFile } from './index-files.ts';
import { type Plan, planIndex, type SegmentState } from './index-plan.ts';
import {
  firstShape,
  type GraphShape,
  isLongBuild,
  isSoonerAnew,
  levelLimits,
  type Measured,
  wantedShape,
} from './index-tuning.ts';

type Drop = Extract<Plan, { kind: 'drop' }>;

interface NextBuild {
  readonly kind: 'build';
  readonly from: number;
  readonly base: SegmentState | null;
  readonly shape: GraphShape;
  /** Of a graph that this one grows from, or lies beside. */
  readonly known: Measured | null;
  /** It only makes searches better, and takes long. */
  readonly isLater: boolean;
}

export interface LevelState {
  /** Contexts. */
  readonly live: number;
  /** Vectors of further passages that are scanned exactly, as far as it is known. */
  readonly passages: number;
  readonly segments: readonly (SegmentState & { readonly file: SegmentFile })[];
  /** Vectors up to which an index was found not to be worth it. */
  readonly exactUntil: number;
  /** It grows fast just now. */
  readonly isFast: boolean;
}

/** null: all is well. */
export function nextBuild(
  { live, passages, segments, exactUntil, isFast }: LevelState,
  { indexingThreshold, dimension, hnsw }: Pick<WorkerSettings, 'indexingThreshold' | 'dimension' | 'hnsw'>,
): NextBuild | Drop | null {
  const large = segments[0]?.file;
  const first = firstShape(hnsw);
  const has = large?.parameters ?? first;
  const measured = large?.measured ?? null;
  const wanted = wantedShape(has, measured, hnsw);
  const limits = levelLimits(indexingThreshold, exactUntil, isFast ? (large?.count ?? 0) : null);
  const plan = planIndex(live, segments, limits, passages, isFast ? 0 : wanted.m - has.m);
  if (plan === null || plan.kind === 'drop') return plan;
  const { from, base } = plan;
  if (from > 0) return { ...plan, shape: has, known: measured, isLater: false };
  if (base === null) {
    const isLong = wanted.m > has.m && isLongBuild(wanted, live, dimension);
    const isBetter = plan.isBetter === true;
    return { ...plan, shape: isLong && !isBetter ? has : wanted, known: null, isLater: isLong && isBetter };
  }
  const isAnew = isSoonerAnew(has, base.count, live - base.live, { dimension, hnsw });
  if (isAnew) return { ...plan, base: null, shape: first, known: null, isLater: false };
  return { ...plan, shape: has, known: measured, isLater: false };
}
