// Vectors of length one in eight bits a number. Their dot products come in an order close to the true one
// at a quarter of the memory and less than a quarter of the time; what they put first is scored again in full.

/** Numbers beyond are cut off: in vectors of length one they are rare. */
const RANGE_MIN = 0.375;
const RANGE_DEVIATIONS = 6;
const LEVELS = 127;
/** Standard deviation of what is lost when a number is rounded, in steps. */
const ROUNDING_DEVIATION = 1 / Math.sqrt(12);
/** Of a dot product. */
const MARGIN_DEVIATIONS = 4;

/** A query in eight bits, which uses their whole range: a factor of its own changes no order. */
export interface EightBitQuery {
  readonly codes: Int8Array;
  /** Times a dot product of codes: about the true one. */
  readonly scale: number;
  /** A true dot product is hardly ever farther than this from the one that the codes give. */
  readonly margin: number;
}

/** The largest number that is kept as it is. The same for all vectors of a dimension, so that their codes compare. */
function rangeOf(dimension: number): number {
  return Math.min(1, Math.max(RANGE_MIN, RANGE_DEVIATIONS / Math.sqrt(dimension)));
}

/** Writes the codes of `vector` to `codes`, from `at` on. False where a number was cut off, so that no margin holds. */
export function toEightBits(vector: Float32Array, codes: Int8Array, at: number): boolean {
  return write(vector, LEVELS / rangeOf(vector.length), codes, at);
}

export function eightBitQuery(query: Float32Array): EightBitQuery {
  const codes = new Int8Array(query.length);
  const queryStep = toOwnSteps(query, codes, 0);
  const step = rangeOf(query.length) / LEVELS;
  return { codes, scale: step * queryStep, margin: marginOf(step, queryStep) };
}

/**
 * Writes the codes of `vector` to `codes`, from `at` on, in steps of its own, the largest number being the last of them,
 * and gives the step. A dot product of such codes, times both their steps, is about the true one.
 */
export function toOwnSteps(vector: Float32Array, codes: Int8Array, at: number): number {
  let largest = 0;
  for (let i = 0; i < vector.length; i++) {
    const size = Math.abs(vector[i] as number);
    if (size > largest) largest = size;
  }
  const range = largest === 0 ? 1 : largest;
  write(vector, LEVELS / range, codes, at);
  return range / LEVELS;
}

/** The dot product of two vectors of length one is hardly ever farther than this from the one that codes in such steps give. */
export function marginOf(step: number, otherStep: number): number {
  return MARGIN_DEVIATIONS * ROUNDING_DEVIATION * Math.hypot(step, otherStep);
}

function write(vector: Float32Array, factor: number, codes: Int8Array, at: number): boolean {
  let isWhole = true;
  for (let i = 0; i < vector.length; i++) {
    // The conversion drops the fraction, towards zero: rounding takes no branch where all numbers are positive.
    let code = (((vector[i] as number) * factor + LEVELS + 1.5) | 0) - LEVELS - 1;
    if (code > LEVELS || code < -LEVELS) {
      code = code > 0 ? LEVELS : -LEVELS;
      isWhole = false;
    }
    codes[at + i] = code;
  }
  return isWhole;
}
