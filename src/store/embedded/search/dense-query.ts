import type { HnswSegment, SegmentHit } from '../hnsw/hnsw-segment.ts';
import type { AheadSearch, AskAhead } from '../hnsw/search-ahead.ts';
import type { LevelColumns } from '../columns/level-columns.ts';
import { toOwnSteps } from '../arrays/eight-bits.ts';
import type { RowScan, VectorRows } from '../arrays/vector-rows.ts';

/** Eight bits for each number, and how much a step of them is. */
interface OwnSteps {
  readonly codes: Int8Array;
  readonly step: number;
}

/** The vector that one search asks with, and what it was compared with. */
export class DenseQuery {
  /** At the start of its buffer. */
  readonly vector: Float32Array;
  readonly nonZeroCount: number;
  readonly #ahead: AheadSearch | null;
  /** True scores of documents that an index covers, as far as they came with its hits. */
  readonly #covered = new Map<number, number>();
  #inOwnSteps: OwnSteps | null = null;
  readonly #scans = new Map<VectorRows, RowScan>();
  readonly #products = new Map<LevelColumns, Int32Array>();

  /** `ahead`: what asks graphs in the thread beside, and may have asked some before; null: none are to be asked there. */
  constructor(vector: Float32Array, ahead: AheadSearch | null = null) {
    this.vector = vector;
    this.#ahead = ahead;
    let nonZeroCount = 0;
    for (let i = 0; i < vector.length; i++) if (vector[i] !== 0) nonZeroCount++;
    this.nonZeroCount = nonZeroCount;
  }

  get inOwnSteps(): OwnSteps {
    if (this.#inOwnSteps === null) {
      const codes = new Int8Array(this.vector.length);
      this.#inOwnSteps = { codes, step: toOwnSteps(this.vector, codes, 0) };
    }
    return this.#inOwnSteps;
  }

  scan(rows: VectorRows, count: number, eligible: (ordinal: number) => boolean): RowScan {
    const scan = rows.scan(this.vector, count, eligible);
    this.#scans.set(rows, scan);
    return scan;
  }

  /** Dot products of the codes with those of all rows of `columns`. */
  multiply(columns: LevelColumns): Int32Array {
    const products = this.#products.get(columns) ?? columns.multiply(this.inOwnSteps.codes);
    this.#products.set(columns, products);
    return products;
  }

  /** The best of a graph; null: it cannot be read. */
  searchGraph(segment: HnswSegment, asking: AskAhead): SegmentHit[] | null {
    return this.#ahead === null ? segment.search(this.vector, asking.wanted) : this.#ahead.search(segment, asking);
  }

  /** Of a document without a row. */
  tellTrue(ordinal: number, score: number): void {
    this.#covered.set(ordinal, score);
  }

  /** The true score of a row; NaN where no scan gave it. */
  scoreOf(rows: VectorRows, row: number): number {
    return this.#scans.get(rows)?.scores.get(row) ?? Number.NaN;
  }

  /** The true score of a document without a row; NaN where it did not come with a hit. */
  scoreOfCovered(ordinal: number): number {
    return this.#covered.get(ordinal) ?? Number.NaN;
  }

  /** The score of a document within some thousandths, from its row or from the level's columns; NaN where neither was read. */
  about(rows: VectorRows, row: number, columns: LevelColumns | null, ordinal: number): number {
    const scanned = row < 0 ? undefined : this.#scans.get(rows)?.about[row];
    if (scanned !== undefined && !Number.isNaN(scanned)) return scanned;
    return columns === null ? Number.NaN : this.#fromColumns(columns, ordinal);
  }

  #fromColumns(columns: LevelColumns, ordinal: number): number {
    const products = this.#products.get(columns);
    if (products === undefined) return Number.NaN;
    const row = columns.rowOf(ordinal);
    return row < 0 ? Number.NaN : (products[row] as number) * (columns.steps[row] as number) * this.inOwnSteps.step;
  }
}
