// A search's filter. What it says of a context is worked out once and known from then on, whatever level asks: from
// the values in memory, and from the row where they are not there.

import type { Filter, JsonObject, JsonValue } from '../../../base/context.ts';
import { parseJson } from '../../../base/json.ts';
import type { FilterSubject } from '../../filter.ts';
import { type FieldReader, fieldReader, FilterProgram, finite, type ReadField } from '../../filter-match.ts';
import { levelName, type LevelNumber } from '../border/rows.ts';
import type { Pace, Steps } from '../border/steps.ts';
import type { DocumentTable } from '../memory/document-table.ts';
import { COLUMNS_MAX, type FieldColumn } from '../memory/field-columns.ts';
import type { NamespaceIndex, OrdinalFollower } from '../memory/namespace-index.ts';
import type { FilterReader, SubjectRow } from './filter-reader.ts';

const UNKNOWN = 0;
const PASSES = 1;
const FAILS = 2;

/** Rough costs in nanoseconds: they say when to stop, never what passes. */
const DECISION_NS = 20;
const VALUE_NS = 15;
const STORED_VALUE_NS = 50;
const ITEM_NS = 3;
const READ_NS = 5_000;
const PARSED_CHAR_NS = 8;
const PASSED_OVER_NS = 5;

/** What a search's first attempt may spend on its filter: about a step's time. */
const ATTEMPT_NS = 4_000_000;
/** Between two looks at the clock. */
const PIECE_NS = 100_000;

/** Thrown through a search that cannot go on before more of its filter has been worked out. */
export const UNDECIDED = new Error('the filter is not worked out');

type Subject = Partial<FilterSubject>;
type RowOf = (ordinal: number) => SubjectRow | undefined;

export class FilterCheck implements OrdinalFollower {
  readonly #reader: FilterReader;
  readonly #index: NamespaceIndex;
  readonly #documents: DocumentTable;
  readonly #spaceId: number;
  readonly #program: FilterProgram;
  readonly #readers: readonly FieldReader[];
  readonly #needsTags: boolean;
  readonly #needsMetadata: boolean;
  /** By place of the program's keys; null: the document table does not have it. */
  readonly #inTable: readonly (((ordinal: number) => JsonValue) | null)[];
  /** Places of keys whose values are kept in memory once they have been read. */
  readonly #keptPlaces: readonly number[];
  /** By place; of others null. */
  readonly #columns: (FieldColumn | null)[];
  #known = new Uint8Array(0);
  readonly #failures = new Map<number, unknown>();
  #next = 0;
  #spentNs = 0;
  #allowedNs = Infinity;
  /** The one that is being worked out. */
  #ordinal = -1;
  #subject: Subject | null = null;
  #rowOf: RowOf;
  readonly #single: RowOf = (ordinal) => this.#reader.one(this.#documents.seqs[ordinal] as number);

  constructor(reader: FilterReader, index: NamespaceIndex, spaceId: number, filter: Filter) {
    this.#reader = reader;
    this.#index = index;
    this.#documents = index.documents;
    this.#spaceId = spaceId;
    this.#program = new FilterProgram(filter);
    const { keys } = this.#program;
    this.#readers = keys.map(fieldReader);
    this.#needsTags = keys.includes('tags');
    this.#needsMetadata = keys.some((key) => key.startsWith('metadata.'));
    this.#inTable = keys.map((key) => inTable(this.#documents, key));
    const stored = [...keys.keys()].filter((place) => this.#inTable[place] === null);
    // More than fit would push each other out, and what others ask for.
    this.#keptPlaces = stored.length > COLUMNS_MAX ? [] : stored;
    this.#columns = keys.map(() => null);
    this.#rowOf = this.#single;
  }

  /** Throws `UNDECIDED` where an attempt has asked too much, and what kept the level's rows from being read. */
  passes(ordinal: number): boolean {
    const known = this.#known[ordinal];
    if (known !== UNKNOWN) return known === PASSES;
    if (this.#spentNs >= this.#allowedNs) throw UNDECIDED;
    const level = this.#documents.levels[ordinal] as number;
    if (this.#failures.has(level)) throw this.#failures.get(level);
    return this.#decide(ordinal);
  }

  /**
   * `search` asks as it goes, which is least work where it asks about few. null: it was ended because it asked about
   * many; what it learned is known to the next attempt. Of several each may ask more than the one before it, so that
   * one comes to its end however much is changed between them.
   */
  attempt<T>(attempts: number, search: () => T): { readonly found: T } | null {
    this.#beginStep();
    this.#allowedNs = this.#spentNs + attempts * ATTEMPT_NS;
    try {
      return { found: search() };
    } catch (error) {
      if (error === UNDECIDED) return null;
      throw error;
    } finally {
      this.#allowedNs = Infinity;
    }
  }

  /** Works out all of a level that belong to the search. Rows that cannot be read fail what asks for them later. */
  *decideLevel(level: LevelNumber, belongs: (ordinal: number) => boolean, pace: Pace): Steps<void> {
    const rows = this.#reader.rising(this.#spaceId, level);
    const rowOf: RowOf = (ordinal) => rows.at(this.#documents.entries[ordinal] as number);
    try {
      for (this.#next = 0; this.#next < this.#documents.count; ) {
        this.#beginStep();
        this.#rowOf = rowOf;
        do this.#decidePiece(level, belongs);
        while (this.#next < this.#documents.count && !pace.isOver);
        this.#rowOf = this.#single;
        rows.close();
        if (pace.isOver) yield;
      }
    } catch (error) {
      this.#failures.set(level, error);
    } finally {
      this.#rowOf = this.#single;
      rows.close();
    }
  }

  forget(ordinal: number): void {
    if (ordinal < this.#known.length) this.#known[ordinal] = UNKNOWN;
  }

  renumber(moved: Uint32Array): void {
    const known = this.#known;
    this.#known = new Uint8Array(known.length);
    for (let ordinal = 0; ordinal < moved.length && ordinal < known.length; ordinal++) {
      const to = moved[ordinal] as number;
      if (to !== 0xffffffff) this.#known[to] = known[ordinal] as number;
    }
    this.#next = 0;
  }

  /** Since the last one documents may have come, and others' filters may have pushed out what this one reads. */
  #beginStep(): void {
    const { count } = this.#documents;
    if (this.#known.length < count) {
      const known = this.#known;
      this.#known = new Uint8Array(count);
      this.#known.set(known);
    }
    for (const place of this.#keptPlaces)
      this.#columns[place] = this.#index.fields.use(this.#program.keys[place] as string);
  }

  #decidePiece(level: LevelNumber, belongs: (ordinal: number) => boolean): void {
    const { levels, count } = this.#documents;
    const endNs = this.#spentNs + PIECE_NS;
    while (this.#next < count && this.#spentNs < endNs) {
      const ordinal = this.#next++;
      this.#spentNs += PASSED_OVER_NS;
      if (levels[ordinal] === level && this.#known[ordinal] === UNKNOWN && belongs(ordinal)) this.#decide(ordinal);
    }
  }

  #decide(ordinal: number): boolean {
    this.#ordinal = ordinal;
    this.#subject = null;
    this.#spentNs += DECISION_NS;
    const passes = this.#program.passes(this.#value);
    this.#known[ordinal] = passes ? PASSES : FAILS;
    return passes;
  }

  readonly #value: ReadField = (place) => {
    const value = this.#valueAt(place);
    if (Array.isArray(value)) this.#spentNs += value.length * ITEM_NS;
    return value;
  };

  #valueAt(place: number): JsonValue | undefined {
    const fromTable = this.#inTable[place] as ((ordinal: number) => JsonValue) | null;
    this.#spentNs += VALUE_NS;
    if (fromTable !== null) return fromTable(this.#ordinal);
    const column = this.#columns[place] as FieldColumn | null;
    if (column?.isRead(this.#ordinal) === true) return column.value(this.#ordinal);
    this.#spentNs += STORED_VALUE_NS;
    this.#subject ??= this.#readSubject();
    return (this.#readers[place] as FieldReader)(this.#subject);
  }

  #readSubject(): Subject {
    this.#spentNs += READ_NS;
    const row = this.#rowOf(this.#ordinal);
    if (row === undefined) return {};
    const [, updatedAtMs, tags, metadata] = row;
    if (this.#needsMetadata) this.#spentNs += metadata.length * PARSED_CHAR_NS;
    const subject: Subject = {
      updatedAtMs,
      tags: this.#needsTags ? (JSON.parse(tags) as string[]) : [],
      metadata: this.#needsMetadata ? (parseJson(metadata) as JsonObject) : {},
    };
    for (const place of this.#keptPlaces) {
      const column = this.#columns[place] as FieldColumn;
      if (!column.isRead(this.#ordinal)) column.set(this.#ordinal, (this.#readers[place] as FieldReader)(subject));
    }
    return subject;
  }
}

/** null: the document table does not have it. */
function inTable(documents: DocumentTable, key: string): ((ordinal: number) => JsonValue) | null {
  switch (key) {
    case 'created_at':
      return (ordinal) => documents.createdAtMs[ordinal] as number;
    case 'valid_from':
      return (ordinal) => documents.times.start(ordinal, documents.createdAtMs[ordinal] as number);
    case 'valid_until':
      return (ordinal) => finite(documents.times.end(ordinal));
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
