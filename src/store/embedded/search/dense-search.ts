// The k nearest vectors of a level under a scope. Few contexts in scope are scored one by one; else the
// graphs are asked for more than wanted, what is out of scope is dropped, and when too little remains
// those in scope are scored after all, as Qdrant's planner does.

import type { DocumentTable } from '../memory/document-table.ts';
import type { HnswSegment } from '../hnsw/hnsw-segment.ts';
import type { LevelVectors } from '../memory/level-vectors.ts';
import type { NamespaceIndex, ReadVector } from '../memory/namespace-index.ts';
import type { LevelNumber } from '../database/rows.ts';
import type { SearchScope } from './search-scope.ts';
import { nearest, type VectorHit } from '../memory/vector-rows.ts';

/** Rough costs, in scans of one row: they choose a way, never a result. */
const GATHER_COST = 1.5;
const READ_COST = 20;
const VISIT_COST = 8;
/** Asked for beyond what should suffice, so that a second round is rare. */
const OVERSAMPLING = 1.2;
const ROUNDS_MAX = 3;
/** Vectors scored together. */
const BATCH = 256;

export class DenseSearch {
  readonly #readVector: ReadVector;
  readonly #dimension: number;
  readonly #efSearch: number;
  readonly #scratch: Float32Array;

  constructor(readVector: ReadVector, dimension: number, efSearch: number) {
    this.#readVector = readVector;
    this.#dimension = dimension;
    this.#efSearch = efSearch;
    this.#scratch = new Float32Array(BATCH * dimension);
  }

  /** At least the `count` best in scope where there are as many, perhaps more. */
  top(index: NamespaceIndex, vectors: LevelVectors, query: Float32Array, count: number, scope: SearchScope): VectorHit[] {
    if (scope.ownedCount === 0 || count === 0) return [];
    const share = scope.ownedCount / scope.levelCount;
    const exactCost = scope.ownedCount * (vectors.segments.length > 0 ? READ_COST : GATHER_COST);
    const visits = vectors.segments.length * Math.max(this.#efSearch, count / share);
    if (exactCost <= vectors.rows.count + visits * VISIT_COST) return this.#exact(index, query, scope);
    const hits = vectors.rows.count === 0 ? [] : vectors.rows.search(query, count, share, scope.eligible);
    for (const segment of vectors.segments) {
      const found = this.#inSegment(index, segment, query, count, share, exactCost, scope);
      if (found === null) return this.#exact(index, query, scope);
      hits.push(...found);
    }
    return hits;
  }

  /** Dot products with `query`, in the order of `ordinals`; NaN where a vector is gone. */
  scores(index: NamespaceIndex, ordinals: readonly number[], query: Float32Array): Float64Array {
    const scores = new Float64Array(ordinals.length).fill(Number.NaN);
    for (let first = 0; first < ordinals.length; first += BATCH) {
      const places: number[] = [];
      for (let i = first; i < Math.min(first + BATCH, ordinals.length); i++) {
        const vector = this.#vectorOf(index, ordinals[i] as number);
        if (vector === null) continue;
        this.#scratch.set(vector, places.length * this.#dimension);
        places.push(i);
      }
      if (places.length === 0) continue;
      const { rows, distances } = nearest(this.#scratch.subarray(0, places.length * this.#dimension), query, places.length);
      for (let i = 0; i < places.length; i++) scores[places[Number(rows[i])] as number] = 1 - (distances[i] as number);
    }
    return scores;
  }

  /** The median of the query's cosines with `samples` vectors of the level, taken at even distances; null where there are none. */
  median(index: NamespaceIndex, vectors: LevelVectors, query: Float32Array, samples: number): number | null {
    const scores = this.scores(index, vectors.sample(samples), query).filter((score) => !Number.isNaN(score)).sort();
    if (scores.length === 0) return null;
    const middle = scores.length >> 1;
    const upper = scores[middle] as number;
    return scores.length % 2 === 1 ? upper : ((scores[middle - 1] as number) + upper) / 2;
  }

  #exact(index: NamespaceIndex, query: Float32Array, scope: SearchScope): VectorHit[] {
    return this.#scored(index, scope.eligibleOrdinals(), query);
  }

  #scored(index: NamespaceIndex, ordinals: readonly number[], query: Float32Array): VectorHit[] {
    const scores = this.scores(index, ordinals, query);
    const hits: VectorHit[] = [];
    ordinals.forEach((ordinal, i) => {
      const score = scores[i] as number;
      if (!Number.isNaN(score)) hits.push({ ordinal, score });
    });
    return hits;
  }

  /** null: asking the graph often enough would cost more than scoring everything in scope. */
  #inSegment(
    index: NamespaceIndex, segment: HnswSegment, query: Float32Array, count: number, share: number, exactCost: number,
    scope: SearchScope,
  ): VectorHit[] | null {
    let wanted = Math.ceil((count / share) * OVERSAMPLING);
    // A shortened vector's order is rough: look at twice as many in full.
    const needed = segment.isExactlyScored ? count : count * 2;
    for (let round = 0; round < ROUNDS_MAX; round++) {
      wanted = Math.min(segment.count, Math.max(wanted, needed));
      if (round > 0 && wanted * VISIT_COST > exactCost) return null;
      const found = eligibleHits(index.documents, segment, query, wanted, needed, scope);
      if (found.length >= needed || wanted === segment.count) return this.#finished(index, segment, found, query);
      wanted = found.length === 0 ? wanted * 8 : (needed / found.length) * wanted * OVERSAMPLING;
      wanted = Math.ceil(wanted);
    }
    return null;
  }

  #finished(index: NamespaceIndex, segment: HnswSegment, hits: VectorHit[], query: Float32Array): VectorHit[] {
    if (segment.isExactlyScored) return hits;
    return this.#scored(index, hits.map(({ ordinal }) => ordinal), query);
  }

  #vectorOf(index: NamespaceIndex, ordinal: number): Float32Array | null {
    const { documents } = index;
    const row = documents.vectorRows[ordinal] as number;
    if (row < 0) return this.#readVector(documents.seqs[ordinal] as number);
    return (index.vectors(documents.levels[ordinal] as LevelNumber) as LevelVectors).rows.vector(row);
  }
}

function eligibleHits(
  documents: DocumentTable, segment: HnswSegment, query: Float32Array, wanted: number, needed: number, scope: SearchScope,
): VectorHit[] {
  const hits: VectorHit[] = [];
  for (const { entry, score } of segment.search(query, wanted)) {
    const ordinal = documents.ordinalOf(entry);
    // A context that died or changed since the graph was built has another entry, or none.
    if (ordinal < 0 || !scope.eligible(ordinal)) continue;
    hits.push({ ordinal, score });
    if (hits.length === needed) break;
  }
  return hits;
}
