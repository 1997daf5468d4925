// Reads a namespace's rows into its index, in steps: many rows take long, and others are not to wait for them.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { ANALYZER_VERSION } from '../../../base/text/analyzer.ts';
import type { Document } from '../database/effects.ts';
import { inTransaction } from '../database/in-transaction.ts';
import type { HnswSegment } from '../hnsw/hnsw-segment.ts';
import type { Pace, Steps } from '../border/steps.ts';
import { LevelVectors } from './level-vectors.ts';
import { NamespaceIndex, type ReadVector, type ReadVectors } from './namespace-index.ts';
import { NamespaceLoading } from './namespace-loading.ts';
import { LEVEL_NUMBERS, type LevelNumber, type PackedRows } from '../border/rows.ts';
import { type StoredPassages, toNumbers } from '../database/stored-passages.ts';
import { DamageError, isDamage } from '../database/sqlite-errors.ts';
import { analyzed, asColumnsSay, storedColumns, type StoredRow, toStored } from '../database/stored-row.ts';
import {
  NO_CONTENTS,
  NO_TERMS,
  openContents,
  openVectors,
  sealedTerms,
  termsSum,
  type VectorTable,
} from '../database/sealed-values.ts';
import type { Sealer } from '../database/sealer.ts';

const DOCUMENTS_SQL = 'FROM contexts AS c INDEXED BY contexts_by_entry WHERE c.namespace_id = ? AND c.level = ?';
/** Rows between two looks at the time. */
const PACED = 32;

/** One value is not what was written: without it the rest is searched, and who asks for the store's health is to know. */
type OnDamage = (error: Error) => void;
type TextValues = [text: string, metadata: string, stored: Uint8Array | null, namespaceId: number, id: string];
type VectorValues = [entry: number, vectors: Uint8Array, seq: number];
type MaybeVector = [entry: number, vector: Uint8Array | null, seq: number];

/** Of `SavedNamespaces`. */
interface SavedIndexes {
  restore(
    spaceId: number,
    loading: NamespaceLoading,
    read: (level: LevelNumber, entry: number) => Document | null,
  ): Steps<number | null>;
  isComplete(spaceId: number, index: NamespaceIndex): boolean;
}

export interface NamespaceLoaderDeps {
  readonly database: DatabaseSync;
  readonly passages: StoredPassages;
  readonly dimension: number;
  readonly sealer: Sealer | null;
  /** Of the steps in which namespaces are loaded. */
  readonly pace: Pace;
  readonly saved: SavedIndexes;
  readonly onDamage: OnDamage;
}

export class NamespaceLoader {
  readonly #database: DatabaseSync;
  readonly #dimension: number;
  readonly #setDerived: StatementSync;
  readonly #text: StatementSync;
  readonly #vector: StatementSync;
  readonly #vectors: StatementSync;
  /** One per level, because they run at the same time. */
  readonly #documents: readonly StatementSync[];
  readonly #byEntry: StatementSync;
  readonly #vectorsAfter: StatementSync;
  readonly #passagesAfter: StatementSync;
  readonly #passages: StoredPassages;
  readonly #sealer: Sealer | null;
  readonly #pace: Pace;
  readonly #saved: SavedIndexes;
  readonly #onDamage: OnDamage;

  constructor({ database, passages, dimension, sealer, pace, saved, onDamage }: NamespaceLoaderDeps) {
    this.#saved = saved;
    this.#pace = pace;
    this.#database = database;
    this.#passages = passages;
    this.#dimension = dimension;
    this.#sealer = sealer;
    this.#onDamage = onDamage;
    this.#setDerived = database.prepare(
      'UPDATE contexts SET terms = ?, traits = ?, analyzer = ?, sealed_terms = ?, terms_sum = ? WHERE seq = ?',
    );
    this.#text = arrays(database, 'SELECT text, metadata, sealed, namespace_id, id FROM contexts WHERE seq = ?');
    this.#vector = arrays(database, 'SELECT vector FROM vectors WHERE seq = ?');
    this.#vectors = arrays(
      database,
      'SELECT v.seq, v.vector FROM json_each(?) AS j CROSS JOIN vectors AS v ON v.seq = j.value',
    );
    this.#documents = LEVEL_NUMBERS.map(() =>
      arrays(database, `SELECT ${storedColumns(sealer)} ${DOCUMENTS_SQL} AND c.entry > ? ORDER BY c.entry`),
    );
    this.#byEntry = arrays(database, `SELECT ${storedColumns(sealer)} ${DOCUMENTS_SQL} AND c.entry = ?`);
    this.#vectorsAfter = arrays(
      database,
      `SELECT c.entry, v.vector, c.seq FROM contexts AS c INDEXED BY contexts_by_entry
      LEFT JOIN vectors AS v ON v.seq = c.seq WHERE c.namespace_id = ? AND c.level = ? AND c.entry > ? ORDER BY c.entry`,
    );
    this.#passagesAfter = arrays(
      database,
      `SELECT c.entry, p.vectors, p.seq FROM passages AS p CROSS JOIN contexts AS c ON c.seq = p.seq
      WHERE c.namespace_id = ? AND c.level = ? AND c.entry > ?`,
    );
  }

  readonly readVector: ReadVector = (seq) => {
    const row = this.#vector.get(seq) as unknown as [Uint8Array] | undefined;
    return row === undefined ? null : this.#numbers('vectors', seq, row[0]);
  };

  readonly readVectors: ReadVectors = (seqs, take) => {
    const places = new Map(seqs.map((seq, place) => [seq, place]));
    const rising = JSON.stringify([...places.keys()].sort((a, b) => a - b));
    for (const [seq, bytes] of this.#vectors.iterate(rising) as unknown as Iterable<[number, Uint8Array]>) {
      const numbers = this.#numbers('vectors', seq, bytes);
      if (numbers !== null) take(places.get(seq) as number, numbers);
    }
  };

  /** Documents and terms of all levels; vectors come with the first search that needs them. */
  begin(spaceId: number): NamespaceLoading {
    return new NamespaceLoading(this.#empty(), (loading) => this.#load(spaceId, loading));
  }

  #empty(): NamespaceIndex {
    return new NamespaceIndex(this.readVector, this.#passages);
  }

  *#load(spaceId: number, loading: NamespaceLoading): Steps<void> {
    const covered = yield* this.#saved.restore(spaceId, loading, (level, entry) =>
      this.#document(spaceId, level, entry),
    );
    if (covered === null) loading.restart(this.#empty());
    yield* this.#readRows(spaceId, loading.index, covered ?? 0);
    if (covered === null || this.#saved.isComplete(spaceId, loading.index)) return;
    loading.restart(this.#empty());
    yield* this.#readRows(spaceId, loading.index, 0);
  }

  /** Each piece tells what is stored then; what changes between two of them the loading is told. */
  *#readRows(spaceId: number, index: NamespaceIndex, covered: number): Steps<void> {
    for (let after = covered, isCut = true; isCut; ) {
      isCut = false;
      let read = 0;
      const outdated: Document[] = [];
      const levels = LEVEL_NUMBERS.map((level) => this.#documentsOf(spaceId, level, after, outdated));
      for (const document of mergedByEntry(levels)) {
        index.add(document, null, null);
        after = document.entry;
        isCut = ++read % PACED === 0 && this.#pace.isOver;
        if (isCut) break;
      }
      if (outdated.length > 0) this.#saveDerived(spaceId, outdated);
      if (isCut) yield;
    }
  }

  /** So that the next start need not analyse these texts again. Where the disk is full it will. */
  #saveDerived(spaceId: number, documents: readonly Document[]): void {
    try {
      inTransaction(this.#database, () => {
        for (const document of documents) {
          const { seq, id } = document;
          const { terms, traits } = this.#sealer === null ? document : NO_TERMS;
          const sealed = sealedTerms(this.#sealer, { seq, namespaceId: spaceId, id }, document);
          const sum = termsSum(this.#sealer, document);
          this.#setDerived.run(terms, traits, ANALYZER_VERSION, sealed, sum, seq);
        }
      });
    } catch {
      // They are in memory.
    }
  }

  /** The level's vectors, all of them or those that `segments` do not cover. */
  loadVectors(
    spaceId: number,
    index: NamespaceIndex,
    level: LevelNumber,
    segments: readonly HnswSegment[],
  ): LevelVectors {
    const vectors = new LevelVectors(level, index.documents, this.#dimension);
    if (segments.length > 0 && !vectors.adopt(segments)) for (const segment of segments) segment.close();
    const rows = this.#vectorsAfter.iterate(spaceId, level, vectors.covered) as unknown as Iterable<MaybeVector>;
    for (const [entry, bytes, seq] of rows) {
      const ordinal = index.documents.ordinalOf(entry);
      // Each context has one, also where its text is not embedded.
      if (ordinal >= 0 && bytes === null)
        this.#onDamage(new DamageError(`row ${seq} of the database has lost its vector`));
      const numbers = ordinal < 0 || bytes === null ? null : this.#numbers('vectors', seq, bytes);
      if (numbers !== null) vectors.add(ordinal, numbers, null);
    }
    if (!this.#passages.isEmpty) this.#loadPassages(spaceId, index, level, vectors);
    return vectors;
  }

  #loadPassages(spaceId: number, index: NamespaceIndex, level: LevelNumber, vectors: LevelVectors): void {
    const rows = this.#passagesAfter.iterate(spaceId, level, vectors.covered) as unknown as Iterable<VectorValues>;
    for (const [entry, bytes, seq] of rows) {
      const ordinal = index.documents.ordinalOf(entry);
      const numbers = ordinal < 0 ? null : this.#numbers('passages', seq, bytes);
      if (numbers !== null) vectors.addPassages(ordinal, numbers);
    }
  }

  /** null: it is not what was written. The others are searched without it. */
  #numbers(table: VectorTable, seq: number, bytes: Uint8Array): Float32Array | null {
    try {
      const numbers = toNumbers(openVectors(this.#sealer, table, seq, bytes));
      if (numbers.length > 0 && numbers.length % this.#dimension === 0) return numbers;
      throw new DamageError(`${table} of row ${seq} of the database are of another length`);
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#onDamage(error);
      return null;
    }
  }

  /** null: it is gone. */
  #document(spaceId: number, level: LevelNumber, entry: number): Document | null {
    const values = this.#byEntry.get(spaceId, level, entry) as unknown as PackedRows | undefined;
    return values === undefined ? null : analyzed(this.#stored(values));
  }

  #stored(values: PackedRows): StoredRow {
    try {
      return toStored(values, this.#sealer);
    } catch (error) {
      if (!isDamage(error)) throw error;
      this.#onDamage(error);
      const row = asColumnsSay(values);
      // What was made of a text is made of it again; of what is sealed the text would have to be opened.
      return this.#sealer === null ? { ...row, ...this.#oldOf(row.seq) } : row;
    }
  }

  #oldOf(seq: number): Pick<StoredRow, 'oldText' | 'oldMetadata'> {
    const [text, metadata, stored, namespaceId, id] = this.#text.get(seq) as unknown as TextValues;
    const contents = openContents(null, { seq, namespaceId, id }, stored, { ...NO_CONTENTS, text, metadata });
    return { oldText: contents.text, oldMetadata: contents.metadata };
  }

  *#documentsOf(spaceId: number, level: LevelNumber, after: number, outdated: Document[]): Generator<Document> {
    const statement = this.#documents[level - 1] as StatementSync;
    for (const values of statement.iterate(spaceId, level, after) as unknown as Iterable<PackedRows>) {
      const row = this.#stored(values);
      const document = analyzed(row);
      if (document !== row) outdated.push(document);
      yield document;
    }
  }
}

/** Ordinals rise with entries over all levels. */
function* mergedByEntry(sources: readonly Generator<Document>[]): Generator<Document> {
  try {
    const heads = sources.map((source) => ({ source, next: source.next() }));
    for (;;) {
      let lowest: (typeof heads)[number] | undefined;
      for (const head of heads) {
        if (head.next.done === true) continue;
        if (lowest === undefined || head.next.value.entry < (lowest.next.value as Document).entry) lowest = head;
      }
      if (lowest === undefined) return;
      yield lowest.next.value as Document;
      lowest.next = lowest.source.next();
    }
  } finally {
    // Who takes no more of them leaves no statement open.
    for (const source of sources) source.return(undefined);
  }
}

function arrays(database: DatabaseSync, sql: string): StatementSync {
  const statement = database.prepare(sql);
  statement.setReturnArrays(true);
  return statement;
}
