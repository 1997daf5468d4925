import type { Condition, FieldCondition, Filter, Json, Match, Payload, Range } from './requests.ts';
import { parseJsonPath, pathKey, valuesAt } from './json-path.ts';
import { microseconds, type PayloadIndex } from './payload-index.ts';
import { normalId, type Point } from './point.ts';
import { notInDouble } from './qdrant-error.ts';

/** By `PayloadIndex.key`. */
export type PayloadIndexes = ReadonlyMap<string, PayloadIndex>;

type Test<Subject> = (subject: Subject) => boolean;
/** Objects inside of payloads have neither ids nor vectors nor indexes. */
type Subject = Pick<Point, 'payload'> & Partial<Point>;

const listOf = <Item>(items: Item | readonly Item[] | null | undefined): readonly Item[] | null =>
  items === null || items === undefined ? null : Array.isArray(items) ? (items as readonly Item[]) : [items as Item];

/** Whether points match. Empty lists of conditions restrict nothing, but inside of `nested` an empty `should` does. */
export function filterMatcher(filter: Filter | null | undefined, indexes: PayloadIndexes): Test<Point> {
  return filter === null || filter === undefined ? () => true : filterTest(filter, indexes, false);
}

function filterTest(filter: Filter, indexes: PayloadIndexes, isNested: boolean): Test<Subject> {
  const tests = (conditions: readonly Condition[] | null): Test<Subject>[] | null =>
    conditions === null || (conditions.length === 0 && !isNested)
      ? null
      : conditions.map((condition) => conditionTest(condition, indexes, isNested));
  const must = tests(listOf(filter.must));
  const mustNot = tests(listOf(filter.must_not));
  const should = tests(listOf(filter.should));
  const minShould = tests(filter.min_should?.conditions ?? null);
  const minCount = filter.min_should?.min_count ?? 0;
  return (subject) =>
    (should?.some((test) => test(subject)) ?? true) &&
    (minShould === null || minShould.filter((test) => test(subject)).length >= minCount) &&
    (must?.every((test) => test(subject)) ?? true) &&
    !(mustNot?.some((test) => test(subject)) ?? false);
}

function conditionTest(condition: Condition, indexes: PayloadIndexes, isNested: boolean): Test<Subject> {
  if ('key' in condition) return fieldTest(condition, indexes);
  if ('is_empty' in condition) {
    const path = parseJsonPath(condition.is_empty.key);
    return ({ payload }) => valuesAt(payload, path).every(isEmpty);
  }
  if ('is_null' in condition) {
    const path = parseJsonPath(condition.is_null.key);
    const holdsNull = indexes.has(pathKey(path)) ? hasNull : (value: Json): boolean => value === null;
    return ({ payload }) => valuesAt(payload, path).some(holdsNull);
  }
  if ('has_id' in condition) {
    const ids = new Set(condition.has_id.map(normalId));
    return ({ id }) => id !== undefined && ids.has(id);
  }
  if ('has_vector' in condition) {
    const name = condition.has_vector;
    return ({ dense, multi, sparse }) => [dense, multi, sparse].some((vectors) => vectors?.has(name) === true);
  }
  if ('nested' in condition) {
    const { key, filter } = condition.nested;
    const path = parseJsonPath(key.endsWith('[]') ? key : `${key}[]`);
    const test = filterTest(filter, new Map(), true);
    return ({ payload }) => valuesAt(payload, path).some((value) => isObject(value) && test({ payload: value }));
  }
  return filterTest(condition, indexes, isNested);
}

const isObject = (value: Json): value is Payload =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isEmpty = (value: Json): boolean => value === null || (Array.isArray(value) && value.length === 0);
const hasNull = (value: Json): boolean => value === null || (Array.isArray(value) && value.includes(null));

function fieldTest(condition: FieldCondition, indexes: PayloadIndexes): Test<Subject> {
  const path = parseJsonPath(condition.key);
  const index = indexes.get(pathKey(path));
  const byIndex = index === undefined ? null : indexTest(condition, index);
  if (byIndex !== null) return byIndex;
  const { is_empty: empty, is_null: isNull, values_count: valuesCount } = condition;
  const one = valueTest(condition);
  const test: Test<Json> = (value) => {
    if (valuesCount) return inRange(Array.isArray(value) ? value.length : value === null ? 0 : 1, valuesCount);
    if (typeof empty === 'boolean') return isEmpty(value) === empty;
    if (typeof isNull === 'boolean') return hasNull(value) === isNull;
    return Array.isArray(value) ? value.some(one) : one(value);
  };
  const ofNothing = typeof empty === 'boolean' ? empty : isNull === false;
  return ({ payload }) => {
    const values = valuesAt(payload, path);
    return values.length === 0 ? ofNothing : values.some(test);
  };
}

/** Of a condition that an index answers from what it holds, which may be less than the payload has. */
function indexTest(condition: FieldCondition, index: PayloadIndex): Test<Subject> | null {
  const { match, range, is_empty: empty, is_null: isNull } = condition;
  if (typeof empty === 'boolean') return ({ payload }) => valuesAt(payload, index.path).every(isEmpty) === empty;
  if (typeof isNull === 'boolean') return ({ payload }) => valuesAt(payload, index.path).some(hasNull) === isNull;
  if (range && index.hasRanges && index.type !== 'uuid') {
    const limits = numericRange(range);
    return ({ payload }) => index.valuesOf(payload).some((value) => inRange(Number(value), limits));
  }
  if (!match) return null;
  if (index.type === 'text') return textTest(match, index);
  const wanted: readonly (string | number | boolean)[] | undefined =
    match.value !== undefined ? [match.value] : (match.any ?? match.except);
  const type = { keyword: 'string', integer: 'number', bool: 'boolean' }[index.type as string];
  if (wanted === undefined || !index.hasValues || type === undefined) return null;
  // A list without values counts as one of texts.
  if (wanted.length === 0 ? type !== 'string' : typeof wanted[0] !== type) return null;
  if (type === 'boolean' && match.value === undefined) return null;
  const named = new Set(wanted);
  const isWanted = (value: string | number | boolean): boolean => named.has(value) !== (match.except !== undefined);
  return ({ payload }) => index.valuesOf(payload).some(isWanted);
}

const words = (text: string): string[] => text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];

function textTest({ text, text_any: any, phrase }: Match, index: PayloadIndex): Test<Subject> | null {
  if (phrase !== undefined) throw notInDouble('phrases in text indexes');
  const query = words(text ?? any ?? '');
  if (text === undefined && any === undefined) return null;
  if (query.length === 0) return () => false;
  return ({ payload }) => {
    const held = new Set(index.valuesOf(payload).flatMap((value) => words(String(value))));
    return text === undefined ? query.some((word) => held.has(word)) : query.every((word) => held.has(word));
  };
}

/** Of one value that is no list. */
function valueTest({ match, range }: FieldCondition): Test<Json> {
  const matches = match ? matchTest(match) : null;
  const limits = range ? numericRange(range) : null;
  const isTime = range ? Object.values(range).some((limit) => typeof limit === 'string') : false;
  return (value) => {
    if (matches?.(value) === true) return true;
    if (limits === null) return false;
    const number = typeof value === 'string' && isTime ? microseconds(value) : value;
    return typeof number === 'number' && (typeof value === 'string') === isTime && inRange(number, limits);
  };
}

function matchTest(match: Match): Test<Json> {
  const { value: wanted, any, except, text, text_any: textAny, phrase } = match;
  if (wanted !== undefined) return (value) => value === wanted;
  if (any !== undefined) return (value) => any.some((one) => one === value);
  if (except !== undefined) return (value) => value !== null && !except.some((one) => one === value);
  const part = text ?? phrase;
  if (part !== undefined) return (value) => typeof value === 'string' && value.includes(part);
  const parts = (textAny ?? '').split(/\s+/).filter((one) => one !== '');
  return (value) => typeof value === 'string' && parts.some((one) => value.includes(one));
}

type NumericRange = { readonly [bound in keyof Range]: number | null };

function numericRange(range: Range): NumericRange {
  const number = (limit: Range['lt']): number | null =>
    typeof limit === 'string' ? microseconds(limit) : (limit ?? null);
  return { lt: number(range.lt), gt: number(range.gt), lte: number(range.lte), gte: number(range.gte) };
}

function inRange(number: number, range: Range): boolean {
  const { lt, gt, lte, gte } = range;
  return (
    (typeof lt !== 'number' || number < lt) &&
    (typeof gt !== 'number' || number > gt) &&
    (typeof lte !== 'number' || number <= lte) &&
    (typeof gte !== 'number' || number >= gte)
  );
}
