import type { Level } from '../../base/context.ts';
import type { Settings } from '../../config/settings.ts';
import type { ScoreParts } from '../types.ts';

export type RankSettings = Pick<Settings['hirag'], 'ranking' | 'weights' | 'levelWeights' | 'recencyHours'>;

/** What the rank is made from, besides the similarity. */
export interface RankFacts {
  readonly level: Level;
  readonly createdAtMs: number;
  readonly accessCount: number;
}

export interface Relevance {
  /** Fused similarity, 0..1. */
  readonly similarity: number;
  /** Normalised lexical part of it, 0..1; shown, not weighed again. */
  readonly lexical: number;
}

/** A candidate with its final score. */
export interface Ranked {
  readonly id: string;
  /** Among the candidates. */
  readonly place: number;
  readonly level: Level;
  readonly createdAtMs: number;
  readonly tokenCount: number;
  readonly relevanceScore: number;
  /** `scores.similarity`, by itself: an order asks for nothing else of them. */
  readonly similarity: number;
  readonly scores: ScoreParts;
  /** It hardly fits the query: it stands back behind all that does, wherever it ranks. */
  readonly isFiller: boolean;
}

const HOUR_MS = 3_600_000;
/** Accesses at which the frequency part is 1. */
const ACCESSES_FULL = 100;
const LOG_FULL = Math.log1p(ACCESSES_FULL);

/** The parts of the rank, each 0..1 before its weight. */
export function scoreParts(facts: RankFacts, relevance: Relevance, nowMs: number, settings: RankSettings): ScoreParts {
  return {
    similarity: clamp01(relevance.similarity),
    lexical: clamp01(relevance.lexical),
    recency: recencyOf(facts.createdAtMs, nowMs, settings),
    level: clamp01(settings.levelWeights[facts.level]),
    frequency: frequencyOf(facts.accessCount),
  };
}

/** From 0 to 1, where it was returned a hundred times. */
export function frequencyOf(accessCount: number): number {
  return Math.log1p(Math.min(accessCount, ACCESSES_FULL)) / LOG_FULL;
}

/** e^(-age / `recencyHours`); of what lies in the future 1. */
export function recencyOf(createdAtMs: number, nowMs: number, { recencyHours }: RankSettings): number {
  return Math.exp(-Math.max(0, nowMs - createdAtMs) / HOUR_MS / recencyHours);
}

/**
 * The final score, 0..1, from similarity s, recency r (e^(-age / `recencyHours`)), level l (1.0, 0.7, 0.5) and frequency f
 * (log(1 + n) / log(101)), with the weights from the settings, scaled to sum 1:
 *
 *     additive:      w_s s +  w_r r + w_l l + w_f f
 *     proportional:  w_s s + (w_r r + w_l l + w_f f) s^min(1, w_s / (w_r + w_l + w_f))
 *
 * In the second form what is new orders what fits about equally well, and lifts nothing that does not fit; the less the
 * similarity is told to count, the more the others count by themselves.
 */
export function finalScore(
  similarity: number,
  recency: number,
  level: Level,
  frequency: number,
  settings: RankSettings,
): number {
  const { weights } = settings;
  const others = weights.recency + weights.level + weights.frequency;
  const total = weights.similarity + others;
  if (!(total > 0)) return 0;
  const levelPart = clamp01(settings.levelWeights[level]);
  const circumstances = weights.recency * recency + weights.level * levelPart + weights.frequency * frequency;
  const share =
    settings.ranking === 'additive' || others === 0
      ? 1
      : clamp01(similarity) ** Math.min(1, weights.similarity / others);
  return clamp01((weights.similarity * similarity + circumstances * share) / total);
}

type Scored = Pick<Ranked, 'id' | 'relevanceScore' | 'similarity' | 'createdAtMs'>;

/** Best first. Ties: the more similar, then the younger, then by id, so that equal questions get equal answers. */
export function compareRank(a: Scored, b: Scored): number {
  return (
    b.relevanceScore - a.relevanceScore ||
    b.similarity - a.similarity ||
    b.createdAtMs - a.createdAtMs ||
    (a.id < b.id ? -1 : a.id > b.id ? 1 : 0)
  );
}

/** NaN counts as 0: a score that cannot be computed must not outrank one that can. */
function clamp01(value: number): number {
  return value > 0 ? Math.min(1, value) : 0;
}
