/** Below this a vector has no direction that means anything. */
const NORM_MIN = 1e-12;
/** Norms this close to 1 are float32 rounding, not a vector that was never normalised. */
const UNIT_TOLERANCE = 1e-6;

/** L2 norm; not finite where one of the numbers is not. */
export function norm(vector: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += (vector[i] as number) * (vector[i] as number);
  return Math.sqrt(sum);
}

/** The vector at length 1: itself where it has that already, else a copy. Null where it is zero or not finite. */
export function normalized(vector: Float32Array, length: number = norm(vector)): Float32Array | null {
  if (!(length > NORM_MIN) || length === Infinity) return null;
  if (Math.abs(length - 1) <= UNIT_TOLERANCE) return vector;
  return vector.map((value) => value / length);
}

/** Dot product of two vectors of one dimension; of normalised ones their cosine. */
export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] as number) * (b[i] as number);
  return sum;
}
