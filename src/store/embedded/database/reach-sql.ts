// Whose contexts a scan or a count means, as SQL over the `contexts` row `c`.

import { filterToSql, type SqlParameter } from './filter-sql.ts';
import type { WireReach } from '../border/messages.ts';
import { VISIBLE_SQL } from '../border/rows.ts';

export interface ReachSql {
  readonly where: readonly string[];
  readonly parameters: readonly SqlParameter[];
}

/** `spaceId` null: all namespaces. */
export function reachSql(reach: WireReach, spaceId: number | null): ReachSql {
  const where: string[] = [];
  const parameters: SqlParameter[] = [];
  const restrict = (sql: string, ...values: SqlParameter[]): void => {
    where.push(sql);
    parameters.push(...values);
  };
  if (spaceId !== null) restrict('c.namespace_id = ?', spaceId);
  if (reach.nowMs !== null) restrict(VISIBLE_SQL, reach.nowMs);
  if (reach.levels !== null) restrict(reach.levels.length === 0 ? '0' : `c.level IN (${reach.levels.join(', ')})`);
  if (reach.agentId !== null) restrict('c.agent_id = ?', reach.agentId);
  if (reach.sessionId === null) restrict('c.session_id IS NULL');
  else if (reach.sessionId !== undefined) {
    restrict(`(c.session_id = ?${reach.includeSessionless ? ' OR c.session_id IS NULL' : ''})`, reach.sessionId);
  }
  if (reach.filter !== null) {
    const condition = filterToSql(reach.filter);
    restrict(condition.sql, ...condition.parameters);
  }
  return { where, parameters };
}
