// Vectors that are scanned exactly, in chunks of contiguous memory. Rows are dense: the last one fills
// the place of one that is removed, so a scan never reads the dead.

import { exactSearch, MetricKind } from 'usearch';
import { grown, resized } from './growing.ts';

/** Bytes of a full chunk; the first grows up to it by doubling. */
const CHUNK_BYTES = 8 * 1024 * 1024;
const FIRST_ROWS = 16;
/** Below this the lists to be looked through would be longer than the vectors in scope. */
const PASS_SHARE_MIN = 0.01;

interface RowDistance {
  readonly row: number;
  readonly distance: number;
}

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
    if (this.#chunks.length > chunksUsed + 1) this.#free(chunksUsed + 1);
    return moved;
  }

  /** A view; valid until the next change. */
  vector(row: number): Float32Array {
    const at = (row % this.#chunkRows) * this.#dimension;
    return (this.#chunks[Math.floor(row / this.#chunkRows)] as Float32Array).subarray(at, at + this.#dimension);
  }

  /** Gives the memory back at once; the collector may take minutes to see that it is free. */
  release(): void {
    this.count = 0;
    this.#free(0);
  }

  get memoryBytes(): number {
    return this.#chunks.reduce((sum, chunk) => sum + chunk.byteLength, this.ordinals.byteLength);
  }

  /**
   * The `count` best eligible rows, best first; null where fewer than the expected `passShare` of the best are eligible,
   * so that those that are should be scored one by one.
   */
  search(query: Float32Array, count: number, passShare: number, eligible: (ordinal: number) => boolean): VectorHit[] | null {
    const perChunk = Math.ceil((count / Math.max(passShare, PASS_SHARE_MIN)) * 1.25) + 8;
    const seen: RowDistance[] = [];
    // Beyond this distance a chunk may hold rows that are not among `seen`.
    let horizon = Infinity;
    for (let chunk = 0, first = 0; first < this.count; chunk++, first += this.#chunkRows) {
      const rows = Math.min(this.#chunkRows, this.count - first);
      const wanted = Math.min(rows, perChunk);
      const found = nearest((this.#chunks[chunk] as Float32Array).subarray(0, rows * this.#dimension), query, wanted);
      for (let i = 0; i < wanted; i++) seen.push({ row: first + Number(found.rows[i]), distance: found.distances[i] as number });
      if (wanted < rows) horizon = Math.min(horizon, found.distances[wanted - 1] as number);
    }
    seen.sort((a, b) => a.distance - b.distance);
    const hits: VectorHit[] = [];
    for (const { row, distance } of seen) {
      if (distance > horizon) return null;
      const ordinal = this.ordinals[row] as number;
      if (!eligible(ordinal)) continue;
      hits.push({ ordinal, score: 1 - distance });
      if (hits.length === count) return hits;
    }
    return horizon === Infinity ? hits : null;
  }

  #free(from: number): void {
    for (const chunk of this.#chunks.splice(from)) resized(chunk, 0);
  }

  #reserve(chunk: number, rows: number): Float32Array {
    const existing = this.#chunks[chunk];
    const capacity = existing === undefined ? 0 : existing.length / this.#dimension;
    if (existing !== undefined && capacity >= rows) return existing;
    const wanted = chunk > 0 ? this.#chunkRows : Math.min(this.#chunkRows, Math.max(FIRST_ROWS, capacity * 2));
    const larger = existing === undefined ? new Float32Array(wanted * this.#dimension) : resized(existing, wanted * this.#dimension);
    this.#chunks[chunk] = larger;
    return larger;
  }
}
