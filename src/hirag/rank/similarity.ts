import type { QueryAnalysis } from '../../base/text/analyzer.ts';
import { inverseDocumentFrequency } from '../../base/text/bm25.ts';
import type { AskedTime } from '../../base/text/asked-time.ts';
import { dateAffinity } from '../../base/text/dates.ts';
import type { EmbeddingProvider } from '../../embedding/provider.ts';
import type { Settings } from '../../config/settings.ts';
import {
  DATE_FLAG,
  NOBODY,
  QUESTION_FLAG,
  SPEAKER_FLAG,
  TIME_FLAG,
  TIME_ONLY_FLAG,
  type CandidateColumns,
} from '../../store/candidates.ts';
import type { QueryTerm, TermStatistics } from '../../store/store.ts';
import { weightOfTimeOnly } from './runs-by-time.ts';
import { withTime } from './time-evidence.ts';

/** docs/retrieval.md has the measurements. */
type FusionSettings = Settings['hirag']['fusion'];

/** At each candidate's place. */
export interface Similarities {
  /** 0..1. */
  readonly similarity: Float64Array;
  /** The lexical part of it, 0..1; shown, not weighed again. */
  readonly lexical: Float64Array;
  /** Each context's own cosine, calibrated: 0 for what unrelated texts have, 1 for the same one. */
  readonly cosines: Float64Array;
}

/** What the candidates of all levels are compared with. */
export interface Comparison {
  readonly query: QueryAnalysis;
  /** Absent: it asks about none, or about much else. */
  readonly time?: AskedTime | undefined;
  /** Sum of weight x idf over the query's terms, also those that no text holds; 0: there is no lexical side. */
  readonly attainable: number;
  readonly kind: EmbeddingProvider['kind'];
  /** Contexts that were searched, of all levels. */
  readonly searched: number;
  /** How much of a `blended` query vector compares meanings, 0..1; the rest compares spellings. Of other kinds 1. */
  readonly meaningShare: number;
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
 *     A   = max((1 - b) lex + b sem, k (1 - best lex) (c - s) / (1 - s))
 *     E   = (A + (1 - A) share of the time, where it is of the time that is asked about) x speaker factor x question factor
 *         x time factor x (1 + date boost x date affinity)
 *     similarity = tanh(slope E) x (E / best E)^exponent
 *
 * E is a share of what the query could find at all, so a similarity means the same in every corpus, and the floor of
 * the cosine makes it mean the same with every embedder; the last factor spreads the lower places of one answer.
 */
export function similarities(
  candidates: CandidateColumns,
  comparison: Comparison,
  settings: FusionSettings,
): Similarities {
  const { count } = candidates;
  const chain = linksOf(candidates);
  const needs = needsOf(candidates, comparison.searched, settings);
  const lexical = lexicalEvidence(candidates, chain, needs, comparison, settings);
  const own = calibratedCosines(candidates, comparison, settings);
  const dense = asksByVector(comparison.query) ? own : withNeighbours(own, chain, needs, settings);
  const denseShare = denseShareAmong(candidates, lexical, comparison, settings);
  const alone = denseAloneAmong(lexical, comparison, settings);
  const similarity = new Float64Array(count);
  let best = 0;
  for (let place = 0; place < count; place++) {
    const mixed = (1 - denseShare) * (lexical[place] as number) + denseShare * (dense[place] as number);
    const said = Math.max(mixed, alone.factor * ((own[place] as number) - alone.sure));
    const found = withTime(said, candidates, place, comparison.time);
    if (found <= 0) continue;
    const evidence = found * circumstances(candidates, place, comparison.query, settings);
    similarity[place] = evidence;
    if (evidence > best) best = evidence;
  }
  for (let place = 0; place < count; place++) {
    similarity[place] = similarityOf(similarity[place] as number, best, settings);
    lexical[place] = rounded(Math.min(1, lexical[place] as number));
  }
  return { similarity, lexical, cosines: own };
}

interface DenseRules {
  /** What the cosine counts beside the words, */
  readonly share: number;
  /** and by itself, where the words find little. */
  readonly alone: number;
  /** from this calibrated cosine on. */
  readonly sure: number;
  /** Cosine of unrelated texts where it is not measured, */
  readonly floor: number;
  /** and what is added to it where it is. */
  readonly margin: number;
}

/** By what the vectors compare. */
export function denseRules(settings: FusionSettings, kind: Comparison['kind']): DenseRules {
  switch (kind) {
    case 'lexical':
      return { share: settings.denseShareLexical, alone: 0, sure: 0, floor: settings.denseFloorLexical, margin: 0 };
    case 'blended':
      return {
        share: settings.denseShareBlended,
        alone: settings.denseAloneBlended,
        sure: settings.denseSureBlended,
        floor: settings.denseFloorBlended,
        margin: settings.denseMarginBlended,
      };
    case 'semantic':
      return {
        share: settings.denseShareSemantic,
        alone: settings.denseAloneSemantic,
        sure: settings.denseSureSemantic,
        floor: settings.denseFloorSemantic,
        margin: 0,
      };
  }
}

/** Where no text holds any word of the query, the vectors are all there is to go by. */
function denseShareAmong(
  { dense }: CandidateColumns,
  lexical: Float64Array,
  { kind, meaningShare }: Comparison,
  settings: FusionSettings,
): number {
  if (dense.every(Number.isNaN)) return 0;
  const { share } = denseRules(settings, kind);
  return lexical.some((found) => found > 0) ? towardsMeaning(settings.denseShareLexical, share, meaningShare) : 1;
}

/** Between what holds of vectors that compare spellings and what holds of these, as far as this one compares meanings. */
function towardsMeaning(ofSpellings: number, ofKind: number, meaningShare: number): number {
  return ofSpellings + (ofKind - ofSpellings) * meaningShare;
}

/**
 * The better the words fit somewhere, the less it means that a vector is near elsewhere; and nothing, where it is near by its
 * spelling: who asks for one number wants none that looks like it.
 */
function denseAloneAmong(
  lexical: Float64Array,
  { kind, meaningShare }: Comparison,
  settings: FusionSettings,
): { readonly factor: number; readonly sure: number } {
  const { alone, sure } = denseRules(settings, kind);
  if (alone === 0) return { factor: 0, sure };
  let best = 0;
  for (const found of lexical) if (found > best) best = found;
  return { factor: (meaningShare * alone * Math.max(0, 1 - best)) / (1 - sure), sure };
}

/** What each candidate is lent of its neighbours' evidence, 0..1. */
function needsOf(candidates: CandidateColumns, searched: number, { neighbourTokens }: FusionSettings): Float64Array {
  const { tokenCounts, flags } = candidates;
  const byTime = weightOfTimeOnly(candidates, searched);
  const needs = new Float64Array(tokenCounts.length);
  for (let place = 0; place < needs.length; place++) {
    const weight = ((flags[place] as number) & TIME_ONLY_FLAG) === 0 ? 1 : byTime;
    needs[place] = weight * Math.min(1, neighbourTokens / (tokenCounts[place] as number));
  }
  return needs;
}

function similarityOf(found: number, best: number, { slope, relativeExponent }: FusionSettings): number {
  return found > 0 ? rounded(Math.tanh(slope * found) * (found / best) ** relativeExponent) : 0;
}

/** The same texts get the same score whichever index added up their vectors, in whatever order: ties stay ties. */
function rounded(score: number): number {
  return Math.round(score * 1e6) / 1e6;
}

/** Places of the contexts before and after each candidate in its session, `NOBODY` where that is no candidate. */
interface Chain {
  readonly previous: Int32Array;
  readonly next: Int32Array;
}

/** Either side may know of the other: where levels were asked one by one, an answer may have missed a neighbour. */
function linksOf(candidates: CandidateColumns): Chain {
  const { count } = candidates;
  const previous = candidates.previous.map((place) => (place < count ? place : NOBODY));
  const next = candidates.next.map((place) => (place < count ? place : NOBODY));
  for (let place = 0; place < count; place++) {
    const before = previous[place] as number;
    const after = next[place] as number;
    if (before !== NOBODY && next[before] === NOBODY) next[before] = place;
    if (after !== NOBODY && previous[after] === NOBODY) previous[after] = place;
  }
  return { previous, next };
}

/**
 * Share of the attainable lexical score that each candidate and its neighbours hold together. The best source counts
 * per term, not per text, so neighbours fill in the words that a context lacks and no word counts twice.
 */
function lexicalEvidence(
  candidates: CandidateColumns,
  chain: Chain,
  needs: Float64Array,
  { attainable }: Comparison,
  settings: FusionSettings,
): Float64Array {
  const { count, termCount, lexical, flags } = candidates;
  const evidence = new Float64Array(count);
  if (attainable <= 0) return evidence;
  const lent = new LentTerms(candidates, needs);
  const weights = settings.neighbourWeights;
  const weightsBehindQuestion = weights.length === 0 ? weights : weights.with(0, settings.answerWeight);
  for (let place = 0; place < count; place++) {
    if ((lexical[place] as number) <= 0) continue;
    const isQuestion = ((flags[place] as number) & QUESTION_FLAG) !== 0;
    lent.lend(place, place, 1);
    lent.lendAlong(chain.next, place, isQuestion ? weightsBehindQuestion : weights);
    lent.lendAlong(chain.previous, place, weights);
  }
  for (let place = 0, at = 0; place < count; place++) {
    let total = 0;
    for (const end = at + termCount; at < end; at++) total += lent.best[at] as number;
    evidence[place] = total / attainable;
  }
  return evidence;
}

/** The best that each candidate has of each term, its own or lent. */
class LentTerms {
  /** As `termScores` lie in the candidates. */
  readonly best: Float64Array;
  readonly #scores: Float32Array;
  readonly #termCount: number;
  readonly #needs: Float64Array;

  constructor({ termScores, termCount }: CandidateColumns, needs: Float64Array) {
    this.best = new Float64Array(termScores.length);
    this.#scores = termScores;
    this.#termCount = termCount;
    this.#needs = needs;
  }

  lend(from: number, to: number, weight: number): void {
    const termCount = this.#termCount;
    for (let term = 0; term < termCount; term++) {
      const lent = weight * (this.#scores[from * termCount + term] as number);
      const at = to * termCount + term;
      if (lent > (this.best[at] as number)) this.best[at] = lent;
    }
  }

  /** To one candidate after the other along the session, with the weight of its distance and its need. */
  lendAlong(chain: Int32Array, from: number, weights: readonly number[]): void {
    let place = chain[from] as number;
    for (const weight of weights) {
      if (place === NOBODY) return;
      this.lend(from, place, weight * (this.#needs[place] as number));
      place = chain[place] as number;
    }
  }
}

/** A client that asks with a vector alone wants the nearest ones, however far they are, and not what stands around them. */
function asksByVector(query: QueryAnalysis): boolean {
  return query.terms.length === 0;
}

/** How much nearer than an unrelated text each candidate is, 0..1. */
function calibratedCosines(
  { count, dense }: CandidateColumns,
  { query, kind, meaningShare, denseFloor }: Comparison,
  settings: FusionSettings,
): Float64Array {
  const { floor: ofKind, margin } = denseRules(settings, kind);
  const measured = denseFloor === null ? ofKind : denseFloor + margin;
  // What knows no word of the query compares its spelling alone.
  const usual = towardsMeaning(settings.denseFloorLexical, measured, meaningShare);
  const isNearest = asksByVector(query) && kind !== 'semantic' && denseFloor === null;
  const floor = isNearest ? 0 : Math.min(0.99, usual);
  const calibrated = new Float64Array(count);
  for (let place = 0; place < count; place++) {
    const share = ((dense[place] as number) - floor) / (1 - floor);
    // Not so where there is no cosine.
    if (share > 0) calibrated[place] = Math.min(1, share);
  }
  return calibrated;
}

/** The best calibrated cosine among each candidate and the ones before and after it. */
function withNeighbours(
  calibrated: Float64Array,
  chain: Chain,
  needs: Float64Array,
  settings: FusionSettings,
): Float64Array {
  const at = (place: number): number => (place === NOBODY ? 0 : (calibrated[place] as number));
  const evidence = new Float64Array(calibrated.length);
  for (let place = 0; place < evidence.length; place++) {
    const around = Math.max(at(chain.previous[place] as number), at(chain.next[place] as number));
    evidence[place] = Math.max(
      calibrated[place] as number,
      settings.denseNeighbourWeight * (needs[place] as number) * around,
    );
  }
  return evidence;
}

/** Who speaks, whether it is a question, when it was said and of what time it tells. */
function circumstances(
  { flags, createdAtMs }: CandidateColumns,
  place: number,
  query: QueryAnalysis,
  settings: FusionSettings,
): number {
  if (asksByVector(query)) return 1;
  const flagged = flags[place] as number;
  let factor = 1;
  if ((flagged & SPEAKER_FLAG) !== 0) factor *= settings.speakerFactor;
  if ((flagged & QUESTION_FLAG) !== 0) factor *= settings.questionFactor;
  if (query.asksWhen && (flagged & TIME_FLAG) !== 0) factor *= settings.timeFactor;
  if ((flagged & DATE_FLAG) !== 0) factor *= 1 + settings.dateBoost;
  else if (query.dates.length > 0)
    factor *= 1 + settings.dateBoost * dateAffinity(query.dates, createdAtMs[place] as number);
  return factor;
}
