// A row of `contexts` as writes and indexes need it: enough to move, delete and index it again.

import { ANALYZER_VERSION } from '../../../base/text/analyzer.ts';
import { deriveFromText } from './derived-text.ts';
import { DELETE_ACTION, type LevelNumber, type PackedRows, type RecordRow } from '../border/rows.ts';
import { NO_CONTENTS, openContents, openTerms, type RowPlace, termsSum } from './sealed-values.ts';
import { DamageError } from './sqlite-errors.ts';
import type { Sealer } from './sealer.ts';

export interface StoredRow extends Readonly<Omit<RecordRow, 'text' | 'metadata' | 'tags' | 'updatedAtMs'>> {
  /** Place in the order of arrival, for good. */
  readonly seq: number;
  /** New each time the context enters a level or gets a new text. */
  readonly entry: number;
  /** The entry with which it came into its level. */
  readonly entered: number;
  readonly terms: string;
  readonly traits: string;
  /** The text, only where `terms` and `traits` are of another analyzer. */
  readonly oldText: string | null;
  /** Its metadata, where there is one. */
  readonly oldMetadata: string | null;
}

const STORED_COLUMNS = `c.seq, c.entry, c.entered, c.id, c.agent_id, c.session_id, c.level, c.created_at,
  c.expires_at, c.expiry_action, c.token_count, c.version, c.terms, c.traits,
  c.access_count + coalesce((SELECT a.count FROM accesses AS a WHERE a.seq = c.seq), 0), c.expiry_by,
  CASE c.analyzer WHEN ${ANALYZER_VERSION} THEN NULL ELSE c.text END, c.times,
  CASE c.analyzer WHEN ${ANALYZER_VERSION} THEN NULL ELSE c.metadata END, c.terms_sum,
  CASE c.analyzer WHEN ${ANALYZER_VERSION} THEN NULL ELSE c.sealed END, c.namespace_id`;

const TERMS_SUM_AT = 19;
export const STORED_WIDTH = 22;
const SEALED_COLUMNS = 'c.sealed_terms';

/** Columns of `contexts AS c` for `toStored`; `more` stand at `STORED_WIDTH`. */
export function storedColumns(sealer: Sealer | null, ...more: readonly string[]): string {
  return [STORED_COLUMNS, ...more, ...(sealer === null ? [] : [SEALED_COLUMNS])].join(', ');
}

/**
 * From a row that SQLite gave as an array: an object that V8 made itself is much cheaper to copy than one of its binding.
 * Throws `DamageError` where what is sealed cannot be opened, or its terms are not what was written.
 */
export function toStored(values: PackedRows, sealer: Sealer | null): StoredRow {
  const row = asColumnsSay(values);
  if (row.oldText !== null) return { ...row, ...openOld(values, sealer, row) };
  if (sealer === null) {
    const sum = values[TERMS_SUM_AT] as number | null;
    if (sum !== null && sum !== termsSum(sealer, row))
      throw new DamageError(`the terms of row ${row.seq} of the database are not what was written`);
    return row;
  }
  return { ...row, ...openTerms(sealer, placeOf(values, row), values.at(-1) as unknown as Uint8Array | null, row) };
}

function openOld(
  values: PackedRows,
  sealer: Sealer | null,
  row: StoredRow,
): Pick<StoredRow, 'oldText' | 'oldMetadata'> {
  const contents = values[TERMS_SUM_AT + 1] as unknown as Uint8Array | null;
  const columns = { ...NO_CONTENTS, text: row.oldText ?? '', metadata: row.oldMetadata ?? NO_CONTENTS.metadata };
  const { text, metadata } = openContents(sealer, placeOf(values, row), contents, columns);
  return { oldText: text, oldMetadata: metadata };
}

function placeOf(values: PackedRows, { seq, id }: StoredRow): RowPlace {
  return { seq, id, namespaceId: values[TERMS_SUM_AT + 2] as number };
}

/** The same with no terms where they are sealed: enough to delete it, or to find it by its vector. */
export function asColumnsSay(values: PackedRows): StoredRow {
  return {
    seq: values[0] as number,
    entry: values[1] as number,
    entered: values[2] as number,
    id: values[3] as string,
    agentId: values[4] as string,
    sessionId: values[5] as string | null,
    level: values[6] as LevelNumber,
    createdAtMs: values[7] as number,
    expiresAtMs: values[8] as number | null,
    expiryAction: values[9] as number,
    tokenCount: values[10] as number,
    version: values[11] as number,
    terms: values[12] as string,
    traits: values[13] as string,
    accessCount: values[14] as number,
    expirySetBy: values[15] as number,
    oldText: values[16] as string | null,
    times: values[17] as string | null,
    oldMetadata: values[18] as string | null,
  };
}

/** The row with what the analyzer of today makes of its text: as the indexes take it. */
export function analyzed(row: StoredRow): StoredRow {
  const { oldText, oldMetadata } = row;
  if (oldText === null) return row;
  return { ...row, ...deriveFromText(oldText, oldMetadata ?? '{}'), oldText: null, oldMetadata: null };
}

/** When its lifetime ends in deletion; Infinity where it does not. */
export function hiddenFrom({ expiresAtMs, expiryAction }: Pick<RecordRow, 'expiresAtMs' | 'expiryAction'>): number {
  return expiresAtMs !== null && expiryAction === DELETE_ACTION ? expiresAtMs : Infinity;
}

/** Its lifetime has ended in deletion. */
export function isOver(row: Pick<RecordRow, 'expiresAtMs' | 'expiryAction'>, nowMs: number): boolean {
  return hiddenFrom(row) <= nowMs;
}
