// Reads that need no index in memory: by id, scans in the orders of the contract, and counts.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { replyBytesOf } from '../../generic/reply-bytes.ts';
import type { WireReach, WireScan } from '../border/messages.ts';
import { reachSql } from './reach-sql.ts';
import { CHECKED_COLUMNS, checkedRow } from './row-checksums.ts';
import { LEVEL_NUMBERS, type PackedRows, RECORD_WIDTH, type RecordRow, VISIBLE_SQL } from '../border/rows.ts';
import type { Space } from './spaces.ts';

/** A row on a page of a scan. */
export interface ScannedRow {
  readonly row: RecordRow;
  readonly spaceId: number;
  /** What the indexes know the context by. */
  readonly entry: number;
  /** With `seq` its position in the order of the scan. */
  readonly at: number;
  readonly seq: number;
  readonly vector: Uint8Array | null;
}

export interface ScannedRows {
  readonly rows: readonly ScannedRow[];
  readonly more: boolean;
}

const ORDER_COLUMNS = { creation: 'c.created_at', entry: 'c.entered', expiry: 'c.expires_at' } as const;

export class Reader {
  readonly #database: DatabaseSync;
  readonly #byId: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#byId = this.#arrays(
      `SELECT ${CHECKED_COLUMNS} FROM contexts AS c WHERE c.namespace_id = ? AND c.id = ? AND ${VISIBLE_SQL}`,
    );
  }

  /** Those that are there, in the order of `ids`. */
  fetch(space: Space, ids: readonly string[], nowMs: number): RecordRow[] {
    const rows: RecordRow[] = [];
    for (const id of ids) {
      const values = this.#byId.get(space.id, id, nowMs) as unknown as PackedRows | undefined;
      if (values !== undefined) rows.push(checkedRow(values));
    }
    return rows;
  }

  /**
   * `spaceId` null: over all namespaces. Rows are read one by one, and none past the page's bytes: a page of long
   * texts costs no more than one of short ones.
   */
  scan(spaceId: number | null, request: WireScan): ScannedRows {
    const { where, parameters } = reachSql(scannable(request), spaceId);
    const column = ORDER_COLUMNS[request.order];
    const conditions = [...where];
    if (request.order === 'expiry') conditions.push('c.expires_at IS NOT NULL');
    if (request.after !== null) conditions.push(`(${column}, c.seq) ${request.descending ? '<' : '>'} (?, ?)`);
    const way = request.descending ? 'DESC' : 'ASC';
    const vector = request.vectors ? '(SELECT v.vector FROM vectors AS v WHERE v.seq = c.seq)' : 'NULL';
    const statement = this.#arrays(`SELECT ${CHECKED_COLUMNS}, ${column}, ${vector}
      FROM contexts AS c ${indexFor(request, spaceId)} ${conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`}
      ORDER BY ${column} ${way}, c.seq ${way} LIMIT ?`);
    const rows: ScannedRow[] = [];
    let bytes = 0;
    for (const found of statement.iterate(...parameters, ...(request.after ?? []), request.limit + 1)) {
      const one = toScanned(found as unknown as readonly unknown[]);
      bytes += bytesOf(one.row);
      if (rows.length === request.limit || (rows.length > 0 && bytes > request.bytesMax)) return { rows, more: true };
      rows.push(one);
    }
    return { rows, more: false };
  }

  count(spaceId: number | null, reach: WireReach): number {
    const { where, parameters } = reachSql(reach, spaceId);
    const condition = where.length === 0 ? '' : `WHERE ${where.join(' AND ')}`;
    const row = this.#database.prepare(`SELECT count(*) AS count FROM contexts AS c ${condition}`).get(...parameters);
    return (row as { count: number }).count;
  }

  #arrays(sql: string): StatementSync {
    const statement = this.#database.prepare(sql);
    statement.setReturnArrays(true);
    return statement;
  }
}

/** A session's contexts are found by an index that has the level in it. */
function scannable(request: WireScan): WireReach {
  return isOfSession(request) && request.levels === null ? { ...request, levels: LEVEL_NUMBERS } : request;
}

function isOfSession({ agentId, sessionId, includeSessionless }: WireReach): boolean {
  return agentId !== null && sessionId !== undefined && !includeSessionless;
}

/** A session's contexts are few beside its namespace's; else the order is worth more. */
function indexFor(request: WireScan, spaceId: number | null): string {
  if (spaceId === null) return '';
  if (isOfSession(request)) return 'INDEXED BY contexts_by_session';
  if (request.order === 'creation') return 'INDEXED BY contexts_by_creation';
  const isOfLevel = request.agentId !== null && request.levels?.length === 1;
  return request.order === 'entry' && isOfLevel ? 'INDEXED BY contexts_by_agent' : '';
}

function toScanned(values: readonly unknown[]): ScannedRow {
  const { length } = values;
  return {
    row: checkedRow(values as PackedRows),
    seq: values[RECORD_WIDTH] as number,
    spaceId: values[RECORD_WIDTH + 1] as number,
    entry: values[RECORD_WIDTH + 2] as number,
    at: values[length - 2] as number,
    vector: values[length - 1] as Uint8Array | null,
  };
}

/** About what a context weighs in a reply. */
function bytesOf({ agentId, sessionId, text, metadata, tags }: RecordRow): number {
  return replyBytesOf(agentId, sessionId, text, metadata, tags);
}
