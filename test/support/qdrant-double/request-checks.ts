// What Qdrant refuses in bodies that its OpenAPI description allows.

import { parseJsonPath } from './json-path.ts';
import { formatError, invalid } from './qdrant-error.ts';
import type { MultiVector, SparseVector } from './requests.ts';
import { asRead } from './vectors.ts';

/** serde_json reads no deeper. */
const DEPTH_MAX = 127;

type Prefix = (path: string) => string;
type Node = Readonly<Record<string, unknown>>;

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && !Array.isArray(value);
const ANY_KEYS = ['payload', 'payloads', 'metadata', 'options', 'defaults'];

/** Of a body that its schema has passed. `prefix` makes Qdrant's path to a field of the one in the body. */
export function checkRequest(body: unknown, prefix: Prefix): void {
  checkText(body, 1);
  visit(body, '', prefix);
}

function checkText(value: unknown, depth: number): void {
  if (typeof value === 'string' && !value.isWellFormed()) {
    throw formatError('lone leading surrogate in hex escape at line 1 column 1');
  }
  if (typeof value !== 'object' || value === null) return;
  if (depth > DEPTH_MAX) throw formatError('recursion limit exceeded at line 1 column 128');
  if (Array.isArray(value) && value.every((inner) => typeof inner === 'number')) return;
  for (const [key, inner] of Object.entries(value)) {
    checkText(key, depth + 1);
    checkText(inner, depth + 1);
  }
}

function visit(value: unknown, path: string, prefix: Prefix): void {
  if (Array.isArray(value)) {
    if (typeof value[0] === 'number') return;
    value.forEach((inner, place) => visit(inner, `${path}[${place}]`, prefix));
    return;
  }
  if (!isNode(value)) return;
  checkPaths(value);
  const field = (name: string): string => prefix(path === '' ? name : `${path}.${name}`);
  const { indices, values, key } = value;
  if (Array.isArray(indices) && Array.isArray(values)) {
    checkSparse({ indices, values }, field);
  }
  if (typeof key === 'string' && isCondition(path) && !CONDITIONS.some((name) => (value[name] ?? null) !== null)) {
    throw invalid(field('__all__'), 'Validation error: At least one field condition must be specified [{}]');
  }
  checkVectors(value, field);
  for (const [name, inner] of Object.entries(value)) {
    if (!ANY_KEYS.includes(name)) visit(inner, path === '' ? name : `${path}.${name}`, prefix);
  }
}

function checkSparse({ indices, values }: SparseVector, field: Prefix): void {
  if (indices.length !== values.length) {
    throw invalid(field('values'), 'Validation error: must be the same length as indices [{}]');
  }
  if (new Set(indices).size !== indices.length) {
    throw invalid(field('indices'), 'Validation error: must be unique [{}]');
  }
}

const CONDITIONS = [
  'match',
  'range',
  'geo_bounding_box',
  'geo_radius',
  'geo_polygon',
  'values_count',
  'is_empty',
  'is_null',
];
const isCondition = (path: string): boolean => /(must|must_not|should|conditions)(\[\d+\])?$/.test(path);

/** Every place where a body names a field of payloads. */
function checkPaths(node: Node): void {
  const { with_payload: shown, keys, order_by: order } = node;
  for (const path of [node['key'], node['field_name'], order]) if (typeof path === 'string') parseJsonPath(path);
  const lists = [keys, shown, ...(isNode(shown) ? [shown['include'], shown['exclude']] : [])];
  for (const path of lists.flat()) if (typeof path === 'string') parseJsonPath(path);
}

function checkVectors(node: Node, field: Prefix): void {
  const { vector, id } = node;
  if (vector === undefined || id === undefined) return;
  const vectors = isNode(vector) ? Object.entries(vector) : [['', vector] as const];
  for (const [name, values] of vectors) {
    if (!Array.isArray(values)) continue;
    if (values.length === 0) throw invalid(field(`vector${name && `.${name}`}`), 'dense vector must not be empty');
    if (!Array.isArray(values[0])) continue;
    const at = field(name === '' ? 'vector' : 'vector.?');
    const read = asRead(values as MultiVector);
    if ('indices' in read) checkSparse(read, (part) => `${at}.${part}`);
    else checkMulti(values as MultiVector, `${at}.data`);
  }
}

/** Numbers that all vectors of one name may have together. */
const MULTI_NUMBERS_MAX = 1024 * 1024;

function checkMulti(vectors: MultiVector, at: string): void {
  const lengths = new Set(vectors.map(({ length }) => length));
  if (lengths.has(0)) throw invalid(at, 'all vectors must be non-empty');
  const numbers = vectors.reduce((sum, { length }) => sum + length, 0);
  if (numbers >= MULTI_NUMBERS_MAX) {
    throw invalid(at, `Total size of all vectors (${numbers}) must be less than ${MULTI_NUMBERS_MAX}`);
  }
  const [first] = vectors;
  const other = vectors.find(({ length }) => length !== first?.length);
  if (other !== undefined) {
    const message = `all vectors must have the same dimension, found vector with dimension ${other.length}`;
    throw invalid(at, message);
  }
}
