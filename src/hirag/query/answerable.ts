// Whether a question can be answered from what is stored: how much of what it says comes up, in its own words, in the contexts of
// the answer together, and how near the nearest of them is. A word that nobody has stored counts most, and one that is everywhere
// hardly; and of both the less, the commoner it is in English: logs have no "happened", and a name that no text has tells a lot.

import type { AskedTime } from '../../base/text/asked-time.ts';
import { inverseDocumentFrequency } from '../../base/text/bm25.ts';
import type { NearWords } from '../../base/text/near-words.ts';
import type { Answerable } from '../answerable.ts';
import { isOfTime } from '../rank/time-evidence.ts';
import type { SearchAnswer } from './level-search.ts';

/** Below it nothing stored is about the question. See docs/retrieval.md for how all of these were chosen. */
export const EVIDENCE_WEAK_MIN = 0.8;
/** From it on the question's words come up, nearly all of them, or what is near says the same. */
export const EVIDENCE_YES_MIN = 1;
/** What the best calibrated cosine counts beside the share of words. */
const COSINE_WEIGHT = 0.5;
const RARITY_EXPONENT = 3;

type Found = Pick<SearchAnswer, 'candidates' | 'terms' | 'statistics' | 'lentAlone'>;

/** Places among the candidates. */
export interface AnswerPlaces {
  /** Of the contexts of the answer. */
  readonly included: readonly number[];
  /** Of what ranked before some of these, or first where there are none, and did not fit into the budget. */
  readonly cut: readonly number[];
}

/** What else tells how much the places say of the question. */
export interface AnswerEvidence {
  /** `Similarities.cosines` */
  readonly cosines: Float64Array;
  /** They know which words are common; undefined: all count alike. */
  readonly nearWords: NearWords | undefined;
  /** What is of it holds its words; absent: the question asks about none. */
  readonly time?: AskedTime | undefined;
}

/** Of some contexts together. */
interface Coverage {
  /** Share of the question's words, 0..1, by idf. */
  readonly share: number;
  /** The same with rarity, and with what is near: 0 to 1 + `COSINE_WEIGHT`. */
  readonly evidence: number;
}

export function answerable(found: Found, { included, cut }: AnswerPlaces, beside: AnswerEvidence): Answerable {
  if (included.length === 0 && cut.length === 0)
    return { verdict: 'no', coverage: 0, reason: 'nothing that is stored fits the question' };
  const covered = coverageOf(found, included, beside);
  if (covered === null)
    return { verdict: 'weak', coverage: 0, reason: 'the question has no words to go by, only what is near to it' };
  const { share: coverage, evidence } = covered;
  const share = `the answer holds ${Math.round(coverage * 100)} % of the question's words, by their weight`;
  if (evidence >= EVIDENCE_YES_MIN) return { verdict: 'yes', coverage, reason: share };
  // What is stored answers the question, though the answer has no room for it.
  if (cut.length > 0 && (coverageOf(found, [...included, ...cut], beside)?.evidence ?? 1) >= EVIDENCE_WEAK_MIN)
    return { verdict: 'weak', coverage, reason: `${share}: what is stored about it did not fit into the budget` };
  if (evidence >= EVIDENCE_WEAK_MIN) return { verdict: 'weak', coverage, reason: `${share}: some are missing` };
  return { verdict: 'no', coverage, reason: `${share}: nothing that is stored is about it` };
}

/** null: the question has no terms. */
function coverageOf(
  found: Found,
  places: readonly number[],
  { cosines, nearWords, time }: AnswerEvidence,
): Coverage | null {
  const { terms, statistics } = found;
  if (statistics === null || terms.length === 0) return null;
  const { documentCount, documentFrequencies } = statistics;
  const all = { idf: 0, weight: 0 };
  const held = { idf: 0, weight: 0 };
  const isHeldByTime = wordsOfTime(found, places, time);
  terms.forEach(({ term, weight: counts }, at) => {
    const idf = counts * inverseDocumentFrequency(documentCount, documentFrequencies[at] ?? 0);
    const weight = idf * (nearWords?.rarity(term) ?? 1) ** RARITY_EXPONENT;
    const isHeld = isHeldByTime(term) || places.some((place) => holdsTerm(found, place, at));
    for (const sum of isHeld ? [all, held] : [all]) {
      sum.idf += idf;
      sum.weight += weight;
    }
  });
  if (all.idf === 0) return null;
  const nearest = places.reduce((best, place) => Math.max(best, cosines[place] ?? 0), 0);
  return { share: held.idf / all.idf, evidence: held.weight / all.weight + COSINE_WEIGHT * nearest };
}

/** Which words it holds that one of the places is of the time: of a question that says nothing else all. */
function wordsOfTime(
  { candidates }: Found,
  places: readonly number[],
  time: AskedTime | undefined,
): (term: string) => boolean {
  if (time === undefined || !places.some((place) => isOfTime(candidates.columns, place, time))) return () => false;
  return (term) => time.share === 1 || time.terms.has(term);
}

function holdsTerm({ candidates, lentAlone }: Found, place: number, term: number): boolean {
  const { termScores, termCount } = candidates.columns;
  const at = place * termCount + term;
  return (termScores[at] as number) > 0 && !lentAlone.has(at);
}
