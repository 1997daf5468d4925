import { isDeepStrictEqual } from 'node:util';
import type { Filter } from '@context-manager/client';

type Conditions = NonNullable<Filter['must']>;
/** What a search asks of the fields of a value. */
export type Wanted = Readonly<Record<string, unknown>>;

const OPERATORS = ['$eq', '$ne', '$gt', '$gte', '$lt', '$lte', '$in', '$nin'];
const FIELDS_MAX = 32;
const FIELD_CHARS_MAX = 128;
const NARROWED_MAX = 64;

/** As LangGraph's own store in memory compares, but for lists and what is nested: operators, or the same value. */
export function passes(value: Wanted, wanted: Wanted | undefined): boolean {
  return Object.entries(wanted ?? {}).every(([name, expected]) => matches(value[name], expected));
}

/** Those of a value's fields by which the server can narrow a filter; in metadata, beside the value. */
export function narrowingFields(value: Wanted, bytesMax: number): Record<string, string> {
  const fields: Record<string, string> = {};
  let bytes = 0;
  for (const [name, held] of Object.entries(value)) {
    if (fieldKey(name) === null || !isField(held)) continue;
    bytes += Buffer.byteLength(name) + Buffer.byteLength(held) + 16;
    if (bytes > bytesMax || Object.keys(fields).length === FIELDS_MAX) break;
    fields[name] = held;
  }
  return fields;
}

/** Conditions that every item meets that the filter lets through, and perhaps others. */
export function narrowing(wanted: Wanted | undefined): Conditions {
  const conditions = Object.entries(wanted ?? {}).flatMap(([name, expected]): Conditions => {
    const key = fieldKey(name);
    const equal = isOperators(expected) ? expected['$eq'] : expected;
    if (key === null || !isField(equal)) return [];
    return [{ should: [{ key, match: { value: equal } }, { is_empty: { key } }] }];
  });
  return conditions.slice(0, NARROWED_MAX);
}

/** Null: no filter of the server can name it. */
function fieldKey(name: string): string | null {
  const isNameable = name !== '' && name !== '__proto__' && isField(name) && !/["\0]/.test(name);
  if (!isNameable) return null;
  return /[.[\]]/.test(name) ? `metadata.langgraph.fields."${name}"` : `metadata.langgraph.fields.${name}`;
}

function isField(value: unknown): value is string {
  return typeof value === 'string' && value.length <= FIELD_CHARS_MAX && value.isWellFormed();
}

function matches(value: unknown, expected: unknown): boolean {
  if (!isOperators(expected)) return isSame(value, expected);
  return Object.entries(expected).every(([operator, operand]) => holds(value, operator, operand));
}

function isOperators(expected: unknown): expected is Wanted {
  return (
    typeof expected === 'object' && expected !== null && Object.keys(expected).every((key) => OPERATORS.includes(key))
  );
}

function holds(value: unknown, operator: string, operand: unknown): boolean {
  switch (operator) {
    case '$eq':
      return isSame(value, operand);
    case '$ne':
      return !isSame(value, operand);
    case '$gt':
      return Number(value) > Number(operand);
    case '$gte':
      return Number(value) >= Number(operand);
    case '$lt':
      return Number(value) < Number(operand);
    case '$lte':
      return Number(value) <= Number(operand);
    case '$in':
      return Array.isArray(operand) && operand.some((each) => isSame(value, each));
    default:
      return !Array.isArray(operand) || !operand.some((each) => isSame(value, each));
  }
}

/**
 * LangGraph's store in memory holds the lists that it was given and asks whether one is the very same object. What was
 * stored comes back as a copy, of which only the content can be compared, as LangGraph's stores in Python do.
 */
function isSame(value: unknown, wanted: unknown): boolean {
  return value === wanted || isDeepStrictEqual(value, wanted);
}
