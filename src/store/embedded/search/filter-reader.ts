// Reads what filters ask about from the rows.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { LevelNumber } from '../border/rows.ts';

export type SubjectRow = readonly [entry: number, updatedAtMs: number, tags: string, metadata: string];

/** To pass over a row costs about a third of finding another one. */
const PASSED_OVER_MAX = 3;
const SUBJECT_COLUMNS = 'c.entry, c.updated_at, c.tags, c.metadata';

export class FilterReader {
  readonly #one: StatementSync;
  readonly #level: StatementSync;

  constructor(database: DatabaseSync) {
    this.#one = database.prepare(`SELECT ${SUBJECT_COLUMNS} FROM contexts AS c WHERE c.seq = ?`);
    this.#level = database.prepare(`SELECT ${SUBJECT_COLUMNS} FROM contexts AS c INDEXED BY contexts_by_entry
      WHERE c.namespace_id = ? AND c.level = ? AND c.entry >= ? ORDER BY c.entry`);
    for (const statement of [this.#one, this.#level]) statement.setReturnArrays(true);
  }

  one(seq: number): SubjectRow | undefined {
    return this.#one.get(seq) as unknown as SubjectRow | undefined;
  }

  /** One at a time. */
  rising(spaceId: number, level: LevelNumber): RisingRows {
    return new RisingRows((entry) => {
      const rows = this.#level.iterate(spaceId, level, entry);
      return rows[Symbol.iterator]() as unknown as Iterator<SubjectRow>;
    });
  }
}

/** Rows of a level, asked for by rising entries: those that follow each other are read in one go. */
export class RisingRows {
  readonly #open: (entry: number) => Iterator<SubjectRow>;
  #rows: Iterator<SubjectRow> | null = null;

  constructor(open: (entry: number) => Iterator<SubjectRow>) {
    this.#open = open;
  }

  at(entry: number): SubjectRow | undefined {
    for (let passedOver = 0; passedOver <= PASSED_OVER_MAX; passedOver++) {
      const row = this.#next();
      if (row === undefined || row[0] > entry) break;
      if (row[0] === entry) return row;
    }
    this.close();
    this.#rows = this.#open(entry);
    const row = this.#next();
    return row?.[0] === entry ? row : undefined;
  }

  /** To be called before others have their turn; it may go on after. */
  close(): void {
    this.#rows?.return?.();
    this.#rows = null;
  }

  #next(): SubjectRow | undefined {
    if (this.#rows === null) return undefined;
    const next = this.#rows.next();
    return next.done === true ? undefined : next.value;
  }
}
