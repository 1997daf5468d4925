// From what a driver knows of a context to what ranking compares.

import { inverseDocumentFrequency, saturatedFrequency, type TextLengths } from '../../base/text/bm25.ts';
import type { Features, Question } from '../driver.ts';
import type { QueryTerm, TermStatistics, TextVectors } from '../store.ts';
import type { TermColumns } from '../term-columns.ts';

/** Dot product; the cosine of vectors of length 1. */
export function dotProduct(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}

/** null where the question has no vector. */
export function cosineWith({ vector }: Question, dense: Features['dense']): number | null {
  if (vector === undefined || dense === null) return null;
  return typeof dense === 'number' ? dense : dotProduct(dense, vector);
}

/** The largest of the cosines with several vectors of one context; null where the question has no vector. */
export function bestCosineWith(question: Question, { vector, passages = [] }: TextVectors): number | null {
  let best = cosineWith(question, vector);
  if (best === null) return null;
  for (const passage of passages) best = Math.max(best, cosineWith(question, passage) ?? best);
  return best;
}

export class TermScorer {
  /** Some context of the namespace holds some of the terms. */
  readonly knowsAny: boolean;
  readonly #factors: readonly number[];
  readonly #lengths: TextLengths;
  readonly #columns: Pick<TermColumns, 'count' | 'columnOf'>;

  /** Absent `columns`: each term has one of its own. */
  constructor(terms: readonly QueryTerm[], statistics: TermStatistics, columns?: TermColumns) {
    const { documentCount, documentFrequencies } = statistics;
    this.knowsAny = documentFrequencies.some((frequency) => frequency > 0);
    this.#factors = terms.map(
      ({ weight }, i) => weight * inverseDocumentFrequency(documentCount, documentFrequencies[i] ?? 0),
    );
    this.#lengths = statistics;
    this.#columns = columns ?? { count: terms.length, columnOf: (place) => place };
  }

  /** What the terms of each column add to the BM25 score. */
  scores({ termCounts, termCount }: Pick<Features, 'termCounts' | 'termCount'>): Float32Array {
    const { count, columnOf } = this.#columns;
    const scores = new Float32Array(count);
    this.#factors.forEach((factor, place) => {
      const frequency = termCounts[place] ?? 0;
      if (frequency === 0) return;
      const column = columnOf(place);
      const score = factor * saturatedFrequency(frequency, termCount, this.#lengths);
      scores[column] = (scores[column] as number) + score;
    });
    return scores;
  }
}

/** null where there are none. */
export function medianOf(values: readonly number[]): number | null {
  if (values.length === 0) return null;
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}
