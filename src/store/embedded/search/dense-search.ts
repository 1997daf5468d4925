// The k nearest vectors of a level under a scope. Few contexts in scope are scored one by one; many are compared
// column by column, where the query is zero nearly everywhere; else the graphs are asked for more than wanted,
// what is out of scope is dropped, and when too little remains those in scope are scored after all, as Qdrant's
// planner does.

import type { DocumentTable } from '../memory/document-table.ts';
import { graphNs } from '../hnsw/graph-cost.ts';
import type { HnswSegment } from '../hnsw/hnsw-segment.ts';
import type { AheadSearch } from '../hnsw/search-ahead.ts';
import type { LevelVectors } from '../memory/level-vectors.ts';
import type { PassageRows } from '../memory/passage-rows.ts';
import type { NamespaceIndex } from '../memory/namespace-index.ts';
import type { ColumnSearch } from './column-search.ts';
import type { SearchScope } from './search-scope.ts';
import { distancesTo, rescoredCount, type VectorHit } from '../arrays/vector-rows.ts';
import type { DenseQuery } from './dense-query.ts';
import type { VectorScorer } from './vector-scorer.ts';

/** Rough costs in nanoseconds, for 1,024 numbers: they choose a way, never a result. */
const SCAN_NS = 60;
const GATHER_NS = 400;
const FILE_READ_NS = 1_000;
const FILTER_NS = 100;
/** Asked for beyond what should suffice, so that a second round is rare. */
const OVERSAMPLING = 1.2;
const ROUNDS_MAX = 3;
/** A round that found nothing is followed by one as large as if it had found this many. */
const MISSES_AS_FOUND = 8;
/** Where passages of too few contexts were found, so many times as many are asked for. */
const PASSAGES_GROWTH = 4;
/** A sample is taken anew once the namespace has grown by this factor. */
const SAMPLE_GROWTH_MAX = 1.05;

export interface Wanted {
  readonly count: number;
  /** So many of them are not to be missed for an index's rough order. */
  readonly surely?: number;
}

/** Of the ways in which a level can be searched. */
interface Costs {
  /** One by one what is in scope. */
  readonly exactNs: number;
  /** The graphs, and what none of them covers. */
  readonly indexNs: number;
}

export class DenseSearch {
  readonly #scorer: VectorScorer;
  readonly #columns: ColumnSearch;

  constructor(scorer: VectorScorer, columns: ColumnSearch) {
    this.#scorer = scorer;
    this.#columns = columns;
  }

  /** At least the best in scope where there are as many, perhaps more. */
  top(
    index: NamespaceIndex,
    vectors: LevelVectors,
    query: DenseQuery,
    { count, surely = count }: Wanted,
    scope: SearchScope,
  ): VectorHit[] {
    if (scope.ownedCount === 0 || count === 0) return [];
    const { hasPassages } = vectors;
    const costs = costsOf(vectors, count, scope);
    this.#columns.tidy(vectors, scope.levelCount);
    if (this.#isForColumns(vectors, query, costs, scope)) {
      const hits = this.#columns.top(index, vectors, query, count, scope);
      if (hits !== null) return hits;
    }
    if (costs.exactNs <= costs.indexNs) return this.#scorer.hits(index, scope.eligibleOrdinals(), query);
    const hits = [...query.scan(vectors.rows, count, scope.eligible).hits];
    if (vectors.passages !== null) hits.push(...passageHits(vectors.passages, query, count, scope));
    const rough: VectorHit[] = [];
    // A shortened vector's order is rough: more are looked at in full than are wanted.
    const rescored = Math.max(count, rescoredCount(surely));
    for (const segment of vectors.segments) {
      const needed = neededOf(segment, count, surely);
      const found = inSegment(index, segment, query, { count, needed }, scope, gatherNs(vectors));
      if (found === null) return this.#scorer.hits(index, scope.eligibleOrdinals(), query);
      (segment.isExact ? hits : rough).push(...found);
    }
    const best = vectors.segments.length > 1 ? nearestOf(rough, rescored) : rough;
    // What one of its vectors brought is as near as the nearest of them, and comes once.
    if (hasPassages) return this.#scorer.hits(index, [...new Set(ordinalsOf([...hits, ...best]))], query);
    return best.length === 0 ? hits : [...hits, ...this.#scorer.hits(index, ordinalsOf(best), query)];
  }

  /** Has the graphs that `top` would ask searched in the thread beside this one, until `search` is ended. */
  askAhead(
    vectors: LevelVectors,
    query: DenseQuery,
    { search, isEarly }: { readonly search: AheadSearch; readonly isEarly: boolean },
    { count, surely = count }: Wanted,
    scope: SearchScope,
  ): void {
    if (vectors.segments.length === 0 || scope.ownedCount === 0 || count === 0) return;
    const costs = costsOf(vectors, count, scope);
    if (costs.exactNs <= costs.indexNs || this.#isForColumns(vectors, query, costs, scope)) return;
    for (const segment of vectors.segments) {
      const needed = neededOf(segment, count, surely);
      search.ask(segment, { wanted: firstWanted(segment, count, needed, scope), needed, isEarly });
    }
  }

  /** Columns know the first vector of each context alone. */
  #isForColumns(vectors: LevelVectors, query: DenseQuery, { exactNs, indexNs }: Costs, scope: SearchScope): boolean {
    return !vectors.hasPassages && this.#columns.costNs(query, vectors, scope.levelCount) < Math.min(exactNs, indexNs);
  }

  /** The median of the query's cosines with `samples` vectors of the level, taken at even distances; null where there are none. */
  median(index: NamespaceIndex, vectors: LevelVectors, query: DenseQuery, samples: number): number | null {
    const sampled =
      vectors.segments.length === 0
        ? this.#scorer.firstScores(index, vectors.sample(samples), query)
        : this.#sampledScores(index, vectors, query.vector, samples);
    // Of a context without a vector it is exactly 0, and says nothing of texts.
    const scores = sampled.filter((score) => !Number.isNaN(score) && score !== 0).sort();
    if (scores.length === 0) return null;
    const middle = scores.length >> 1;
    const upper = scores[middle] as number;
    return scores.length % 2 === 1 ? upper : ((scores[middle - 1] as number) + upper) / 2;
  }

  /** With vectors that were read once: they say how the level's texts are spread, which a few more or less do not change. */
  #sampledScores(index: NamespaceIndex, vectors: LevelVectors, query: Float32Array, samples: number): Float64Array {
    let sample = vectors.sampled;
    if (
      sample === null ||
      sample.wanted !== samples ||
      index.documents.count > sample.documentCount * SAMPLE_GROWTH_MAX
    ) {
      const ordinals = vectors.sample(samples);
      const matrix = new Float32Array(ordinals.length * query.length);
      this.#scorer.gather(index, ordinals, (place, vector) => matrix.set(vector, place * query.length));
      sample = { wanted: samples, documentCount: index.documents.count, matrix };
      vectors.sampled = sample;
    }
    const count = sample.matrix.length / query.length;
    return count === 0
      ? new Float64Array(0)
      : Float64Array.from(distancesTo(query, sample.matrix), (distance) => 1 - distance);
  }
}

/** In the order of the graph's scores. null: everything in scope is to be scored: that costs less than asking the graph often enough, or it cannot be read. */
function inSegment(
  index: NamespaceIndex,
  segment: HnswSegment,
  query: DenseQuery,
  { count, needed }: { readonly count: number; readonly needed: number },
  scope: SearchScope,
  scoreNs: number,
): VectorHit[] | null {
  let wanted = firstWanted(segment, count, needed, scope);
  let exactNs = Infinity;
  for (let round = 0; round < ROUNDS_MAX; round++) {
    if (graphNs(segment, wanted) > exactNs) return null;
    const found = eligibleHits(index.documents, segment, query, wanted, needed, scope);
    if (found === null) return null;
    if (found.length >= needed || wanted === segment.count) return found;
    const eligible = Math.min(scope.ownedCount, ((found.length + 1) / wanted) * scope.levelCount);
    exactNs = (scope.hasFilter ? scope.ownedCount * FILTER_NS : 0) + eligible * scoreNs;
    const more = Math.ceil((needed / Math.max(found.length, MISSES_AS_FOUND)) * wanted * OVERSAMPLING);
    wanted = Math.min(segment.count, Math.max(more, needed));
  }
  return null;
}

/** By the graphs' scores, which all have the same steps; best first. */
function nearestOf(hits: readonly VectorHit[], count: number): VectorHit[] {
  return [...hits].sort((a, b) => b.score - a.score).slice(0, count);
}

function ordinalsOf(hits: readonly VectorHit[]): number[] {
  return hits.map(({ ordinal }) => ordinal);
}

/** Where the level has passages. */
function vectorsPerContext({ segments, passages }: LevelVectors, { levelCount }: SearchScope): number {
  const further = segments.reduce((sum, { passageCount }) => sum + passageCount, passages?.rows.count ?? 0);
  return 1 + further / Math.max(1, levelCount);
}

/** Of each of the `count` contexts with the nearest passages its best one, and others: many passages may be of few contexts. */
function passageHits(
  passages: PassageRows,
  query: DenseQuery,
  count: number,
  scope: SearchScope,
): readonly VectorHit[] {
  for (let asked = count; ; asked *= PASSAGES_GROWTH) {
    const { hits } = query.scan(passages.rows, asked, scope.eligible);
    if (hits.length < asked || new Set(hits.map(({ ordinal }) => ordinal)).size >= count) return hits;
  }
}

function gatherNs({ segments }: LevelVectors): number {
  return segments.length === 0 ? GATHER_NS : FILE_READ_NS;
}

function eligibleHits(
  documents: DocumentTable,
  segment: HnswSegment,
  query: DenseQuery,
  wanted: number,
  needed: number,
  scope: SearchScope,
): VectorHit[] | null {
  const hits: VectorHit[] = [];
  const seen = segment.passageCount === 0 ? null : new Set<number>();
  const found = query.searchGraph(segment, { wanted, needed });
  if (found === null) return null;
  for (const { entry, score, trueScore } of found) {
    const ordinal = documents.ordinalOf(entry);
    // A context that died or changed since the graph was built has another entry, or none.
    if (ordinal < 0 || seen?.has(ordinal) === true || !scope.eligible(ordinal)) continue;
    seen?.add(ordinal);
    hits.push({ ordinal, score });
    if (trueScore !== undefined) query.tellTrue(ordinal, trueScore);
    if (hits.length === needed) break;
  }
  return hits;
}

/** So many hits of a segment are wanted: what it says of them is true, or good for an order. */
function neededOf({ isExact }: HnswSegment, count: number, surely: number): number {
  return isExact ? count : Math.max(count, rescoredCount(surely));
}

/** So many are asked of a segment at first, as not all of them are in scope. */
function firstWanted(segment: HnswSegment, count: number, needed: number, scope: SearchScope): number {
  const perContext = segment.count / Math.max(1, segment.count - segment.passageCount);
  const wanted = Math.ceil((count / scope.expectedShare) * perContext * OVERSAMPLING);
  return Math.min(segment.count, Math.max(wanted, needed));
}

function costsOf(vectors: LevelVectors, count: number, scope: SearchScope): Costs {
  const exactNs = scope.ownedCount * gatherNs(vectors) * (vectors.hasPassages ? vectorsPerContext(vectors, scope) : 1);
  const graphsNs = vectors.segments.reduce((sum, segment) => sum + graphNs(segment, count / scope.expectedShare), 0);
  return { exactNs, indexNs: (vectors.rows.count + (vectors.passages?.rows.count ?? 0)) * SCAN_NS + graphsNs };
}
