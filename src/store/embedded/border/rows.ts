// How a context lies in the database and crosses the thread border: flat rows, JSON as text.

import type { Place } from '../../store.ts';
import type { ContextRecord, ExpiryAction, ExpirySetter, JsonObject, Level } from '../../../base/context.ts';
import { LEVELS } from '../../../base/context.ts';
import { badRequest } from '../../../base/errors.ts';
import { parseJson } from '../../../base/json.ts';
import { parseTimes, timesJson } from './times.ts';

/** 1, 2, 3 for L1, L2, L3: what the database and the worker call the levels. */
export type LevelNumber = 1 | 2 | 3;
export const LEVEL_NUMBERS: readonly LevelNumber[] = [1, 2, 3];

export function levelNumber(level: string): LevelNumber | undefined {
  const index = (LEVELS as readonly string[]).indexOf(level);
  return index < 0 ? undefined : ((index + 1) as LevelNumber);
}

export function toLevelNumber(level: Level): LevelNumber {
  const number = levelNumber(level);
  if (number === undefined) throw badRequest('/level', `is not a level: ${String(level)}`);
  return number;
}

export function levelName(number: number): Level {
  return LEVELS[number - 1] as Level;
}

export const DELETE_ACTION = 0;
export const PROMOTE_ACTION = 1;

function actionNumber(action: ExpiryAction): 0 | 1 {
  return action === 'promote' ? PROMOTE_ACTION : DELETE_ACTION;
}

function actionName(number: number): ExpiryAction {
  return number === PROMOTE_ACTION ? 'promote' : 'delete';
}

export const CLIENT_SETTER = 0;
const LEVEL_SETTER = 1;

function setterNumber(setter: ExpirySetter): 0 | 1 {
  return setter === 'client' ? CLIENT_SETTER : LEVEL_SETTER;
}

function setterName(number: number): ExpirySetter {
  return number === CLIENT_SETTER ? 'client' : 'level';
}

/** A context without its namespace, flat, JSON as text: as it is read and as it crosses the thread border. */
export interface RecordRow {
  readonly id: string;
  readonly agentId: string;
  readonly sessionId: string | null;
  readonly level: LevelNumber;
  readonly text: string;
  readonly tokenCount: number;
  readonly metadata: string;
  readonly tags: string;
  readonly version: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly expiresAtMs: number | null;
  readonly expiryAction: number;
  /** `CLIENT_SETTER` or not. */
  readonly expirySetBy: number;
  accessCount: number;
  /** See times.ts. */
  readonly times: string | null;
}

/** Where a context stands, and how long. */
export type PlaceColumns = Pick<RecordRow, 'level' | 'expiresAtMs' | 'expiryAction' | 'expirySetBy'>;

/** Where a trim has moved a context to. */
export type MovedRow = Pick<RecordRow, 'id'> & PlaceColumns;

export function toPlace({ level, expiresAtMs, expiryAction, expirySetBy }: PlaceColumns): Place {
  return {
    level: levelName(level),
    expiresAtMs,
    expiryAction: actionName(expiryAction),
    expirySetBy: setterName(expirySetBy),
  };
}

export function toPlaceColumns({ level, expiresAtMs, expiryAction, expirySetBy }: Place): PlaceColumns {
  return {
    level: toLevelNumber(level),
    expiresAtMs,
    expiryAction: actionNumber(expiryAction),
    expirySetBy: setterNumber(expirySetBy),
  };
}

/**
 * Many rows as one list of values: cloning a list from thread to thread costs a quarter of what cloning
 * objects does, so messages carry this and both ends work with rows.
 */
export type PackedRows = readonly (string | number | null)[];

/** Columns of `contexts AS c` for `unpackRow`, which is the one place that knows their order. */
export const RECORD_COLUMNS = `c.id, c.agent_id, c.session_id, c.level, c.text, c.token_count, c.metadata, c.tags,
  c.version, c.created_at, c.updated_at, c.expires_at, c.expiry_action, c.expiry_by,
  c.access_count + coalesce((SELECT a.count FROM accesses AS a WHERE a.seq = c.seq), 0), c.times`;
export const RECORD_WIDTH = 16;
/** The same without contents. */
export const OUTLINE_COLUMNS = RECORD_COLUMNS.replace('c.text', "''")
  .replace('c.metadata', "'{}'")
  .replace('c.tags', "'[]'");

/** The row whose first value is at `at`; a row that SQLite gave as an array is one of them at 0. */
export function unpackRow(values: PackedRows, at: number): RecordRow {
  return {
    id: values[at] as string,
    agentId: values[at + 1] as string,
    sessionId: values[at + 2] as string | null,
    level: values[at + 3] as LevelNumber,
    text: values[at + 4] as string,
    tokenCount: values[at + 5] as number,
    metadata: values[at + 6] as string,
    tags: values[at + 7] as string,
    version: values[at + 8] as number,
    createdAtMs: values[at + 9] as number,
    updatedAtMs: values[at + 10] as number,
    expiresAtMs: values[at + 11] as number | null,
    expiryAction: values[at + 12] as number,
    expirySetBy: values[at + 13] as number,
    accessCount: values[at + 14] as number,
    times: values[at + 15] as string | null,
  };
}

export function packRows(rows: readonly RecordRow[]): PackedRows {
  const values: (string | number | null)[] = [];
  for (const row of rows) {
    values.push(row.id, row.agentId, row.sessionId, row.level, row.text, row.tokenCount, row.metadata, row.tags);
    values.push(row.version, row.createdAtMs, row.updatedAtMs, row.expiresAtMs, row.expiryAction, row.expirySetBy);
    values.push(row.accessCount, row.times);
  }
  return values;
}

/** The row that is `place` rows behind the first. */
export function packedRow(values: PackedRows, place: number): RecordRow {
  return unpackRow(values, place * RECORD_WIDTH);
}

export function unpackRows(values: PackedRows): RecordRow[] {
  const rows: RecordRow[] = [];
  for (let at = 0; at < values.length; at += RECORD_WIDTH) rows.push(unpackRow(values, at));
  return rows;
}

export function packMoved(rows: readonly MovedRow[]): PackedRows {
  const values: (string | number | null)[] = [];
  for (const row of rows) values.push(row.id, row.level, row.expiresAtMs, row.expiryAction, row.expirySetBy);
  return values;
}

export function unpackMoved(values: PackedRows): MovedRow[] {
  const rows: MovedRow[] = [];
  for (let at = 0; at < values.length; at += 5) {
    rows.push({
      id: values[at] as string,
      level: values[at + 1] as LevelNumber,
      expiresAtMs: values[at + 2] as number | null,
      expiryAction: values[at + 3] as number,
      expirySetBy: values[at + 4] as number,
    });
  }
  return rows;
}

export function toRow(record: ContextRecord): RecordRow {
  return {
    id: record.id,
    agentId: record.agentId,
    sessionId: record.sessionId,
    level: toLevelNumber(record.level),
    text: record.text,
    tokenCount: record.tokenCount,
    metadata: JSON.stringify(record.metadata),
    tags: JSON.stringify(record.tags),
    version: record.version,
    createdAtMs: record.createdAtMs,
    updatedAtMs: record.updatedAtMs,
    expiresAtMs: record.expiresAtMs,
    expiryAction: actionNumber(record.expiryAction),
    expirySetBy: setterNumber(record.expirySetBy),
    accessCount: record.accessCount,
    times: timesJson(record.times),
  };
}

export function toRecord(namespace: string, row: RecordRow): ContextRecord {
  const record: ContextRecord = {
    id: row.id,
    namespace,
    agentId: row.agentId,
    sessionId: row.sessionId,
    level: levelName(row.level),
    text: row.text,
    tokenCount: row.tokenCount,
    // Of most contexts both are empty.
    metadata: row.metadata === '{}' ? {} : (parseJson(row.metadata) as JsonObject),
    tags: row.tags === '[]' ? [] : (JSON.parse(row.tags) as string[]),
    version: row.version,
    createdAtMs: row.createdAtMs,
    updatedAtMs: row.updatedAtMs,
    expiresAtMs: row.expiresAtMs,
    expiryAction: actionName(row.expiryAction),
    expirySetBy: setterName(row.expirySetBy),
    accessCount: row.accessCount,
  };
  return row.times === null ? record : { ...record, times: parseTimes(row.times) };
}

/** SQL that is true where the lifetime of `c` has not ended in deletion at the bound time. */
export const VISIBLE_SQL = `(c.expires_at IS NULL OR c.expires_at > ? OR c.expiry_action = ${PROMOTE_ACTION})`;
