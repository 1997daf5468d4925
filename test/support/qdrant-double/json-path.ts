import type { Json, Payload } from './requests.ts';
import { formatError } from './qdrant-error.ts';

/** Keys of objects, places in lists, and null for all places of a list (`[]`). */
export type JsonPath = readonly (string | number | null)[];

const parsed = new Map<string, JsonPath>();

/** `a.b`, `a[0].b`, `a[].b`, `"any key but one with quotes".b`. Throws what Qdrant answers to anything else. */
export function parseJsonPath(text: string): JsonPath {
  const known = parsed.get(text);
  if (known !== undefined) return known;
  const item = /(\.|^)(?:([\p{Alphabetic}\p{N}_-]+)|"([^"\\]*)")|\[(\d*)\]/uy;
  const path: (string | number | null)[] = [];
  while (item.lastIndex < text.length || path.length === 0) {
    const start = item.lastIndex;
    const found = item.exec(text);
    const [, dot, raw, quoted, place] = found ?? [];
    if (found === null || (start === 0 ? place !== undefined || dot === '.' : place === undefined && dot !== '.')) {
      throw formatError(`Invalid json path: '${text}'`);
    }
    path.push(place === undefined ? (raw ?? quoted ?? '') : place === '' ? null : Number(place));
  }
  parsed.set(text, path);
  return path;
}

/** The same for all spellings of a path. */
export const pathKey = (path: JsonPath): string => JSON.stringify(path);

const isObject = (value: Json | undefined): value is Payload =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const own = (object: Payload, key: string): Json | undefined => (Object.hasOwn(object, key) ? object[key] : undefined);

/** What stands there; a list is one value unless the path ends in `[]`. */
export function valuesAt(payload: Payload, path: JsonPath): Json[] {
  const [key] = path;
  // The usual path is one key, asked of every point.
  if (path.length === 1 && typeof key === 'string') {
    const value = own(payload, key);
    return value === undefined ? [] : [value];
  }
  let values: Json[] = [payload];
  for (const item of path) {
    values = values.flatMap((value) => {
      if (typeof item === 'string') {
        const inner = isObject(value) ? own(value, item) : undefined;
        return inner === undefined ? [] : [inner];
      }
      if (!Array.isArray(value)) return [];
      return item === null ? value : value.slice(item, item + 1);
    });
  }
  return values;
}

/** Sets the keys of `source` in the object at `path`; null takes a key away. */
export function mergeAt(target: Payload, path: JsonPath, source: Payload): void {
  const [key, ...rest] = path;
  if (typeof key !== 'string') {
    for (const [name, value] of Object.entries(source)) {
      if (value === null) delete target[name];
      else define(target, name, structuredClone(value));
    }
    return;
  }
  define(target, key, mergedValue(own(target, key) ?? null, rest, source));
}

function mergedValue(value: Json, path: JsonPath, source: Payload): Json {
  const [item] = path;
  if (item === undefined || typeof item === 'string') {
    const object = isObject(value) ? value : {};
    mergeAt(object, path, source);
    return object;
  }
  if (!Array.isArray(value)) return [];
  return value.map((inner, place) =>
    item === null || item === place ? mergedValue(inner, path.slice(1), source) : inner,
  );
}

/** `__proto__` is a key like any other. */
function define(target: Payload, key: string, value: Json): void {
  Object.defineProperty(target, key, { value, enumerable: true, writable: true, configurable: true });
}

export function removeAt(value: Json, path: JsonPath): void {
  const [item, ...rest] = path;
  if (typeof item === 'string') {
    if (!isObject(value) || !Object.hasOwn(value, item)) return;
    if (rest.length === 0) delete value[item];
    else removeAt(value[item] ?? null, rest);
    return;
  }
  if (item === undefined || !Array.isArray(value)) return;
  if (rest.length === 0) value.splice(item ?? 0, item === null ? value.length : 1);
  else for (const inner of item === null ? value : value.slice(item, item + 1)) removeAt(inner, rest);
}

const startsAlike = (one: JsonPath, other: JsonPath): boolean =>
  one.slice(0, other.length).every((item, place) => item === other[place]);

const isKey = (path: JsonPath): boolean => path.length === 1 && typeof path[0] === 'string';

/** The part of a payload that stands at the paths, or all but that. Lists are gone into by `[]`. */
export function selectPayload(payload: Payload, paths: readonly JsonPath[], how: 'include' | 'exclude'): Payload {
  if (paths.every(isKey)) {
    const keys = new Set(paths.map(([key]) => key));
    const chosen = Object.entries(payload).filter(([key]) => keys.has(key) === (how === 'include'));
    return Object.fromEntries(chosen);
  }
  const keep = (path: JsonPath): boolean =>
    how === 'include'
      ? paths.some((pattern) => startsAlike(path, pattern))
      : !paths.some((pattern) => path.length >= pattern.length && startsAlike(path, pattern));
  const prune = (value: Json, path: JsonPath): Json => {
    if (Array.isArray(value)) {
      const inside = [...path, null];
      return value.filter(() => keep(inside)).map((inner) => prune(inner, inside));
    }
    if (!isObject(value)) return value;
    const kept: Payload = {};
    for (const [key, inner] of Object.entries(value)) {
      const inside = [...path, key];
      if (keep(inside)) define(kept, key, prune(inner, inside));
    }
    return kept;
  };
  return prune(payload, []) as Payload;
}
