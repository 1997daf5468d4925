// How a context lies in the database and crosses the thread border: flat rows, JSON as text.

import type { ContextRecord, ExpiryAction, JsonObject, Level } from '../../../base/context.ts';
import { LEVELS } from '../../../base/context.ts';
import { badRequest } from '../../../base/errors.ts';

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

export function actionNumber(action: ExpiryAction): 0 | 1 {
  return action === 'promote' ? PROMOTE_ACTION : DELETE_ACTION;
}

export function actionName(number: number): ExpiryAction {
  return number === PROMOTE_ACTION ? 'promote' : 'delete';
}

/** Columns of `contexts AS c` in the order of `RecordRow`. */
export const RECORD_COLUMNS = `c.id, c.agent_id, c.session_id, c.level, c.text, c.token_count, c.metadata, c.tags,
  c.version, c.created_at, c.updated_at, c.expires_at, c.expiry_action,
  c.access_count + coalesce((SELECT a.count FROM accesses AS a WHERE a.seq = c.seq), 0)`;

/** A context without its namespace. */
export type RecordRow = [
  id: string,
  agentId: string,
  sessionId: string | null,
  level: LevelNumber,
  text: string,
  tokenCount: number,
  metadata: string,
  tags: string,
  version: number,
  createdAtMs: number,
  updatedAtMs: number,
  expiresAtMs: number | null,
  expiryAction: number,
  accessCount: number,
];

/** Where a `RecordRow` holds its access count. */
export const ACCESS_COUNT_COLUMN = 13;

export function toRow(record: ContextRecord): RecordRow {
  return [
    record.id,
    record.agentId,
    record.sessionId,
    toLevelNumber(record.level),
    record.text,
    record.tokenCount,
    JSON.stringify(record.metadata),
    JSON.stringify(record.tags),
    record.version,
    record.createdAtMs,
    record.updatedAtMs,
    record.expiresAtMs,
    actionNumber(record.expiryAction),
    record.accessCount,
  ];
}

export function toRecord(namespace: string, row: RecordRow): ContextRecord {
  return {
    id: row[0],
    namespace,
    agentId: row[1],
    sessionId: row[2],
    level: levelName(row[3]),
    text: row[4],
    tokenCount: row[5],
    metadata: JSON.parse(row[6]) as JsonObject,
    tags: JSON.parse(row[7]) as string[],
    version: row[8],
    createdAtMs: row[9],
    updatedAtMs: row[10],
    expiresAtMs: row[11],
    expiryAction: actionName(row[12]),
    accessCount: row[13],
  };
}

/** SQL that is true where the lifetime of `c` has not ended in deletion at the bound time. */
export const VISIBLE_SQL = `(c.expires_at IS NULL OR c.expires_at > ? OR c.expiry_action = ${PROMOTE_ACTION})`;
