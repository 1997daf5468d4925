const BYTES_PER_NUMBER = 4;
const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Section 1: a vector on the wire is float32 little-endian. `bytes.length` is a multiple of 4. */
export function vectorFromBytes(bytes: Uint8Array): Float32Array {
  return vectorCopier(bytes.length)(bytes);
}

/**
 * Copies vectors of `byteCount` bytes together into one buffer. Those of a request live and die together; with a buffer for
 * each, thousands would wait for the collector.
 */
export function vectorCopier(byteCount: number): (bytes: Uint8Array) => Float32Array {
  const space = new Uint8Array(byteCount);
  let used = 0;
  return (bytes) => {
    const start = used;
    used += bytes.length;
    space.set(bytes, start);
    if (!littleEndian) swapNumbers(space.subarray(start, used));
    return new Float32Array(space.buffer, start, bytes.length / BYTES_PER_NUMBER);
  };
}

/** The bytes of a vector; a view of it where the machine is little-endian. */
export function vectorToBytes(vector: Float32Array): Uint8Array {
  const bytes = new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength);
  if (littleEndian) return bytes;
  const copy = new Uint8Array(bytes);
  swapNumbers(copy);
  return copy;
}

function swapNumbers(bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += BYTES_PER_NUMBER) bytes.subarray(at, at + BYTES_PER_NUMBER).reverse();
}
