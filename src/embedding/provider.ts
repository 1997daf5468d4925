/** Where vectors come from. Vectors are L2-normalised, so that a dot product is their cosine. */
export interface EmbeddingProvider {
  /** Model and version; stored with the data, so that vectors of two models are never mixed. */
  readonly id: string;
  /** Numbers per vector. */
  readonly dimension: number;
  /** A `lexical` provider compares spellings and counts less beside BM25 than a `semantic` one. */
  readonly kind: 'lexical' | 'semantic';
  /**
   * One vector per text, in order. A `query` may be prefixed differently from a `passage`.
   * Throws `EMBEDDING_UNAVAILABLE` where the model cannot be reached.
   */
  embed(texts: readonly string[], kind: EmbeddingKind, signal?: AbortSignal): Promise<Float32Array[]>;
}

export type EmbeddingKind = 'query' | 'passage';
