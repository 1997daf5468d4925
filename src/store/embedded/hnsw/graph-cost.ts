// About how long searches of graphs take. It chooses a way, never a result.

import type { GraphShape } from './index-tuning.ts';

/** Of a candidate that a graph keeps, for each of its links, in nanoseconds, for vectors of 1,024 numbers. */
const LINK_NS = 200;

/** A graph, and how many candidates a search of it keeps. */
export interface SearchedGraph extends Pick<GraphShape, 'm'> {
  readonly efSearch: number;
  readonly count: number;
}

/** Of a search that is to find so many: it compares what the candidates that it keeps link to, but no vector twice. */
export function graphNs({ efSearch, m, count }: SearchedGraph, wanted: number): number {
  return Math.min(Math.max(efSearch, wanted) * m, count) * LINK_NS;
}
