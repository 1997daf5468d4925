import type { Question } from '../driver.ts';
import type { QdrantCondition } from './filters.ts';
import { DENSE, lengthOf, numbersOf, type FoundPoint } from './points.ts';

export interface SimilaritySettings {
  readonly distance: 'Cosine' | 'Dot' | 'Euclid';
  /** Candidates that a search of an index looks at. */
  readonly efSearch: number;
  /** Vectors are kept in less than they are: hits are scored again from the full ones. */
  readonly isQuantized: boolean;
}

/** How vectors are asked for, and what the scores mean. */
export class Similarity {
  readonly #settings: SimilaritySettings;

  constructor(settings: SimilaritySettings) {
    this.#settings = settings;
  }

  /** The part of a search that says what is near. */
  query(vector: Float32Array): { readonly query: readonly number[]; readonly using: string; readonly params: object } {
    const { efSearch, isQuantized } = this.#settings;
    const params = { hnsw_ef: efSearch, ...(isQuantized ? { quantization: { rescore: true, oversampling: 2 } } : {}) };
    return { query: numbersOf(vector), using: DENSE, params };
  }

  /**
   * What contexts must be to be near: with a vector. By its distance one of zeros, which has no direction, would be nearer
   * than most; as a cosine it is 0.
   */
  get conditions(): readonly QdrantCondition[] {
    return this.#settings.distance === 'Euclid' ? [{ is_empty: { key: 'unembedded' } }] : [];
  }

  /** null where the question has no vector. The point's `length` must be there. */
  cosineOf({ vector }: Question, { score, payload }: FoundPoint): number | null {
    if (vector === undefined || score === undefined) return null;
    if (this.#settings.distance !== 'Euclid') return score;
    // |a - b|^2 = |a|^2 + |b|^2 - 2 a b
    return (payload.length + lengthOf(vector) - score * score) / 2;
  }
}
