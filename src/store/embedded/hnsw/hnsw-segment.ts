// One HNSW graph over the vectors of a level whose entries lie in (from, to]. It is built elsewhere and
// never changes here: what is deleted later is a dead answer that the caller passes over.

import { Index, MetricKind, ScalarKind } from 'usearch';
import type { HnswSettings, Quantization } from '../messages.ts';

export interface SegmentHit {
  readonly entry: number;
  /** Exact for f32, else only good for an order: score again from the full vector. */
  readonly score: number;
}

/** Bytes of a vector's links, key and slot beside the vector itself. */
const LINK_BYTES = 4;
const NODE_BYTES = 40;
const SCALAR_BYTES: Readonly<Record<Quantization, number>> = { f32: 4, bf16: 2, i8: 1 };
const SCALARS: Readonly<Record<Quantization, ScalarKind>> = { f32: ScalarKind.F32, bf16: ScalarKind.BF16, i8: ScalarKind.I8 };

export function newIndex(dimension: number, quantization: Quantization, hnsw: HnswSettings): Index {
  return new Index({
    dimensions: dimension,
    // Eight bits keep a direction, not a length, so only the cosine means the same there.
    metric: quantization === 'i8' ? MetricKind.Cos : MetricKind.IP,
    quantization: SCALARS[quantization],
    connectivity: hnsw.m,
    expansion_add: hnsw.efConstruction,
    expansion_search: hnsw.efSearch,
    multi: false,
  });
}

export class HnswSegment {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  /** Scores need no second look. */
  readonly isExactlyScored: boolean;
  readonly memoryBytes: number;
  readonly #index: Index;

  constructor(index: Index, from: number, to: number, quantization: Quantization, hnsw: HnswSettings) {
    this.#index = index;
    this.from = from;
    this.to = to;
    this.count = index.size();
    this.isExactlyScored = quantization === 'f32';
    const bytes = index.dimensions() * SCALAR_BYTES[quantization] + 2 * hnsw.m * LINK_BYTES + NODE_BYTES;
    this.memoryBytes = this.count * bytes;
  }

  /** Best first. */
  search(query: Float32Array, count: number): SegmentHit[] {
    const { keys, distances } = this.#index.search(query, Math.min(count, this.count), 1);
    const hits: SegmentHit[] = [];
    for (let i = 0; i < keys.length; i++) hits.push({ entry: Number(keys[i]), score: 1 - (distances[i] as number) });
    return hits;
  }

  holdsAll(entries: readonly number[]): boolean {
    if (entries.length === 0) return true;
    const held = this.#index.contains(BigUint64Array.from(entries, BigInt));
    return Array.isArray(held) ? held.every((one) => one) : held;
  }
}
