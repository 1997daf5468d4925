// Whose contexts a scan or a count means and in which order they come, as SQL over the `contexts` row `c`. Filters are
// not part of it: they are asked about each row (row-filter.ts).

import type { WireReach, WireScan } from '../border/messages.ts';
import type { Unembedded } from '../../store.ts';
import { LEVEL_NUMBERS, VISIBLE_SQL } from '../border/rows.ts';
import { holdsSql, LINKED_SQL } from '../border/times.ts';

export type SqlParameter = string | number | null;

/** As the table `unembedded` says it. */
export const UNEMBEDDED_STATES: Readonly<Record<Unembedded, number>> = { pending: 1, refused: 2 };

export interface Conditions {
  readonly sql: string;
  readonly parameters: readonly SqlParameter[];
}

/** Where a scan goes on: behind this place of its order. */
export type ScanPosition = readonly [at: number, seq: number];

const ORDER_COLUMNS = { creation: 'c.created_at', entry: 'c.entered', expiry: 'c.expires_at' } as const;
/** A session of more contexts is looked for among all, as its own would have to be sorted for each page. */
const SORTED_MAX = 8_192;

export interface ScanSql {
  /** What the order goes by. */
  readonly column: string;
  /** All but the place where it goes on. */
  readonly conditions: Conditions;
  /** `INDEXED BY ...`, or nothing. */
  readonly index: string;
  /** Before the first place, and behind the last. */
  readonly start: ScanPosition;
  readonly end: ScanPosition;
  /** What is later in the order is so much compared. */
  readonly less: '<' | '>';
  /** Compare with two parameters each: the place to go on behind, the last one to be looked at. */
  readonly after: string;
  readonly upTo: string;
  readonly orderBy: string;
  /** The order is an index's of the namespace: it can be gone through in pieces, each in no more time than it is long. */
  readonly isWalk: boolean;
}

/** `spaceId` null: all namespaces. `sessionCount` tells how many contexts a session has, up to a number. */
export function scanSql(
  request: WireScan,
  spaceId: number | null,
  sessionCount: (reach: WireReach, max: number) => number,
): ScanSql {
  if (request.unembedded !== null) return unembeddedSql(request, spaceId);
  // A session's contexts are found by an index that has the level in it.
  const ofLevels = { ...request, levels: request.levels ?? LEVEL_NUMBERS };
  const isSorted = isOfSession(request) && sessionCount({ ...ofLevels, nowMs: null }, SORTED_MAX + 1) <= SORTED_MAX;
  const reach = isSorted ? ofLevels : request;
  const { sql, parameters } = reachSql(reach, spaceId);
  const column = ORDER_COLUMNS[request.order];
  const way = request.descending ? 'DESC' : 'ASC';
  const isWalk = spaceId !== null && !isSorted && request.order === 'creation';
  const [less, more] = request.descending ? (['<', '>='] as const) : (['>', '<='] as const);
  const first = request.descending ? Number.MAX_SAFE_INTEGER : -Number.MAX_SAFE_INTEGER;
  const place = `(${column}, c.seq)`;
  return {
    column,
    conditions: { sql: request.order === 'expiry' ? `${sql} AND c.expires_at IS NOT NULL` : sql, parameters },
    index: isSorted ? 'INDEXED BY contexts_by_session' : isWalk ? 'INDEXED BY contexts_by_creation' : byAgent(request),
    start: [first, first],
    end: [-first, -first],
    less,
    after: `${place} ${less} (?, ?)`,
    upTo: `${place} ${more} (?, ?)`,
    orderBy: `${column} ${way}, c.seq ${way}`,
    isWalk,
  };
}

/** In the order of arrival: a backlog of any length is gone through page by page, each in the time that it takes itself. */
function unembeddedSql(request: WireScan, spaceId: number | null): ScanSql {
  const { namespace, levels, agentId, sessionId, filter, nowMs, time, linked, unembedded, descending, limit } = request;
  const isWhole =
    !linked && time === null && namespace === null && levels === null && agentId === null && nowMs === null;
  const way = descending ? 'DESC' : 'ASC';
  const [less, more] = descending ? (['<', '>='] as const) : (['>', '<='] as const);
  const first = descending ? Number.MAX_SAFE_INTEGER : -Number.MAX_SAFE_INTEGER;
  const { sql, parameters } = reachSql({ ...request, unembedded: null }, spaceId);
  const after = request.after?.[1] ?? first;
  const state = UNEMBEDDED_STATES[unembedded as Unembedded];
  const rows = isWhole && sessionId === undefined && filter === null ? limit + 1 : -1;
  const own = `c.seq IN (SELECT u.seq FROM unembedded AS u WHERE u.state = ? AND u.seq ${less} ? ORDER BY u.seq ${way} LIMIT ?)`;
  return {
    column: 'c.seq',
    conditions: { sql: `${sql} AND ${own}`, parameters: [...parameters, state, after, rows] },
    index: '',
    start: [first, first],
    end: [-first, -first],
    less,
    after: `(c.seq, c.seq) ${less} (?, ?)`,
    upTo: `(c.seq, c.seq) ${more} (?, ?)`,
    orderBy: `c.seq ${way}`,
    isWalk: false,
  };
}

/** `spaceId` null: all namespaces. */
export function reachSql(reach: WireReach, spaceId: number | null): Conditions {
  const where: string[] = ['1'];
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
  if (reach.time !== null) {
    const { sql, parameters: values } = holdsSql(reach.time);
    restrict(sql, ...values);
  }
  if (reach.linked) restrict(LINKED_SQL);
  if (reach.unembedded !== null)
    restrict('c.seq IN (SELECT u.seq FROM unembedded AS u WHERE u.state = ?)', UNEMBEDDED_STATES[reach.unembedded]);
  return { sql: where.join(' AND '), parameters };
}

function isOfSession({ namespace, agentId, sessionId, includeSessionless }: WireReach): boolean {
  return namespace !== null && agentId !== null && sessionId !== undefined && !includeSessionless;
}

function byAgent({ order, agentId, levels }: WireScan): string {
  return order === 'entry' && agentId !== null && levels?.length === 1 ? 'INDEXED BY contexts_by_agent' : '';
}
