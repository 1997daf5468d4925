// Which namespaces' indexes are saved, in which file, and which contexts have changed since. Triggers note the changes,
// whoever makes them and in the same transaction, so that after a kill a file is either made good or not used.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { inTransaction } from './in-transaction.ts';

/** For a migration. `covered`: entries up to it are in the file, or will be in the one that is being written; `file`: NULL while there is none. */
export const SAVED_NAMESPACES = `
  CREATE TABLE saved_namespaces (namespace_id INTEGER PRIMARY KEY, covered INTEGER NOT NULL, file TEXT) STRICT;
  CREATE TABLE changed_entries (
    namespace_id INTEGER NOT NULL,
    entry INTEGER NOT NULL,
    is_old INTEGER NOT NULL,
    PRIMARY KEY (namespace_id, entry, is_old)
  ) STRICT, WITHOUT ROWID;
`;

const EVENTS = ['UPDATE', 'DELETE'] as const;

/** Only where something is saved: a trigger costs each change of a context some microseconds. */
function triggerOn(event: (typeof EVENTS)[number]): string {
  return `CREATE TRIGGER IF NOT EXISTS ${nameOf(event)} AFTER ${event} ON contexts
    WHEN EXISTS (SELECT 1 FROM saved_namespaces AS s WHERE s.namespace_id = OLD.namespace_id AND s.covered >= OLD.entry)
    BEGIN
      INSERT OR IGNORE INTO changed_entries VALUES (OLD.namespace_id, OLD.entry, 0);
    END;`;
}

function nameOf(event: (typeof EVENTS)[number]): string {
  return `contexts_noted_after_${event.toLowerCase()}`;
}

export interface SavedRow {
  readonly spaceId: number;
  /** null: none was ever finished. */
  readonly file: string | null;
}

export class SavedTable {
  readonly #database: DatabaseSync;
  readonly #all: StatementSync;
  readonly #age: StatementSync;
  readonly #begin: StatementSync;
  readonly #finish: StatementSync;
  readonly #forgetOld: StatementSync;
  readonly #forget: StatementSync;
  readonly #forgetChanges: StatementSync;
  readonly #changed: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#all = database.prepare('SELECT namespace_id AS spaceId, file FROM saved_namespaces');
    this.#age = database.prepare('UPDATE OR REPLACE changed_entries SET is_old = 1 WHERE namespace_id = ?');
    this.#begin = database.prepare(`INSERT INTO saved_namespaces VALUES (?, ?, NULL)
      ON CONFLICT (namespace_id) DO UPDATE SET covered = excluded.covered`);
    this.#finish = database.prepare('UPDATE saved_namespaces SET file = ? WHERE namespace_id = ?');
    this.#forgetOld = database.prepare('DELETE FROM changed_entries WHERE namespace_id = ? AND is_old = 1');
    this.#forget = database.prepare('DELETE FROM saved_namespaces WHERE namespace_id = ?');
    this.#forgetChanges = database.prepare('DELETE FROM changed_entries WHERE namespace_id = ?');
    this.#changed = database.prepare(
      'SELECT DISTINCT entry FROM changed_entries WHERE namespace_id = ? AND entry > ? ORDER BY entry LIMIT ?',
    );
    this.#changed.setReturnArrays(true);
  }

  all(): SavedRow[] {
    return this.#all.all() as unknown as SavedRow[];
  }

  /** A file is about to be written of what is stored now, up to the entry `covered`: what changes from here on is noted beside what changed before. */
  begin(spaceId: number, covered: number): void {
    inTransaction(this.#database, () => {
      for (const event of EVENTS) this.#database.exec(triggerOn(event));
      this.#age.run(spaceId);
      this.#begin.run(spaceId, covered);
    });
  }

  /** The file is on the disk and takes the place of the one before: what changed before it was begun is in it. */
  finish(spaceId: number, file: string): void {
    inTransaction(this.#database, () => {
      this.#finish.run(file, spaceId);
      this.#forgetOld.run(spaceId);
    });
  }

  forget(spaceId: number): void {
    inTransaction(this.#database, () => {
      this.#forget.run(spaceId);
      this.#forgetChanges.run(spaceId);
      if (this.all().length > 0) return;
      for (const event of EVENTS) this.#database.exec(`DROP TRIGGER IF EXISTS ${nameOf(event)}`);
    });
  }

  /** Rising, so many at most, of those behind `after`. */
  changed(spaceId: number, after: number, limit: number): number[] {
    return (this.#changed.all(spaceId, after, limit) as unknown as [number][]).map(([entry]) => entry);
  }
}
