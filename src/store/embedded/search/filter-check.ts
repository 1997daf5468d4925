// A search's filter, answered for one document at a time while few are asked about, and for all of the
// level at once as soon as that is cheaper. Documents of other levels (neighbours) are looked at one by one.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Filter, JsonObject } from '../../../base/context.ts';
import { type FilterSubject, matchesFilter } from '../../filter.ts';
import type { DocumentTable } from '../memory/document-table.ts';
import { filterToSql } from '../database/filter-sql.ts';
import { levelName, type LevelNumber } from '../database/rows.ts';

const UNKNOWN = 0;
const PASSES = 1;
const FAILS = 2;
/** Single looks before all rows of the level are asked in one query, at least. */
const SINGLE_LOOKS_MIN = 256;
/** One look costs about what four rows of the whole query cost. */
const LOOKS_PER_ROW = 1 / 4;

export class FilterReader {
  readonly #database: DatabaseSync;
  readonly #subject: StatementSync;

  constructor(database: DatabaseSync) {
    this.#database = database;
    this.#subject = database.prepare(`SELECT agent_id, session_id, level, created_at, updated_at, tags, metadata
      FROM contexts WHERE seq = ?`);
    this.#subject.setReturnArrays(true);
  }

  subject(seq: number): FilterSubject | null {
    const row = this.#subject.get(seq) as unknown as [string, string | null, number, number, number, string, string] | undefined;
    if (row === undefined) return null;
    return {
      agentId: row[0],
      sessionId: row[1],
      level: levelName(row[2]),
      createdAtMs: row[3],
      updatedAtMs: row[4],
      tags: JSON.parse(row[5]) as string[],
      metadata: JSON.parse(row[6]) as JsonObject,
    };
  }

  /** Entries of the level's contexts that pass. */
  *matching(spaceId: number, level: LevelNumber, filter: Filter): Iterable<number> {
    const condition = filterToSql(filter);
    const statement = this.#database.prepare(
      `SELECT c.entry FROM contexts AS c WHERE c.namespace_id = ? AND c.level = ? AND ${condition.sql}`,
    );
    statement.setReturnArrays(true);
    const found = statement.iterate(spaceId, level, ...condition.parameters) as unknown as Iterable<[number]>;
    for (const [entry] of found) yield entry;
  }
}

export class FilterCheck {
  readonly #reader: FilterReader;
  readonly #documents: DocumentTable;
  readonly #spaceId: number;
  readonly #level: LevelNumber;
  readonly #filter: Filter;
  readonly #known: Uint8Array;
  #looks = 0;
  readonly #looksMax: number;

  constructor(reader: FilterReader, documents: DocumentTable, spaceId: number, level: LevelNumber, levelCount: number, filter: Filter) {
    this.#reader = reader;
    this.#documents = documents;
    this.#spaceId = spaceId;
    this.#level = level;
    this.#filter = filter;
    this.#known = new Uint8Array(documents.count);
    this.#looksMax = Math.max(SINGLE_LOOKS_MIN, levelCount * LOOKS_PER_ROW);
  }

  passes(ordinal: number): boolean {
    const known = this.#known[ordinal];
    if (known !== UNKNOWN) return known === PASSES;
    const isOfLevel = this.#documents.levels[ordinal] === this.#level;
    if (isOfLevel && this.#looks++ >= this.#looksMax) return this.#askAll(ordinal);
    const subject = this.#reader.subject(this.#documents.seqs[ordinal] as number);
    const passes = subject !== null && matchesFilter(subject, this.#filter);
    this.#known[ordinal] = passes ? PASSES : FAILS;
    return passes;
  }

  #askAll(ordinal: number): boolean {
    const { levels } = this.#documents;
    for (let i = 0; i < levels.length && i < this.#known.length; i++) if (levels[i] === this.#level) this.#known[i] = FAILS;
    for (const entry of this.#reader.matching(this.#spaceId, this.#level, this.#filter)) {
      const found = this.#documents.ordinalOf(entry);
      if (found >= 0) this.#known[found] = PASSES;
    }
    return this.#known[ordinal] === PASSES;
  }
}
