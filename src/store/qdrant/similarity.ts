import type { Question } from '../driver.ts';
import type { QdrantCondition } from './filters.ts';
import { DENSE, lengthOf, numbersOf, PASSAGES, type FoundPoint } from './points.ts';

export interface SimilaritySettings {
  readonly distance: 'Cosine' | 'Dot' | 'Euclid';
  /** Candidates that a search of an index looks at. */
  readonly efSearch: number;
  /** Vectors are kept in less than they are: hits are scored again from the full ones. */
  readonly isQuantized: boolean;
}

interface NearQuery {
  readonly query: readonly unknown[];
  readonly using: string;
  readonly params: object;
}

/** How vectors are asked for, and what the scores mean. */
export class Similarity {
  /** Of questions that are being asked: each is written into several searches. */
  readonly #numbers = new WeakMap<Float32Array, readonly number[]>();
  readonly #settings: SimilaritySettings;

  constructor(settings: SimilaritySettings) {
    this.#settings = settings;
  }

  /** The part of a search that says what is near. */
  query(vector: Float32Array, isExact = false): NearQuery {
    const { efSearch, isQuantized } = this.#settings;
    const params = {
      ...(isExact ? { exact: true } : { hnsw_ef: efSearch }),
      ...(isQuantized ? { quantization: { rescore: true, oversampling: 2 } } : {}),
    };
    const query = this.#numbers.get(vector) ?? numbersOf(vector);
    this.#numbers.set(vector, query);
    return { query, using: DENSE, params };
  }

  /** The same by the nearest of a point's further passages. */
  passageQuery(vector: Float32Array): NearQuery {
    const { query, ...rest } = this.query(vector);
    return { ...rest, query: [query], using: PASSAGES };
  }

  /**
   * What contexts must be to be near: with a vector. By its distance one of zeros, which has no direction, would be nearer
   * than most; as a cosine it is 0.
   */
  get conditions(): readonly QdrantCondition[] {
    return this.#settings.distance === 'Euclid' ? [{ is_empty: { key: 'unembedded' } }] : [];
  }

  /** null where the question has no vector. The point's `length` must be there. */
  cosineOf({ vector }: Question, { score, passageScore, payload }: FoundPoint): number | null {
    if (vector === undefined || score === undefined) return null;
    const first = this.#cosine(score, vector, payload.length);
    return passageScore === undefined ? first : Math.max(first, this.#cosine(passageScore, vector, 1));
  }

  #cosine(score: number, vector: Float32Array, length: 0 | 1): number {
    // Exactly: this is how a context without a vector is known.
    if (length === 0) return 0;
    if (this.#settings.distance !== 'Euclid') return score;
    // |a - b|^2 = |a|^2 + |b|^2 - 2 a b
    return (length + lengthOf(vector) - score * score) / 2;
  }
}
