// Reads what filters ask about from the rows.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { LevelNumber } from '../border/rows.ts';
import { openContents } from '../database/sealed-values.ts';
import type { Sealer } from '../database/sealer.ts';

export type SubjectRow = readonly [entry: number, updatedAtMs: number, tags: string, metadata: string];

/** To pass over a row costs about a third of finding another one. */
const PASSED_OVER_MAX = 3;
const SUBJECT_COLUMNS = 'c.entry, c.updated_at, c.tags, c.metadata';
const SEALED_COLUMNS = ', c.seq, c.namespace_id, c.id, c.sealed';

type SubjectValues = readonly [...SubjectRow, seq: number, namespaceId: number, id: string, sealed: Uint8Array | null];

export class FilterReader {
  readonly #one: StatementSync;
  readonly #level: StatementSync;
  readonly #sealer: Sealer | null;

  constructor(database: DatabaseSync, sealer: Sealer | null) {
    this.#sealer = sealer;
    const columns = sealer === null ? SUBJECT_COLUMNS : SUBJECT_COLUMNS + SEALED_COLUMNS;
    this.#one = database.prepare(`SELECT ${columns} FROM contexts AS c WHERE c.seq = ?`);
    this.#level = database.prepare(`SELECT ${columns} FROM contexts AS c INDEXED BY contexts_by_entry
      WHERE c.namespace_id = ? AND c.level = ? AND c.entry >= ? ORDER BY c.entry`);
    for (const statement of [this.#one, this.#level]) statement.setReturnArrays(true);
  }

  one(seq: number): SubjectRow | undefined {
    const values = this.#one.get(seq) as unknown as SubjectValues | undefined;
    return values && this.#opened(values);
  }

  /** One at a time. */
  rising(spaceId: number, level: LevelNumber): RisingRows {
    return new RisingRows((entry) => {
      const rows = this.#level.iterate(spaceId, level, entry);
      return rows[Symbol.iterator]() as unknown as Iterator<SubjectValues>;
    }, this.#opened);
  }

  readonly #opened = (values: SubjectValues): SubjectRow => {
    if (this.#sealer === null) return values as unknown as SubjectRow;
    const [entry, updatedAtMs, tags, metadata, seq, namespaceId, id, sealed] = values;
    const opened = openContents(this.#sealer, { seq, namespaceId, id }, sealed, { tags, metadata, text: '' });
    return [entry, updatedAtMs, opened.tags, opened.metadata];
  };
}

/** Rows of a level, asked for by rising entries: those that follow each other are read in one go. */
export class RisingRows {
  readonly #open: (entry: number) => Iterator<SubjectValues>;
  readonly #opened: (values: SubjectValues) => SubjectRow;
  #rows: Iterator<SubjectValues> | null = null;

  constructor(open: (entry: number) => Iterator<SubjectValues>, opened: (values: SubjectValues) => SubjectRow) {
    this.#open = open;
    this.#opened = opened;
  }

  at(entry: number): SubjectRow | undefined {
    for (let passedOver = 0; passedOver <= PASSED_OVER_MAX; passedOver++) {
      const row = this.#next();
      if (row === undefined || row[0] > entry) break;
      if (row[0] === entry) return this.#opened(row);
    }
    this.close();
    this.#rows = this.#open(entry);
    const row = this.#next();
    return row?.[0] === entry ? this.#opened(row) : undefined;
  }

  /** To be called before others have their turn; it may go on after. */
  close(): void {
    this.#rows?.return?.();
    this.#rows = null;
  }

  #next(): SubjectValues | undefined {
    if (this.#rows === null) return undefined;
    const next = this.#rows.next();
    return next.done === true ? undefined : next.value;
  }
}
