// What filters mean, said a second time and in another language, to be compared with what the product says. Every value
// is a bound parameter, so that no text of a filter becomes SQL.

import type { Filter, FilterCondition } from '../../src/base/context.ts';
import { badRequest } from '../../src/base/errors.ts';
import {
  type EmptyCondition,
  isEmptyTest,
  isMatch,
  isRange,
  type MatchCondition,
  metadataPath,
  type RangeCondition,
} from '../../src/store/filter.ts';
import { levelNumber } from '../../src/store/embedded/border/rows.ts';

export type SqlParameter = string | number | null;

export interface SqlCondition {
  readonly sql: string;
  readonly parameters: SqlParameter[];
}

const SCALAR_COLUMNS: ReadonlyMap<string, string> = new Map([
  ['agent_id', 'c.agent_id'],
  ['session_id', 'c.session_id'],
  ['created_at', 'c.created_at'],
  ['updated_at', 'c.updated_at'],
]);
const COMPARISONS = { gt: '>', gte: '>=', lt: '<', lte: '<=' } as const;

/** `filter` is one that `checkFilter` let through. */
export function filterToSql(filter: Filter): SqlCondition {
  const parameters: SqlParameter[] = [];
  return { sql: groupSql(filter, parameters), parameters };
}

function groupSql(filter: Filter, parameters: SqlParameter[]): string {
  const parts: string[] = [];
  for (const condition of filter.must ?? []) parts.push(conditionSql(condition, parameters));
  for (const condition of filter.must_not ?? []) parts.push(`NOT ${conditionSql(condition, parameters)}`);
  const should = (filter.should ?? []).map((condition) => conditionSql(condition, parameters));
  if (should.length > 0) parts.push(`(${balanced(should, 'OR')})`);
  return parts.length === 0 ? '1' : `(${balanced(parts, 'AND')})`;
}

/** As a balanced tree: SQLite bounds the depth of an expression, not its width. */
function balanced(parts: readonly string[], operator: 'AND' | 'OR'): string {
  if (parts.length === 1) return parts[0] as string;
  const middle = parts.length >> 1;
  return `(${balanced(parts.slice(0, middle), operator)}) ${operator} (${balanced(parts.slice(middle), operator)})`;
}

function conditionSql(condition: FilterCondition, parameters: SqlParameter[]): string {
  if (isEmptyTest(condition)) return emptySql(condition, parameters);
  if (isMatch(condition)) return matchSql(condition, parameters);
  if (isRange(condition)) return rangeSql(condition, parameters);
  return groupSql(condition, parameters);
}

function emptySql(condition: EmptyCondition, parameters: SqlParameter[]): string {
  const key = condition.is_empty.key;
  if (key === 'tags') return `(c.tags = '[]')`;
  if (key === 'level') return '0';
  const column = SCALAR_COLUMNS.get(key);
  if (column !== undefined) return `(${column} IS NULL)`;
  const path = jsonPath(key);
  parameters.push(path, path, path);
  const isMissing = `coalesce(json_type(c.metadata, ?), 'null') = 'null'`;
  return `(${isMissing} OR (json_type(c.metadata, ?) = 'array' AND json_array_length(c.metadata, ?) = 0))`;
}

function matchSql(condition: MatchCondition, parameters: SqlParameter[]): string {
  const values: readonly (string | number | boolean)[] =
    'value' in condition.match ? [condition.match.value] : condition.match.any;
  if (values.length === 0) return '0';
  const { key } = condition;
  if (key === 'tags') return elementSql('json_each(c.tags)', [], valuesSql(values), parameters);
  if (key === 'level')
    return inSql(
      'c.level',
      values.map((value) => knownLevel(value)),
      parameters,
    );
  const column = SCALAR_COLUMNS.get(key);
  if (column !== undefined) return inSql(column, values as readonly (string | number)[], parameters);
  return metadataSql(key, valuesSql(values), parameters);
}

function rangeSql(condition: RangeCondition, parameters: SqlParameter[]): string {
  const bounds = Object.entries(condition.range) as [keyof typeof COMPARISONS, number | undefined][];
  const column = SCALAR_COLUMNS.get(condition.key);
  const operand = column ?? 'CAST(e.value AS REAL)';
  const test: SqlCondition = { sql: column === undefined ? `e.type IN ('integer', 'real')` : '1', parameters: [] };
  const parts = [test.sql];
  for (const [name, bound] of bounds) {
    if (bound === undefined) continue;
    parts.push(`${operand} ${COMPARISONS[name]} ?`);
    test.parameters.push(bound);
  }
  const whole = { sql: parts.join(' AND '), parameters: test.parameters };
  if (column === undefined) return metadataSql(condition.key, whole, parameters);
  parameters.push(...whole.parameters);
  return `(${whole.sql})`;
}

/** Some element of the metadata's array at `key`, or the scalar there, passes `test` over `e`. */
function metadataSql(key: string, test: SqlCondition, parameters: SqlParameter[]): string {
  const path = jsonPath(key);
  // json_each walks the members of an object too, which no condition means.
  parameters.push(path);
  const element = elementSql('json_each(c.metadata, ?)', [path], test, parameters);
  return `(coalesce(json_type(c.metadata, ?) <> 'object', 0) AND ${element})`;
}

function elementSql(
  source: string,
  before: readonly SqlParameter[],
  test: SqlCondition,
  parameters: SqlParameter[],
): string {
  parameters.push(...before, ...test.parameters);
  return `EXISTS (SELECT 1 FROM ${source} AS e WHERE ${test.sql})`;
}

/** One of `values`, each of its own type. JSON's numbers are compared as the doubles that JavaScript reads. */
function valuesSql(values: readonly (string | number | boolean)[]): SqlCondition {
  const parts: string[] = [];
  const parameters: SqlParameter[] = [];
  const strings = values.filter((value) => typeof value === 'string');
  const numbers = values.filter((value) => typeof value === 'number');
  if (strings.length > 0) {
    parts.push(`(e.type = 'text' AND e.value IN (${placeholders(strings.length)}))`);
    parameters.push(...strings);
  }
  if (numbers.length > 0) {
    parts.push(`(e.type IN ('integer', 'real') AND CAST(e.value AS REAL) IN (${placeholders(numbers.length)}))`);
    parameters.push(...numbers);
  }
  if (values.includes(true)) parts.push(`e.type = 'true'`);
  if (values.includes(false)) parts.push(`e.type = 'false'`);
  return { sql: `(${parts.join(' OR ')})`, parameters };
}

function inSql(column: string, values: readonly SqlParameter[], parameters: SqlParameter[]): string {
  parameters.push(...values);
  return `coalesce(${column} IN (${placeholders(values.length)}), 0)`;
}

function placeholders(count: number): string {
  return new Array<string>(count).fill('?').join(', ');
}

/** A level that does not exist matches nothing. */
function knownLevel(value: string | number | boolean): number {
  return levelNumber(value as string) ?? 0;
}

/** SQLite's path to the metadata that `key` names; labels are JSON strings, escapes included. */
function jsonPath(key: string): string {
  const steps = metadataPath(key);
  if (steps === null) throw badRequest('/filter', 'has a key that is not a metadata path');
  return `$${steps.map((step) => `.${JSON.stringify(step)}`).join('')}`;
}
