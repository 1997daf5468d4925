// True scores of the vectors of some documents, wherever those vectors are.

import { markedSlot, NO_VECTOR } from '../memory/document-table.ts';
import type { SegmentVectors, WantedSlot } from '../hnsw/segment-vectors.ts';
import type { ReadPassages } from '../database/stored-passages.ts';
import type { LevelVectors } from '../memory/level-vectors.ts';
import type { NamespaceIndex, ReadVectors } from '../memory/namespace-index.ts';
import type { LevelNumber } from '../border/rows.ts';
import { distancesTo, type VectorHit } from '../arrays/vector-rows.ts';
import type { DenseQuery } from './dense-query.ts';

/** Vectors scored together. */
const BATCH = 256;

export class VectorScorer {
  readonly #readVectors: ReadVectors;
  readonly #passages: ReadPassages;
  readonly #scratch: Float32Array;

  constructor(readVectors: ReadVectors, passages: ReadPassages, dimension: number) {
    this.#readVectors = readVectors;
    this.#passages = passages;
    this.#scratch = new Float32Array(BATCH * dimension);
  }

  /**
   * Dot products with `query`, in the order of `ordinals`, of each document's nearest vector; NaN where it is gone. Where
   * `needsTrue` says no, a comparison in eight bits will do if there was one.
   */
  scores(
    index: NamespaceIndex,
    ordinals: readonly number[],
    query: DenseQuery,
    needsTrue = (_ordinal: number) => true,
  ): Float64Array {
    const batch = this.#firstScores(index, ordinals, query, needsTrue);
    if (!this.#passages.isEmpty) this.#addPassages(index, ordinals, query, batch);
    return batch.finish();
  }

  /** The same of the first vectors alone. */
  firstScores(index: NamespaceIndex, ordinals: readonly number[], query: DenseQuery): Float64Array {
    return this.#firstScores(index, ordinals, query, () => true).finish();
  }

  #firstScores(
    index: NamespaceIndex,
    ordinals: readonly number[],
    query: DenseQuery,
    needsTrue: (ordinal: number) => boolean,
  ): ScoreBatch {
    const batch = new ScoreBatch(query.vector, this.#scratch, ordinals.length);
    const unscored: number[] = [];
    const places: number[] = [];
    ordinals.forEach((ordinal, place) => {
      const score = knownScore(index, ordinal, query, needsTrue(ordinal));
      if (!Number.isNaN(score)) batch.set(place, score);
      else places[unscored.push(ordinal) - 1] = place;
    });
    if (unscored.length > 0) this.gather(index, unscored, (i, vector) => batch.add(places[i] as number, vector));
    return batch;
  }

  #addPassages(index: NamespaceIndex, ordinals: readonly number[], query: DenseQuery, batch: ScoreBatch): void {
    const { documents } = index;
    const slots = new Map<SegmentVectors, WantedSlot[]>();
    ordinals.forEach((ordinal, place) => {
      const vectors = index.vectors(documents.levels[ordinal] as LevelNumber);
      const mark = documents.vectorRows[ordinal] as number;
      if (vectors === null) return this.#addStored(documents.seqs[ordinal] as number, place, query, batch);
      if (mark >= 0) {
        const { passages } = vectors;
        if (passages === null) return;
        for (const row of passages.rowsOf(ordinal)) {
          const known = query.scoreOf(passages.rows, row);
          if (Number.isNaN(known)) batch.add(place, passages.rows.vector(row));
          else batch.set(place, known);
        }
        return;
      }
      const segment = vectors.segmentOf(ordinal);
      if (segment === undefined || segment.passageCount === 0) return;
      const wanted = slots.get(segment.vectors) ?? [];
      for (const slot of segment.passageSlots(markedSlot(mark))) wanted.push({ place, slot });
      slots.set(segment.vectors, wanted);
    });
    for (const [stored, wanted] of slots) stored.read(wanted, batch.add);
  }

  #addStored(seq: number, place: number, query: DenseQuery, batch: ScoreBatch): void {
    const stored = this.#passages.read(seq);
    const { length } = query.vector;
    for (let at = 0; stored !== null && at < stored.length; at += length)
      batch.add(place, stored.subarray(at, at + length));
  }

  /** Those of `ordinals` whose vectors are there. */
  hits(index: NamespaceIndex, ordinals: readonly number[], query: DenseQuery): VectorHit[] {
    const scores = this.scores(index, ordinals, query);
    const hits: VectorHit[] = [];
    ordinals.forEach((ordinal, i) => {
      const score = scores[i] as number;
      if (!Number.isNaN(score)) hits.push({ ordinal, score });
    });
    return hits;
  }

  /** Hands each document's first vector to `take`, from memory, from a segment's file or from the database, whichever has it. */
  gather(
    index: NamespaceIndex,
    ordinals: readonly number[],
    take: (place: number, vector: Float32Array) => void,
  ): void {
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

/** Scores vectors some hundred at a time: one call of the binding costs as much as many vectors. Of several at a place the best counts. */
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
    if (!((this.#scores[place] as number) >= score)) this.#scores[place] = score;
  }

  finish(): Float64Array {
    if (this.#places.length > 0) this.#flush();
    return this.#scores;
  }

  #flush(): void {
    const count = this.#places.length;
    const distances = distancesTo(this.#query, this.#scratch.subarray(0, count * this.#query.length));
    for (let i = 0; i < count; i++) this.set(this.#places[i] as number, 1 - (distances[i] as number));
    this.#places = [];
  }
}

/** The score that a comparison of the same search gave; NaN where none did. */
function knownScore(index: NamespaceIndex, ordinal: number, query: DenseQuery, needsTrue: boolean): number {
  const vectors = index.vectors(index.documents.levels[ordinal] as LevelNumber);
  if (vectors === null) return Number.NaN;
  const row = index.documents.vectorRows[ordinal] as number;
  const score = row < 0 ? query.scoreOfCovered(ordinal) : query.scoreOf(vectors.rows, row);
  return needsTrue || !Number.isNaN(score) ? score : query.about(vectors.rows, row, vectors.columns, ordinal);
}
