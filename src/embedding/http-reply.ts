// The vectors in the reply of an embedding service, none taken on trust.

import { misconfigured, unavailable } from './http-faults.ts';
import type { Embedded } from './provider.ts';
import { norm, normalized } from './vectors.ts';

interface Row {
  readonly index?: unknown;
  readonly embedding?: unknown;
}

/** What vectors of the model have to be. */
interface VectorRules {
  readonly dimension: number;
  readonly needsUnitLength: boolean;
}

/** Models that normalise in half precision stay well within it; those that do not normalise are far outside. */
const LENGTH_TOLERANCE = 0.02;

/** Whether a model that gives such a vector normalises. */
export function isUnitLength(length: number): boolean {
  return Math.abs(length - 1) <= LENGTH_TOLERANCE;
}

/** One per text, by the `index` that each row carries: services may answer in any order. A bad vector is its text's error. */
export function parseReply(json: string, count: number, rules: VectorRules): Embedded[] {
  const rows = rowsOf(json);
  if (rows.length !== count) throw unavailable(`the embedding service sent ${rows.length} vectors instead of ${count}`);
  const places = placesOf(rows);
  const embedded = new Array<Embedded>(count);
  rows.forEach((row, i) => (embedded[places[i] as number] = vectorOf(row?.embedding, rules)));
  return embedded;
}

function rowsOf(json: string): readonly (Row | null)[] {
  let rows: unknown;
  try {
    rows = (JSON.parse(json) as { data?: unknown } | null)?.data;
  } catch (error) {
    throw unavailable('the embedding service sent what is not JSON', error);
  }
  if (!Array.isArray(rows)) throw unavailable('the embedding service sent no list of vectors');
  return rows as (Row | null)[];
}

/** The place of each row: its `index`, each once; where no row has one, its own. */
function placesOf(rows: readonly (Row | null)[]): number[] {
  const numbered = rows.map((row) => row?.index ?? null);
  if (numbered.every((index) => index === null)) return rows.map((_, i) => i);
  const isPermutation =
    new Set(numbered).size === rows.length &&
    numbered.every((index) => Number.isInteger(index) && (index as number) >= 0 && (index as number) < rows.length);
  if (!isPermutation) throw unavailable('the embedding service numbered its vectors wrongly');
  return numbered as number[];
}

/** Unit length. What is no finite number (null, text, true) would be read as one, and be wrong in silence. */
function vectorOf(numbers: unknown, { dimension, needsUnitLength }: VectorRules): Embedded {
  if (!Array.isArray(numbers)) return unavailable('the embedding service sent a vector that is not a list of numbers');
  if (numbers.length !== dimension) {
    const message = `the embedding service sent a vector of ${numbers.length} numbers in place of ${dimension}`;
    return misconfigured(message, 'vector_db.vector_size or embedding.model');
  }
  if (!numbers.every(Number.isFinite)) return unavailable('the embedding service sent a vector with what is no number');
  const given = Float32Array.from(numbers as number[]);
  const length = norm(given);
  const vector = normalized(given, length);
  if (vector !== null && needsUnitLength && !isUnitLength(length)) {
    const message = `the embedding service sent a vector of length ${length.toPrecision(3)}, and only the cosine compares such`;
    return misconfigured(message, 'vector_db.distance');
  }
  return vector ?? unavailable('the embedding service sent a vector without direction');
}
