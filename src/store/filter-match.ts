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
import { ListLookup } from './list-lookup.ts';
import { validUntil } from './times.ts';

/** Gives the value of the key at this place of `FilterProgram.keys`; undefined where there is none. */
export type ReadField = (place: number) => JsonValue | undefined;

type Test = (read: ReadField) => boolean;
type ValueTest = (value: JsonValue) => boolean;

/** What one condition wants of a field. */
interface Wanted {
  /** Of a value that is no list, or an item of one. */
  readonly fits: ValueTest;
  /** Whether an item of a list fits that was made ready for many questions. */
  readonly isAmong: (list: ListLookup) => boolean;
}

/** Lists up to this length are read through, longer ones looked up. */
const LISTED_MAX = 8;
/** So many conditions on one field read through the list that it holds; what more ask is looked up. */
const READERS_MAX = 4;

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
    this.keys = compiler.keys;
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
  /** By place. */
  readonly keys: string[] = [];
  readonly #fields: Field[] = [];
  /** By what a key names, however it is spelled: twelve steps have thousands of spellings. */
  readonly #places = new Map<string, number>();
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
    if (isEmptyTest(condition)) {
      const place = this.#placeOf(condition.is_empty.key);
      return (read) => isEmptyValue(read(place));
    }
    if (isMatch(condition)) return this.#anyItem(condition.key, matching(condition));
    if (isRange(condition)) return this.#anyItem(condition.key, within(condition));
    return this.group(condition);
  }

  #anyItem(key: string, wanted: Wanted): Test {
    const place = this.#placeOf(key);
    const field = (this.#fields[place] ??= new Field());
    field.readers++;
    return (read) => field.hasItem(read(place), wanted);
  }

  #placeOf(key: string): number {
    const named = JSON.stringify(metadataPath(key) ?? key);
    const known = this.#places.get(named);
    if (known !== undefined) return known;
    this.#places.set(named, this.keys.length);
    return this.keys.push(key) - 1;
  }
}

/**
 * What the conditions on one field share. A context may hold a list of a quarter of a million items, and a filter ask
 * thousands of things about it: read through for each, one context would take a thread's seconds.
 */
class Field {
  readers = 0;
  #list: readonly JsonValue[] | null = null;
  #lookup: ListLookup | null = null;

  hasItem(value: JsonValue | undefined, { fits, isAmong }: Wanted): boolean {
    if (value === undefined) return false;
    if (!Array.isArray(value)) return fits(value);
    const list = value as readonly JsonValue[];
    return this.readers <= READERS_MAX || list.length <= LISTED_MAX ? list.some(fits) : isAmong(this.#lookupOf(list));
  }

  #lookupOf(list: readonly JsonValue[]): ListLookup {
    if (this.#lookup === null || this.#list !== list) {
      this.#list = list;
      this.#lookup = new ListLookup(list);
    }
    return this.#lookup;
  }
}

function matching({ match }: MatchCondition): Wanted {
  if ('value' in match) {
    const { value: wanted } = match;
    return { fits: (value) => value === wanted, isAmong: (list) => list.has(wanted) };
  }
  const listed: readonly JsonValue[] = match.any;
  const isAmong = (list: ListLookup): boolean => listed.some((wanted) => list.has(wanted));
  if (listed.length <= LISTED_MAX) return { fits: (value) => listed.includes(value), isAmong };
  const wanted = new Set(listed);
  return { fits: (value) => wanted.has(value), isAmong };
}

function within({ range }: RangeCondition): Wanted {
  const { gt = -Infinity, gte = -Infinity, lt = Infinity, lte = Infinity } = range;
  const fits = (value: JsonValue): boolean =>
    typeof value === 'number' && value > gt && value >= gte && value < lt && value <= lte;
  return {
    fits,
    isAmong(list) {
      // The least that is not too little: where it is too much, so are all above it.
      const least = Math.max(gt, gte);
      const number = gt >= gte ? list.firstAbove(least) : list.firstFrom(least);
      return number !== undefined && fits(number);
    },
  };
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
