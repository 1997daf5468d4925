// BM25 after Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009),
// section 3.4, with Lucene's idf, which is never negative.

/** Where repetition of a term stops to add: the usual value. */
export const BM25_K1 = 1.2;
/** Share of length normalisation; below the usual 0.75, because memories are short and their length says little. */
export const BM25_B = 0.4;

/** ln(1 + (N - n + 0.5) / (n + 0.5)): > 0, also for a term that every document holds. */
export function inverseDocumentFrequency(documentCount: number, documentFrequency: number): number {
  const frequency = Math.min(documentFrequency, documentCount);
  return Math.log(1 + (documentCount - frequency + 0.5) / (frequency + 0.5));
}

/**
 * Saturated frequency of a term, 0..k1 + 1; 1 for one occurrence in a document of average length.
 * Times the term's idf it is the term's share of the document's score.
 */
export function saturatedFrequency(
  termFrequency: number,
  termCount: number,
  averageTermCount: number,
  k1: number = BM25_K1,
  b: number = BM25_B,
): number {
  const relativeLength = averageTermCount > 0 ? termCount / averageTermCount : 1;
  return (termFrequency * (k1 + 1)) / (termFrequency + k1 * (1 - b + b * relativeLength));
}
