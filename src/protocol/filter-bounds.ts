// What can be told of a filter without looking at a context: how much it asks, and whether it restricts anything.

import { LEVELS } from '../base/context.ts';

/** Conditions in one filter, nested ones included. */
export const FILTER_CONDITIONS_MAX = 256;

const CLAUSES = ['must', 'should', 'must_not'] as const;
/** Fields that every context has, so that `is_empty` holds for none. */
const NEVER_EMPTY: readonly unknown[] = ['created_at', 'updated_at', 'valid_from', 'agent_id', 'level'];

type Fields = Readonly<Record<string, unknown>>;
/** Of all contexts there can be. */
type Passes = 'all' | 'none' | 'some';

/** Conditions in a filter, nested filters counted by what they hold; once past `max` it counts no further. */
export function countConditions(filter: unknown, max: number = FILTER_CONDITIONS_MAX): number {
  if (!isFields(filter)) return 0;
  let count = 0;
  for (const clause of CLAUSES) {
    const conditions = filter[clause];
    if (!Array.isArray(conditions)) continue;
    for (let i = 0; i < conditions.length && count <= max; i++) {
      const condition = conditions[i] as unknown;
      count += isFilter(condition) ? countConditions(condition, max - count) : 1;
    }
  }
  return count;
}

/**
 * False where every context passes whatever is stored: without conditions, or with such as hold for all or for none
 * (`any` of nothing, `is_empty` of what is never empty, an unknown level, a range without a number in it).
 */
export function restrictsAnything(filter: unknown): boolean {
  return passesOf(filter) !== 'all';
}

function passesOf(filter: unknown): Passes {
  if (!isFields(filter)) return 'all';
  const should = listOf(filter['should']).map(conditionPasses);
  return every([
    ...listOf(filter['must']).map(conditionPasses),
    ...listOf(filter['must_not']).map((condition) => opposite(conditionPasses(condition))),
    should.length === 0 ? 'all' : opposite(every(should.map(opposite))),
  ]);
}

function conditionPasses(condition: unknown): Passes {
  if (!isFields(condition)) return 'some';
  const { is_empty: empty, key, match, range } = condition;
  if (isFields(empty)) return NEVER_EMPTY.includes(empty['key']) ? 'none' : 'some';
  if (isFields(match)) return matchPasses(key, match);
  if (isFields(range)) return isHollow(range) ? 'none' : 'some';
  return isFilter(condition) ? passesOf(condition) : 'some';
}

function matchPasses(key: unknown, match: Fields): Passes {
  const values = 'any' in match ? listOf(match['any']) : [match['value']];
  const possible = key === 'level' ? values.filter((value) => (LEVELS as readonly unknown[]).includes(value)) : values;
  return possible.length === 0 ? 'none' : 'some';
}

/** No number lies within the bounds. */
function isHollow({ gt, gte, lt, lte }: Fields): boolean {
  const low = Math.max(numberOr(gt, -Infinity), numberOr(gte, -Infinity));
  const high = Math.min(numberOr(lt, Infinity), numberOr(lte, Infinity));
  return low > high || (low === high && (gt === low || lt === high));
}

function every(parts: readonly Passes[]): Passes {
  if (parts.includes('none')) return 'none';
  return parts.every((part) => part === 'all') ? 'all' : 'some';
}

function opposite(passes: Passes): Passes {
  return passes === 'all' ? 'none' : passes === 'none' ? 'all' : 'some';
}

function numberOr(value: unknown, absent: number): number {
  return typeof value === 'number' ? value : absent;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

function isFilter(condition: unknown): boolean {
  return isFields(condition) && !('key' in condition) && !('is_empty' in condition);
}
