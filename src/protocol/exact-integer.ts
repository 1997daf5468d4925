/** Of the 64 bits of an integer, those that a double's 53 leave out. */
const HIGH_BITS_BEYOND_DOUBLE = 11;

/** Whether a double holds high * 2^32 + low: no more than its 53 bits lie between the first one and the last. */
export function isExact(high: number, low: number): boolean {
  const bitsOver = HIGH_BITS_BEYOND_DOUBLE - Math.clz32(high);
  return bitsOver <= 0 || (low & ((1 << bitsOver) - 1)) === 0;
}
