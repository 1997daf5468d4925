import type { SparseValues } from './point.ts';
import type { MultiVector, SparseVector, Vector, VectorStruct } from './requests.ts';
import { wrongInput } from './qdrant-error.ts';

export type Distance = 'Cosine' | 'Dot' | 'Euclid' | 'Manhattan';

export interface DenseSpace {
  readonly size: number;
  readonly distance: Distance;
  /** A point has several vectors by this name. */
  readonly multivector_config?: { readonly comparator: 'max_sim' } | null;
}

/** What a collection has by one name. */
export interface VectorSpaces {
  readonly dense: ReadonlyMap<string, DenseSpace>;
  readonly sparse: ReadonlyMap<string, { readonly isIdf: boolean }>;
}

const isSparse = (vector: Vector): vector is SparseVector => !Array.isArray(vector);
const isIndex = (value: unknown): boolean => Number.isInteger(value) && Number(value) >= 0 && Number(value) < 2 ** 32;

/** Serde reads two lists, the first one of indices, as the two fields of a sparse vector, before it thinks of several vectors. */
export function asRead(vector: Vector): Vector {
  if (isSparse(vector) || !isMulti(vector) || vector.length !== 2) return vector;
  const [indices = [], values = []] = vector;
  return indices.every(isIndex) ? { indices, values } : vector;
}
const isMulti = (vector: readonly number[] | MultiVector): vector is MultiVector => Array.isArray(vector[0]);

/** The unnamed vector has the empty name. */
export const namedVectors = (vector: VectorStruct): [string, Vector][] =>
  Array.isArray(vector)
    ? [['', vector as readonly number[] | MultiVector]]
    : Object.entries(vector as Record<string, Vector>).map(([name, values]) => [name, asRead(values)]);

/** As it is stored and compared. `errorSuffix` follows what is wrong with its length. */
export function denseValues(vector: Vector, { size, distance }: DenseSpace, errorSuffix = ''): Float32Array {
  if (isSparse(vector)) throw wrongInput('Conversion between sparse and regular vectors failed');
  if (isMulti(vector)) throw wrongInput('Conversion between multi and regular vectors failed');
  if (vector.length !== size) {
    throw wrongInput(`Vector dimension error: expected dim: ${size}, got ${vector.length}${errorSuffix}`);
  }
  const values = Float32Array.from(vector);
  if (distance !== 'Cosine') return values;
  const squares = Math.fround(values.reduce((sum, value) => sum + value * value, 0));
  // Qdrant leaves vectors of no length, and those of length 1, as they are.
  if (squares < 1.1920929e-7 || Math.abs(squares - 1) <= 1e-6) return values;
  const length = Math.fround(Math.sqrt(squares));
  return values.map((value) => value / length);
}

/** The same of several; a single one counts as one of them. */
export function multiValues(vector: Vector, space: DenseSpace, errorSuffix = ''): Float32Array[] {
  if (isSparse(vector)) throw wrongInput('Conversion between sparse and regular vectors failed');
  return (isMulti(vector) ? vector : [vector]).map((one) => denseValues(one, space, errorSuffix));
}

export function sparseValues(vector: Vector): SparseValues {
  if (!isSparse(vector)) throw wrongInput('Conversion between sparse and regular vectors failed');
  return new Map(vector.indices.map((index, place) => [index, Math.fround(vector.values[place] ?? 0)]));
}

export function sparseVector(values: SparseValues): SparseVector {
  const entries = [...values].sort(([one], [other]) => one - other);
  return { indices: entries.map(([index]) => index), values: entries.map(([, value]) => value) };
}

/** Whether the smaller score is the better one. */
export const isDistance = (distance: Distance): boolean => distance === 'Euclid' || distance === 'Manhattan';

export function denseScore(distance: Distance, one: Float32Array, other: Float32Array): number {
  let sum = 0;
  for (let place = 0; place < one.length; place++) {
    const a = one[place] ?? 0;
    const b = other[place] ?? 0;
    sum += isDistance(distance) ? (distance === 'Euclid' ? (a - b) ** 2 : Math.abs(a - b)) : a * b;
  }
  return Math.fround(distance === 'Euclid' ? Math.sqrt(sum) : sum);
}

/** For each vector of the query the best of the point's; together. Distances are told of the sum of their squares. */
export function multiScore(
  distance: Distance,
  query: readonly Float32Array[],
  vectors: readonly Float32Array[],
): number {
  const raw = (one: Float32Array, other: Float32Array): number => {
    const score = denseScore(distance, one, other);
    if (!isDistance(distance)) return score;
    return distance === 'Euclid' ? -(score ** 2) : -score;
  };
  const sum = query.reduce((total, one) => total + Math.max(...vectors.map((other) => raw(one, other))), 0);
  if (!isDistance(distance)) return Math.fround(sum);
  return Math.fround(distance === 'Euclid' ? Math.sqrt(Math.abs(sum)) : Math.abs(sum));
}

/** null where they have no index in common. */
export function sparseScore(query: SparseValues, vector: SparseValues): number | null {
  let sum = 0;
  let common = 0;
  for (const [index, weight] of query) {
    const value = vector.get(index);
    if (value === undefined) continue;
    common++;
    sum += weight * value;
  }
  return common === 0 ? null : Math.fround(sum);
}

/** Weight of an index that `df` of `n` vectors hold; by the formula that Wikipedia gives for BM25. */
export const idf = (n: number, df: number): number => Math.fround(Math.log((n - df + 0.5) / (df + 0.5) + 1));
