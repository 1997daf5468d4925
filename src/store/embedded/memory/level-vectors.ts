// The vectors of one level of a namespace: HNSW segments for what they cover, exact rows for the rest.

import type { DocumentTable } from './document-table.ts';
import type { HnswSegment } from '../hnsw/hnsw-segment.ts';
import type { LevelNumber } from '../database/rows.ts';
import { VectorRows } from './vector-rows.ts';

export class LevelVectors {
  readonly #level: LevelNumber;
  readonly #documents: DocumentTable;
  readonly #dimension: number;
  /** What no segment covers. */
  rows: VectorRows;
  segments: readonly HnswSegment[] = [];

  constructor(level: LevelNumber, documents: DocumentTable, dimension: number) {
    this.#level = level;
    this.#documents = documents;
    this.#dimension = dimension;
    this.rows = new VectorRows(dimension);
  }

  /** Newest entry that a segment covers; 0 where there is none. */
  get covered(): number {
    return this.segments.at(-1)?.to ?? 0;
  }

  add(ordinal: number, vector: Float32Array): void {
    this.#documents.vectorRows[ordinal] = this.rows.add(ordinal, vector);
  }

  remove(ordinal: number): void {
    const row = this.#documents.vectorRows[ordinal] as number;
    if (row < 0) return;
    const moved = this.rows.remove(row);
    if (moved >= 0) this.#documents.vectorRows[moved] = row;
    this.#documents.vectorRows[ordinal] = -1;
  }

  /**
   * Takes segments into use and forgets the rows they cover. False, and nothing changed, where a living
   * document is missing from them: they are stale or damaged.
   */
  adopt(segments: readonly HnswSegment[]): boolean {
    if (!this.#holdAll(segments)) return false;
    const old = this.rows;
    this.segments = segments;
    this.rows = new VectorRows(this.#dimension);
    for (let row = 0; row < old.count; row++) {
      const ordinal = old.ordinals[row] as number;
      this.#documents.vectorRows[ordinal] = -1;
      if ((this.#documents.entries[ordinal] as number) > this.covered) this.add(ordinal, old.vector(row));
    }
    return true;
  }

  renumber(moved: Uint32Array): void {
    for (let row = 0; row < this.rows.count; row++) {
      this.rows.ordinals[row] = moved[this.rows.ordinals[row] as number] as number;
    }
  }

  /** Up to `count` living documents of the level, at even distances in the order of their entries. */
  sample(count: number): number[] {
    const { levels, count: documentCount } = this.#documents;
    const living: number[] = [];
    for (let ordinal = 0; ordinal < documentCount; ordinal++) if (levels[ordinal] === this.#level) living.push(ordinal);
    if (living.length <= count) return living;
    return Array.from({ length: count }, (_, i) => living[Math.floor((i * living.length) / count)] as number);
  }

  get memoryBytes(): number {
    return this.segments.reduce((sum, segment) => sum + segment.memoryBytes, this.rows.memoryBytes);
  }

  #holdAll(segments: readonly HnswSegment[]): boolean {
    const { levels, entries, count } = this.#documents;
    return segments.every((segment) => {
      const covered: number[] = [];
      for (let ordinal = 0; ordinal < count; ordinal++) {
        const entry = entries[ordinal] as number;
        if (levels[ordinal] === this.#level && entry > segment.from && entry <= segment.to) covered.push(entry);
      }
      return segment.holdsAll(covered);
    });
  }
}
