// The rows of a database, some at a time, as they are with another key. What cannot be opened or is not what was written
// stays so for whoever reads it: nothing is made whole by sealing it.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { ANALYZER_VERSION } from '../../../base/text/analyzer.ts';
import { type PackedRows, RECORD_WIDTH } from '../border/rows.ts';
import { type Derived, deriveFromText } from './derived-text.ts';
import { checkedDocument, DOCUMENT_COLUMNS, type DocumentRow, storedDocument } from './document-table.ts';
import { DocumentTerms } from './document-terms.ts';
import { CHECKED_COLUMNS, contentSum, isAsSummed, recordOf, storedIn } from './row-checksums.ts';
import { UNEMBEDDED_STATES } from './scan-sql.ts';
import { isDamage } from './sqlite-errors.ts';
import { toNumbers } from './stored-passages.ts';
import {
  type Contents,
  NO_CONTENTS,
  NO_TERMS,
  openContents,
  openTerms,
  openVectors,
  type RowPlace,
  sealedTerms,
  sealedVectors,
  storedContents,
  termsSum,
  textColumn,
  type VectorTable,
  visible,
} from './sealed-values.ts';
import { SEAL_BYTES, type Sealer } from './sealer.ts';
import { unembeddedSum } from './small-sums.ts';

export interface ResealParts {
  readonly database: DatabaseSync;
  /** What it was sealed with; null: nothing was. */
  readonly from: Sealer | null;
  /** null: nothing will be. */
  readonly to: Sealer | null;
  /** Opens what is sealed with either. */
  readonly reader: Sealer | null;
  /** Longer texts are packed; 0: none is. */
  readonly packFromBytes: number;
}

/** In one transaction. */
const BATCH_ROWS = 256;
const BATCH_CHARS = 4_000_000;
/** No sum is: what has it is not what was written, whoever reads it. */
const NO_SUM = -1;

export class ResealedRows {
  readonly #parts: ResealParts;
  readonly #page: StatementSync;
  readonly #update: StatementSync;
  readonly #setAnalyzer: StatementSync;
  readonly #unembedded: StatementSync;
  readonly #vectors: Readonly<Record<VectorTable, VectorStatements>>;
  /** Of this run. */
  count = 0;
  damaged = 0;

  constructor(parts: ResealParts) {
    const { database } = parts;
    this.#parts = parts;
    this.#page = arrays(
      database,
      `SELECT ${CHECKED_COLUMNS}, c.terms, c.traits, c.sealed_terms, c.terms_sum FROM contexts AS c WHERE c.seq > ? ORDER BY c.seq LIMIT ${BATCH_ROWS}`,
    );
    this.#update = database.prepare(`UPDATE contexts SET text = ?, metadata = ?, tags = ?, terms = ?, traits = ?,
      sealed = ?, sealed_terms = ?, content_sum = ?, terms_sum = ? WHERE seq = ?`);
    this.#setAnalyzer = database.prepare('UPDATE contexts SET analyzer = ? WHERE seq = ?');
    this.#unembedded = database.prepare('INSERT OR IGNORE INTO unembedded (seq, state, sum) VALUES (?, ?, ?)');
    const statements = (table: VectorTable, column: string): VectorStatements => ({
      read: arrays(database, `SELECT ${column} FROM ${table} WHERE seq = ?`),
      write: database.prepare(`UPDATE ${table} SET ${column} = ? WHERE seq = ?`),
    });
    this.#vectors = { vectors: statements('vectors', 'vector'), passages: statements('passages', 'vectors') };
  }

  /** How many are done up to `after`, and how many there are. */
  progress(after: number): { readonly done: number; readonly total: number } {
    return countRows(this.#parts.database, 'contexts', 'seq', after);
  }

  /** Inside a transaction: those behind `after`. The last one; null: there are no more. */
  batch(after: number): number | null {
    let last: number | null = null;
    let chars = 0;
    for (const values of this.#page.all(after) as unknown as (readonly unknown[])[]) {
      chars += this.#one(values);
      last = values[RECORD_WIDTH] as number;
      this.count++;
      if (chars > BATCH_CHARS) break;
    }
    return last;
  }

  /** About how many characters it has. */
  #one(values: readonly unknown[]): number {
    const { to, reader, packFromBytes } = this.#parts;
    const packed = values as PackedRows;
    const columns = recordOf(packed);
    const [terms, traits, sealedBefore, sum] = values.slice(-4) as SummedTerms;
    const seq = values[RECORD_WIDTH] as number;
    const place: RowPlace = { seq, namespaceId: values[RECORD_WIDTH + 1] as number, id: columns.id };
    const contents = opened(() => openContents(reader, place, storedIn(packed), columns));
    const isWhole = contents !== null && isAsSummed(packed, contents);
    if (!isWhole) this.damaged++;
    const record = { ...columns, ...(contents ?? NO_CONTENTS) };
    const derived = this.#terms(place, sealedBefore, { terms, traits, sum }, contents);
    const shown = visible(to, record);
    const shownTerms = to === null ? derived : NO_TERMS;
    const stored = contents === null ? null : storedContents(to, place, contents, packFromBytes);
    this.#update.run(
      textColumn(stored, shown),
      shown.metadata,
      shown.tags,
      shownTerms.terms,
      shownTerms.traits,
      stored,
      sealedTerms(to, place, derived),
      isWhole ? contentSum(record, to) : NO_SUM,
      termsSum(to, derived),
      seq,
    );
    this.#resealVectors('vectors', seq);
    this.#resealVectors('passages', seq);
    return record.text.length + record.metadata.length + derived.terms.length;
  }

  #terms(
    place: RowPlace,
    sealed: Uint8Array | null,
    columns: Derived & { readonly sum: number | null },
    contents: Contents | null,
  ): Derived {
    const isWhole = columns.sum === null || columns.sum === termsSum(null, columns);
    const known = isWhole ? opened(() => openTerms(this.#parts.reader, place, sealed, columns)) : null;
    if (known !== null) return known;
    this.damaged++;
    if (contents === null) return NO_TERMS;
    this.#setAnalyzer.run(ANALYZER_VERSION, place.seq);
    return deriveFromText(contents.text, contents.metadata);
  }

  #resealVectors(table: VectorTable, seq: number): void {
    const { to, reader } = this.#parts;
    const { read, write } = this.#vectors[table];
    const row = read.get(seq) as unknown as [Uint8Array] | undefined;
    if (row === undefined) return;
    const bytes = opened(() => openVectors(reader, table, seq, row[0]));
    if (bytes !== null) {
      write.run(sealedVectors(to, table, seq, toNumbers(bytes)), seq);
      return;
    }
    // As that of a text that is still to be embedded.
    this.damaged++;
    const numbers = new Float32Array(Math.max(0, Math.floor((row[0].byteLength - SEAL_BYTES) / 4)));
    write.run(sealedVectors(to, table, seq, numbers), seq);
    this.#unembedded.run(seq, UNEMBEDDED_STATES.pending, unembeddedSum(seq, UNEMBEDDED_STATES.pending));
  }
}

type SummedTerms = [terms: string, traits: string, sealed: Uint8Array | null, sum: number | null];

interface VectorStatements {
  readonly read: StatementSync;
  readonly write: StatementSync;
}

export class ResealedDocuments {
  readonly #parts: ResealParts;
  readonly #page: StatementSync;
  readonly #update: StatementSync;
  readonly #damage: StatementSync;
  readonly #termsBefore: DocumentTerms;
  readonly #terms: DocumentTerms;
  /** Of this run. */
  count = 0;
  damaged = 0;

  constructor(parts: ResealParts) {
    const { database, from, to } = parts;
    this.#parts = parts;
    this.#page = database.prepare(
      `SELECT ${DOCUMENT_COLUMNS} FROM documents WHERE id > ? ORDER BY id LIMIT ${BATCH_ROWS}`,
    );
    this.#update = database.prepare(
      'UPDATE documents SET key = ?, body = ?, terms = ?, sum = ?, sealed = ? WHERE id = ?',
    );
    this.#damage = database.prepare(
      `UPDATE documents SET body = '{}', terms = '[]', sum = ${NO_SUM}, sealed = NULL WHERE id = ?`,
    );
    this.#termsBefore = new DocumentTerms(database, from);
    this.#terms = new DocumentTerms(database, to);
  }

  /** How many are done up to `after`, and how many there are. */
  progress(after: number): { readonly done: number; readonly total: number } {
    return countRows(this.#parts.database, 'documents', 'id', after);
  }

  /** Inside a transaction: those behind `after`. The last one; null: there are no more. */
  batch(after: number): number | null {
    let last: number | null = null;
    let chars = 0;
    for (const found of this.#page.all(after)) {
      const row = { ...found } as unknown as DocumentRow;
      this.#one(row);
      last = row.id;
      this.count++;
      chars += row.body.length + (row.sealed?.byteLength ?? 0);
      if (chars > BATCH_CHARS) break;
    }
    return last;
  }

  #one(row: DocumentRow): void {
    const { to, reader } = this.#parts;
    const document = opened(() => checkedDocument(row, reader));
    if (document === null) {
      this.damaged++;
      this.#damage.run(row.id);
      return;
    }
    const { columns, sealed, sum } = storedDocument(to, document);
    this.#termsBefore.remove(document);
    this.#update.run(columns.key, columns.body, columns.terms, sum, sealed, row.id);
    this.#terms.add(document);
  }
}

function countRows(database: DatabaseSync, table: string, id: string, after: number) {
  const row = database.prepare(`SELECT count(*) AS total, count(*) FILTER (WHERE ${id} <= ?) AS done FROM ${table}`);
  return row.get(after) as { done: number; total: number };
}

/** null: it is not what was sealed. */
function opened<T>(open: () => T): T | null {
  try {
    return open();
  } catch (error) {
    if (isDamage(error)) return null;
    throw error;
  }
}

function arrays(database: DatabaseSync, sql: string): StatementSync {
  const statement = database.prepare(sql);
  statement.setReturnArrays(true);
  return statement;
}
