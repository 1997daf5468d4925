// A search's filter, answered from the values in memory. What is not there yet is read document by document
// while few are asked about, and for the whole level as soon as that is cheaper.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Filter, JsonObject, JsonValue } from '../../../base/context.ts';
import { parseJson } from '../../../base/json.ts';
import { type FieldReader, fieldReader, FilterProgram, type ReadField } from '../../filter-match.ts';
import { levelName, type LevelNumber } from '../border/rows.ts';
import type { DocumentTable } from '../memory/document-table.ts';
import type { FieldColumn } from '../memory/field-columns.ts';
import type { NamespaceIndex } from '../memory/namespace-index.ts';

const UNKNOWN = 0;
const PASSES = 1;
const FAILS = 2;
/** Single reads before all rows of the level are read at once, at least. */
const SINGLE_READS_MIN = 256;
/** A single read costs about what three rows of the whole level cost. */
const READS_PER_ROW = 1 / 3;

/** A key that is read from the rows. */
interface StoredField {
  readonly column: FieldColumn;
  readonly read: FieldReader;
}

type SubjectRow = [entry: number, updatedAtMs: number, tags: string, metadata: string];

const SUBJECT_COLUMNS = 'c.entry, c.updated_at, c.tags, c.metadata';

/** Reads what filters ask about from the rows. */
export class FilterReader {
  readonly #one: StatementSync;
  readonly #level: StatementSync;

  constructor(database: DatabaseSync) {
    this.#one = database.prepare(`SELECT ${SUBJECT_COLUMNS} FROM contexts AS c WHERE c.seq = ?`);
    this.#level = database.prepare(`SELECT ${SUBJECT_COLUMNS} FROM contexts AS c INDEXED BY contexts_by_entry
      WHERE c.namespace_id = ? AND c.level = ?`);
    for (const statement of [this.#one, this.#level]) statement.setReturnArrays(true);
  }

  one(seq: number): SubjectRow | undefined {
    return this.#one.get(seq) as unknown as SubjectRow | undefined;
  }

  level(spaceId: number, level: LevelNumber): Iterable<SubjectRow> {
    return this.#level.iterate(spaceId, level) as unknown as Iterable<SubjectRow>;
  }
}

export class FilterCheck {
  readonly #reader: FilterReader;
  readonly #documents: DocumentTable;
  readonly #spaceId: number;
  readonly #level: LevelNumber;
  readonly #program: FilterProgram;
  /** Of the keys whose values are not in the document table. */
  readonly #columns: readonly StoredField[];
  /** By place of the program's keys. */
  readonly #values: readonly ((ordinal: number) => JsonValue | undefined)[];
  readonly #known: Uint8Array;
  readonly #readsMax: number;
  #reads = 0;

  constructor(reader: FilterReader, index: NamespaceIndex, spaceId: number, level: LevelNumber, filter: Filter) {
    this.#reader = reader;
    this.#documents = index.documents;
    this.#spaceId = spaceId;
    this.#level = level;
    this.#program = new FilterProgram(filter);
    const columns: StoredField[] = [];
    this.#values = this.#program.keys.map((key) => {
      const known = this.#inTable(key);
      if (known !== null) return known;
      const column = index.fields.use(key);
      columns.push({ column, read: fieldReader(key) });
      return (ordinal) => {
        if (!column.isRead(ordinal)) this.#read(ordinal);
        return column.value(ordinal);
      };
    });
    this.#columns = columns;
    this.#known = new Uint8Array(index.documents.count);
    this.#readsMax = Math.max(SINGLE_READS_MIN, index.lexical(level).documentCount * READS_PER_ROW);
  }

  passes(ordinal: number): boolean {
    const known = this.#known[ordinal];
    if (known !== UNKNOWN) return known === PASSES;
    const read: ReadField = (place) => (this.#values[place] as (ordinal: number) => JsonValue | undefined)(ordinal);
    const passes = this.#program.passes(read);
    this.#known[ordinal] = passes ? PASSES : FAILS;
    return passes;
  }

  /** null: the document table does not have it. */
  #inTable(key: string): ((ordinal: number) => JsonValue) | null {
    const documents = this.#documents;
    switch (key) {
      case 'created_at':
        return (ordinal) => documents.createdAtMs[ordinal] as number;
      case 'agent_id':
        return (ordinal) => documents.ownerOf(ordinal).agentId;
      case 'session_id':
        return (ordinal) => documents.ownerOf(ordinal).sessionId;
      case 'level':
        return (ordinal) => levelName(documents.levels[ordinal] as number);
      default:
        return null;
    }
  }

  #read(ordinal: number): void {
    if (this.#documents.levels[ordinal] === this.#level && this.#reads++ >= this.#readsMax) {
      for (const row of this.#reader.level(this.#spaceId, this.#level))
        this.#keep(this.#documents.ordinalOf(row[0]), row);
    } else {
      const row = this.#reader.one(this.#documents.seqs[ordinal] as number);
      if (row !== undefined) this.#keep(ordinal, row);
    }
  }

  #keep(ordinal: number, [, updatedAtMs, tags, metadata]: SubjectRow): void {
    if (ordinal < 0) return;
    const fields = { updatedAtMs, tags: JSON.parse(tags) as string[], metadata: parseJson(metadata) as JsonObject };
    for (const { column, read } of this.#columns) {
      if (!column.isRead(ordinal)) column.set(ordinal, read(fields));
    }
  }
}
