// Many calls, one fsync: the writes that arrived while one commit ran share the next. A call that fails
// takes only itself back.

import type { DatabaseSync } from 'node:sqlite';
import type { AccessCounts } from './access-counts.ts';
import type { Effect } from './effects.ts';
import type { Sequence } from './sequence.ts';
import type { Spaces } from './spaces.ts';
import { isFailedWrite } from './sqlite-errors.ts';

/** Applies one call's operations, adding what they did to `effects`. */
export type WriteTask<T> = (effects: Effect[]) => T;

export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: unknown };

export interface Committed<T> {
  readonly outcomes: readonly Outcome<T>[];
  /** Of the calls that succeeded; empty where nothing was committed. */
  readonly effects: readonly Effect[];
  /** Why nothing was committed; null: it was. */
  readonly failure: unknown;
}

/** Writes that tasks put off to the end of the transaction, or of the part of it that can be taken back. */
export interface DeferredWrites {
  flush(effects: Effect[]): void;
  /** What was done since the transaction or its part began is rolled back. */
  discard(): void;
}

export class GroupCommit {
  readonly #database: DatabaseSync;
  readonly #spaces: Spaces;
  readonly #sequence: Sequence;
  readonly #accesses: AccessCounts;
  readonly #deferred: DeferredWrites;

  constructor(
    database: DatabaseSync,
    spaces: Spaces,
    sequence: Sequence,
    accesses: AccessCounts,
    deferred: DeferredWrites,
  ) {
    this.#database = database;
    this.#spaces = spaces;
    this.#sequence = sequence;
    this.#accesses = accesses;
    this.#deferred = deferred;
  }

  /** Number of the newest commit. */
  get lastCommit(): number {
    return this.#sequence.last;
  }

  /** Durable when it returns: COMMIT in WAL mode with `synchronous = FULL` has synced the log. */
  run<T>(tasks: readonly WriteTask<T>[]): Committed<T> {
    try {
      return this.#transaction((effects) => tasks.map((task) => ({ ok: true, value: task(effects) })));
    } catch (error) {
      // After a sync that failed the next one may succeed without what was to be synced: not to be tried at once.
      if (tasks.length <= 1 || isFailedWrite(error)) return failed(tasks, error);
    }
    // Savepoints cost something on every call, so they are used only once something went wrong.
    try {
      return this.#transaction((effects) => tasks.map((task) => this.#alone(task, effects)));
    } catch (error) {
      return failed(tasks, error);
    }
  }

  #transaction<T>(work: (effects: Effect[]) => Outcome<T>[]): Committed<T> {
    const effects: Effect[] = [];
    try {
      this.#database.exec('BEGIN IMMEDIATE');
      this.#accesses.write(effects);
      const outcomes = work(effects);
      this.#deferred.flush(effects);
      // Every commit of calls has a number of its own, by which the next start knows whether it is still there.
      if (outcomes.length > 0) this.#sequence.next();
      this.#sequence.save();
      this.#database.exec('COMMIT');
      this.#spaces.committed();
      this.#sequence.committed();
      this.#accesses.committed();
      return { outcomes, effects, failure: null };
    } catch (error) {
      this.#rollBack();
      throw error;
    }
  }

  #alone<T>(task: WriteTask<T>, effects: Effect[]): Outcome<T> {
    const effectsBefore = effects.length;
    const spacesBefore = this.#spaces.mark();
    this.#database.exec('SAVEPOINT one_call');
    try {
      const value = task(effects);
      this.#deferred.flush(effects);
      this.#database.exec('RELEASE one_call');
      return { ok: true, value };
    } catch (error) {
      // A full or failing disk makes SQLite roll back everything: then no call of the group succeeded.
      if (!this.#database.isTransaction) throw error;
      this.#database.exec('ROLLBACK TO one_call');
      this.#database.exec('RELEASE one_call');
      effects.length = effectsBefore;
      this.#spaces.rolledBackTo(spacesBefore);
      this.#deferred.discard();
      return { ok: false, error };
    }
  }

  #rollBack(): void {
    this.#spaces.rolledBackTo(0);
    this.#deferred.discard();
    this.#accesses.rolledBack();
    if (!this.#database.isTransaction) return;
    try {
      this.#database.exec('ROLLBACK');
    } catch {
      // The error that led here is the one to report; the next BEGIN fails where this one mattered.
    }
  }
}

function failed<T>(tasks: readonly unknown[], error: unknown): Committed<T> {
  return { outcomes: tasks.map(() => ({ ok: false, error })), effects: [], failure: error };
}
