// What SQLite's result codes mean to callers and operators (https://www.sqlite.org/rescode.html).

import { CodedError, toCodedError } from '../../../base/errors.ts';

export const SQLITE_BUSY = 5;
const SQLITE_READONLY = 8;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;

/** Long enough that a retry does not hammer a backend that needs a person. */
const RETRY_AFTER_MS = 1_000;

const MEANINGS: ReadonlyMap<number, string> = new Map([
  [SQLITE_BUSY, 'the database is locked by another process'],
  [SQLITE_READONLY, 'the database cannot be written'],
  [SQLITE_IOERR, 'the disk failed'],
  [SQLITE_CORRUPT, 'the database is damaged'],
  [SQLITE_FULL, 'the disk is full'],
  [SQLITE_CANTOPEN, 'the database cannot be opened'],
  [SQLITE_NOTADB, 'the file is not a database'],
]);

/** Of writing, of syncing a file and its folder, of cutting a file off: what was to be kept may not be. */
const FAILED_WRITES: ReadonlySet<number> = new Set([3, 4, 5, 6].map((detail) => SQLITE_IOERR | (detail << 8)));

/** The primary result code, or null where the error is not SQLite's. */
export function sqliteCode(error: unknown): number | null {
  const code = extendedCode(error);
  return code === null ? null : code & 0xff;
}

/** The disk failed in the middle of writing; not that it is full, which takes nothing. */
export function isFailedWrite(error: unknown): boolean {
  return FAILED_WRITES.has(extendedCode(error) ?? 0);
}

export function isFull(error: unknown): boolean {
  return sqliteCode(error) === SQLITE_FULL;
}

function extendedCode(error: unknown): number | null {
  if (!(error instanceof Error) || (error as { code?: unknown }).code !== 'ERR_SQLITE_ERROR') return null;
  const { errcode } = error as { errcode?: unknown };
  return typeof errcode === 'number' ? errcode : null;
}

/** Something in the database is not what was written there. */
export class DamageError extends Error {}

/** All JSON that is parsed in the store's thread, and all numbers that are read there, are the database's own. */
export function isDamage(error: unknown): error is Error {
  if (error instanceof DamageError || error instanceof SyntaxError || isNoNumber(error)) return true;
  const code = sqliteCode(error);
  return code === SQLITE_CORRUPT || code === SQLITE_NOTADB;
}

/** SQLite's integers are longer than JavaScript's, and none that was written is. */
function isNoNumber(error: unknown): error is Error {
  return error instanceof RangeError && error.message.startsWith('Value is too large to be represented');
}

/** Of files that are read beside the database. */
const FILE_MEANINGS: ReadonlyMap<unknown, string> = new Map([
  ['EIO', 'the disk failed'],
  ['ENOSPC', 'the disk is full'],
  ['EMFILE', 'too many files are open'],
]);

/** In words; undefined where the error is not SQLite's, or none of an operator's. */
export function meaningOf(error: unknown): string | undefined {
  const code = sqliteCode(error) ?? (isDamage(error) ? SQLITE_CORRUPT : null);
  return code === null ? undefined : MEANINGS.get(code);
}

/** `STORE_UNAVAILABLE` where the disk or the file is at fault, else as `toCodedError`. */
export function toStoreError(error: unknown): CodedError {
  const meaning = meaningOf(error) ?? FILE_MEANINGS.get((error as { code?: unknown } | null)?.code);
  if (meaning === undefined) return toCodedError(error);
  return new CodedError('STORE_UNAVAILABLE', `the store cannot answer: ${meaning}`, {
    retryAfterMs: RETRY_AFTER_MS,
    cause: error,
  });
}
