/** Below this a vector has no direction that means anything. */
const NORM_MIN = 1e-12;
/** Norms this close to 1 are float32 rounding, not a vector that was never normalised. */
const UNIT_TOLERANCE = 1e-6;

/** True where every number is finite. */
export function isFinite32(vector: Float32Array): boolean {
  for (const value of vector) if (!Number.isFinite(value)) return false;
  return true;
}

/** L2 norm. */
export function norm(vector: Float32Array): number {
  let sum = 0;
  for (const value of vector) sum += value * value;
  return Math.sqrt(sum);
}

/** The vector at length 1: itself where it has that already, else a copy. Null where it is zero. */
export function normalized(vector: Float32Array): Float32Array | null {
  const length = norm(vector);
  if (!(length > NORM_MIN)) return null;
  if (Math.abs(length - 1) <= UNIT_TOLERANCE) return vector;
  return vector.map((value) => value / length);
}

/** Dot product of two vectors of one dimension; of normalised ones their cosine. */
export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}
