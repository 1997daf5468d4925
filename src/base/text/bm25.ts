// BM25 after Robertson and Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009),
// section 3.4, with Lucene's idf, which is never negative.

/** Where repetition of a term stops to add: the usual value. */
export const BM25_K1 = 1.2;
/**
 * Bounds of b, the share of length normalisation. Memories of about one length, turns of a conversation or lines of a log, say
 * little by it; where answers of a page stand among questions of a line, the page has every word by its length.
 */
const B_MIN = 0.4;
const B_MAX = 0.9;
/** Coefficient of variation of the lengths up to which b is least, and how fast it grows from there. */
const B_VARIATION_MIN = 0.6;
const B_SLOPE = 0.9;

/** Of the texts of a namespace. */
export interface TextLengths {
  /** Terms of a text; 0 without texts. */
  readonly averageTermCount: number;
  /** BM25's b, 0..1. */
  readonly lengthShare: number;
}

/** Of no texts. */
export const NO_LENGTHS: TextLengths = { averageTermCount: 0, lengthShare: B_MIN };

/** `termSquares`: the sum of the squares of the texts' counts of terms. */
export function textLengths(documentCount: number, termCount: number, termSquares: number): TextLengths {
  if (documentCount === 0 || termCount === 0) return NO_LENGTHS;
  const average = termCount / documentCount;
  const variation = Math.sqrt(Math.max(0, termSquares / documentCount - average * average)) / average;
  const share = B_MIN + B_SLOPE * (variation - B_VARIATION_MIN);
  return { averageTermCount: average, lengthShare: Math.min(B_MAX, Math.max(B_MIN, share)) };
}

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
  { averageTermCount, lengthShare }: TextLengths,
): number {
  const relativeLength = averageTermCount > 0 ? termCount / averageTermCount : 1;
  const norm = 1 - lengthShare + lengthShare * relativeLength;
  return (termFrequency * (BM25_K1 + 1)) / (termFrequency + BM25_K1 * norm);
}
