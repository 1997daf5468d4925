import { LEVELS, type Level } from '../base/context.ts';
import type { Candidate } from '../store/store.ts';
import type { Ranked } from './answer.ts';
import { compareRank, finalScore, recencyOf, scoreParts, type RankSettings } from './ranking.ts';
import type { Similarities } from './similarity.ts';

/** What a candidate needs to be in an answer. */
export interface AdmissionRules {
  /** Final score, 0..1. */
  readonly threshold: number;
  /** 0..1; 0: whatever it is. */
  readonly minSimilarity: number;
  /** Of each level so many are in whatever they have, so that a memory that holds anything says something. */
  readonly keptPerLevel: number;
}

/** What is asked of the candidates, of whatever level, with their similarities at the same places. */
export interface Contest {
  readonly candidates: readonly Candidate[];
  readonly similarities: Similarities;
  /** Only these are ranked. */
  readonly levels: readonly Level[];
  readonly nowMs: number;
  /** Accesses of an id that its candidate does not know of yet. */
  readonly pendingAccesses: (id: string) => number;
  /** Those below the threshold are wanted too. */
  readonly explain: boolean;
}

export interface Admission {
  /** Best first. */
  readonly admitted: readonly Ranked[];
  /** Ids of those of them that are in for their level alone. */
  readonly keptForLevel: ReadonlySet<string>;
  /** In no order; empty where they are not wanted. */
  readonly belowThreshold: readonly Ranked[];
}

/**
 * Ranks and admits. Most candidates are only somebody's neighbours, so what is not admitted costs neither an object
 * nor a place in the sort.
 *
 * For their level are kept the best by rank without its part of frequency: what was returned often before says
 * nothing about a query that it is not about.
 */
export function admit(contest: Contest, rules: AdmissionRules, settings: RankSettings): Admission {
  const { candidates, similarities } = contest;
  const standing = new Float64Array(candidates.length);
  const admitted: Ranked[] = [];
  const unfit: number[] = [];
  for (let place = 0; place < candidates.length; place++) {
    const { level, createdAtMs } = candidates[place] as Candidate;
    if (!contest.levels.includes(level)) continue;
    const similarity = similarities.similarity[place] as number;
    standing[place] = finalScore(similarity, recencyOf(createdAtMs, contest.nowMs, settings), level, 0, settings);
    const candidate = similarity >= rules.minSimilarity ? rankedAt(contest, place, settings) : null;
    if (candidate !== null && candidate.relevanceScore >= rules.threshold) admitted.push(candidate);
    else unfit.push(place);
  }
  const kept = rules.keptPerLevel === 0 || unfit.length === 0 ? [] : keptPlaces(contest, standing, new Set(unfit), rules.keptPerLevel);
  const keptForLevel = new Set<string>();
  for (const place of kept) {
    const candidate = rankedAt(contest, place, settings);
    admitted.push(candidate);
    keptForLevel.add(candidate.id);
  }
  const below = contest.explain ? unfit.filter((place) => !kept.includes(place)) : [];
  return {
    admitted: admitted.sort(compareRank),
    keptForLevel,
    belowThreshold: below.map((place) => rankedAt(contest, place, settings)),
  };
}

function rankedAt(contest: Contest, place: number, settings: RankSettings): Ranked {
  const { id, level, createdAtMs, tokenCount, accessCount } = contest.candidates[place] as Candidate;
  const facts = { id, level, createdAtMs, accessCount: accessCount + contest.pendingAccesses(id) };
  const { similarity, lexical } = contest.similarities;
  const relevance = { similarity: similarity[place] as number, lexical: lexical[place] as number };
  const scores = scoreParts(facts, relevance, contest.nowMs, settings);
  const relevanceScore = finalScore(scores.similarity, scores.recency, level, scores.frequency, settings);
  return { id, level, createdAtMs, tokenCount, scores, relevanceScore };
}

/** The unfit among the best `count` of their level. */
function keptPlaces({ candidates, similarities, levels }: Contest, standing: Float64Array, unfit: ReadonlySet<number>, count: number): number[] {
  const isBefore = (a: number, b: number): boolean => {
    const one = candidates[a] as Candidate;
    const other = candidates[b] as Candidate;
    const order =
      (standing[b] as number) - (standing[a] as number) ||
      (similarities.similarity[b] as number) - (similarities.similarity[a] as number) ||
      other.createdAtMs - one.createdAtMs;
    return order < 0 || (order === 0 && one.id < other.id);
  };
  const best: Record<Level, number[]> = { immediate: [], short_term: [], long_term: [] };
  candidates.forEach(({ level }, place) => {
    if (!levels.includes(level)) return;
    const leading = best[level];
    if (leading.length === count && !isBefore(place, leading[count - 1] as number)) return;
    let at = leading.length;
    while (at > 0 && isBefore(place, leading[at - 1] as number)) at--;
    leading.splice(at, 0, place);
    if (leading.length > count) leading.pop();
  });
  return LEVELS.flatMap((level) => best[level].filter((place) => unfit.has(place)));
}
