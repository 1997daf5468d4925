import type { TextLengths } from '../base/text/bm25.ts';

/** BM25 statistics of a namespace, all levels together. */
export interface TermStatistics extends TextLengths {
  readonly documentCount: number;
  /** In the order of the terms asked for. */
  readonly documentFrequencies: readonly number[];
}

/** What a store knows of words. */
export interface WordStore {
  /** In the order of `terms`. */
  termStatistics(namespace: string, terms: readonly string[]): Promise<TermStatistics>;
}
