// The memory of all columns of a store and the loop that multiplies them. JavaScript has no arithmetic on sixteen numbers
// at once; WebAssembly has, in every process that runs this.

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
/** Offsets of two numbers, and their codes in the query. */
const PAIR_BYTES = 12;
/** Memory is asked for in pieces of at least so much. */
const GROWTH_BYTES = 1024 * 1024;
const TILE_ROWS = 16;

/** Sums of a block, then the pairs of the query, then blocks. */
const OUT_AT = 0;
const PAIRS_AT = BLOCK_ROWS * 4;

export class ColumnKernel {
  readonly dimension: number;
  readonly blockBytes: number;
  readonly #memory: WasmMemory;
  readonly #dots: Dots;
  readonly #free: number[] = [];
  #nextBlock: number;
  #bytes: Int8Array;

  /** Throws where this process has no WebAssembly with SIMD. */
  constructor(dimension: number) {
    const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: WebAssemblyApi };
    this.dimension = dimension;
    this.blockBytes = BLOCK_ROWS * dimension;
    this.#nextBlock = PAIRS_AT + Math.ceil(dimension / 2) * PAIR_BYTES;
    // On a border of cache lines.
    this.#nextBlock = Math.ceil(this.#nextBlock / 64) * 64;
    this.#memory = new WebAssembly.Memory({ initial: Math.ceil(this.#nextBlock / PAGE_BYTES) });
    const module = new WebAssembly.Module(Buffer.from(COLUMN_KERNEL, 'base64'));
    const { exports } = new WebAssembly.Instance(module, { store: { memory: this.#memory } });
    this.#dots = (exports as { readonly dots: Dots }).dots;
    this.#bytes = new Int8Array(this.#memory.buffer);
  }

  /** A block of zeros; null where there is no more memory. */
  allocate(): number | null {
    const free = this.#free.pop();
    if (free !== undefined) {
      this.#bytes.fill(0, free, free + this.blockBytes);
      return free;
    }
    const block = this.#nextBlock;
    const missing = block + this.blockBytes - this.#memory.buffer.byteLength;
    if (missing > 0 && !this.#grow(missing)) return null;
    this.#nextBlock += this.blockBytes;
    return block;
  }

  /** The memory stays with the process, for other blocks. */
  free(block: number): void {
    this.#free.push(block);
  }

  /** Puts the codes of `count` vectors, which stand one after another from `from` on, into rows of a block, from `row` on. */
  write(block: number, row: number, codes: Int8Array, from: number, count: number): void {
    const { dimension } = this;
    const bytes = this.#bytes;
    // Some rows together: each write of one alone would fetch a cache line of its own.
    for (let first = 0; first < count; first += TILE_ROWS) {
      const end = Math.min(count, first + TILE_ROWS);
      for (let number = 0; number < dimension; number++) {
        const column = block + number * BLOCK_ROWS + row;
        for (let i = first; i < end; i++) bytes[column + i] = codes[(from + i) * dimension + number] as number;
      }
    }
  }

  /** Multiplies the query's codes with `count` vectors, which lie in `blocks` in this order, and writes the sums to `sums`. */
  multiply(query: Int8Array, blocks: readonly number[], count: number, sums: Int32Array): void {
    const pairsEnd = this.#writePairs(query);
    const out = new Int32Array(this.#memory.buffer, OUT_AT, BLOCK_ROWS);
    blocks.forEach((block, i) => {
      const first = i * BLOCK_ROWS;
      this.#dots(block, PAIRS_AT, pairsEnd, OUT_AT);
      sums.set(count - first < BLOCK_ROWS ? out.subarray(0, count - first) : out, first);
    });
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

  #grow(bytes: number): boolean {
    try {
      this.#memory.grow(Math.ceil(Math.max(bytes, GROWTH_BYTES) / PAGE_BYTES));
    } catch {
      return false;
    }
    // The old view ended with the growth.
    this.#bytes = new Int8Array(this.#memory.buffer);
    return true;
  }
}

function writeFactor(pairs: DataView, place: number, number: number, code: number): void {
  const pair = (place >> 1) * PAIR_BYTES;
  pairs.setUint32(pair + (place & 1) * 4, number * BLOCK_ROWS, true);
  pairs.setInt16(pair + 8 + (place & 1) * 2, code, true);
}
