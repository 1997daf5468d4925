// Access counts on their way to the database: summed up in memory, written with whatever commits next.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { CountsByContext } from '../../../base/counts-by-context.ts';
import type { Effect } from './effects.ts';
import type { RecordRow } from '../border/rows.ts';
import type { Spaces } from './spaces.ts';

/**
 * Contexts whose counts one commit writes at most, in some milliseconds; where so many wait they are committed even without a write
 * of something else.
 */
export const ACCESSES_AT_ONCE = 1_000;
/** Where the disk refuses every commit, counts are what can be lost: no more contexts than these wait. */
const PENDING_MAX = 20_000;

export const ADD_ACCESSES_SQL =
  'INSERT INTO accesses VALUES (?, ?) ON CONFLICT (seq) DO UPDATE SET count = count + excluded.count';

export class AccessCounts {
  readonly #spaces: Spaces;
  readonly #find: StatementSync;
  readonly #add: StatementSync;
  readonly #pending = new CountsByContext();
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
    this.#pending.add(namespace, id, count, PENDING_MAX);
  }

  /** Adds to rows just read what is on its way to them: a count that was handed over never steps back. */
  addTo(namespace: string, rows: readonly RecordRow[]): void {
    const pending = this.#pending.of(namespace);
    if (pending !== undefined) for (const row of rows) row.accessCount += pending.get(row.id) ?? 0;
  }

  /** Inside a transaction, which then must be told of by `committed` or `rolledBack`. */
  write(effects: Effect[]): void {
    if (this.#pending.size === 0) return;
    this.#writing = this.#pending.take(ACCESSES_AT_ONCE);
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
