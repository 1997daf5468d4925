// Access counts on their way to the database: summed up in memory, written with whatever commits next.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Effect } from './effects.ts';
import type { RecordRow } from '../border/rows.ts';
import type { Spaces } from './spaces.ts';

interface Pending {
  readonly namespace: string;
  readonly id: string;
  count: number;
}

/** Contexts with unwritten counts; past it the next batch commits even without a write. */
export const PENDING_ACCESSES_MAX = 10_000;

export const ADD_ACCESSES_SQL =
  'INSERT INTO accesses VALUES (?, ?) ON CONFLICT (seq) DO UPDATE SET count = count + excluded.count';

export class AccessCounts {
  readonly #spaces: Spaces;
  readonly #find: StatementSync;
  readonly #add: StatementSync;
  #pending = new Map<string, Pending>();
  /** Written by the open transaction; pending again if it is rolled back. */
  #writing: Map<string, Pending> | null = null;

  constructor(database: DatabaseSync, spaces: Spaces) {
    this.#spaces = spaces;
    this.#find = database.prepare('SELECT seq, entry FROM contexts WHERE namespace_id = ? AND id = ?');
    this.#add = database.prepare(ADD_ACCESSES_SQL);
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  touch(namespace: string, id: string, count: number): void {
    const key = `${namespace}\0${id}`;
    const pending = this.#pending.get(key);
    if (pending !== undefined) pending.count += count;
    // Where the disk refuses every commit, counts are what can be lost.
    else if (this.#pending.size < PENDING_ACCESSES_MAX * 2) this.#pending.set(key, { namespace, id, count });
  }

  /** Adds to rows just read what is on its way to them: a count that was handed over never steps back. */
  addTo(namespace: string, rows: readonly RecordRow[]): void {
    if (this.#pending.size === 0) return;
    for (const row of rows) {
      const pending = this.#pending.get(`${namespace}\0${row.id}`);
      if (pending !== undefined) row.accessCount += pending.count;
    }
  }

  /** Inside a transaction, which then must be told of by `committed` or `rolledBack`. */
  write(effects: Effect[]): void {
    if (this.#pending.size === 0) return;
    this.#writing = this.#pending;
    this.#pending = new Map();
    for (const { namespace, id, count } of this.#writing.values()) {
      const space = this.#spaces.get(namespace);
      const row = space && (this.#find.get(space.id, id) as { seq: number; entry: number } | undefined);
      if (space === undefined || row === undefined) continue;
      this.#add.run(row.seq, count);
      effects.push({ kind: 'access', spaceId: space.id, entry: row.entry, count });
    }
  }

  committed(): void {
    this.#writing = null;
  }

  rolledBack(): void {
    const lost = this.#writing;
    this.#writing = null;
    for (const { namespace, id, count } of lost?.values() ?? []) this.touch(namespace, id, count);
  }
}
