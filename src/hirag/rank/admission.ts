import { LEVELS, type Level } from '../../base/context.ts';
import type { Candidates } from '../../store/candidates.ts';
import {
  compareRank,
  finalScore,
  frequencyOf,
  recencyOf,
  scoreParts,
  type Ranked,
  type RankSettings,
} from './ranking.ts';
import type { ScoreParts } from '../types.ts';
import type { Similarities } from './similarity.ts';

/** What a candidate needs to be in an answer. */
export interface AdmissionRules {
  /** Final score, 0..1. */
  readonly threshold: number;
  /** 0..1; 0: whatever it is. */
  readonly minSimilarity: number;
  /** The same where nothing is that similar. */
  readonly standInSimilarity: number;
  /** Of each level so many are in that have anything in common with the query, where there is room left for them. */
  readonly keptPerLevel: number;
}

/** What is asked of the candidates, of whatever level, with their similarities at the same places. */
export interface Contest {
  readonly candidates: Candidates;
  readonly similarities: Similarities;
  /** Only these are ranked. */
  readonly levels: readonly Level[];
  readonly nowMs: number;
  /** Accesses of an id that its candidate does not know of yet. */
  readonly pendingAccesses: (id: string) => number;
  /** Those below the threshold are wanted too. */
  readonly explain: boolean;
  /** Ids that are not ranked. */
  readonly excluded?: ReadonlySet<string> | undefined;
}

export interface Admission {
  /** Nothing has the similarity that is asked for: what is admitted stands in. */
  readonly standsIn: boolean;
  /** Best first, fillers among them. */
  readonly admitted: readonly Ranked[];
  /** In no order; empty where they are not wanted. */
  readonly belowThreshold: readonly Ranked[];
}

/**
 * Ranks and admits. Most candidates are only somebody's neighbours, so what is not admitted costs neither an object
 * nor a place in the sort.
 *
 * What has nothing in common with the query is in no answer, however new it is, but where the threshold is 0; then it
 * is a filler, as is what is in for its level alone. For their level are kept the best by rank without its part of
 * frequency: what was returned often before says nothing about a query that it is not about.
 */
export function admit(contest: Contest, rules: AdmissionRules, settings: RankSettings): Admission {
  const { columns } = contest.candidates;
  const asked = LEVELS.map((level) => contest.levels.includes(level));
  const standsIn = rules.standInSimilarity < rules.minSimilarity && !isReached(contest, asked, rules.minSimilarity);
  const leastSimilarity = standsIn ? rules.standInSimilarity : rules.minSimilarity;
  const takesUnrelated = rules.threshold === 0 && rules.minSimilarity === 0;
  const standing = new Float64Array(columns.count);
  const admitted: Ranked[] = [];
  const unfit: number[] = [];
  for (let place = 0; place < columns.count; place++) {
    const level = columns.levels[place] as number;
    if (!asked[level]) continue;
    if (contest.excluded?.has(contest.candidates.ids.at(place) ?? '') === true) continue;
    const similarity = contest.similarities.similarity[place] as number;
    const recency = recencyOf(columns.createdAtMs[place] as number, contest.nowMs, settings);
    standing[place] = finalScore(similarity, recency, LEVELS[level] as Level, 0, settings);
    const mayFit = similarity >= leastSimilarity && (similarity > 0 || takesUnrelated);
    const candidate = mayFit ? rankedAt(contest, place, similarity === 0, settings) : null;
    if (candidate !== null && candidate.relevanceScore >= rules.threshold) admitted.push(candidate);
    else unfit.push(place);
  }
  const kept =
    rules.keptPerLevel === 0 || unfit.length === 0
      ? []
      : keptPlaces(contest, standing, new Set(unfit), rules.keptPerLevel);
  for (const place of kept) admitted.push(rankedAt(contest, place, true, settings));
  const below = contest.explain ? unfit.filter((place) => !kept.includes(place)) : [];
  return {
    standsIn,
    admitted: admitted.sort(compareRank),
    belowThreshold: below.map((place) => rankedAt(contest, place, true, settings)),
  };
}

function isReached({ candidates, similarities }: Contest, asked: readonly boolean[], least: number): boolean {
  const { levels, count } = candidates.columns;
  for (let place = 0; place < count; place++) {
    if (asked[levels[place] as number] === true && (similarities.similarity[place] as number) >= least) return true;
  }
  return false;
}

function rankedAt(contest: Contest, place: number, isFiller: boolean, settings: RankSettings): Ranked {
  return new Contestant(contest, place, isFiller, settings);
}

/** Of hundreds of candidates a dozen are shown: what only these are asked for is made when it is. */
class Contestant implements Ranked {
  readonly place: number;
  readonly level: Level;
  readonly createdAtMs: number;
  readonly tokenCount: number;
  readonly relevanceScore: number;
  readonly similarity: number;
  readonly isFiller: boolean;
  readonly #contest: Contest;
  readonly #settings: RankSettings;
  #id: string | undefined;
  #scores: ScoreParts | undefined;

  constructor(contest: Contest, place: number, isFiller: boolean, settings: RankSettings) {
    const { columns } = contest.candidates;
    this.#contest = contest;
    this.#settings = settings;
    this.place = place;
    this.isFiller = isFiller;
    this.level = LEVELS[columns.levels[place] as number] as Level;
    this.createdAtMs = columns.createdAtMs[place] as number;
    this.tokenCount = columns.tokenCounts[place] as number;
    this.similarity = contest.similarities.similarity[place] as number;
    const recency = recencyOf(this.createdAtMs, contest.nowMs, settings);
    const frequency = settings.weights.frequency > 0 ? frequencyOf(this.#accessCount) : 0;
    this.relevanceScore = finalScore(this.similarity, recency, this.level, frequency, settings);
  }

  get id(): string {
    this.#id ??= this.#contest.candidates.ids.at(this.place) as string;
    return this.#id;
  }

  get scores(): ScoreParts {
    if (this.#scores === undefined) {
      const { similarities, nowMs } = this.#contest;
      const relevance = {
        similarity: this.similarity,
        lexical: similarities.lexical[this.place] as number,
      };
      const { level, createdAtMs } = this;
      const facts = { level, createdAtMs, accessCount: this.#accessCount };
      this.#scores = scoreParts(facts, relevance, nowMs, this.#settings);
    }
    return this.#scores;
  }

  get #accessCount(): number {
    const { candidates, pendingAccesses } = this.#contest;
    return (candidates.columns.accessCounts[this.place] as number) + pendingAccesses(this.id);
  }
}

/** The unfit among the best `count` of their level. */
function keptPlaces(contest: Contest, standing: Float64Array, unfit: ReadonlySet<number>, count: number): number[] {
  const { columns, ids } = contest.candidates;
  const { similarity } = contest.similarities;
  const isBefore = (a: number, b: number): boolean => {
    const order =
      (standing[b] as number) - (standing[a] as number) ||
      (similarity[b] as number) - (similarity[a] as number) ||
      (columns.createdAtMs[b] as number) - (columns.createdAtMs[a] as number);
    return order < 0 || (order === 0 && (ids.at(a) as string) < (ids.at(b) as string));
  };
  const best: Record<Level, number[]> = { immediate: [], short_term: [], long_term: [] };
  for (let place = 0; place < columns.count; place++) {
    const level = LEVELS[columns.levels[place] as number] as Level;
    if (!contest.levels.includes(level) || similarity[place] === 0) continue;
    const leading = best[level];
    if (leading.length === count && !isBefore(place, leading[count - 1] as number)) continue;
    let at = leading.length;
    while (at > 0 && isBefore(place, leading[at - 1] as number)) at--;
    leading.splice(at, 0, place);
    if (leading.length > count) leading.pop();
  }
  return LEVELS.flatMap((level) => best[level].filter((place) => unfit.has(place)));
}
