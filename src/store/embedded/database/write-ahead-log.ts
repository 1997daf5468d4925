// How long the write-ahead log becomes. SQLite writes it on from its start only once all of it is in the database and
// nobody reads it, so it is moved there after every few megabytes, between batches, when the replies have left.

import type { DatabaseSync, StatementSync } from 'node:sqlite';

/** Pages in the log after which it is moved into the database: a few milliseconds of work. */
const PAGES_MAX = 1_000;
/** What a commit of many long texts has made of the file is cut back to this when the log starts anew. */
const KEPT_BYTES = 16 * 1024 * 1024;
/** Older SQLites than 3.51 cannot tell how long the log is without moving it: they are asked every so many commits. */
const COMMITS_PER_LOOK = 64;

interface LogState {
  readonly busy: number;
  readonly log: number;
  readonly checkpointed: number;
}

export class WriteAheadLog {
  readonly #database: DatabaseSync;
  /** Pages in the log, and how many of them are in the database. */
  readonly #state: StatementSync;
  readonly #commitsPerLook: number;
  #commits = 0;
  /** A reader may hold a move up: the next one waits until there is as much again. */
  #nextMovePages = PAGES_MAX;

  constructor(database: DatabaseSync) {
    this.#database = database;
    database.exec(`PRAGMA journal_size_limit = ${KEPT_BYTES}`);
    this.#state = database.prepare('PRAGMA wal_checkpoint(NOOP)');
    const { version } = database.prepare('SELECT sqlite_version() AS version').get() as { version: string };
    const [major = 0, minor = 0] = version.split('.').map(Number);
    this.#commitsPerLook = major > 3 || (major === 3 && minor >= 51) ? 1 : COMMITS_PER_LOOK;
  }

  /** To be called after a commit, when nobody waits. Throws what SQLite says: then the log keeps it, and nothing is lost. */
  committed(): void {
    if (++this.#commits % this.#commitsPerLook !== 0) return;
    if (waiting(this.#state) < this.#nextMovePages) return;
    const left = waiting(this.#database.prepare('PRAGMA wal_checkpoint(PASSIVE)'));
    this.#nextMovePages = left + PAGES_MAX;
  }

  /** Moves and syncs all of it; false: a reader holds some of it up. Throws what SQLite says. */
  moveAll(): boolean {
    const { busy, log, checkpointed } = this.#database
      .prepare('PRAGMA wal_checkpoint(FULL)')
      .get() as unknown as LogState;
    return busy === 0 && log === checkpointed;
  }

  /** Moves all of it, and empties the file. */
  empty(): void {
    this.#database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  }
}

/** Pages that are not in the database yet. */
function waiting(statement: StatementSync): number {
  const { log, checkpointed } = statement.get() as unknown as LogState;
  return log - checkpointed;
}
