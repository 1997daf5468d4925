// Vectors of eight bits in blocks of columns, and the loop that multiplies them. JavaScript has no arithmetic on sixteen
// numbers at once; WebAssembly has, in every process that runs this.

import { BLOCK_ROWS, COLUMN_KERNEL } from './column-kernel.generated.ts';

/** What is used of the global of this name, which the types of Node do not have. */
interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
  readonly Memory: new (limits: { initial: number }) => WasmMemory;
}

interface WasmMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

type Dots = (block: number, pairs: number, pairsEnd: number, out: number) => void;

const PAGE_BYTES = 65_536;
const CACHE_LINE_BYTES = 64;
/** Offsets of two numbers, and their codes in the query. */
const PAIR_BYTES = 12;
const TILE_ROWS = 16;

/** The sums of a block, then the pairs of the query, then blocks. */
const OUT_AT = 0;
const PAIRS_AT = BLOCK_ROWS * 4;

export class ColumnKernel {
  readonly #dimension: number;
  readonly #blockBytes: number;
  readonly #blocksAt: number;
  /** Its own for each level: the collector gives all of it back when the level needs it no more. */
  readonly #memory: WasmMemory;
  readonly #dots: Dots;

  /** Throws where this process has no WebAssembly with SIMD, or no addresses left for its memory. */
  constructor(dimension: number) {
    const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: WebAssemblyApi };
    this.#dimension = dimension;
    this.#blockBytes = BLOCK_ROWS * dimension;
    const pairsEnd = PAIRS_AT + Math.ceil(dimension / 2) * PAIR_BYTES;
    this.#blocksAt = Math.ceil(pairsEnd / CACHE_LINE_BYTES) * CACHE_LINE_BYTES;
    this.#memory = new WebAssembly.Memory({ initial: Math.ceil(this.#blocksAt / PAGE_BYTES) });
    const module = new WebAssembly.Module(Buffer.from(COLUMN_KERNEL, 'base64'));
    const { exports } = new WebAssembly.Instance(module, { store: { memory: this.#memory } });
    this.#dots = (exports as { readonly dots: Dots }).dots;
  }

  /** Makes room for so many rows in all. False where there is no more memory. */
  reserve(rows: number): boolean {
    const missing = this.#blockAt(Math.ceil(rows / BLOCK_ROWS)) - this.memoryBytes;
    if (missing <= 0) return true;
    try {
      this.#memory.grow(Math.ceil(missing / PAGE_BYTES));
      return true;
    } catch {
      return false;
    }
  }

  /** Puts the codes of `count` vectors, which stand one after another, into the rows from `first` on; there must be room. */
  write(first: number, codes: Int8Array, count: number): void {
    const bytes = new Int8Array(this.#memory.buffer);
    const dimension = this.#dimension;
    // Some rows together: each write of one alone would fetch a cache line of its own. No tile crosses blocks.
    for (let row = first; row < first + count; ) {
      const end = Math.min(first + count, (Math.floor(row / TILE_ROWS) + 1) * TILE_ROWS);
      const place = this.#blockAt(Math.floor(row / BLOCK_ROWS)) + (row % BLOCK_ROWS);
      for (let number = 0; number < dimension; number++) {
        const column = place + number * BLOCK_ROWS;
        for (let i = row; i < end; i++) bytes[column + i - row] = codes[(i - first) * dimension + number] as number;
      }
      row = end;
    }
  }

  /** Writes the dot products of `query` with the first rows to `sums`, one for each place that it has. */
  multiply(query: Int8Array, sums: Int32Array): void {
    const pairsEnd = this.#writePairs(query);
    const out = new Int32Array(this.#memory.buffer, OUT_AT, BLOCK_ROWS);
    for (let first = 0; first < sums.length; first += BLOCK_ROWS) {
      this.#dots(this.#blockAt(first / BLOCK_ROWS), PAIRS_AT, pairsEnd, OUT_AT);
      sums.set(out.subarray(0, sums.length - first), first);
    }
  }

  get memoryBytes(): number {
    return this.#memory.buffer.byteLength;
  }

  #blockAt(block: number): number {
    return this.#blocksAt + block * this.#blockBytes;
  }

  /** At least one pair, as the loop looks at the end of each round whether there is another. */
  #writePairs(query: Int8Array): number {
    const pairs = new DataView(this.#memory.buffer, PAIRS_AT);
    let count = 0;
    for (let number = 0; number < query.length; number++) {
      const code = query[number] as number;
      if (code === 0) continue;
      writeFactor(pairs, count++, number, code);
    }
    while (count === 0 || count % 2 === 1) writeFactor(pairs, count++, 0, 0);
    return PAIRS_AT + (count / 2) * PAIR_BYTES;
  }
}

function writeFactor(pairs: DataView, place: number, number: number, code: number): void {
  const pair = (place >> 1) * PAIR_BYTES;
  pairs.setUint32(pair + (place & 1) * 4, number * BLOCK_ROWS, true);
  pairs.setInt16(pair + 8 + (place & 1) * 2, code, true);
}
