/** BM25 statistics of a namespace, all levels together. */
export interface TermStatistics {
  readonly documentCount: number;
  readonly averageTermCount: number;
  /** In the order of the terms asked for. */
  readonly documentFrequencies: readonly number[];
}

/** What a store knows of words. */
export interface WordStore {
  /** In the order of `terms`. */
  termStatistics(namespace: string, terms: readonly string[]): Promise<TermStatistics>;
}
