// Vectors that are scanned exactly, in chunks of contiguous memory. Rows are dense: the last one fills
// the place of one that is removed, so a scan never reads the dead. Beside each chunk stand the same vectors
// in eight bits: a scan reads those, and the full ones of the few rows that can be among the best.

import { exactSearch, MetricKind } from 'usearch';
import { type EightBitQuery, eightBitQuery, toEightBits } from './eight-bits.ts';
import { grown, resized } from './growing.ts';

/** Bytes of a full chunk; the first grows up to it by doubling. */
const CHUNK_BYTES = 8 * 1024 * 1024;
const FIRST_ROWS = 16;
/** Below this the lists to be looked through would be longer than the vectors in scope. */
const PASS_SHARE_MIN = 0.01;
/** Rows scored in full for each one wanted, and beside them. */
const RESCORED_SHARE = 1.25;
const RESCORED_MORE = 16;
/** From so many rows for each one scored in full on, eight bits are looked at first. */
const ROUGH_ROWS_MIN = 4;

interface RowDistance {
  readonly row: number;
  readonly distance: number;
}

export interface VectorHit {
  readonly ordinal: number;
  readonly score: number;
}

interface Chunk {
  vectors: Float32Array<ArrayBuffer>;
  codes: Int8Array<ArrayBuffer>;
}

/** What a scan brought, best first, and beyond which distance there may be more. */
interface Scanned {
  readonly rows: readonly RowDistance[];
  readonly horizon: number;
}

/** One query against vectors laid out one after another from the start of their buffer; best first. */
export function nearest<T extends Float32Array | Int8Array>(
  vectors: T, query: T, wanted: number,
): { rows: BigUint64Array; distances: Float32Array } {
  // The binding reads from the start of the buffer whatever the view's offset is.
  const matches = exactSearch(vectors, query, query.length, wanted, MetricKind.IP, 1);
  return { rows: matches.keys, distances: matches.distances };
}

/** So many are scored in full where `count` are wanted and the order is that of eight bits. */
export function rescoredCount(count: number): number {
  return Math.ceil(count * RESCORED_SHARE) + RESCORED_MORE;
}

export class VectorRows {
  count = 0;
  /** Document of each row. */
  ordinals = new Uint32Array(0);
  readonly #dimension: number;
  readonly #chunkRows: number;
  readonly #chunks: Chunk[] = [];
  /** Rows whose codes say too little: they are always scored in full. */
  readonly #unlike = new Set<number>();

  constructor(dimension: number) {
    this.#dimension = dimension;
    this.#chunkRows = Math.max(FIRST_ROWS, Math.floor(CHUNK_BYTES / (dimension * 4)));
  }

  /** Gives the row. The vector is copied. */
  add(ordinal: number, vector: Float32Array): number {
    const row = this.count++;
    const at = (row % this.#chunkRows) * this.#dimension;
    const { vectors, codes } = this.#reserve(row);
    vectors.set(vector, at);
    if (!toEightBits(vector, codes, at)) this.#unlike.add(row);
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
      this.#codes(row).set(this.#codes(last));
      this.ordinals[row] = moved;
    }
    const isLastUnlike = this.#unlike.delete(last);
    if (row !== last && isLastUnlike) this.#unlike.add(row);
    else this.#unlike.delete(row);
    const chunksUsed = Math.ceil(this.count / this.#chunkRows);
    // One spare chunk stays, so that a row that comes and goes at the border allocates nothing.
    if (this.#chunks.length > chunksUsed + 1) this.#free(chunksUsed + 1);
    return moved;
  }

  /** A view; valid until the next change. */
  vector(row: number): Float32Array {
    const at = (row % this.#chunkRows) * this.#dimension;
    return this.#chunkOf(row).vectors.subarray(at, at + this.#dimension);
  }

  #codes(row: number): Int8Array {
    const at = (row % this.#chunkRows) * this.#dimension;
    return this.#chunkOf(row).codes.subarray(at, at + this.#dimension);
  }

  #chunkOf(row: number): Chunk {
    return this.#chunks[Math.floor(row / this.#chunkRows)] as Chunk;
  }

  /** Gives the memory back at once; the collector may take minutes to see that it is free. */
  release(): void {
    this.count = 0;
    this.#unlike.clear();
    this.#free(0);
  }

  get memoryBytes(): number {
    return this.#chunks.reduce((sum, { vectors, codes }) => sum + vectors.byteLength + codes.byteLength, this.ordinals.byteLength);
  }

  /**
   * The `count` best eligible rows, best first; null where fewer than the expected `passShare` of the best are eligible,
   * so that those that are should be scored one by one.
   */
  search(query: Float32Array, count: number, passShare: number, eligible: (ordinal: number) => boolean): VectorHit[] | null {
    const rescored = rescoredCount(count);
    if (this.count > (rescored + this.#unlike.size) * ROUGH_ROWS_MIN) {
      const hits = this.#searchRoughly(query, count, rescored, passShare, eligible);
      if (hits !== 'unsure') return hits;
    }
    const scanned = this.#scan(count, passShare, ({ vectors }, length, wanted) => nearest(vectors.subarray(0, length), query, wanted));
    const found = this.#eligible(scanned, count, eligible);
    return found === null ? null : found.map(({ row, distance }) => ({ ordinal: this.ordinals[row] as number, score: 1 - distance }));
  }

  /** 'unsure': a row that was not scored in full may be better than the last of those that were. */
  #searchRoughly(
    query: Float32Array, count: number, rescored: number, passShare: number, eligible: (ordinal: number) => boolean,
  ): VectorHit[] | null | 'unsure' {
    const rough = eightBitQuery(query);
    const scanned = this.#scan(rescored, passShare, ({ codes }, length, wanted) => nearest(codes.subarray(0, length), rough.codes, wanted));
    const found = this.#eligible(scanned, rescored, eligible);
    if (found === null) return null;
    const unlike = [...this.#unlike].filter((row) => eligible(this.ordinals[row] as number));
    const hits = this.#scored(query, [...new Set([...found.map(({ row }) => row), ...unlike])]);
    const last = found.at(-1);
    if (last === undefined || found.length < rescored) return hits.slice(0, count);
    return isSure(hits[count - 1] as VectorHit, last, rough) ? hits.slice(0, count) : 'unsure';
  }

  /** The nearest rows of every chunk, by whatever `nearestIn` compares. */
  #scan(
    count: number, passShare: number, nearestIn: (chunk: Chunk, length: number, wanted: number) => ReturnType<typeof nearest>,
  ): Scanned {
    const perChunk = Math.ceil((count / Math.max(passShare, PASS_SHARE_MIN)) * 1.25) + 8;
    const seen: RowDistance[] = [];
    let horizon = Infinity;
    for (let chunk = 0, first = 0; first < this.count; chunk++, first += this.#chunkRows) {
      const rows = Math.min(this.#chunkRows, this.count - first);
      const wanted = Math.min(rows, perChunk);
      const found = nearestIn(this.#chunks[chunk] as Chunk, rows * this.#dimension, wanted);
      for (let i = 0; i < wanted; i++) seen.push({ row: first + Number(found.rows[i]), distance: found.distances[i] as number });
      if (wanted < rows) horizon = Math.min(horizon, found.distances[wanted - 1] as number);
    }
    return { rows: seen.sort((a, b) => a.distance - b.distance), horizon };
  }

  /** The first `count` eligible ones; null where they were not enough before the horizon. */
  #eligible({ rows, horizon }: Scanned, count: number, eligible: (ordinal: number) => boolean): RowDistance[] | null {
    const found: RowDistance[] = [];
    for (const seen of rows) {
      if (seen.distance > horizon) return null;
      if (!eligible(this.ordinals[seen.row] as number)) continue;
      found.push(seen);
      if (found.length === count) return found;
    }
    return horizon === Infinity ? found : null;
  }

  /** From the full vectors, best first. */
  #scored(query: Float32Array, rows: readonly number[]): VectorHit[] {
    if (rows.length === 0) return [];
    const matrix = new Float32Array(rows.length * this.#dimension);
    rows.forEach((row, i) => matrix.set(this.vector(row), i * this.#dimension));
    const scored = nearest(matrix, query, rows.length);
    return Array.from(scored.rows, (place, i) => {
      const row = rows[Number(place)] as number;
      return { ordinal: this.ordinals[row] as number, score: 1 - (scored.distances[i] as number) };
    });
  }

  #free(from: number): void {
    for (const { vectors, codes } of this.#chunks.splice(from)) {
      resized(vectors, 0);
      resized(codes, 0);
    }
  }

  /** The chunk of the row, with room for it. */
  #reserve(row: number): Chunk {
    const place = Math.floor(row / this.#chunkRows);
    const existing = this.#chunks[place];
    const capacity = existing === undefined ? 0 : existing.vectors.length / this.#dimension;
    const needed = (row % this.#chunkRows) + 1;
    if (existing !== undefined && capacity >= needed) return existing;
    const rows = place > 0 ? this.#chunkRows : Math.min(this.#chunkRows, Math.max(FIRST_ROWS, capacity * 2));
    const length = rows * this.#dimension;
    const larger =
      existing === undefined
        ? { vectors: new Float32Array(length), codes: new Int8Array(length) }
        : { vectors: resized(existing.vectors, length), codes: resized(existing.codes, length) };
    this.#chunks[place] = larger;
    return larger;
  }
}

/** The last row scored in full could not be as good as the last one wanted, so those behind it cannot either. */
function isSure(lastWanted: VectorHit, lastScored: RowDistance, { scale, margin }: EightBitQuery): boolean {
  return (1 - lastScored.distance) * scale + margin < lastWanted.score;
}
