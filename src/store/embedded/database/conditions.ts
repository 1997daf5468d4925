import type { DatabaseSync } from 'node:sqlite';
import type { Condition } from '../../store.ts';
import { filterToSql } from './filter-sql.ts';
import { levelName } from '../border/rows.ts';
import type { StoredRow } from './stored-row.ts';

/** Whether a change with this condition applies to the row as it is. */
export function meets(database: DatabaseSync, stored: StoredRow, condition: Condition | null): boolean {
  if (condition === null) return true;
  const { level, dueAtMs, filter } = condition;
  if (level !== undefined && levelName(stored.level) !== level) return false;
  if (dueAtMs !== undefined && (stored.expiresAtMs === null || stored.expiresAtMs > dueAtMs)) return false;
  if (filter === undefined) return true;
  const { sql, parameters } = filterToSql(filter);
  const passing = database.prepare(`SELECT 1 FROM contexts AS c WHERE c.seq = ? AND ${sql}`);
  return passing.get(stored.seq, ...parameters) !== undefined;
}
