// Vectors that are scanned exactly, in chunks of contiguous memory. Rows are dense: the last one fills
// the place of one that is removed, so a scan never reads the dead.

import { exactSearch, MetricKind } from 'usearch';
import { grown } from './growing.ts';

/** Bytes of a full chunk; the first grows up to it by doubling. */
const CHUNK_BYTES = 8 * 1024 * 1024;
const FIRST_ROWS = 16;

export interface VectorHit {
  readonly ordinal: number;
  readonly score: number;
}

/** One query against vectors laid out one after another from the start of their buffer; best first. */
export function nearest(vectors: Float32Array, query: Float32Array, wanted: number): { rows: BigUint64Array; distances: Float32Array } {
  // The binding reads from the start of the buffer whatever the view's offset is.
  const matches = exactSearch(vectors, query, query.length, wanted, MetricKind.IP, 1);
  return { rows: matches.keys, distances: matches.distances };
}

export class VectorRows {
  count = 0;
  /** Document of each row. */
  ordinals = new Uint32Array(0);
  readonly #dimension: number;
  readonly #chunkRows: number;
  readonly #chunks: Float32Array<ArrayBuffer>[] = [];

  constructor(dimension: number) {
    this.#dimension = dimension;
    this.#chunkRows = Math.max(FIRST_ROWS, Math.floor(CHUNK_BYTES / (dimension * 4)));
  }

  /** Gives the row. The vector is copied. */
  add(ordinal: number, vector: Float32Array): number {
    const row = this.count++;
    const chunk = Math.floor(row / this.#chunkRows);
    const place = row % this.#chunkRows;
    this.#reserve(chunk, place + 1).set(vector, place * this.#dimension);
    this.ordinals = grown(this.ordinals, this.count);
    this.ordinals[row] = ordinal;
    return row;
  }

  /** Gives the document whose row `row` is now, or -1 where the removed row was the last. */
  remove(row: number): number {
    const last = --this.count;
    let moved = -1;
    if (row !== last) {
      moved = this.ordinals[last] as number;
      this.vector(row).set(this.vector(last));
      this.ordinals[row] = moved;
    }
    const chunksUsed = Math.ceil(this.count / this.#chunkRows);
    // One spare chunk stays, so that a row that comes and goes at the border allocates nothing.
    if (this.#chunks.length > chunksUsed + 1) this.#chunks.length = chunksUsed + 1;
    return moved;
  }

  /** A view; valid until the next change. */
  vector(row: number): Float32Array {
    const at = (row % this.#chunkRows) * this.#dimension;
    return (this.#chunks[Math.floor(row / this.#chunkRows)] as Float32Array).subarray(at, at + this.#dimension);
  }

  /** At least the `count` best eligible rows (all where there are fewer), perhaps more. `passShare` is the share expected to be eligible. */
  search(query: Float32Array, count: number, passShare: number, eligible: (ordinal: number) => boolean): VectorHit[] {
    const hits: VectorHit[] = [];
    for (let chunk = 0, first = 0; first < this.count; chunk++, first += this.#chunkRows) {
      const rows = Math.min(this.#chunkRows, this.count - first);
      const vectors = (this.#chunks[chunk] as Float32Array).subarray(0, rows * this.#dimension);
      let wanted = Math.min(rows, Math.ceil((count / Math.max(passShare, 0.01)) * 1.25) + 8);
      for (;;) {
        const before = hits.length;
        this.#collect(vectors, query, wanted, first, count, eligible, hits);
        if (hits.length - before >= count || wanted === rows) break;
        hits.length = before;
        wanted = rows;
      }
    }
    return hits;
  }

  get memoryBytes(): number {
    return this.#chunks.reduce((sum, chunk) => sum + chunk.byteLength, this.ordinals.byteLength);
  }

  #collect(
    vectors: Float32Array, query: Float32Array, wanted: number, first: number, count: number,
    eligible: (ordinal: number) => boolean, hits: VectorHit[],
  ): void {
    const { rows, distances } = nearest(vectors, query, wanted);
    let found = 0;
    for (let i = 0; i < wanted && found < count; i++) {
      const ordinal = this.ordinals[first + Number(rows[i])] as number;
      if (!eligible(ordinal)) continue;
      hits.push({ ordinal, score: 1 - (distances[i] as number) });
      found++;
    }
  }

  #reserve(chunk: number, rows: number): Float32Array {
    const existing = this.#chunks[chunk];
    const capacity = existing === undefined ? 0 : existing.length / this.#dimension;
    if (existing !== undefined && capacity >= rows) return existing;
    const wanted = chunk > 0 ? this.#chunkRows : Math.min(this.#chunkRows, Math.max(FIRST_ROWS, capacity * 2));
    const larger = new Float32Array(wanted * this.#dimension);
    if (existing !== undefined) larger.set(existing);
    this.#chunks[chunk] = larger;
    return larger;
  }
}
