/** Conditions in one filter, nested ones included. */
export const FILTER_CONDITIONS_MAX = 256;

const CLAUSES = ['must', 'should', 'must_not'] as const;

/** Conditions in a filter, nested filters counted by what they hold; once past `max` it counts no further. */
export function countConditions(filter: unknown, max: number = FILTER_CONDITIONS_MAX): number {
  if (typeof filter !== 'object' || filter === null) return 0;
  let count = 0;
  for (const clause of CLAUSES) {
    const conditions = (filter as Record<string, unknown>)[clause];
    if (!Array.isArray(conditions)) continue;
    for (let i = 0; i < conditions.length && count <= max; i++) {
      const condition = conditions[i] as unknown;
      count += isFilter(condition) ? countConditions(condition, max - count) : 1;
    }
  }
  return count;
}

function isFilter(condition: unknown): boolean {
  return typeof condition === 'object' && condition !== null && !('key' in condition) && !('is_empty' in condition);
}
