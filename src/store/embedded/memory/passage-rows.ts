// The vectors of further passages of a level's contexts, as far as no segment covers them. Each row belongs to a
// document; a document may have many.

import { VectorRows } from '../arrays/vector-rows.ts';

/** Bytes of a document's entry and its list of rows. */
const ENTRY_BYTES = 120;
const ROW_BYTES = 8;
const NO_ROWS: readonly number[] = [];

export class PassageRows {
  readonly rows: VectorRows;
  readonly #dimension: number;
  readonly #byOrdinal = new Map<number, number[]>();

  constructor(dimension: number) {
    this.#dimension = dimension;
    this.rows = new VectorRows(dimension);
  }

  /** `vectors`: one after another; they are copied. */
  add(ordinal: number, vectors: Float32Array): void {
    const rows: number[] = [];
    for (let at = 0; at < vectors.length; at += this.#dimension)
      rows.push(this.rows.add(ordinal, vectors.subarray(at, at + this.#dimension)));
    this.#byOrdinal.set(ordinal, rows);
  }

  remove(ordinal: number): void {
    const own = this.#byOrdinal.get(ordinal);
    if (own === undefined) return;
    this.#byOrdinal.delete(ordinal);
    // The last first: what takes the place of a removed row is never one that is still to be removed.
    for (const row of own.toSorted((a, b) => b - a)) {
      const moved = this.rows.remove(row);
      if (moved < 0) continue;
      const others = this.#byOrdinal.get(moved) as number[];
      others[others.indexOf(this.rows.count)] = row;
    }
  }

  /** In the order of the text. */
  rowsOf(ordinal: number): readonly number[] {
    return this.#byOrdinal.get(ordinal) ?? NO_ROWS;
  }

  /** A copy of a document's vectors, one after another; null: it has none. */
  vectorsOf(ordinal: number): Float32Array | null {
    const rows = this.rowsOf(ordinal);
    if (rows.length === 0) return null;
    const vectors = new Float32Array(rows.length * this.#dimension);
    rows.forEach((row, i) => vectors.set(this.rows.vector(row), i * this.#dimension));
    return vectors;
  }

  /** By old ordinal the new one; only living documents have rows. */
  renumber(moved: Uint32Array): void {
    const before = [...this.#byOrdinal];
    this.#byOrdinal.clear();
    for (const [ordinal, rows] of before) this.#byOrdinal.set(moved[ordinal] as number, rows);
    for (let row = 0; row < this.rows.count; row++)
      this.rows.ordinals[row] = moved[this.rows.ordinals[row] as number] as number;
  }

  /** Gives the memory back. Not to be used after. */
  release(): void {
    this.rows.release();
    this.#byOrdinal.clear();
  }

  get memoryBytes(): number {
    return this.rows.memoryBytes + this.#byOrdinal.size * ENTRY_BYTES + this.rows.count * ROW_BYTES;
  }
}
