// Whether a question can be answered from what is stored, told by words alone: how much of what the question says comes up in
// the contexts of the answer together. A word that nobody has ever stored counts most, and one that is everywhere hardly.

import { inverseDocumentFrequency } from '../../base/text/bm25.ts';
import type { Candidates } from '../../store/candidates.ts';
import type { Answerable } from '../answerable.ts';
import type { SearchAnswer } from './level-search.ts';

/** Below it nothing stored is about the question. See docs/retrieval.md for how both were chosen. */
export const COVERAGE_WEAK_MIN = 0.75;
/** From it on the question's words come up, nearly all of them. */
export const COVERAGE_YES_MIN = 0.9;

type Found = Pick<SearchAnswer, 'candidates' | 'terms' | 'statistics'>;

/** Places among the candidates. */
export interface AnswerPlaces {
  /** Of the contexts of the answer. */
  readonly included: readonly number[];
  /** Of what ranked before some of these, or first where there are none, and did not fit into the budget. */
  readonly cut: readonly number[];
}

export function answerable(found: Found, { included, cut }: AnswerPlaces): Answerable {
  if (included.length === 0 && cut.length === 0)
    return { verdict: 'no', coverage: 0, reason: 'nothing that is stored fits the question' };
  const coverage = coverageOf(found, included);
  if (coverage === null)
    return { verdict: 'weak', coverage: 0, reason: 'the question has no words to go by, only what is near to it' };
  const share = `the answer holds ${Math.round(coverage * 100)} % of the question's words, by their weight`;
  if (coverage >= COVERAGE_YES_MIN) return { verdict: 'yes', coverage, reason: share };
  // What is stored answers the question, though the answer has no room for it.
  if (cut.length > 0 && (coverageOf(found, [...included, ...cut]) ?? 1) >= COVERAGE_WEAK_MIN)
    return { verdict: 'weak', coverage, reason: `${share}: what is stored about it did not fit into the budget` };
  if (coverage >= COVERAGE_WEAK_MIN) return { verdict: 'weak', coverage, reason: `${share}: some are missing` };
  return { verdict: 'no', coverage, reason: `${share}: nothing that is stored is about it` };
}

/** null: the question has no terms. */
function coverageOf({ candidates, terms, statistics }: Found, places: readonly number[]): number | null {
  if (statistics === null || terms.length === 0) return null;
  const { documentCount, documentFrequencies } = statistics;
  let all = 0;
  let held = 0;
  terms.forEach(({ weight }, term) => {
    const idf = weight * inverseDocumentFrequency(documentCount, documentFrequencies[term] ?? 0);
    all += idf;
    if (places.some((place) => holdsTerm(candidates, place, term))) held += idf;
  });
  return all === 0 ? null : held / all;
}

function holdsTerm({ columns: { termScores, termCount } }: Candidates, place: number, term: number): boolean {
  return (termScores[place * termCount + term] as number) > 0;
}
