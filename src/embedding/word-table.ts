// Vectors of single English words, made by `npm run distil` so that their sum points where a sentence model points with the
// whole text (docs/retrieval.md). All threads of the process read one copy.

import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { zstdDecompress } from 'node:zlib';

/** As `tools/distil/train.py` packs it: words, numbers per vector, bytes of the words; then these, scales and rows. */
const MAGIC = 0x54574d43;
const HEAD_BYTES = 16;
const LINE_FEED = 10;
/** Of the places of the index at most half are taken, so that a word is found or missed within a few steps. */
const PLACES_PER_WORD = 2;

/** Handed to another thread, which makes a table of it again. */
export type SharedTable = SharedArrayBuffer;

/** The vectors of a text's words, added up one by one. */
export class WordTable {
  /** Numbers per vector. */
  readonly dimension: number;
  readonly shared: SharedTable;
  readonly #words: Uint8Array;
  /** A word's row + 1 at its hash or soon behind it; 0: nobody's. */
  readonly #index: Int32Array;
  /** Where each word begins, and where the last one ends. */
  readonly #starts: Int32Array;
  readonly #scales: Float32Array;
  readonly #rows: Int8Array;

  constructor(shared: SharedTable) {
    const { count, dimension, words, scales, rows, index, starts } = layoutOf(shared);
    this.shared = shared;
    this.dimension = dimension;
    this.#words = new Uint8Array(shared, words.start, words.bytes);
    this.#scales = new Float32Array(shared, scales.start, count);
    this.#rows = new Int8Array(shared, rows.start, rows.bytes);
    this.#index = new Int32Array(shared, index.start, index.bytes / 4);
    this.#starts = new Int32Array(shared, starts.start, count + 1);
  }

  /** The row of a word as `segmentWords` has it; -1: the table lacks it. */
  rowOf(word: string): number {
    const mask = this.#index.length - 1;
    for (let place = hashOf(word) & mask; ; place = (place + 1) & mask) {
      const row = (this.#index[place] as number) - 1;
      if (row < 0 || this.#is(row, word)) return row;
    }
  }

  /** All that it has, the most frequent first. */
  *words(): Generator<string> {
    for (let row = 0; row + 1 < this.#starts.length; row++) {
      const bytes = this.#words.slice(this.#starts[row], (this.#starts[row + 1] as number) - 1);
      yield String.fromCharCode(...bytes);
    }
  }

  /** Adds `weight` times the first numbers of the row's vector, as many as `sum` has. */
  add(sum: Float32Array, row: number, weight: number): void {
    const rows = this.#rows;
    const scale = weight * (this.#scales[row] as number);
    const start = row * this.dimension;
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] as number) + scale * (rows[start + i] as number);
  }

  /** Once, when the table is read. */
  fillIndex(): void {
    const mask = this.#index.length - 1;
    let row = 0;
    let start = 0;
    for (let end = 0; end <= this.#words.length; end++) {
      if (end < this.#words.length && this.#words[end] !== LINE_FEED) continue;
      this.#starts[row] = start;
      let place = hashOfBytes(this.#words, start, end) & mask;
      while (this.#index[place] !== 0) place = (place + 1) & mask;
      this.#index[place] = ++row;
      start = end + 1;
    }
    this.#starts[row] = start;
  }

  #is(row: number, word: string): boolean {
    const start = this.#starts[row] as number;
    if ((this.#starts[row + 1] as number) - 1 - start !== word.length) return false;
    for (let i = 0; i < word.length; i++) if (this.#words[start + i] !== word.charCodeAt(i)) return false;
    return true;
  }
}

/** Reads the table that comes with the program. Throws where it is missing or damaged. */
export async function readWordTable(url: URL = tableUrl()): Promise<WordTable> {
  const packed = await promisify(zstdDecompress)(await readFile(url));
  const table = new WordTable(sharedCopy(packed));
  table.fillIndex();
  return table;
}

function tableUrl(): URL {
  const root = import.meta.url.endsWith('.ts') ? '../..' : '../../..';
  return new URL(`${root}/word-vectors/english.bin.zst`, import.meta.url);
}

interface Part {
  readonly start: number;
  readonly bytes: number;
}

function layoutOf(buffer: ArrayBufferLike, offset = 0) {
  const [magic, count = 0, dimension = 0, wordBytes = 0] = new Uint32Array(buffer.slice(offset, offset + HEAD_BYTES));
  if (magic !== MAGIC) throw new Error('this is no table of word vectors');
  const after = ({ start, bytes }: Part, next: number): Part => ({ start: upToFour(start + bytes), bytes: next });
  const words = { start: HEAD_BYTES, bytes: wordBytes };
  const scales = after(words, 4 * count);
  const rows = after(scales, dimension * count);
  const index = after(rows, 4 * 2 ** Math.ceil(Math.log2(PLACES_PER_WORD * count)));
  const starts = after(index, 4 * (count + 1));
  return { count, dimension, words, scales, rows, index, starts };
}

function sharedCopy(packed: Buffer): SharedTable {
  const { rows, starts } = layoutOf(packed.buffer, packed.byteOffset);
  if (packed.length !== rows.start + rows.bytes) throw new Error('the table of word vectors is cut off');
  const shared = new SharedArrayBuffer(starts.start + starts.bytes);
  new Uint8Array(shared).set(packed);
  return shared;
}

function upToFour(bytes: number): number {
  return Math.ceil(bytes / 4) * 4;
}

/** FNV-1a, folded, as the places are counted by its last bits. */
function hashOf(word: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < word.length; i++) hash = Math.imul(hash ^ word.charCodeAt(i), 0x01000193);
  return hash ^ (hash >>> 15);
}

function hashOfBytes(bytes: Uint8Array, start: number, end: number): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x01000193);
  return hash ^ (hash >>> 15);
}
