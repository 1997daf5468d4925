// Typed arrays that grow by half, for columns whose length is not known beforehand.

const FIRST_CAPACITY = 16;

type Column =
  | Float64Array<ArrayBuffer>
  | Float32Array<ArrayBuffer>
  | Uint32Array<ArrayBuffer>
  | Int32Array<ArrayBuffer>
  | Uint8Array<ArrayBuffer>
  | Int8Array<ArrayBuffer>;

/** `column` itself where it has room for `length` elements; else a larger one, and `column` is not to be used again. */
export function grown<T extends Column>(column: T, length: number): T {
  if (length <= column.length) return column;
  return resized(column, Math.max(length, FIRST_CAPACITY, column.length + (column.length >> 1)));
}

/** `column` with another length, new places zero. The old one is detached, so its memory does not wait for the collector. */
export function resized<T extends Column>(column: T, length: number): T {
  const buffer = column.buffer.transfer(length * column.BYTES_PER_ELEMENT);
  return new (column.constructor as new (buffer: ArrayBuffer) => T)(buffer);
}
