// What Qdrant refuses in bodies that its OpenAPI description allows.

import { parseJsonPath } from './json-path.ts';
import { formatError, invalid } from './qdrant-error.ts';

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
    if (indices.length !== values.length) {
      throw invalid(field('values'), 'Validation error: must be the same length as indices [{}]');
    }
    if (new Set(indices).size !== indices.length) {
      throw invalid(field('indices'), 'Validation error: must be unique [{}]');
    }
  }
  if (typeof key === 'string' && isCondition(path) && !CONDITIONS.some((name) => (value[name] ?? null) !== null)) {
    throw invalid(field('__all__'), 'Validation error: At least one field condition must be specified [{}]');
  }
  checkVectors(value, field);
  for (const [name, inner] of Object.entries(value)) {
    if (!ANY_KEYS.includes(name)) visit(inner, path === '' ? name : `${path}.${name}`, prefix);
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
    if (!Array.isArray(values) || values.length > 0) continue;
    throw invalid(field(`vector${name && `.${name}`}`), 'dense vector must not be empty');
  }
}
