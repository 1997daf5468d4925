// Reads that need no index in memory: by id, scans in the orders of the contract, and counts. Scans go in steps, and
// from step to step they know no more than the place where they go on: what is read then is what is stored then.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Filter } from '../../../base/context.ts';
import { replyBytesOf } from '../../generic/reply-bytes.ts';
import type { Unembedded } from '../../store.ts';
import type { WireReach, WireScan } from '../border/messages.ts';
import {
  type LevelNumber,
  OUTLINE_COLUMNS,
  type PackedRows,
  RECORD_WIDTH,
  type RecordRow,
  unpackRow,
  VISIBLE_SQL,
} from '../border/rows.ts';
import type { Pace, Steps } from '../border/steps.ts';
import { CHECKED_COLUMNS, checkedRow } from './row-checksums.ts';
import { RowFilter, subjectColumns } from './row-filter.ts';
import { placeOf, RowWalk } from './row-walk.ts';
import { reachSql, type ScanPosition, type ScanSql, scanSql } from './scan-sql.ts';
import { openVectors } from './sealed-values.ts';
import type { Sealer } from './sealer.ts';
import type { Space } from './spaces.ts';
import type { StoredPassages } from './stored-passages.ts';

/** A row on a page of a scan. */
export interface ScannedRow {
  readonly row: RecordRow;
  readonly spaceId: number;
  /** What the indexes know the context by. */
  readonly entry: number;
  readonly entered: number;
  /** With `seq` its position in the order of the scan. */
  readonly at: number;
  readonly seq: number;
  readonly vector: Uint8Array | null;
  /** One after another. */
  readonly passages: Float32Array | null;
  readonly unembedded: Unembedded | null;
}

export interface ScannedRows {
  readonly rows: readonly ScannedRow[];
  readonly more: boolean;
}

const NO_LIMIT = -1;
const EVERYTHING = {
  namespace: '',
  levels: null,
  agentId: null,
  sessionId: undefined,
  includeSessionless: false,
  nowMs: null,
  time: null,
  linked: false,
  unembedded: null,
} as const;
const IN_ORDER = {
  order: 'creation',
  descending: false,
  after: null,
  limit: 0,
  bytesMax: 0,
  vectors: false,
  question: null,
} as const;

export class Reader {
  readonly #database: DatabaseSync;
  readonly #walk: RowWalk;
  readonly #byId: StatementSync;
  readonly #bySeq: StatementSync;
  readonly #outlineById: StatementSync;
  readonly #begin: StatementSync;
  readonly #end: StatementSync;
  readonly #passages: Pick<StoredPassages, 'readBeside'>;

  readonly #sealer: Sealer | null;

  /** `pace`: of the steps in which it is called. */
  constructor(database: DatabaseSync, passages: Pick<StoredPassages, 'readBeside'>, pace: Pace, sealer: Sealer | null) {
    this.#sealer = sealer;
    this.#database = database;
    this.#passages = passages;
    this.#walk = new RowWalk(database, pace);
    this.#byId = this.#arrays(
      `SELECT ${CHECKED_COLUMNS} FROM contexts AS c WHERE c.namespace_id = ? AND c.id = ? AND ${VISIBLE_SQL}`,
    );
    this.#bySeq = this.#arrays(`SELECT ${CHECKED_COLUMNS} FROM contexts AS c WHERE c.seq = ? AND ${VISIBLE_SQL}`);
    this.#outlineById = this.#arrays(
      `SELECT ${OUTLINE_COLUMNS} FROM contexts AS c WHERE c.namespace_id = ? AND c.id = ? AND ${VISIBLE_SQL}`,
    );
    this.#begin = database.prepare('BEGIN');
    this.#end = database.prepare('COMMIT');
  }

  /** Those that are there, in the order of `ids`. */
  fetch(space: Space, ids: readonly string[], nowMs: number): RecordRow[] {
    return this.#together(ids, (id) => {
      const values = this.#byId.get(space.id, id, nowMs) as unknown as PackedRows | undefined;
      return values === undefined ? [] : [checkedRow(values, this.#sealer)];
    });
  }

  /** Of these rows those that are there and whole: who asks for another one by its id is told what is wrong with it. */
  readable(seqs: readonly number[], nowMs: number): RecordRow[] {
    return this.#together(seqs, (seq) => {
      try {
        const values = this.#bySeq.get(seq, nowMs) as unknown as PackedRows | undefined;
        return values === undefined ? [] : [checkedRow(values, this.#sealer)];
      } catch {
        return [];
      }
    });
  }

  /** The same with nothing in place of texts, metadata and tags, and unchecked. */
  outlines(space: Space, ids: readonly string[], nowMs: number): RecordRow[] {
    return this.#together(ids, (id) => {
      const values = this.#outlineById.get(space.id, id, nowMs) as unknown as PackedRows | undefined;
      return values === undefined ? [] : [unpackRow(values, 0)];
    });
  }

  /** In one transaction: a statement by itself takes and gives back the log's locks, which costs as much as reading its row. */
  #together<K>(keys: readonly K[], read: (key: K) => RecordRow[]): RecordRow[] {
    if (keys.length < 2) return keys.flatMap(read);
    this.#begin.run();
    try {
      return keys.flatMap(read);
    } finally {
      // A disk that fails may have ended it already.
      if (this.#database.isTransaction) this.#end.run();
    }
  }

  /**
   * `spaceId` null: over all namespaces. Rows are read one by one, and none past the page's bytes: a page of long
   * texts costs no more than one of short ones. Each is as it was when it was read, and passed the filter then.
   */
  *scan(spaceId: number | null, request: WireScan): Steps<ScannedRows> {
    const sql = this.#scanSql(request, spaceId);
    const vector = request.vectors ? '(SELECT v.vector FROM vectors AS v WHERE v.seq = c.seq)' : 'NULL';
    const columns = `${CHECKED_COLUMNS}, ${sql.column}, ${vector}`;
    const filter = request.filter === null ? null : new RowFilter(request.filter, this.#sealer);
    // What does not pass is not read whole: its text may be long.
    const whole = filter === null ? null : this.#arrays(`SELECT ${columns} FROM contexts AS c WHERE c.seq = ?`);
    const rows: ScannedRow[] = [];
    let bytes = 0;
    const take = (values: readonly unknown[]): boolean => {
      const found = whole === null ? values : (whole.get(values[0] as number) as unknown as readonly unknown[]);
      const scanned = toScanned(found, this.#sealer);
      const one = request.vectors ? { ...scanned, ...this.#passages.readBeside(scanned.seq) } : scanned;
      bytes += bytesOf(one.row) + (one.passages?.byteLength ?? 0);
      if (rows.length === request.limit || (rows.length > 0 && bytes > request.bytesMax)) return false;
      rows.push(one);
      return true;
    };
    const isAtEnd =
      whole === null
        ? yield* this.#walk.run(
            { sql, spaceId, columns, seqAt: RECORD_WIDTH, filter, limit: () => request.limit + 1 - rows.length, take },
            request.after,
          )
        : yield* this.#subjects(spaceId, request, 'NULL', take, request.after);
    return { rows, more: !isAtEnd };
  }

  *count(spaceId: number | null, reach: WireReach): Steps<number> {
    if (reach.filter === null) return this.#countUpTo(reach, spaceId, NO_LIMIT);
    let count = 0;
    const take = (): boolean => ++count > 0;
    const request = { ...reach, ...IN_ORDER };
    yield* this.#subjects(spaceId, request, 'NULL', take, null);
    return count;
  }

  /** Ids of contexts that pass, in the order of creation, and where to go on; null where there are no more. */
  *find(spaceId: number, { levels, filter, after, newestSeq, limit }: FindRequest): Steps<FoundIds> {
    const ids: string[] = [];
    let last: ScanPosition | null = after;
    const take = (values: readonly unknown[]): boolean => {
      if ((values[0] as number) > newestSeq) return true;
      if (ids.length === limit) return false;
      ids.push(values.at(-1) as string);
      last = placeOf(values, values[0] as number);
      return true;
    };
    const isAtEnd = yield* this.#subjects(spaceId, { ...EVERYTHING, ...IN_ORDER, levels, filter }, 'c.id', take, after);
    return { ids, after: isAtEnd ? null : last };
  }

  /** Goes through what filters ask about, and one column more. */
  *#subjects(
    spaceId: number | null,
    request: WireScan,
    column: string,
    take: (values: readonly unknown[]) => boolean,
    after: ScanPosition | null,
  ): Steps<boolean> {
    const sql = this.#scanSql(request, spaceId);
    const filter = request.filter === null ? null : new RowFilter(request.filter, this.#sealer);
    const columns = `${subjectColumns(this.#sealer)}, ${sql.column}, ${column}`;
    return yield* this.#walk.run({ sql, spaceId, columns, seqAt: 0, filter, limit: () => NO_LIMIT, take }, after);
  }

  #scanSql(request: WireScan, spaceId: number | null): ScanSql {
    return scanSql(request, spaceId, (reach, max) => this.#countUpTo(reach, spaceId, max));
  }

  #countUpTo(reach: WireReach, spaceId: number | null, max: number): number {
    const { sql, parameters } = reachSql(reach, spaceId);
    const statement = this.#database.prepare(
      `SELECT count(*) AS count FROM (SELECT 1 FROM contexts AS c WHERE ${sql} LIMIT ?)`,
    );
    return (statement.get(...parameters, max) as { count: number }).count;
  }

  #arrays(sql: string): StatementSync {
    const statement = this.#database.prepare(sql);
    statement.setReturnArrays(true);
    return statement;
  }
}

export interface FindRequest {
  readonly levels: readonly LevelNumber[] | null;
  readonly filter: Filter | null;
  readonly after: ScanPosition | null;
  /** What came after this one stays out. */
  readonly newestSeq: number;
  readonly limit: number;
}

export interface FoundIds {
  readonly ids: readonly string[];
  readonly after: ScanPosition | null;
}

function toScanned(values: readonly unknown[], sealer: Sealer | null): ScannedRow {
  const { length } = values;
  const seq = values[RECORD_WIDTH] as number;
  const vector = values[length - 1] as Uint8Array | null;
  return {
    row: checkedRow(values as PackedRows, sealer),
    seq,
    spaceId: values[RECORD_WIDTH + 1] as number,
    entry: values[RECORD_WIDTH + 2] as number,
    entered: values[RECORD_WIDTH + 3] as number,
    at: values[length - 2] as number,
    vector: vector === null ? null : openVectors(sealer, 'vectors', seq, vector),
    passages: null,
    unembedded: null,
  };
}

/** About what a context weighs in a reply. */
function bytesOf({ agentId, sessionId, text, metadata, tags }: RecordRow): number {
  return replyBytesOf(agentId, sessionId, text, metadata, tags);
}
