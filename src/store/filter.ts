// What a filter may say, once for every driver. What it means is in filter-match.ts.

import type { ContextRecord, Filter, FilterCondition } from '../base/context.ts';
import { badRequest, type CodedError } from '../base/errors.ts';

/** The fields of a context that a filter can name. */
export type FilterSubject = Pick<
  ContextRecord,
  'agentId' | 'sessionId' | 'level' | 'metadata' | 'tags' | 'createdAtMs' | 'updatedAtMs' | 'times'
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
  ['valid_from', 'number'],
  ['valid_until', 'number'],
]);
const METADATA_PREFIX = 'metadata.';
/** One step of a path: `word` or `"any word, with dots"`, as in Qdrant's JSON paths. SQLite's end at a NUL. */
const PATH_STEP = /(?:"([^"\0]+)"|([^".[\]\0]+))(?:\.|$)/y;
const KNOWN_KEYS = `${[...FIELD_TYPES.keys()].join(', ')} or metadata.<path>`;

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

/** Throws `BAD_REQUEST` that names the first thing wrong: `details` is `{fields: [{field, reason}]}`, as for a schema. */
export function checkFilter(filter: Filter): void {
  checkGroup(filter, '/filter', 1, { left: FILTER_CONDITIONS_MAX });
}

function checkGroup(filter: Filter, place: string, depth: number, budget: { left: number }): void {
  if (depth > FILTER_DEPTH_MAX) throw bad(place, `must be nested at most ${FILTER_DEPTH_MAX} levels deep`);
  if (!isPlainObject(filter)) throw bad(place, 'must be an object');
  onlyKeys(filter, ['must', 'should', 'must_not'], place);
  for (const [name, conditions] of Object.entries(filter) as [string, unknown][]) {
    if (conditions === undefined) continue;
    if (!Array.isArray(conditions)) throw bad(`${place}/${name}`, 'must be a list of conditions');
    spend(budget, conditions.length, place);
    conditions.forEach((condition: FilterCondition, i) =>
      checkCondition(condition, `${place}/${name}/${i}`, depth, budget),
    );
  }
}

function checkCondition(condition: FilterCondition, place: string, depth: number, budget: { left: number }): void {
  if (!isPlainObject(condition)) throw bad(place, 'must be an object');
  if (isEmptyTest(condition)) {
    onlyKeys(condition, ['is_empty'], place);
    if (!isPlainObject(condition.is_empty)) throw bad(`${place}/is_empty`, 'must be an object');
    onlyKeys(condition.is_empty, ['key'], `${place}/is_empty`);
    fieldType(condition.is_empty.key, `${place}/is_empty/key`);
  } else if (isMatch(condition)) {
    onlyKeys(condition, ['key', 'match'], place);
    checkMatch(condition, fieldType(condition.key, `${place}/key`), place, budget);
  } else if (isRange(condition)) {
    onlyKeys(condition, ['key', 'range'], place);
    checkRange(condition, fieldType(condition.key, `${place}/key`), place);
  } else checkGroup(condition, place, depth + 1, budget);
}

function checkMatch(
  condition: MatchCondition,
  type: 'string' | 'number' | 'any',
  place: string,
  budget: { left: number },
): void {
  const match: { value?: unknown; any?: unknown } = condition.match;
  if (!isPlainObject(match)) throw bad(`${place}/match`, 'must be an object');
  onlyKeys(match, ['value', 'any'], `${place}/match`);
  if ('value' in match === 'any' in match) throw bad(`${place}/match`, 'must have one of value and any');
  if ('value' in match) return checkValue(match.value, type, true, `${place}/match/value`);
  if (!Array.isArray(match.any)) throw bad(`${place}/match/any`, 'must be a list');
  spend(budget, match.any.length, place);
  match.any.forEach((value: unknown, i) => checkValue(value, type, false, `${place}/match/any/${i}`));
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
  if (type === 'string') throw bad(`${place}/range`, 'must be of a key that holds numbers');
  const range = condition.range as Record<string, unknown>;
  if (!isPlainObject(range)) throw bad(`${place}/range`, 'must be an object');
  onlyKeys(range, ['gt', 'gte', 'lt', 'lte'], `${place}/range`);
  for (const [bound, value] of Object.entries(range)) {
    if (value !== undefined && !Number.isFinite(value)) throw bad(`${place}/range/${bound}`, 'must be a finite number');
  }
}

function fieldType(key: unknown, place: string): 'string' | 'number' | 'any' {
  if (typeof key !== 'string') throw bad(place, 'must be a string');
  const type = FIELD_TYPES.get(key);
  if (type !== undefined) return type;
  if (!key.startsWith(METADATA_PREFIX)) throw bad(place, `must be ${KNOWN_KEYS}`);
  if (metadataPath(key) === null)
    throw bad(place, 'must be a path: names joined by dots, in double quotes where they hold a dot, without NUL');
  return 'any';
}

function onlyKeys(object: object, allowed: readonly string[], place: string): void {
  for (const key of Object.keys(object)) {
    if (!allowed.includes(key)) throw bad(place, `must hold nothing but ${allowed.join(', ')}`);
  }
}

function spend(budget: { left: number }, count: number, place: string): void {
  budget.left -= count;
  if (budget.left < 0) throw bad(place, `must hold at most ${FILTER_CONDITIONS_MAX} conditions and values`);
}

function isPlainObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function bad(field: string, reason: string): CodedError {
  return badRequest(field, reason, `the payload: ${field} ${reason}`);
}
