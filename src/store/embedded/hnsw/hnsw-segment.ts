// One HNSW graph over the vectors of a level whose entries lie in (from, to]. It is built elsewhere and
// never changes here: what is deleted later is a dead answer that the caller passes over.

import { closeSync, fstatSync, openSync } from 'node:fs';
import { devNull, endianness } from 'node:os';
import { Index, MetricKind, ScalarKind } from 'usearch';
import type { Quantization } from '../border/messages.ts';
import type { GraphShape } from './index-tuning.ts';
import { readEntries, SegmentVectors } from './segment-vectors.ts';

export interface HnswParameters extends GraphShape {
  readonly efSearch: number;
}

export interface SegmentHit {
  readonly entry: number;
  /** Exact where the graph is, else only good for an order: score again from the full vector. */
  readonly score: number;
  /** From the full vector, where that was read; absent: it was not. */
  readonly trueScore?: number;
}

/** What is known of a saved segment. */
export interface SegmentSource {
  /** Without the extension. */
  readonly path: string;
  readonly from: number;
  readonly to: number;
  /** Vectors. */
  readonly count: number;
  /** Of these, those that are not the first of their context. */
  readonly passageCount: number;
}

export interface SegmentTwin {
  readonly id: number;
  close(): void;
}

/** Bytes of a vector's links, key and slot beside the vector itself. */
const LINK_BYTES = 4;
const NODE_BYTES = 40;
const SCALAR_BYTES: Readonly<Record<Quantization, number>> = { f32: 4, bf16: 2, i8: 1 };
const SCALARS: Readonly<Record<Quantization, ScalarKind>> = {
  f32: ScalarKind.F32,
  bf16: ScalarKind.BF16,
  i8: ScalarKind.I8,
};

const OTHER_CONTENT = 'a vector index holds something else than its description says';
const IS_LITTLE_ENDIAN = endianness() === 'LE';

/** `multi`: a context may have several vectors. A file that is loaded or mapped says by itself whether it may. */
export function newIndex(dimension: number, quantization: Quantization, hnsw: HnswParameters, multi = false): Index {
  return new Index({
    dimensions: dimension,
    metric: MetricKind.IP,
    quantization: SCALARS[quantization],
    connectivity: hnsw.m,
    expansion_add: hnsw.efConstruction,
    expansion_search: hnsw.efSearch,
    multi,
  });
}

export class HnswSegment {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  readonly passageCount: number;
  /** Entries in the order of the vectors, never falling: those of one context stand together, the first one first; also of contexts that have died since. */
  readonly entries: Float64Array;
  /** The graph holds the full vectors: what it says of a hit's score is true. */
  readonly isExact: boolean;
  readonly vectors: SegmentVectors;
  readonly memoryBytes: number;
  /** Candidates that a search keeps, and links of each. */
  readonly efSearch: number;
  readonly m: number;
  readonly #newIndex: () => Index;
  readonly #path: string;
  /** null: the graph is not mapped. */
  #index: Index | null = null;
  #isLeft = false;

  /** The same files, open in the thread beside this one; null: they are not. */
  twin: SegmentTwin | null = null;

  /** Opens the files. Throws where they do not hold what `source` says. `entries`: where they are in memory already. */
  constructor(
    source: SegmentSource,
    dimension: number,
    quantization: Quantization,
    hnsw: HnswParameters,
    entries = readEntries(`${source.path}.entries`),
  ) {
    const { path, from, to, count, passageCount } = source;
    this.passageCount = passageCount;
    this.from = from;
    this.to = to;
    this.count = count;
    this.efSearch = hnsw.efSearch;
    this.m = hnsw.m;
    this.entries = entries;
    this.#path = `${path}.usearch`;
    this.#newIndex = () => newIndex(dimension, quantization, hnsw);
    if (entries.length !== count) throw new Error(OTHER_CONTENT);
    this.isExact = quantization === 'f32';
    this.vectors = new SegmentVectors(path, dimension, quantization);
    this.memoryBytes = count * (dimension * SCALAR_BYTES[quantization] + 2 * hnsw.m * LINK_BYTES + NODE_BYTES);
  }

  /** Best first; a context may come several times where there are passages. */
  search(query: Float32Array, count: number): SegmentHit[] {
    // All its contexts may have died while it was built, and the binding refuses to look for none.
    if (this.count === 0) return [];
    const { keys, distances } = this.map().search(query, Math.min(count, this.count), 1);
    const hits: SegmentHit[] = [];
    const words = new Uint32Array(keys.buffer, keys.byteOffset, keys.length * 2);
    for (let i = 0; i < keys.length; i++) hits.push({ entry: entryAt(words, i), score: 1 - (distances[i] as number) });
    return hits;
  }

  /** Slots of the further vectors of the context whose first one is at `slot`. */
  passageSlots(slot: number): number[] {
    const slots: number[] = [];
    if (this.passageCount === 0) return slots;
    for (let next = slot + 1; next < this.count && this.entries[next] === this.entries[slot]; next++) slots.push(next);
    return slots;
  }

  /** The graph, which is mapped from now on. Throws where its file does not hold what was said of it. */
  map(): Index {
    if (this.#index !== null) return this.#index;
    const index = this.#newIndex();
    const dimension = index.dimensions();
    mapFile(index, this.#path);
    if (index.size() !== this.count || index.dimensions() !== dimension) throw new Error(OTHER_CONTENT);
    this.#index = index;
    return index;
  }

  /**
   * The thread beside has answered: what is mapped here counts as memory of the process once more, and is needed no longer. Once
   * only: where it is needed here again, it may be so often.
   */
  leaveToTwin(): void {
    if (this.#isLeft) return;
    this.#isLeft = true;
    this.#unmap();
  }

  #unmap(): void {
    const index = this.#index;
    this.#index = null;
    try {
      // The binding cannot unmap a file but by loading another one: it lets go of the first before it
      // finds that there is nothing in the second.
      index?.load(devNull);
    } catch {
      return;
    }
  }

  /** Not to be used after. */
  close(): void {
    this.twin?.close();
    this.vectors.close();
    this.#unmap();
  }
}

/** Where the graph cannot be mapped it throws, and nothing of the segment stays open. */
export function mapped(segment: HnswSegment): HnswSegment {
  try {
    segment.map();
    return segment;
  } catch (error) {
    segment.close();
    throw error;
  }
}

/** `keys[i]`, without a number of any length on the heap for each. */
function entryAt(words: Uint32Array, i: number): number {
  const [low, high] = IS_LITTLE_ENDIAN ? [2 * i, 2 * i + 1] : [2 * i + 1, 2 * i];
  return (words[high] as number) * 2 ** 32 + (words[low] as number);
}

/** Throws where the file cannot be opened, without asking the binding: a mapping that fails there closes descriptor 0, whosever it is. */
function mapFile(index: Index, path: string): void {
  const probe = openSync(path, 'r');
  const { size } = fstatSync(probe);
  closeSync(probe);
  if (size === 0) throw new Error('a vector index is empty');
  index.view(path);
}
