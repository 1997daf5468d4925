// The full vectors of a saved segment, one after another in the order in which they were added; reading them
// there costs a quarter of reading the database. A graph that holds full vectors has them at the start of its file,
// and whoever saves one checks that they are where this expects them; others have a file beside them.

import { closeSync, openSync, readFileSync, readSync } from 'node:fs';
import type { Quantization } from '../border/messages.ts';

/** In a graph's file their number and the bytes of one stand before the vectors, as u32. */
const GRAPH_HEADER_BYTES = 8;
/** Vectors this far apart are read together: one longer read is cheaper than two. */
const GAP_MAX = 4;
const READ_VECTORS = 64;
const ENDS_EARLY = 'a vector index ends before its vectors do';

/** Where a vector is wanted, and its place in the segment. */
export interface WantedSlot {
  readonly place: number;
  readonly slot: number;
}

export class SegmentVectors {
  readonly #file: number;
  readonly #startBytes: number;
  readonly #dimension: number;
  readonly #buffer: Float32Array;
  readonly #bytes: Uint8Array;

  /** `path`: the segment's, without an extension. Throws where the file cannot be read. */
  constructor(path: string, dimension: number, quantization: Quantization) {
    const inGraph = quantization === 'f32';
    this.#file = openSync(inGraph ? `${path}.usearch` : `${path}.vectors`, 'r');
    this.#startBytes = inGraph ? GRAPH_HEADER_BYTES : 0;
    this.#dimension = dimension;
    this.#buffer = new Float32Array(READ_VECTORS * dimension);
    this.#bytes = new Uint8Array(this.#buffer.buffer);
  }

  /** Hands each vector to `take`, in any order; a view that the next one overwrites. */
  read(wanted: readonly WantedSlot[], take: (place: number, vector: Float32Array) => void): void {
    const sorted = [...wanted].sort((a, b) => a.slot - b.slot);
    for (let first = 0; first < sorted.length; ) {
      const start = (sorted[first] as WantedSlot).slot;
      let end = first + 1;
      while (end < sorted.length && this.#joins(sorted[end - 1] as WantedSlot, sorted[end] as WantedSlot, start)) end++;
      this.#readRun(start, (sorted[end - 1] as WantedSlot).slot - start + 1);
      for (; first < end; first++) {
        const { place, slot } = sorted[first] as WantedSlot;
        take(place, this.#buffer.subarray((slot - start) * this.#dimension, (slot - start + 1) * this.#dimension));
      }
    }
  }

  /** So many vectors from that place on, one after another. */
  readRange(slot: number, count: number): Float32Array {
    const vectors = new Float32Array(count * this.#dimension);
    const bytes = new Uint8Array(vectors.buffer);
    const read = readSync(this.#file, bytes, 0, bytes.length, this.#startBytes + slot * this.#dimension * 4);
    if (read !== bytes.length) throw new Error(ENDS_EARLY);
    return vectors;
  }

  close(): void {
    closeSync(this.#file);
  }

  #joins(last: WantedSlot, next: WantedSlot, start: number): boolean {
    return next.slot - last.slot <= GAP_MAX && next.slot - start < READ_VECTORS;
  }

  #readRun(slot: number, count: number): void {
    const vectorBytes = this.#dimension * 4;
    const length = count * vectorBytes;
    const read = readSync(this.#file, this.#bytes, 0, length, this.#startBytes + slot * vectorBytes);
    if (read !== length) throw new Error(ENDS_EARLY);
  }
}

/** The entries of a segment in the order of its vectors, as `.entries` holds them; other threads may read them, too. */
export function readEntries(path: string): Float64Array {
  const bytes = readFileSync(path);
  const shared = new SharedArrayBuffer(bytes.length);
  new Uint8Array(shared).set(bytes);
  return new Float64Array(shared);
}
