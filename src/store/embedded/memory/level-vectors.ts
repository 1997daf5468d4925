// The vectors of one level of a namespace: HNSW segments for what they cover, exact rows for the rest.

import type { LevelColumns } from '../columns/level-columns.ts';
import type { HnswSegment } from '../hnsw/hnsw-segment.ts';
import type { LevelNumber } from '../border/rows.ts';
import { type DocumentTable, NO_VECTOR, slotMark } from './document-table.ts';
import { PassageRows } from './passage-rows.ts';
import { VectorRows } from '../arrays/vector-rows.ts';

/** Without any vector: objects, and what the allocator adds to each buffer. */
const LEVEL_BYTES = 1_000;

/** Some vectors of the level, one after another. */
export interface VectorSample {
  readonly wanted: number;
  /** Documents that there were when it was taken. */
  readonly documentCount: number;
  readonly matrix: Float32Array;
}

export class LevelVectors {
  readonly #level: LevelNumber;
  readonly #documents: DocumentTable;
  readonly #dimension: number;
  /** What no segment covers. */
  rows: VectorRows;
  segments: readonly HnswSegment[] = [];
  /** Of documents in `rows`; null: none of them has any. */
  passages: PassageRows | null = null;
  /** Kept by who asks for it, until the segments change. */
  sampled: VectorSample | null = null;
  /** The same vectors once more, in eight bits, where searches have asked for that; whichever segments there are. */
  columns: LevelColumns | null = null;

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

  /** The segment that covers the document, if one does. */
  segmentOf(ordinal: number): HnswSegment | undefined {
    const entry = this.#documents.entries[ordinal] as number;
    return this.segments.find(({ from, to }) => entry > from && entry <= to);
  }

  /** `passages`: one after another; null: the document has none. */
  add(ordinal: number, vector: Float32Array, passages: Float32Array | null): void {
    this.#documents.vectorRows[ordinal] = this.rows.add(ordinal, vector);
    if (passages !== null) this.addPassages(ordinal, passages);
  }

  /** Of a document that has none yet. */
  addPassages(ordinal: number, passages: Float32Array): void {
    this.passages ??= new PassageRows(this.#dimension);
    this.passages.add(ordinal, passages);
  }

  /** False: each document has one vector. */
  get hasPassages(): boolean {
    return this.passages !== null || this.segments.some(({ passageCount }) => passageCount > 0);
  }

  remove(ordinal: number): void {
    const row = this.#documents.vectorRows[ordinal] as number;
    this.#documents.vectorRows[ordinal] = NO_VECTOR;
    if (row < 0) return;
    this.passages?.remove(ordinal);
    const moved = this.rows.remove(row);
    if (moved >= 0) this.#documents.vectorRows[moved] = row;
  }

  /**
   * Takes segments into use, in place of those it has, and forgets the rows they cover. False, and nothing changed,
   * where a living document is missing from them: they are stale.
   */
  adopt(segments: readonly HnswSegment[]): boolean {
    if (!segments.every((segment) => this.#eachSlot(segment, () => {}))) return false;
    const old = this.rows;
    const oldPassages = this.passages;
    this.#closeSegments();
    this.segments = segments;
    this.sampled = null;
    this.rows = new VectorRows(this.#dimension);
    this.passages = null;
    for (let row = 0; row < old.count; row++) {
      const ordinal = old.ordinals[row] as number;
      if ((this.#documents.entries[ordinal] as number) <= this.covered) continue;
      this.add(ordinal, old.vector(row), oldPassages?.vectorsOf(ordinal) ?? null);
    }
    old.release();
    oldPassages?.release();
    const { vectorRows } = this.#documents;
    for (const segment of segments)
      this.#eachSlot(segment, (ordinal, slot) => {
        vectorRows[ordinal] = slotMark(slot);
      });
    return true;
  }

  /** Up to `count` living documents of the level, at even distances in the order of their entries. */
  sample(count: number): number[] {
    const { levels, count: documentCount } = this.#documents;
    const living: number[] = [];
    for (let ordinal = 0; ordinal < documentCount; ordinal++) if (levels[ordinal] === this.#level) living.push(ordinal);
    if (living.length <= count) return living;
    return Array.from({ length: count }, (_, i) => living[Math.floor((i * living.length) / count)] as number);
  }

  renumber(moved: Uint32Array): void {
    for (let row = 0; row < this.rows.count; row++) {
      this.rows.ordinals[row] = moved[this.rows.ordinals[row] as number] as number;
    }
    this.passages?.renumber(moved);
    this.columns?.renumber(moved);
  }

  /** Gives memory and files back. Not to be used after. */
  release(): void {
    this.rows.release();
    this.passages?.release();
    this.columns = null;
    this.#closeSegments();
  }

  get memoryBytes(): number {
    const rows = this.rows.memoryBytes + (this.passages?.memoryBytes ?? 0);
    const beside = LEVEL_BYTES + rows + (this.columns?.memoryBytes ?? 0) + (this.sampled?.matrix.byteLength ?? 0);
    return this.segments.reduce((sum, segment) => sum + segment.memoryBytes, beside);
  }

  #closeSegments(): void {
    for (const segment of this.segments) segment.close();
    this.segments = [];
  }

  /** Tells the place of the first vector of each living document of the level that the segment covers; false where one is missing. Both sides rise. */
  #eachSlot(segment: HnswSegment, take: (ordinal: number, slot: number) => void): boolean {
    const { levels, entries, count } = this.#documents;
    let slot = 0;
    for (let ordinal = 0; ordinal < count; ordinal++) {
      const entry = entries[ordinal] as number;
      if (levels[ordinal] !== this.#level || entry <= segment.from || entry > segment.to) continue;
      while (slot < segment.count && (segment.entries[slot] as number) < entry) slot++;
      if (segment.entries[slot] !== entry) return false;
      take(ordinal, slot);
    }
    return true;
  }
}
