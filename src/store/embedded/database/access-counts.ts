// Access counts on their way to the database: summed up in memory, written with whatever commits next.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { CountsByContext } from '../../../base/counts-by-context.ts';
import type { Effect } from './effects.ts';
import type { RecordRow } from '../border/rows.ts';
import type { Spaces } from './spaces.ts';

/** Contexts with unwritten counts; past it the next batch commits even without a write. */
export const PENDING_ACCESSES_MAX = 10_000;

export const ADD_ACCESSES_SQL =
  'INSERT INTO accesses VALUES (?, ?) ON CONFLICT (seq) DO UPDATE SET count = count + excluded.count';

export class AccessCounts {
  readonly #spaces: Spaces;
  readonly #find: StatementSync;
  readonly #add: StatementSync;
  #pending = new CountsByContext();
  /** Written by the open transaction; pending again if it is rolled back. */
  #writing: CountsByContext | null = null;

  constructor(database: DatabaseSync, spaces: Spaces) {
    this.#spaces = spaces;
    this.#find = database.prepare('SELECT seq, entry FROM contexts WHERE namespace_id = ? AND id = ?');
    this.#add = database.prepare(ADD_ACCESSES_SQL);
  }

  get pendingCount(): number {
    return this.#pending.size;
  }

  touch(namespace: string, id: string, count: number): void {
    // Where the disk refuses every commit, counts are what can be lost.
    this.#pending.add(namespace, id, count, PENDING_ACCESSES_MAX * 2);
  }

  /** Adds to rows just read what is on its way to them: a count that was handed over never steps back. */
  addTo(namespace: string, rows: readonly RecordRow[]): void {
    const pending = this.#pending.of(namespace);
    if (pending !== undefined) for (const row of rows) row.accessCount += pending.get(row.id) ?? 0;
  }

  /** Inside a transaction, which then must be told of by `committed` or `rolledBack`. */
  write(effects: Effect[]): void {
    if (this.#pending.size === 0) return;
    this.#writing = this.#pending;
    this.#pending = new CountsByContext();
    for (const { namespace, id, count } of this.#writing.list()) {
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
    for (const { namespace, id, count } of lost?.list() ?? []) this.touch(namespace, id, count);
  }
}
