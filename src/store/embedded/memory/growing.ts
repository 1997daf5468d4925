// Typed arrays that grow by half, for columns whose length is not known beforehand.

const FIRST_CAPACITY = 16;

type Column = Float64Array<ArrayBuffer> | Float32Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Int32Array<ArrayBuffer> | Uint8Array<ArrayBuffer>;

/** `column` itself where it has room for `length` elements, else a larger copy. */
export function grown<T extends Column>(column: T, length: number): T {
  if (length <= column.length) return column;
  const capacity = Math.max(length, FIRST_CAPACITY, column.length + (column.length >> 1));
  const larger = new (column.constructor as new (length: number) => T)(capacity);
  larger.set(column);
  return larger;
}
