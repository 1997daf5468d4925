// Reads that need no index in memory: by id, a session's level, and lists.

import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite';
import { badCursor, type CursorCodec } from './cursor.ts';
import { filterToSql } from './filter-sql.ts';
import type { CallTypes, WireList } from '../messages.ts';
import { CHECKED_COLUMNS, checkedRow } from './row-checksums.ts';
import { LEVEL_NUMBERS, type PackedRows, RECORD_WIDTH, type RecordRow, VISIBLE_SQL } from './rows.ts';
import type { Space } from './spaces.ts';

interface Loaded {
  readonly rows: readonly RecordRow[];
  /** One behind the other, as the rows. */
  readonly vectors: Float32Array<ArrayBuffer>;
}

interface Listed {
  readonly rows: readonly RecordRow[];
  readonly cursor: string | null;
}

export class Reader {
  readonly #database: DatabaseSync;
  readonly #cursors: CursorCodec;
  readonly #dimension: number;
  readonly #byId: StatementSync;
  readonly #session: StatementSync;
  readonly #sessionless: StatementSync;

  constructor(database: DatabaseSync, cursors: CursorCodec, dimension: number) {
    this.#database = database;
    this.#cursors = cursors;
    this.#dimension = dimension;
    this.#byId = this.#arrays(
      `SELECT ${CHECKED_COLUMNS} FROM contexts AS c WHERE c.namespace_id = ? AND c.id = ? AND ${VISIBLE_SQL}`,
    );
    const load = (session: string) =>
      this.#arrays(`SELECT ${CHECKED_COLUMNS}, v.vector FROM contexts AS c JOIN vectors AS v ON v.seq = c.seq
        WHERE c.namespace_id = ? AND c.level = ? AND c.agent_id = ? AND ${session} AND ${VISIBLE_SQL} ORDER BY c.entered`);
    this.#session = load('c.session_id = ?');
    this.#sessionless = load('c.session_id IS NULL');
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

  load(space: Space, scope: CallTypes['load']['body']): Loaded {
    const { level, agentId, sessionId, nowMs } = scope;
    const found = (sessionId === null
      ? this.#sessionless.all(space.id, level, agentId, nowMs)
      : this.#session.all(space.id, level, agentId, sessionId, nowMs)) as unknown as unknown[][];
    const vectors = new Float32Array(found.length * this.#dimension);
    const bytes = new Uint8Array(vectors.buffer);
    const rows = found.map((row, i) => {
      bytes.set(row.at(-1) as Uint8Array, i * this.#dimension * 4);
      return checkedRow(row as PackedRows);
    });
    return { rows, vectors };
  }

  /**
   * Newest first by creation, then by arrival. Rows are read one by one, and none past the page's bytes: a page
   * of long texts costs no more than one of short ones.
   */
  list(space: Space | undefined, request: WireList): Listed {
    if (space === undefined) {
      if (request.cursor !== null) throw badCursor();
      return { rows: [], cursor: null };
    }
    const { sql, parameters } = this.#listSql(space, request);
    const rows: RecordRow[] = [];
    let last = { createdAtMs: 0, seq: 0 };
    let bytes = 0;
    for (const found of this.#arrays(sql).iterate(...parameters)) {
      const values = found as unknown as PackedRows;
      const row = checkedRow(values);
      bytes += rowBytes(row);
      const isFull = rows.length === request.limit || (rows.length > 0 && bytes > request.bytesMax);
      if (isFull) return { rows, cursor: this.#cursors.encode(space.id, last) };
      rows.push(row);
      last = { createdAtMs: row.createdAtMs, seq: values[RECORD_WIDTH] as number };
    }
    return { rows, cursor: null };
  }

  #listSql(space: Space, request: WireList): { sql: string; parameters: SQLInputValue[] } {
    const parts = ['c.namespace_id = ?', VISIBLE_SQL];
    const parameters: SQLInputValue[] = [space.id, request.nowMs];
    const isSession = request.agentId !== null && request.sessionId !== null;
    // A session's contexts are few beside its namespace's; else the order by creation is worth more.
    const index = isSession ? 'contexts_by_session' : 'contexts_by_creation';
    const levels = request.levels ?? (isSession ? LEVEL_NUMBERS : null);
    if (levels !== null) parts.push(levels.length === 0 ? '0' : `c.level IN (${levels.join(', ')})`);
    if (request.agentId !== null) {
      parts.push('c.agent_id = ?');
      parameters.push(request.agentId);
    }
    if (request.sessionId !== null) {
      parts.push('c.session_id = ?');
      parameters.push(request.sessionId);
    }
    if (request.filter !== null) {
      const condition = filterToSql(request.filter);
      parts.push(condition.sql);
      parameters.push(...condition.parameters);
    }
    if (request.cursor !== null) {
      const { createdAtMs, seq } = this.#cursors.decode(space.id, request.cursor);
      parts.push('(c.created_at, c.seq) < (?, ?)');
      parameters.push(createdAtMs, seq);
    }
    const sql = `SELECT ${CHECKED_COLUMNS} FROM contexts AS c INDEXED BY ${index} WHERE ${parts.join(' AND ')}
      ORDER BY c.created_at DESC, c.seq DESC LIMIT ?`;
    parameters.push(request.limit + 1);
    return { sql, parameters };
  }

  #arrays(sql: string): StatementSync {
    const statement = this.#database.prepare(sql);
    statement.setReturnArrays(true);
    return statement;
  }
}

/** Ids, times, counts and field names of one context in a reply. */
const FIXED_BYTES = 384;

/** About what a context weighs in a reply. */
function rowBytes({ agentId, sessionId, text, metadata, tags }: RecordRow): number {
  const names = Buffer.byteLength(agentId) + (sessionId === null ? 0 : Buffer.byteLength(sessionId));
  return FIXED_BYTES + names + Buffer.byteLength(text) + Buffer.byteLength(metadata) + Buffer.byteLength(tags);
}
