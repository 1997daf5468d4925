import type { QueryAnalysis } from '../base/text/analyzer.ts';
import { inverseDocumentFrequency } from '../base/text/bm25.ts';
import { dateAffinity } from '../base/text/dates.ts';
import type { Candidate, QueryTerm, TermStatistics } from '../store/store.ts';

/** A number for a provider that compares spellings, and one for a provider that compares meanings. */
export interface ByKind {
  readonly lexical: number;
  readonly semantic: number;
}

/** How words, vectors and what stands around a context become one similarity. docs/retrieval.md has the measurements. */
export interface FusionSettings {
  /** Share of the dense side beside BM25, 0..1. */
  readonly denseShare: ByKind;
  /** Cosine of a text that has nothing to do with the query, where the store cannot tell; at and below it the dense side is 0. 0..0.99. */
  readonly denseFloor: ByKind;
  /** Vectors that a semantic provider's floor is measured on, per level; 0: `denseFloor` as it stands. 0..1,000. */
  readonly denseFloorSamples: number;
  /** What a query term in a context 1, 2, ... places away in the session counts for this one, 0..1 each. At most 10. */
  readonly neighbourWeights: readonly number[];
  /** The first of these for what stands behind a question, 0..1: an answer often lacks the words that it answers. */
  readonly answerWeight: number;
  /**
   * Tokens up to which a context is lent all this; a longer one in proportion less, as it holds more of its subject
   * itself. >= 1.
   */
  readonly neighbourTokens: number;
  /** What the cosine of the context before or after counts, 0..1. */
  readonly denseNeighbourWeight: number;
  /** Factor where the query names the speaker of the text. > 0. */
  readonly speakerFactor: number;
  /** Factor where the text itself asks. > 0. */
  readonly questionFactor: number;
  /** Added to the factor 1 where the context was made at a date that the query names. >= 0. */
  readonly dateBoost: number;
  /** How fast the similarity nears 1 as more of the query is found. > 0. */
  readonly slope: number;
  /** How far the similarity falls with the distance to the best candidate; 0: not at all. >= 0. */
  readonly relativeExponent: number;
}

export const DEFAULT_FUSION: FusionSettings = {
  denseShare: { lexical: 0.15, semantic: 0.35 },
  denseFloor: { lexical: 0.08, semantic: 0.2 },
  denseFloorSamples: 64,
  neighbourWeights: [0.7, 0.5, 0.35],
  answerWeight: 1,
  neighbourTokens: 64,
  denseNeighbourWeight: 0.7,
  speakerFactor: 1.5,
  questionFactor: 0.85,
  dateBoost: 1,
  slope: 2,
  relativeExponent: 0.5,
};

/** At each candidate's place. */
export interface Similarities {
  /** 0..1. */
  readonly similarity: Float64Array;
  /** The lexical part of it, 0..1; shown, not weighed again. */
  readonly lexical: Float64Array;
}

/** What the candidates of all levels are compared with. */
export interface Comparison {
  readonly query: QueryAnalysis;
  /** Sum of weight x idf over the query's terms, also those that no text holds; 0: there is no lexical side. */
  readonly attainable: number;
  readonly kind: 'lexical' | 'semantic';
  /** The measured floor of the cosine; null: the setting's. */
  readonly denseFloor: number | null;
}

/** BM25 of a text that holds every query term once, at average length. */
export function attainableScore(terms: readonly QueryTerm[], statistics: TermStatistics): number {
  return terms.reduce((total, { weight }, i) => {
    return total + weight * inverseDocumentFrequency(statistics.documentCount, statistics.documentFrequencies[i] ?? 0);
  }, 0);
}

/**
 * Similarity of each candidate to the query, 0..1, in the order of the candidates, which are those of all levels:
 * a question may lie in one level and its answer in the next.
 *
 *     lex = sum over query terms of the best among the context's own score of the term and its neighbours' weighed ones,
 *           as a share of what is attainable
 *     sem = the best among the context's calibrated cosine and its neighbours' weighed ones
 *           (what a context is lent, in both, x min(1, neighbour tokens / its tokens))
 *     E   = ((1 - b) lex + b sem) x speaker factor x question factor x (1 + date boost x date affinity)
 *     similarity = tanh(slope E) x (E / best E)^exponent
 *
 * E is a share of what the query could find at all, so a similarity means the same in every corpus, and the floor of
 * the cosine makes it mean the same with every embedder; the last factor spreads the lower places of one answer.
 */
export function similarities(candidates: readonly Candidate[], comparison: Comparison, settings: FusionSettings): Similarities {
  const chain = linksOf(candidates);
  const needs = Float64Array.from(candidates, ({ tokenCount }) => Math.min(1, settings.neighbourTokens / tokenCount));
  const lexical = lexicalEvidence(candidates, chain, needs, comparison, settings);
  const dense = denseEvidence(candidates, chain, needs, comparison, settings);
  const hasDense = candidates.some((candidate) => candidate.dense !== null);
  // Where no text holds any word of the query, the vectors are all there is to go by.
  const hasLexical = lexical.some((found) => found > 0);
  const denseShare = !hasDense ? 0 : hasLexical ? settings.denseShare[comparison.kind] : 1;
  const evidence = new Float64Array(candidates.length);
  let best = 0;
  for (let place = 0; place < candidates.length; place++) {
    const found = (1 - denseShare) * (lexical[place] as number) + denseShare * (dense[place] as number);
    if (found <= 0) continue;
    evidence[place] = found * circumstances(candidates[place] as Candidate, comparison.query, settings);
    best = Math.max(best, evidence[place] as number);
  }
  return {
    similarity: evidence.map((found) => similarityOf(found, best, settings)),
    lexical: lexical.map((share) => rounded(Math.min(1, share))),
  };
}

function similarityOf(found: number, best: number, { slope, relativeExponent }: FusionSettings): number {
  return found > 0 ? rounded(Math.tanh(slope * found) * (found / best) ** relativeExponent) : 0;
}

/** The same texts get the same score whichever index added up their vectors, in whatever order: ties stay ties. */
function rounded(score: number): number {
  return Math.round(score * 1e6) / 1e6;
}

/** Places of the contexts before and after each candidate in its session; -1 where that is no candidate. */
interface Chain {
  readonly previous: Int32Array;
  readonly next: Int32Array;
}

/** Either side may know of the other: a level in memory does not see where its session goes on in the next. */
function linksOf(candidates: readonly Candidate[]): Chain {
  const places = new Map<string, number>();
  candidates.forEach(({ id }, place) => places.set(id, place));
  const previous = new Int32Array(candidates.length).fill(-1);
  const next = new Int32Array(candidates.length).fill(-1);
  candidates.forEach(({ previousId, nextId }, place) => {
    const before = previousId === null ? undefined : places.get(previousId);
    const after = nextId === null ? undefined : places.get(nextId);
    if (before !== undefined) {
      previous[place] = before;
      if (next[before] === -1) next[before] = place;
    }
    if (after !== undefined) {
      next[place] = after;
      if (previous[after] === -1) previous[after] = place;
    }
  });
  return { previous, next };
}

/**
 * Share of the attainable lexical score that each candidate and its neighbours hold together. The best source counts
 * per term, not per text, so neighbours fill in the words that a context lacks and no word counts twice.
 */
function lexicalEvidence(
  candidates: readonly Candidate[],
  chain: Chain,
  needs: Float64Array,
  { query, attainable }: Comparison,
  settings: FusionSettings,
): Float64Array {
  const evidence = new Float64Array(candidates.length);
  if (attainable <= 0) return evidence;
  const termCount = query.terms.length;
  const blended = new Float64Array(candidates.length * termCount);
  const weights = settings.neighbourWeights;
  const weightsBehindQuestion = weights.length === 0 ? weights : weights.with(0, settings.answerWeight);
  candidates.forEach((lender, place) => {
    if (lender.lexical <= 0) return;
    lend(lender.termScores, 1, blended, place * termCount);
    lendAlong(chain.next, place, lender.isQuestion ? weightsBehindQuestion : weights, needs, lender.termScores, blended);
    lendAlong(chain.previous, place, weights, needs, lender.termScores, blended);
  });
  for (let place = 0; place < candidates.length; place++) {
    let total = 0;
    for (let i = place * termCount; i < (place + 1) * termCount; i++) total += blended[i] ?? 0;
    evidence[place] = total / attainable;
  }
  return evidence;
}

/** Lends to one candidate after the other along the session, with the weight of its distance and its need. */
function lendAlong(
  chain: Int32Array,
  from: number,
  weights: readonly number[],
  needs: Float64Array,
  scores: Float32Array,
  blended: Float64Array,
): void {
  let place = chain[from] ?? -1;
  for (const weight of weights) {
    if (place < 0) return;
    lend(scores, weight * (needs[place] ?? 1), blended, place * scores.length);
    place = chain[place] ?? -1;
  }
}

function lend(scores: Float32Array, weight: number, blended: Float64Array, at: number): void {
  for (let term = 0; term < scores.length; term++) {
    const lent = weight * (scores[term] ?? 0);
    if (lent > (blended[at + term] ?? 0)) blended[at + term] = lent;
  }
}

/** A client that asks with a vector alone wants the nearest ones, however far they are, and not what stands around them. */
function asksByVector(query: QueryAnalysis): boolean {
  return query.terms.length === 0;
}

/** The best calibrated cosine among each candidate and the ones before and after it. */
function denseEvidence(
  candidates: readonly Candidate[],
  chain: Chain,
  needs: Float64Array,
  comparison: Comparison,
  settings: FusionSettings,
): Float64Array {
  const byVector = asksByVector(comparison.query);
  const fixed = byVector && comparison.kind === 'lexical' ? 0 : settings.denseFloor[comparison.kind];
  const floor = Math.min(0.99, comparison.denseFloor ?? fixed);
  const calibrated = Float64Array.from(candidates, ({ dense }) => {
    return dense === null ? 0 : Math.min(1, Math.max(0, (dense - floor) / (1 - floor)));
  });
  if (byVector) return calibrated;
  const at = (place: number): number => (place < 0 ? 0 : (calibrated[place] ?? 0));
  return calibrated.map((own, place) => {
    const around = Math.max(at(chain.previous[place] ?? -1), at(chain.next[place] ?? -1));
    return Math.max(own, settings.denseNeighbourWeight * (needs[place] ?? 1) * around);
  });
}

/** Who speaks, whether it is a question, and when it was said. */
function circumstances(candidate: Candidate, query: QueryAnalysis, settings: FusionSettings): number {
  if (asksByVector(query)) return 1;
  let factor = 1;
  if (candidate.speakerNamed) factor *= settings.speakerFactor;
  if (candidate.isQuestion) factor *= settings.questionFactor;
  if (query.dates.length > 0) factor *= 1 + settings.dateBoost * dateAffinity(query.dates, candidate.createdAtMs);
  return factor;
}
