// What a filter means, once for every driver: its checks, and its answer for a record in memory.
// The rules are Qdrant's: a condition on an array holds where one of its elements fits, a type never
// equals another type, and `is_empty` is a field that is missing, null or [].

import type { ContextRecord, Filter, FilterCondition, JsonValue } from '../base/context.ts';
import { CodedError } from '../base/errors.ts';

/** The fields of a context that a filter can name. */
export type FilterSubject = Pick<
  ContextRecord,
  'agentId' | 'sessionId' | 'level' | 'metadata' | 'tags' | 'createdAtMs' | 'updatedAtMs'
>;

export type MatchCondition = Extract<FilterCondition, { readonly match: object }>;
export type RangeCondition = Extract<FilterCondition, { readonly range: object }>;
export type EmptyCondition = Extract<FilterCondition, { readonly is_empty: object }>;

/** Deeper nesting says nothing more and would strain the translations into other query languages. */
export const FILTER_DEPTH_MAX = 16;
/** Conditions and listed values of one filter, all together. */
export const FILTER_CONDITIONS_MAX = 4096;

const FIELD_TYPES: ReadonlyMap<string, 'string' | 'number'> = new Map([
  ['tags', 'string'],
  ['agent_id', 'string'],
  ['session_id', 'string'],
  ['level', 'string'],
  ['created_at', 'number'],
  ['updated_at', 'number'],
]);
const METADATA_PREFIX = 'metadata.';
/** One step of a path: `word` or `"any word, with dots"`, as in Qdrant's JSON paths. */
const PATH_STEP = /(?:"([^"]+)"|([^".[\]]+))(?:\.|$)/y;

export function isMatch(condition: FilterCondition): condition is MatchCondition {
  return 'match' in condition;
}

export function isRange(condition: FilterCondition): condition is RangeCondition {
  return 'range' in condition;
}

export function isEmptyTest(condition: FilterCondition): condition is EmptyCondition {
  return 'is_empty' in condition;
}

/** The steps into the metadata that `key` names, or null where it names no metadata or the path is malformed. */
export function metadataPath(key: string): string[] | null {
  if (!key.startsWith(METADATA_PREFIX)) return null;
  const path = key.slice(METADATA_PREFIX.length);
  const steps: string[] = [];
  let at = 0;
  while (at < path.length) {
    PATH_STEP.lastIndex = at;
    const match = PATH_STEP.exec(path);
    if (match === null) return null;
    steps.push((match[1] ?? match[2]) as string);
    at = PATH_STEP.lastIndex;
  }
  return steps.length > 0 && !path.endsWith('.') ? steps : null;
}

/** Throws `BAD_REQUEST` that names the place of the first thing wrong. */
export function checkFilter(filter: Filter): void {
  checkGroup(filter, 'filter', 1, { left: FILTER_CONDITIONS_MAX });
}

function checkGroup(filter: Filter, place: string, depth: number, budget: { left: number }): void {
  if (depth > FILTER_DEPTH_MAX) throw bad(place, `nested deeper than ${FILTER_DEPTH_MAX} levels`);
  if (!isPlainObject(filter)) throw bad(place, 'must be an object');
  for (const [name, conditions] of Object.entries(filter) as [string, unknown][]) {
    if (name !== 'must' && name !== 'should' && name !== 'must_not') throw bad(`${place}.${name}`, 'unknown key');
    if (conditions === undefined) continue;
    if (!Array.isArray(conditions)) throw bad(`${place}.${name}`, 'must be a list of conditions');
    spend(budget, conditions.length, place);
    conditions.forEach((condition: FilterCondition, i) =>
      checkCondition(condition, `${place}.${name}[${i}]`, depth, budget),
    );
  }
}

function checkCondition(condition: FilterCondition, place: string, depth: number, budget: { left: number }): void {
  if (!isPlainObject(condition)) throw bad(place, 'must be an object');
  if (isEmptyTest(condition)) {
    onlyKeys(condition, ['is_empty'], place);
    if (!isPlainObject(condition.is_empty)) throw bad(`${place}.is_empty`, 'must be an object');
    onlyKeys(condition.is_empty, ['key'], `${place}.is_empty`);
    fieldType(condition.is_empty.key, `${place}.is_empty.key`);
  } else if (isMatch(condition)) {
    onlyKeys(condition, ['key', 'match'], place);
    checkMatch(condition, fieldType(condition.key, `${place}.key`), place, budget);
  } else if (isRange(condition)) {
    onlyKeys(condition, ['key', 'range'], place);
    checkRange(condition, fieldType(condition.key, `${place}.key`), place);
  } else checkGroup(condition, place, depth + 1, budget);
}

function checkMatch(
  condition: MatchCondition,
  type: 'string' | 'number' | 'any',
  place: string,
  budget: { left: number },
): void {
  const match: { value?: unknown; any?: unknown } = condition.match;
  if (!isPlainObject(match)) throw bad(`${place}.match`, 'must be an object');
  onlyKeys(match, ['value', 'any'], `${place}.match`);
  if ('value' in match === 'any' in match) throw bad(`${place}.match`, 'needs one of `value` and `any`');
  if ('value' in match) return checkValue(match.value, type, true, `${place}.match.value`);
  if (!Array.isArray(match.any)) throw bad(`${place}.match.any`, 'must be a list');
  spend(budget, match.any.length, place);
  match.any.forEach((value: unknown, i) => checkValue(value, type, false, `${place}.match.any[${i}]`));
}

function checkValue(value: unknown, type: 'string' | 'number' | 'any', booleans: boolean, place: string): void {
  const actual = typeof value;
  const known =
    actual === 'string' || (actual === 'number' && Number.isFinite(value)) || (booleans && actual === 'boolean');
  if (!known)
    throw bad(
      place,
      booleans ? 'must be a string, a finite number or a boolean' : 'must be a string or a finite number',
    );
  if (type !== 'any' && actual !== type) throw bad(place, `must be a ${type}`);
}

function checkRange(condition: RangeCondition, type: 'string' | 'number' | 'any', place: string): void {
  if (type === 'string') throw bad(`${place}.range`, 'this key holds no numbers');
  const range = condition.range as Record<string, unknown>;
  if (!isPlainObject(range)) throw bad(`${place}.range`, 'must be an object');
  onlyKeys(range, ['gt', 'gte', 'lt', 'lte'], `${place}.range`);
  for (const [bound, value] of Object.entries(range)) {
    if (value !== undefined && !Number.isFinite(value)) throw bad(`${place}.range.${bound}`, 'must be a finite number');
  }
}

function fieldType(key: unknown, place: string): 'string' | 'number' | 'any' {
  if (typeof key !== 'string') throw bad(place, 'must be a string');
  const type = FIELD_TYPES.get(key);
  if (type !== undefined) return type;
  if (!key.startsWith(METADATA_PREFIX)) {
    throw bad(place, 'must be tags, created_at, updated_at, agent_id, session_id, level or metadata.<path>');
  }
  if (metadataPath(key) === null)
    throw bad(place, 'not a path: names joined by dots, in double quotes where they hold a dot');
  return 'any';
}

function onlyKeys(object: object, allowed: readonly string[], place: string): void {
  for (const key of Object.keys(object)) if (!allowed.includes(key)) throw bad(`${place}.${key}`, 'unknown key');
}

function spend(budget: { left: number }, count: number, place: string): void {
  budget.left -= count;
  if (budget.left < 0) throw bad(place, `more than ${FILTER_CONDITIONS_MAX} conditions and values`);
}

function isPlainObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function bad(place: string, reason: string): CodedError {
  return new CodedError('BAD_REQUEST', `${place}: ${reason}`, { details: { [place]: reason } });
}

/** The value of a filter's key in some record; undefined where it has none. */
export type ReadField = (key: string) => JsonValue | undefined;

/** Whether the record passes; `filter` is one that `checkFilter` let through. */
export function matchesFilter(record: FilterSubject, filter: Filter): boolean {
  return passesFilter((key) => fieldValue(record, key), filter);
}

/** The same for a record whose fields are read one by one. */
export function passesFilter(read: ReadField, filter: Filter): boolean {
  for (const condition of filter.must ?? []) if (!holds(read, condition)) return false;
  for (const condition of filter.must_not ?? []) if (holds(read, condition)) return false;
  const should = filter.should ?? [];
  return should.length === 0 || should.some((condition) => holds(read, condition));
}

/** The keys that the filter asks about, each once. */
export function filterKeys(filter: Filter): Set<string> {
  const keys = new Set<string>();
  for (const condition of [...(filter.must ?? []), ...(filter.should ?? []), ...(filter.must_not ?? [])]) {
    if (isEmptyTest(condition)) keys.add(condition.is_empty.key);
    else if (isMatch(condition) || isRange(condition)) keys.add(condition.key);
    else for (const key of filterKeys(condition)) keys.add(key);
  }
  return keys;
}

function holds(read: ReadField, condition: FilterCondition): boolean {
  if (isEmptyTest(condition)) return isEmptyValue(read(condition.is_empty.key));
  if (isMatch(condition)) return anyElement(read(condition.key), matcher(condition));
  if (isRange(condition)) return anyElement(read(condition.key), (value) => inRange(value, condition.range));
  return passesFilter(read, condition);
}

function matcher(condition: MatchCondition): (value: JsonValue) => boolean {
  const match = condition.match;
  if ('value' in match) return (value) => value === match.value;
  return (value) => (match.any as readonly JsonValue[]).includes(value);
}

function inRange(value: JsonValue, range: RangeCondition['range']): boolean {
  if (typeof value !== 'number') return false;
  if (range.gt !== undefined && !(value > range.gt)) return false;
  if (range.gte !== undefined && !(value >= range.gte)) return false;
  if (range.lt !== undefined && !(value < range.lt)) return false;
  return range.lte === undefined || value <= range.lte;
}

function anyElement(value: JsonValue | undefined, test: (value: JsonValue) => boolean): boolean {
  if (value === undefined) return false;
  return Array.isArray(value) ? value.some(test) : test(value);
}

function isEmptyValue(value: JsonValue | undefined): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
}

export function fieldValue(record: Partial<FilterSubject>, key: string): JsonValue | undefined {
  switch (key) {
    case 'tags':
      return record.tags;
    case 'created_at':
      return record.createdAtMs;
    case 'updated_at':
      return record.updatedAtMs;
    case 'agent_id':
      return record.agentId;
    case 'session_id':
      return record.sessionId;
    case 'level':
      return record.level;
    default:
      return metadataValue(record.metadata ?? {}, metadataPath(key) ?? []);
  }
}

function metadataValue(metadata: JsonValue, path: readonly string[]): JsonValue | undefined {
  let value: JsonValue | undefined = metadata;
  for (const step of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    if (!Object.hasOwn(value, step)) return undefined;
    value = (value as { readonly [key: string]: JsonValue })[step];
  }
  return value;
}
