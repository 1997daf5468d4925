// A row of `contexts` as writes need it: enough to move, delete and index it again.

import { ANALYZER_VERSION } from '../../../base/text/analyzer.ts';
import { type Derived, deriveFromText } from './derived-text.ts';
import type { Document } from './effects.ts';
import { DELETE_ACTION, type LevelNumber } from './rows.ts';

/** A stored row as the writer needs it; `oldText` only where its terms are of another analyzer. */
export interface StoredRow {
  readonly seq: number;
  readonly entry: number;
  readonly entered: number;
  readonly id: string;
  readonly agent_id: string;
  readonly session_id: string | null;
  readonly level: LevelNumber;
  readonly created_at: number;
  readonly expires_at: number | null;
  readonly expiry_action: number;
  readonly access_count: number;
  readonly token_count: number;
  readonly version: number;
  readonly terms: string;
  readonly traits: string;
  readonly old_text: string | null;
}

/** Columns of `contexts AS c` for a `StoredRow`. */
export const STORED_COLUMNS = `c.seq, c.entry, c.entered, c.id, c.agent_id, c.session_id, c.level, c.created_at, c.expires_at,
  c.expiry_action, c.token_count, c.version, c.terms, c.traits,
  c.access_count + coalesce((SELECT a.count FROM accesses AS a WHERE a.seq = c.seq), 0) AS access_count,
  CASE c.analyzer WHEN ${ANALYZER_VERSION} THEN NULL ELSE c.text END AS old_text`;

/** A row of `STORED_COLUMNS` as an array: an object that V8 made itself is much cheaper to copy than one that SQLite's binding did. */
export function toStored(row: readonly unknown[]): StoredRow {
  const [
    seq,
    entry,
    entered,
    id,
    agentId,
    sessionId,
    level,
    createdAt,
    expiresAt,
    action,
    tokens,
    version,
    terms,
    traits,
    accesses,
    oldText,
  ] = row as [
    number,
    number,
    number,
    string,
    string,
    string | null,
    LevelNumber,
    number,
    number | null,
    number,
    number,
    number,
    string,
    string,
    number,
    string | null,
  ];
  return {
    seq,
    entry,
    entered,
    id,
    agent_id: agentId,
    session_id: sessionId,
    level,
    created_at: createdAt,
    expires_at: expiresAt,
    expiry_action: action,
    access_count: accesses,
    token_count: tokens,
    version,
    terms,
    traits,
    old_text: oldText,
  };
}

export function toDocument(row: StoredRow, derived: Derived): Document {
  return {
    seq: row.seq,
    entry: row.entry,
    id: row.id,
    agentId: row.agent_id,
    sessionId: row.session_id,
    level: row.level,
    createdAtMs: row.created_at,
    tokenCount: row.token_count,
    accessCount: row.access_count,
    hiddenFromMs: hiddenFrom(row.expires_at, row.expiry_action),
    ...derived,
  };
}

/** What the analyzer of today makes of the row's text. */
export function derivedOf(row: StoredRow): Derived {
  return row.old_text === null ? { terms: row.terms, traits: row.traits } : deriveFromText(row.old_text);
}

export function hiddenFrom(expiresAtMs: number | null, action: number): number {
  return expiresAtMs !== null && action === DELETE_ACTION ? expiresAtMs : Infinity;
}

/** Its lifetime has ended in deletion. */
export function isOver(row: StoredRow, nowMs: number): boolean {
  return hiddenFrom(row.expires_at, row.expiry_action) <= nowMs;
}
