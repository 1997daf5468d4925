// A note beside the database of the last commit that was acknowledged. A log that was lost or damaged takes commits
// with it without a trace: SQLite reads it up to the first frame that does not fit and calls that the end. The note
// tells that there was more.

import { closeSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StartupError } from '../../../base/errors.ts';
import { DATABASE_FILE } from './data-folder.ts';

export const MARK_FILE = 'contexts.acknowledged';

const MARK_BYTES = 8;

/**
 * Holds the number of the newest commit (`Sequence.last`). It is written after each commit, without a sync: it outlives
 * a kill of the process, and after a power cut it may be older than the database, never newer.
 */
export class AcknowledgedMark {
  readonly #file: number;
  readonly #bytes = Buffer.alloc(MARK_BYTES);

  constructor(dataDir: string) {
    const path = join(dataDir, MARK_FILE);
    closeSync(openSync(path, 'a', 0o600));
    // In append mode every write would go to the end.
    this.#file = openSync(path, 'r+');
  }

  /** Where the disk refuses it the note stays older than the database, which harms nothing. */
  write(sequence: number): void {
    this.#bytes.writeBigUInt64BE(BigInt(sequence));
    try {
      writeSync(this.#file, this.#bytes, 0, MARK_BYTES, 0);
    } catch {
      // The commit itself is on disk: its calls succeeded.
    }
  }

  close(): void {
    closeSync(this.#file);
  }
}

/** Makes the note anew, on the disk, for a database that is put there. */
export function writeMark(dataDir: string, sequence: number): void {
  const bytes = Buffer.alloc(MARK_BYTES);
  bytes.writeBigUInt64BE(BigInt(sequence));
  writeFileSync(join(dataDir, MARK_FILE), bytes, { mode: 0o600, flush: true });
}

/** The number that was noted last; null where there is no note, or none that can be read. */
export function readMark(dataDir: string): number | null {
  let file: number;
  try {
    file = openSync(join(dataDir, MARK_FILE), 'r');
  } catch {
    return null;
  }
  try {
    const bytes = Buffer.alloc(MARK_BYTES);
    return readSync(file, bytes, 0, MARK_BYTES, 0) === MARK_BYTES ? Number(bytes.readBigUInt64BE()) : null;
  } finally {
    closeSync(file);
  }
}

/**
 * Throws `StartupError` where the database, with what its log still gives, is older than the last acknowledged commit.
 * It is opened for reading only, so that a log that is damaged stays as it is for whoever wants to look at it.
 */
export function refuseLostCommits(dataDir: string): void {
  const mark = readMark(dataDir);
  if (mark === null || mark === 0) return;
  const found = lastCommit(join(dataDir, DATABASE_FILE));
  if (found >= mark) return;
  throw new StartupError(
    `acknowledged writes are missing from ${join(dataDir, DATABASE_FILE)}: it ends at number ${found}, the last acknowledged one was ${mark}; its write-ahead log (-wal) was lost, damaged or belongs to another copy`,
    `Nothing was changed. Restore ${DATABASE_FILE} and ${DATABASE_FILE}-wal from a backup; or, to start with what is left, delete ${join(dataDir, MARK_FILE)} and start again.`,
  );
}

/** 0 where there is no database yet. */
function lastCommit(path: string): number {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const tables = database.prepare(`SELECT count(*) AS count FROM sqlite_schema WHERE name = 'sequence'`).get();
    if ((tables as { count: number }).count === 0) return 0;
    // One that is no number of JavaScript's is looked at later.
    const row = database.prepare(`SELECT min(last, ${Number.MAX_SAFE_INTEGER}) AS last FROM sequence`).get();
    return (row as { last: number }).last;
  } finally {
    database.close();
  }
}
