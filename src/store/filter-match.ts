// What a filter means, once for every driver. The rules are Qdrant's: a condition on a list holds where one of its
// items fits, a type never equals another type, and `is_empty` is a field that is missing, null or [].

import type { Filter, FilterCondition, JsonValue } from '../base/context.ts';
import {
  type FilterSubject,
  isEmptyTest,
  isMatch,
  isRange,
  type MatchCondition,
  metadataPath,
  type RangeCondition,
} from './filter.ts';
import { validUntil } from './times.ts';

/** Gives the value of the key at this place of `FilterProgram.keys`; undefined where there is none. */
export type ReadField = (place: number) => JsonValue | undefined;

type Test = (read: ReadField) => boolean;
type ValueTest = (value: JsonValue) => boolean;

/** Lists up to this length are read through, longer ones looked up. */
const LISTED_MAX = 8;

/** A filter made ready to be asked about many contexts; it is one that `checkFilter` let through. */
export class FilterProgram {
  /** What it asks about, each once. */
  readonly keys: readonly string[];
  /** Conditions, nested ones counted: what asking once costs. */
  readonly conditionCount: number;
  readonly #test: Test;

  constructor(filter: Filter) {
    const compiler = new Compiler();
    this.#test = compiler.group(filter);
    this.keys = [...compiler.places.keys()];
    this.conditionCount = compiler.conditionCount;
  }

  passes(read: ReadField): boolean {
    return this.#test(read);
  }
}

/** Whether the record passes; `filter` is one that `checkFilter` let through. */
export function matchesFilter(record: FilterSubject, filter: Filter): boolean {
  return filterMatcher(filter)(record);
}

/** The same for many records. */
export function filterMatcher(filter: Filter): (record: FilterSubject) => boolean {
  const program = new FilterProgram(filter);
  const readers = program.keys.map(fieldReader);
  return (record) => program.passes((place) => (readers[place] as FieldReader)(record));
}

export type FieldReader = (record: Partial<FilterSubject>) => JsonValue | undefined;

/** Reads a filter's key from records. */
export function fieldReader(key: string): FieldReader {
  switch (key) {
    case 'tags':
      return ({ tags }) => tags;
    case 'created_at':
      return ({ createdAtMs }) => createdAtMs;
    case 'updated_at':
      return ({ updatedAtMs }) => updatedAtMs;
    case 'valid_from':
      return ({ createdAtMs, times }) => times?.validFromMs ?? createdAtMs;
    case 'valid_until':
      return ({ times }) => finite(validUntil({ ...(times && { times }) }));
    case 'agent_id':
      return ({ agentId }) => agentId;
    case 'session_id':
      return ({ sessionId }) => sessionId;
    case 'level':
      return ({ level }) => level;
    default: {
      const path = metadataPath(key) ?? [];
      return ({ metadata }) => metadataValue(metadata ?? {}, path);
    }
  }
}

/** null: there is no end. */
export function finite(time: number): number | null {
  return time === Infinity ? null : time;
}

class Compiler {
  readonly places = new Map<string, number>();
  conditionCount = 0;

  group(filter: Filter): Test {
    const must = (filter.must ?? []).map((condition) => this.#condition(condition));
    const mustNot = (filter.must_not ?? []).map((condition) => this.#condition(condition));
    const should = (filter.should ?? []).map((condition) => this.#condition(condition));
    return (read) => {
      for (const test of must) if (!test(read)) return false;
      for (const test of mustNot) if (test(read)) return false;
      return should.length === 0 || should.some((test) => test(read));
    };
  }

  #condition(condition: FilterCondition): Test {
    this.conditionCount++;
    if (isEmptyTest(condition)) return this.#field(condition.is_empty.key, isEmptyValue);
    if (isMatch(condition)) return this.#field(condition.key, anyItem(matchTest(condition)));
    if (isRange(condition)) return this.#field(condition.key, anyItem(rangeTest(condition)));
    return this.group(condition);
  }

  #field(key: string, test: (value: JsonValue | undefined) => boolean): Test {
    const place = this.places.get(key) ?? this.places.size;
    this.places.set(key, place);
    return (read) => test(read(place));
  }
}

function matchTest({ match }: MatchCondition): ValueTest {
  if ('value' in match) {
    const wanted = match.value;
    return (value) => value === wanted;
  }
  const listed: readonly JsonValue[] = match.any;
  if (listed.length <= LISTED_MAX) return (value) => listed.includes(value);
  const wanted = new Set(listed);
  return (value) => wanted.has(value);
}

function rangeTest({ range }: RangeCondition): ValueTest {
  const { gt = -Infinity, gte = -Infinity, lt = Infinity, lte = Infinity } = range;
  return (value) => typeof value === 'number' && value > gt && value >= gte && value < lt && value <= lte;
}

function anyItem(test: ValueTest): (value: JsonValue | undefined) => boolean {
  return (value) => value !== undefined && (Array.isArray(value) ? value.some(test) : test(value));
}

function isEmptyValue(value: JsonValue | undefined): boolean {
  return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
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
