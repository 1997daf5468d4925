import { LEVELS } from '../base/context.ts';
import type { Ranked } from './answer.ts';
import { compareRank } from './ranking.ts';

/** What a candidate needs to be in an answer. */
export interface AdmissionRules {
  /** Final score, 0..1. */
  readonly threshold: number;
  /** 0..1; 0: whatever it is. */
  readonly minSimilarity: number;
  /** Of each level the best ranked that are in whatever they have, so that a memory that holds anything says something. */
  readonly keptPerLevel: number;
}

export interface Admission {
  /** Best first. */
  readonly admitted: readonly Ranked[];
  /** Ids of those of them that are in for their level alone. */
  readonly keptForLevel: ReadonlySet<string>;
  /** In no order. */
  readonly belowThreshold: readonly Ranked[];
}

/** Sorts only what may be admitted: in a memory of any size most candidates are not. */
export function admit(candidates: readonly Ranked[], rules: AdmissionRules): Admission {
  const fit: Ranked[] = [];
  const unfit: Ranked[] = [];
  for (const candidate of candidates) {
    const fits = candidate.relevanceScore >= rules.threshold && candidate.scores.similarity >= rules.minSimilarity;
    (fits ? fit : unfit).push(candidate);
  }
  fit.sort(compareRank);
  const kept = rules.keptPerLevel === 0 ? [] : bestUnfit(fit, unfit, rules.keptPerLevel);
  if (kept.length === 0) return { admitted: fit, keptForLevel: new Set(), belowThreshold: unfit };
  const keptForLevel = new Set(kept.map(({ id }) => id));
  return {
    admitted: [...fit, ...kept].sort(compareRank),
    keptForLevel,
    belowThreshold: unfit.filter(({ id }) => !keptForLevel.has(id)),
  };
}

/** The unfit that are among the `count` best ranked of their level. */
function bestUnfit(fit: readonly Ranked[], unfit: readonly Ranked[], count: number): Ranked[] {
  return LEVELS.flatMap((level) => {
    // With so many fit ones, an unfit one must rank above the last of them.
    const bar = fit.filter((candidate) => candidate.level === level)[count - 1];
    const rivals = unfit.filter((candidate) => candidate.level === level && (bar === undefined || compareRank(candidate, bar) < 0));
    if (rivals.length === 0) return [];
    const fitOfLevel = fit.filter((candidate) => candidate.level === level).slice(0, count);
    const best = new Set([...fitOfLevel, ...rivals].sort(compareRank).slice(0, count));
    return rivals.filter((candidate) => best.has(candidate));
  });
}
