// Vectors that are scanned exactly, in chunks of contiguous memory. Rows are dense: the last one fills
// the place of one that is removed, so a scan never reads the dead. Beside each chunk stand the same vectors
// in eight bits, once there are more than a few: a scan reads those, and the full ones of the rows that can be among the best.

import { exactSearch, MetricKind } from 'usearch';
import { eightBitQuery, toEightBits } from './eight-bits.ts';
import { grown, NO_NUMBERS, releaseSpace, resized } from './growing.ts';
import { TopList } from './top-list.ts';

/** Bytes of a full chunk; the first grows up to it by doubling. */
const CHUNK_BYTES = 8 * 1024 * 1024;
const FIRST_ROWS = 1;
/** Rows scored in full for each one wanted, and beside them. */
const RESCORED_SHARE = 1.25;
const RESCORED_MORE = 16;
/** From so many rows for each one scored in full on, eight bits are looked at first. */
const ROUGH_ROWS_MIN = 4;
/** So many rows are always scored in full, and nobody asks for their codes. */
const UNCODED_ROWS_MAX = RESCORED_MORE * ROUGH_ROWS_MIN;

export interface VectorHit {
  readonly ordinal: number;
  readonly score: number;
}

interface Chunk {
  vectors: Float32Array<ArrayBuffer>;
  /** Empty until there are so many rows that they are read. */
  codes: Int8Array<ArrayBuffer>;
}

/** What one query found among the rows. */
export interface RowScan {
  /** The best eligible ones, in no order. */
  readonly hits: readonly VectorHit[];
  /** True scores of the rows that were scored in full, by row. */
  readonly scores: Pick<ReadonlyMap<number, number>, 'get'>;
  /** The scores of all rows, true or within some thousandths; NaN where eight bits say too little. */
  readonly about: Float64Array;
}

/**
 * 1 - the dot product of `query` with each of the vectors, in their order. The binding looks for what is nearest to
 * each of many queries: the vectors are its queries here, and `query` is all that there is to be found, so that nothing
 * is sorted. Both are read from the start of their buffers, whatever a view's offset is.
 */
export function distancesTo<T extends Float32Array | Int8Array>(query: T, vectors: T): Float32Array {
  return exactSearch(query, vectors, query.length, 1, MetricKind.IP, 1).distances;
}

/** So many are scored in full where `count` are wanted and the order is that of eight bits. */
export function rescoredCount(count: number): number {
  return Math.ceil(count * RESCORED_SHARE) + RESCORED_MORE;
}

/** Vectors to be scored in full, shared by every search of the thread: one runs at a time. */
let matrix = new Float32Array(0);
const NO_VECTORS = new Float32Array(0);
const NO_CODES = new Int8Array(0);

export class VectorRows {
  count = 0;
  /** Document of each row. */
  ordinals = NO_NUMBERS;
  readonly #dimension: number;
  readonly #chunkRows: number;
  readonly #chunks: Chunk[] = [];
  /** Rows whose codes say too little: they are always scored in full. */
  readonly #unlike = new Set<number>();
  #isCoded = false;

  constructor(dimension: number) {
    this.#dimension = dimension;
    this.#chunkRows = Math.max(FIRST_ROWS, Math.floor(CHUNK_BYTES / (dimension * 4)));
  }

  /** Gives the row. The vector is copied. */
  add(ordinal: number, vector: Float32Array): number {
    const row = this.count++;
    const at = (row % this.#chunkRows) * this.#dimension;
    this.#reserve(row).vectors.set(vector, at);
    if (this.#isCoded) this.#code(row);
    else if (this.count > UNCODED_ROWS_MAX) this.#codeAll();
    this.ordinals = grown(this.ordinals, this.count, FIRST_ROWS);
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
      if (this.#isCoded) this.#codes(row).set(this.#codes(last));
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

  #codeAll(): void {
    this.#isCoded = true;
    for (const chunk of this.#chunks) chunk.codes = new Int8Array(chunk.vectors.length);
    for (let row = 0; row < this.count; row++) this.#code(row);
  }

  #code(row: number): void {
    if (!toEightBits(this.vector(row), this.#codes(row), 0)) this.#unlike.add(row);
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
    return this.#chunks.reduce(
      (sum, { vectors, codes }) => sum + vectors.byteLength + codes.byteLength,
      this.ordinals.byteLength,
    );
  }

  /** Compares all rows; gives the `count` best that `eligible` lets through. */
  scan(query: Float32Array, count: number, eligible: (ordinal: number) => boolean): RowScan {
    const rescored = rescoredCount(count);
    if (this.#isCoded && this.count > (rescored + this.#unlike.size) * ROUGH_ROWS_MIN) {
      const found = this.#scanRoughly(query, count, rescored, eligible);
      if (found !== null) return found;
    }
    const scores = this.#compare(({ vectors }, length) => distancesTo(query, vectors.subarray(0, length)), 1);
    const hits = this.#hits(this.#best(scores, count, eligible));
    return { hits, scores: { get: (row) => scores[row] }, about: scores };
  }

  /** null: a row that was not scored in full may be better than the last of those that were. */
  #scanRoughly(
    query: Float32Array,
    count: number,
    rescored: number,
    eligible: (ordinal: number) => boolean,
  ): RowScan | null {
    const { codes: asked, scale, margin } = eightBitQuery(query);
    const about = this.#compare(({ codes }, length) => distancesTo(asked, codes.subarray(0, length)), scale);
    for (const row of this.#unlike) about[row] = Number.NaN;
    const likely = this.#best(about, rescored, eligible);
    const unlike = [...this.#unlike].filter((row) => eligible(this.ordinals[row] as number));
    const scores = this.#scoreInFull(query, [...likely.items().map(({ ordinal: row }) => row), ...unlike]);
    const best = new TopList(count);
    for (const [row, score] of scores) best.push(row, score);
    // The last row scored in full could not be as good as the last one wanted, so those behind it cannot either.
    const isSure = likely.length < rescored || likely.worst + margin < best.worst;
    return isSure ? { hits: this.#hits(best), scores, about } : null;
  }

  /** A dot product for each row, from the distances that `distancesIn` gives for a chunk's first numbers. */
  #compare(distancesIn: (chunk: Chunk, length: number) => Float32Array, scale: number): Float64Array {
    const scores = new Float64Array(this.count);
    for (let chunk = 0, first = 0; first < this.count; chunk++, first += this.#chunkRows) {
      const rows = Math.min(this.#chunkRows, this.count - first);
      const distances = distancesIn(this.#chunks[chunk] as Chunk, rows * this.#dimension);
      for (let i = 0; i < rows; i++) scores[first + i] = (1 - (distances[i] as number)) * scale;
    }
    return scores;
  }

  /** Rows, by their place. */
  #best(scores: Float64Array, count: number, eligible: (ordinal: number) => boolean): TopList {
    const best = new TopList(count);
    // Nearly all rows end at this comparison, so it is made with a number at hand.
    let bar = best.worst;
    for (let row = 0; row < scores.length; row++) {
      const score = scores[row] as number;
      if (!(score > bar) || !eligible(this.ordinals[row] as number)) continue;
      best.push(row, score);
      bar = best.worst;
    }
    return best;
  }

  #hits(best: TopList): VectorHit[] {
    return best.items().map(({ ordinal: row, score }) => ({ ordinal: this.ordinals[row] as number, score }));
  }

  /** True scores, in the order of the rows. */
  #scoreInFull(query: Float32Array, rows: readonly number[]): Map<number, number> {
    const ordered = rows.toSorted((a, b) => a - b);
    const length = ordered.length * this.#dimension;
    if (length === 0) return new Map();
    if (matrix.length < length) matrix = new Float32Array(length);
    ordered.forEach((row, i) => matrix.set(this.vector(row), i * this.#dimension));
    const distances = distancesTo(query, matrix.subarray(0, length));
    return new Map(ordered.map((row, i) => [row, 1 - (distances[i] as number)]));
  }

  #free(from: number): void {
    for (const { vectors, codes } of this.#chunks.splice(from)) {
      releaseSpace(vectors);
      releaseSpace(codes);
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
    const { vectors, codes } = existing ?? { vectors: NO_VECTORS, codes: NO_CODES };
    const larger = {
      vectors: resized(vectors, length),
      codes: this.#isCoded ? resized(codes, length) : codes,
    };
    this.#chunks[place] = larger;
    return larger;
  }
}
