// Typed arrays that grow by half, for columns whose length is not known beforehand. A buffer of its own costs an array
// some four hundred bytes, whatever its length, and a namespace of a few contexts has dozens of arrays: so none is made
// before there is something to hold, and columns of one length share a buffer.

const FIRST_CAPACITY = 4;

type Column =
  | Float64Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>;

/** Columns before they hold anything, shared by all. */
export const NO_FLOATS = new Float64Array(0);
export const NO_NUMBERS = new Uint32Array(0);
export const NO_SIGNED = new Int32Array(0);
export const NO_BYTES = new Uint8Array(0);

/** `column` itself where it has room for `length` elements; else a larger one, and `column` is not to be used again. */
export function grown<T extends Column>(column: T, length: number, first = FIRST_CAPACITY): T {
  if (length <= column.length) return column;
  return resized(column, grownLength(column.length, length, first));
}

/** `column` with another length, new places zero. The old one is detached, so its memory does not wait for the collector. */
export function resized<T extends Column>(column: T, length: number): T {
  if (column.length === 0) return new (column.constructor as new (length: number) => T)(length);
  const buffer = column.buffer.transfer(length * column.BYTES_PER_ELEMENT);
  return new (column.constructor as new (buffer: ArrayBuffer) => T)(buffer);
}

/** Columns of one length behind one another in one buffer, which takes what older, shorter ones hold. */
export class ColumnSpace {
  readonly length: number;
  readonly #buffer: ArrayBuffer;
  #at = 0;

  /** For at least `length` elements of each; `rowBytes`: of one element of every column. Wider elements come first. */
  constructor(lengthBefore: number, length: number, rowBytes: number) {
    this.length = grownLength(lengthBefore, length, FIRST_CAPACITY);
    this.#buffer = new ArrayBuffer(this.length * rowBytes);
  }

  floats(old: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
    return this.#taken(new Float64Array(this.#buffer, this.#at, this.length), old);
  }

  numbers(old: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
    return this.#taken(new Uint32Array(this.#buffer, this.#at, this.length), old);
  }

  signed(old: Int32Array<ArrayBuffer>): Int32Array<ArrayBuffer> {
    return this.#taken(new Int32Array(this.#buffer, this.#at, this.length), old);
  }

  bytes(old: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    return this.#taken(new Uint8Array(this.#buffer, this.#at, this.length), old);
  }

  #taken<T extends Column>(column: T, old: T): T {
    this.#at += column.byteLength;
    column.set(old);
    return column;
  }
}

/** Gives the memory of columns that share a buffer back at once; none of them is to be used again. */
export function releaseSpace(column: Column): void {
  if (column.length > 0) column.buffer.transfer(0);
}

function grownLength(before: number, wanted: number, first: number): number {
  return Math.max(wanted, first, before + (before >> 1));
}
