import { inverseDocumentFrequency } from '../base/text/bm25.ts';

/** Where each term of a search has its scores in `CandidateColumns.termScores`. */
export interface TermColumns {
  /** Places, among the terms asked for, of those that have a column of their own: ascending, as the columns are. */
  readonly own: readonly number[];
  /** All columns: these, and where there are more terms one behind them that the others share. */
  readonly count: number;
  /** By place among the terms asked for. */
  readonly columnOf: (place: number) => number;
}

/**
 * A column of its own for every term, or for the `ownMax` that say most (weight x idf) among those that occur. Where
 * none of too many occurs the first one has it, so that the lexical side is there, and finds nothing.
 *
 * `frequencies`: documents that hold each term, of `documentCount`.
 */
export function termColumns(
  weights: readonly number[],
  frequencies: readonly number[],
  documentCount: number,
  ownMax: number,
): TermColumns {
  const places = Array.from(frequencies.keys());
  if (places.length <= ownMax) return { own: places, count: places.length, columnOf: (place) => place };
  const worth = frequencies.map((frequency, place) => {
    return frequency > 0 ? (weights[place] as number) * inverseDocumentFrequency(documentCount, frequency) : 0;
  });
  const known = places.filter((place) => (frequencies[place] as number) > 0);
  const best = known.sort((a, b) => (worth[b] as number) - (worth[a] as number) || a - b).slice(0, ownMax);
  const own = best.length === 0 ? [0] : best.sort((a, b) => a - b);
  const columns = new Map(own.map((place, column) => [place, column]));
  return { own, count: own.length + 1, columnOf: (place) => columns.get(place) ?? own.length };
}
