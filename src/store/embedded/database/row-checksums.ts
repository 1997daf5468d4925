// Checksums of rows. SQLite has none of its own: a bit that a disk flipped in a text or a time would be answered as
// truth. One sum covers what only an update changes, the other what a move between levels changes, so that a move need
// not read the text. Access counts have none: they are approximate by promise.

import { crc32 } from 'node:zlib';
import { DamageError } from './sqlite-errors.ts';
import { type PackedRows, RECORD_COLUMNS, RECORD_WIDTH, type RecordRow, unpackRow } from '../border/rows.ts';
import { type Contents, isPackedAlone, openContents, visible } from './sealed-values.ts';
import type { Sealer } from './sealer.ts';
import { STORED_WIDTH, storedColumns, type StoredRow, toStored } from './stored-row.ts';

/** Columns of `contexts AS c` for `checkedRow`: those of a record, and what it takes to verify them. */
export const CHECKED_COLUMNS = `${RECORD_COLUMNS}, c.seq, c.namespace_id, c.entry, c.entered, c.content_sum, c.state_sum, c.sealed`;

type Content = Omit<RecordRow, 'level' | 'expiresAtMs' | 'expiryAction' | 'expirySetBy' | 'accessCount'>;
type State = Pick<StoredRow, 'seq' | 'entry' | 'entered' | 'level' | 'expiresAtMs' | 'expiryAction' | 'expirySetBy'>;

/** Columns of `contexts AS c` for `checkedStored`. */
export function checkedStoredColumns(sealer: Sealer | null): string {
  return storedColumns(sealer, 'c.namespace_id', 'c.state_sum');
}

/** CRC-32 of what only an update changes, as the columns say it: what is sealed has its tag, and a sum of it would tell of it. */
export function contentSum(row: Content, sealer: Sealer | null): number {
  return sumOf(visible(sealer, row));
}

function sumOf(row: Content): number {
  const numbers = `${row.tokenCount},${row.version},${row.createdAtMs},${row.updatedAtMs}`;
  const owner = row.sessionId === null ? row.agentId : `${row.agentId}\0${row.sessionId}`;
  const content = `${row.id}\0${owner}\0\0${numbers}\0${row.tags}\0${row.metadata}\0${row.text}`;
  return crc32(row.times === null ? content : `${content}\0${row.times}`);
}

/**
 * A hash of where the context stands, below zero: those from zero on are of an older kind and count as none. A context
 * that goes down two levels has it made three times and verified twice, so the numbers are not written as a text first.
 */
export function stateSum(namespaceId: number, row: State): number {
  const { seq, entry, entered, level, expiresAtMs, expiryAction, expirySetBy } = row;
  let hash = mixedNumber(SEED, seq);
  hash = mixedNumber(hash, namespaceId);
  hash = mixedNumber(hash, entry);
  hash = mixedNumber(hash, entered);
  hash = mixedNumber(hash, expiresAtMs ?? NEVER);
  hash = mixed(hash, level * 16 + expiryAction * 4 + expirySetBy);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return ((hash ^ (hash >>> 16)) >>> 0) - 2 ** 32;
}

/** No time that a context can have. */
const NEVER = -1;
const SEED = 0x9747b28c;

/** Both halves of a whole number. */
function mixedNumber(hash: number, value: number): number {
  return mixed(mixed(hash, value | 0), Math.floor(value / 2 ** 32) | 0);
}

/** One step of MurmurHash3 (Appleby, x86, 32 bits). */
function mixed(hash: number, word: number): number {
  let part = Math.imul(word, 0xcc9e2d51);
  part = (part << 15) | (part >>> 17);
  const joined = hash ^ Math.imul(part, 0x1b873593);
  return (Math.imul((joined << 13) | (joined >>> 19), 5) + 0xe6546b64) | 0;
}

/**
 * The row of a result of `CHECKED_COLUMNS`. Throws `DamageError` where it is not what was
 * written. Rows from before there were checksums have none until they change.
 */
export function checkedRow(values: PackedRows, sealer: Sealer | null): RecordRow {
  const columns = unpackRow(values, 0);
  const seq = values[RECORD_WIDTH] as number;
  const stored = storedIn(values);
  if (sealer === null && stored === null) {
    if (!isWhole(columns, values)) throw damaged(seq);
    return columns;
  }
  const namespaceId = values[RECORD_WIDTH + 1] as number;
  const contents = openContents(sealer, { seq, namespaceId, id: columns.id }, stored, columns);
  if (!isAsSummed(values, contents)) throw damaged(seq);
  return { ...columns, ...contents };
}

/** What is sealed of the row of a result of `CHECKED_COLUMNS`, or packed. */
export function storedIn(values: PackedRows): Uint8Array | null {
  return values[RECORD_WIDTH + 6] as unknown as Uint8Array | null;
}

/** The row as its columns say it, unchecked. */
export function recordOf(values: PackedRows): RecordRow {
  return unpackRow(values, 0);
}

/** Whether its sums say that it is what was written; what is sealed has its own. `contents`: what it opens to. */
export function isAsSummed(values: PackedRows, contents: Contents): boolean {
  const columns = recordOf(values);
  return isWhole(isPackedAlone(storedIn(values)) ? { ...columns, ...contents } : columns, values);
}

function isWhole(row: RecordRow, values: PackedRows): boolean {
  const seq = values[RECORD_WIDTH] as number;
  const namespaceId = values[RECORD_WIDTH + 1] as number;
  const entry = values[RECORD_WIDTH + 2] as number;
  const entered = values[RECORD_WIDTH + 3] as number;
  const content = values[RECORD_WIDTH + 4] as number | null;
  const state = values[RECORD_WIDTH + 5] as number | null;
  return (
    (content === null || content === sumOf(row)) &&
    (state === null || state >= 0 || state === stateSum(namespaceId, stateOf(row, seq, entry, entered)))
  );
}

function stateOf(row: RecordRow, seq: number, entry: number, entered: number): State {
  const { level, expiresAtMs, expiryAction, expirySetBy } = row;
  return { seq, entry, entered, level, expiresAtMs, expiryAction, expirySetBy };
}

/** The same of `checkedStoredColumns`, for a row that is about to move: what a damaged one says must not be sealed anew. */
export function checkedStored(values: PackedRows, sealer: Sealer | null): StoredRow {
  const row = toStored(values, sealer);
  const namespaceId = values[STORED_WIDTH] as number;
  const state = values[STORED_WIDTH + 1] as number | null;
  if (state !== null && state < 0 && state !== stateSum(namespaceId, row)) throw damaged(row.seq);
  return row;
}

function damaged(seq: number): DamageError {
  return new DamageError(`row ${seq} of the database is not what was written`);
}
