// The k nearest vectors of a level under a scope. Few contexts in scope are scored one by one; else the
// graphs are asked for more than wanted, what is out of scope is dropped, and when too little remains
// those in scope are scored after all, as Qdrant's planner does.

import { type DocumentTable, markedSlot, NO_VECTOR } from '../memory/document-table.ts';
import type { HnswSegment } from '../hnsw/hnsw-segment.ts';
import type { SegmentVectors, WantedSlot } from '../hnsw/segment-vectors.ts';
import type { LevelVectors } from '../memory/level-vectors.ts';
import type { NamespaceIndex, ReadVectors } from '../memory/namespace-index.ts';
import type { HnswSettings } from '../messages.ts';
import type { LevelNumber } from '../database/rows.ts';
import type { SearchScope } from './search-scope.ts';
import { distancesTo, rescoredCount, type VectorHit } from '../memory/vector-rows.ts';
import type { DenseQuery } from './dense-query.ts';

/** Rough costs in nanoseconds, for 1,024 numbers: they choose a way, never a result. */
const SCAN_NS = 60;
const GATHER_NS = 400;
const FILE_READ_NS = 1_000;
/** Of a candidate that a graph keeps, for each of its links. */
const LINK_NS = 200;
const FILTER_NS = 100;
/** Asked for beyond what should suffice, so that a second round is rare. */
const OVERSAMPLING = 1.2;
const ROUNDS_MAX = 3;
/** A round that found nothing is followed by one as large as if it had found this many. */
const MISSES_AS_FOUND = 8;
/** A sample is taken anew once the namespace has grown by this factor. */
const SAMPLE_GROWTH_MAX = 1.05;
/** Vectors scored together. */
const BATCH = 256;

export class DenseSearch {
  readonly #readVectors: ReadVectors;
  readonly #efSearch: number;
  /** Of each node of a graph. */
  readonly #links: number;
  readonly #scratch: Float32Array;

  constructor(readVectors: ReadVectors, dimension: number, { m, efSearch }: HnswSettings) {
    this.#readVectors = readVectors;
    this.#efSearch = efSearch;
    this.#links = m;
    this.#scratch = new Float32Array(BATCH * dimension);
  }

  /** At least the `count` best in scope where there are as many, perhaps more. */
  top(index: NamespaceIndex, vectors: LevelVectors, query: DenseQuery, count: number, scope: SearchScope): VectorHit[] {
    if (scope.ownedCount === 0 || count === 0) return [];
    const share = scope.expectedShare;
    const exactNs = scope.ownedCount * gatherNs(vectors);
    const kept = Math.max(this.#efSearch, count / share);
    const graphsNs = vectors.segments.reduce((sum, segment) => sum + this.#graphNs(segment, kept), 0);
    if (exactNs <= vectors.rows.count * SCAN_NS + graphsNs) return this.#exact(index, query, scope);
    const hits = [...query.scan(vectors.rows, count, scope.eligible).hits];
    for (const segment of vectors.segments) {
      const found = this.#inSegment(index, segment, query, count, scope, gatherNs(vectors));
      if (found === null) return this.#exact(index, query, scope);
      hits.push(...found);
    }
    return hits;
  }

  /**
   * Dot products with `query`, in the order of `ordinals`; NaN where a vector is gone. Where `needsTrue` says no, a scan
   * in eight bits will do if there was one.
   */
  scores(index: NamespaceIndex, ordinals: readonly number[], query: DenseQuery, needsTrue = (_ordinal: number) => true): Float64Array {
    const batch = new ScoreBatch(query.vector, this.#scratch, ordinals.length);
    const unscored: number[] = [];
    const places: number[] = [];
    ordinals.forEach((ordinal, place) => {
      const score = scannedScore(index, ordinal, query, needsTrue(ordinal));
      if (!Number.isNaN(score)) batch.set(place, score);
      else places[unscored.push(ordinal) - 1] = place;
    });
    if (unscored.length > 0) this.#gather(index, unscored, (i, vector) => batch.add(places[i] as number, vector));
    return batch.finish();
  }

  /** The median of the query's cosines with `samples` vectors of the level, taken at even distances; null where there are none. */
  median(index: NamespaceIndex, vectors: LevelVectors, query: DenseQuery, samples: number): number | null {
    const sampled =
      vectors.segments.length === 0
        ? this.scores(index, vectors.sample(samples), query)
        : this.#sampledScores(index, vectors, query.vector, samples);
    const scores = sampled.filter((score) => !Number.isNaN(score)).sort();
    if (scores.length === 0) return null;
    const middle = scores.length >> 1;
    const upper = scores[middle] as number;
    return scores.length % 2 === 1 ? upper : ((scores[middle - 1] as number) + upper) / 2;
  }

  /** With vectors that were read once: they say how the level's texts are spread, which a few more or less do not change. */
  #sampledScores(index: NamespaceIndex, vectors: LevelVectors, query: Float32Array, samples: number): Float64Array {
    let sample = vectors.sampled;
    if (sample === null || sample.wanted !== samples || index.documents.count > sample.documentCount * SAMPLE_GROWTH_MAX) {
      const ordinals = vectors.sample(samples);
      const matrix = new Float32Array(ordinals.length * query.length);
      this.#gather(index, ordinals, (place, vector) => matrix.set(vector, place * query.length));
      sample = { wanted: samples, documentCount: index.documents.count, matrix };
      vectors.sampled = sample;
    }
    const count = sample.matrix.length / query.length;
    return count === 0 ? new Float64Array(0) : Float64Array.from(distancesTo(query, sample.matrix), (distance) => 1 - distance);
  }

  #exact(index: NamespaceIndex, query: DenseQuery, scope: SearchScope): VectorHit[] {
    return this.#scored(index, scope.eligibleOrdinals(), query);
  }

  #scored(index: NamespaceIndex, ordinals: readonly number[], query: DenseQuery): VectorHit[] {
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
    index: NamespaceIndex, segment: HnswSegment, query: DenseQuery, count: number, scope: SearchScope, scoreNs: number,
  ): VectorHit[] | null {
    let wanted = Math.ceil((count / scope.expectedShare) * OVERSAMPLING);
    let exactNs = Infinity;
    // A shortened vector's order is rough: more are looked at in full than are wanted.
    const needed = segment.isExact ? count : rescoredCount(count);
    for (let round = 0; round < ROUNDS_MAX; round++) {
      wanted = Math.min(segment.count, Math.max(wanted, needed));
      if (this.#graphNs(segment, wanted) > exactNs) return null;
      const found = eligibleHits(index.documents, segment, query.vector, wanted, needed, scope);
      if (found.length >= needed || wanted === segment.count) return this.#finished(index, segment, found, query);
      const eligible = Math.min(scope.ownedCount, ((found.length + 1) / wanted) * scope.levelCount);
      exactNs = (scope.hasFilter ? scope.ownedCount * FILTER_NS : 0) + eligible * scoreNs;
      wanted = Math.ceil((needed / Math.max(found.length, MISSES_AS_FOUND)) * wanted * OVERSAMPLING);
    }
    return null;
  }

  /** Of a search that keeps so many candidates: it compares what they link to, but no vector twice. */
  #graphNs(segment: HnswSegment, kept: number): number {
    return Math.min(kept * this.#links, segment.count) * LINK_NS;
  }

  #finished(index: NamespaceIndex, segment: HnswSegment, hits: VectorHit[], query: DenseQuery): VectorHit[] {
    if (segment.isExact) return hits;
    return this.#scored(index, hits.map(({ ordinal }) => ordinal), query);
  }

  /** Hands each vector to `take`, from memory, from a segment's file or from the database, whichever has it. */
  #gather(index: NamespaceIndex, ordinals: readonly number[], take: (place: number, vector: Float32Array) => void): void {
    const { documents } = index;
    const slots = new Map<SegmentVectors, WantedSlot[]>();
    const unread: number[] = [];
    ordinals.forEach((ordinal, place) => {
      const mark = documents.vectorRows[ordinal] as number;
      const vectors = index.vectors(documents.levels[ordinal] as LevelNumber);
      if (mark >= 0) return take(place, (vectors as LevelVectors).rows.vector(mark));
      const stored = mark === NO_VECTOR ? null : (vectors?.segmentOf(ordinal)?.vectors ?? null);
      if (stored === null) return unread.push(place);
      const wanted = slots.get(stored) ?? [];
      if (wanted.push({ place, slot: markedSlot(mark) }) === 1) slots.set(stored, wanted);
    });
    for (const [stored, wanted] of slots) stored.read(wanted, take);
    if (unread.length === 0) return;
    const seqs = unread.map((place) => documents.seqs[ordinals[place] as number] as number);
    this.#readVectors(seqs, (i, vector) => take(unread[i] as number, vector));
  }
}

/** Scores vectors some hundred at a time: one call of the binding costs as much as many vectors. */
class ScoreBatch {
  readonly #query: Float32Array;
  readonly #scratch: Float32Array;
  readonly #scores: Float64Array;
  #places: number[] = [];

  constructor(query: Float32Array, scratch: Float32Array, count: number) {
    this.#query = query;
    this.#scratch = scratch;
    this.#scores = new Float64Array(count).fill(Number.NaN);
  }

  readonly add = (place: number, vector: Float32Array): void => {
    this.#scratch.set(vector, this.#places.length * this.#query.length);
    if (this.#places.push(place) === BATCH) this.#flush();
  };

  set(place: number, score: number): void {
    this.#scores[place] = score;
  }

  finish(): Float64Array {
    if (this.#places.length > 0) this.#flush();
    return this.#scores;
  }

  #flush(): void {
    const count = this.#places.length;
    const distances = distancesTo(this.#query, this.#scratch.subarray(0, count * this.#query.length));
    for (let i = 0; i < count; i++) this.#scores[this.#places[i] as number] = 1 - (distances[i] as number);
    this.#places = [];
  }
}

/** The score of a vector among rows that were scanned already; NaN where it is not there. */
function scannedScore(index: NamespaceIndex, ordinal: number, query: DenseQuery, needsTrue: boolean): number {
  const row = index.documents.vectorRows[ordinal] as number;
  const vectors = row < 0 ? null : index.vectors(index.documents.levels[ordinal] as LevelNumber);
  return vectors === null ? Number.NaN : query.scoreOf(vectors.rows, row, needsTrue);
}

function gatherNs({ segments }: LevelVectors): number {
  return segments.length === 0 ? GATHER_NS : FILE_READ_NS;
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
