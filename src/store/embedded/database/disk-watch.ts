// Whether the disk keeps what it is given. After a sync that failed the system may drop the pages that were to be written and
// let the next sync succeed without them (Rebello et al., "Can Applications Recover from fsync Failures?", ATC 2020; PostgreSQL
// stops for it). SQLite begins its log anew where a commit failed, so nothing that was acknowledged depends on such a page; but a
// disk that has failed once is not believed on its word. No write is taken until all that the log holds is in the database and
// synced there, and a commit that matters to nobody has gone through.

import type { Clock } from '../../../base/clock.ts';
import { CodedError } from '../../../base/errors.ts';
import type { WorkerLog } from '../border/worker-log.ts';
import type { OpenDatabase } from './database.ts';
import { inTransaction } from './in-transaction.ts';
import { isFailedWrite, isFull, meaningOf } from './sqlite-errors.ts';
import { WriteAheadLog } from './write-ahead-log.ts';

/** Somebody has to put the folder back. */
const LOST_RETRY_MS = 5_000;
/** So often a disk that failed is tried, as long as somebody asks. */
const TRIAL_INTERVAL_MS = 1_000;

/** A value that is another each time: SQLite writes nothing where nothing changes. */
const TRIAL =
  "INSERT INTO meta (key, value) VALUES ('disk_trial', '1') ON CONFLICT (key) DO UPDATE SET value = CAST(value + 1 AS TEXT)";
/** Room for some texts; given back at once. */
const LARGE_TRIAL = "INSERT OR REPLACE INTO meta (key, value) VALUES ('disk_room', hex(randomblob(65536)))";
const TRIED = "DELETE FROM meta WHERE key = 'disk_room'";

export class DiskWatch {
  readonly #opened: OpenDatabase;
  readonly #log: WorkerLog;
  readonly #clock: Clock;
  readonly #writeAhead: WriteAheadLog;
  /** What the disk failed with; null: it is trusted. */
  #failure: unknown = null;
  /** The last commit found no room. */
  #isFull = false;
  #nextTrialMs = -Infinity;

  constructor(opened: OpenDatabase, log: WorkerLog, clock: Clock) {
    this.#opened = opened;
    this.#log = log;
    this.#clock = clock;
    this.#writeAhead = new WriteAheadLog(opened.database);
  }

  /**
   * Any error of the database, outside a transaction: those of a disk that does not keep what it is given stop writes. One that is
   * full may have room for the next one, which is tried.
   */
  tell(error: unknown): void {
    if (isFull(error)) this.#isFull = true;
    if (!isFull(error) && !isFailedWrite(error)) return;
    this.#nextTrialMs = this.#clock.monotonicMs() + TRIAL_INTERVAL_MS;
    if (isFull(error)) return;
    this.#voidFailed();
    if (this.#failure === null) {
      this.#log.error({ err: error }, 'the disk failed to keep what was written: no writes are taken until it does');
    }
    this.#failure = error;
  }

  /** There was room. */
  committed(): void {
    this.#isFull = false;
  }

  /** Why nobody should be sent here who writes; null: anybody may. */
  ailment(): CodedError | null {
    return this.refusal() ?? this.#fullness();
  }

  /** Why nothing may be written and acknowledged; null where it may. Outside a transaction; a disk that failed is tried anew. */
  refusal(): CodedError | null {
    return this.lost() ?? this.#distrust();
  }

  /** What is written to a file that is no longer in its place is gone with the process, so it is not acknowledged. */
  lost(): CodedError | null {
    const path = this.#opened.files.missing();
    if (path === null) return null;
    const message = 'the store cannot answer: its data folder was removed or replaced';
    return new CodedError('STORE_UNAVAILABLE', message, { retryAfterMs: LOST_RETRY_MS, cause: `${path} is gone` });
  }

  /** After a commit, when nobody waits for it. */
  tidyLog(): void {
    // While the disk is not trusted its trial does this.
    if (this.#failure === null) this.#tidy(() => this.#writeAhead.committed());
  }

  emptyLog(): void {
    this.#tidy(() => this.#writeAhead.empty());
  }

  #tidy(tidy: () => void): void {
    try {
      tidy();
    } catch (error) {
      // The log keeps what the main file could not take: nothing is lost, and the next one tries again.
      this.#log.warn({ err: error }, 'the write-ahead log could not be moved into the database');
      this.tell(error);
    }
  }

  #distrust(): CodedError | null {
    if (this.#failure === null) return null;
    if (this.#clock.monotonicMs() >= this.#nextTrialMs) this.#try();
    if (this.#failure === null) return null;
    const message = `the store takes no writes: ${meaningOf(this.#failure) ?? 'the disk failed'}, and is tried again`;
    return new CodedError('STORE_UNAVAILABLE', message, { retryAfterMs: TRIAL_INTERVAL_MS, cause: this.#failure });
  }

  /**
   * A commit whose sync failed may stand whole in the log, and after a kill it would be read from there, though its callers
   * were told that nothing was stored. Another one takes its place.
   */
  #voidFailed(): void {
    try {
      this.#commitTrial();
    } catch {
      // Its sync fails, too; what it wrote is in the log.
    }
  }

  #commitTrial(): void {
    const { database } = this.#opened;
    inTransaction(database, () => database.exec(TRIAL));
  }

  #fullness(): CodedError | null {
    if (this.#isFull && this.#clock.monotonicMs() >= this.#nextTrialMs) this.#tryForRoom();
    if (!this.#isFull) return null;
    const message = 'the store takes no writes: the disk is full';
    return new CodedError('STORE_UNAVAILABLE', message, { retryAfterMs: TRIAL_INTERVAL_MS });
  }

  #tryForRoom(): void {
    this.#nextTrialMs = this.#clock.monotonicMs() + TRIAL_INTERVAL_MS;
    const { database } = this.#opened;
    try {
      inTransaction(database, () => database.exec(LARGE_TRIAL));
      this.#isFull = false;
      inTransaction(database, () => database.exec(TRIED));
    } catch (error) {
      this.tell(error);
    }
  }

  #try(): void {
    this.#nextTrialMs = this.#clock.monotonicMs() + TRIAL_INTERVAL_MS;
    try {
      // Readers hold it up for a moment at most: then it is not whole, and the next trial comes.
      if (!this.#writeAhead.moveAll()) return;
      this.#commitTrial();
      this.#failure = null;
      this.#log.warn({}, 'the disk keeps what is written again: writes are taken');
    } catch (error) {
      if (isFailedWrite(error)) this.#failure = error;
    }
  }
}
