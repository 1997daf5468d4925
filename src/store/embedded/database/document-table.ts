import { crc32 } from 'node:zlib';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { WireDocumentChange, WireDocumentRead, WireDocumentResult, WireRow } from '../border/document-messages.ts';
import { DocumentTerms, storedTerm } from './document-terms.ts';
import { openDocument, sealedDocument, storedKey } from './sealed-values.ts';
import type { Sealer } from './sealer.ts';
import { DamageError } from './sqlite-errors.ts';

export interface DocumentRow {
  readonly id: number;
  readonly namespace: string;
  readonly kind: string;
  readonly key: string;
  readonly owner: string;
  readonly place: number;
  readonly version: number;
  readonly body: string;
  /** As JSON. */
  readonly terms: string;
  readonly sum: number;
  readonly sealed: Uint8Array | null;
}

type Said = Omit<DocumentRow, 'id' | 'sum' | 'sealed'>;

export const DOCUMENT_COLUMNS =
  'documents.id, namespace, kind, key, owner, documents.place, version, body, terms, sum, sealed';
const NO_TERMS = '[]';
const NO_BODY = '{}';

/** Documents as rows. `apply` is for within a transaction. */
export class DocumentTable {
  readonly #database: DatabaseSync;
  readonly #one: StatementSync;
  readonly #insert: StatementSync;
  readonly #update: StatementSync;
  readonly #delete: StatementSync;
  readonly #walk: StatementSync;
  readonly #terms: DocumentTerms;
  readonly #sealer: Sealer | null;

  constructor(database: DatabaseSync, sealer: Sealer | null) {
    this.#database = database;
    this.#sealer = sealer;
    this.#terms = new DocumentTerms(database, sealer);
    this.#one = database.prepare(
      `SELECT ${DOCUMENT_COLUMNS} FROM documents WHERE namespace = ? AND kind = ? AND key = ?`,
    );
    this.#insert = database.prepare(
      'INSERT INTO documents (namespace, kind, key, owner, place, version, body, terms, sum, sealed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    );
    this.#update = database.prepare(
      'UPDATE documents SET owner = ?, place = ?, version = ?, body = ?, terms = ?, sum = ?, sealed = ? WHERE id = ?',
    );
    this.#delete = database.prepare('DELETE FROM documents WHERE id = ?');
    this.#walk = database.prepare(`SELECT ${DOCUMENT_COLUMNS} FROM documents WHERE id > ? ORDER BY id LIMIT ?`);
  }

  apply(change: WireDocumentChange): WireDocumentResult {
    if (change.op === 'delete') {
      const known = this.#find(change.namespace, change.kind, change.key);
      if (known !== undefined) this.#remove(known);
      return null;
    }
    const { document, ifVersion } = change;
    const { namespace, kind, key, owner, order, version, terms } = document;
    const known = this.#find(namespace, kind, key);
    if ((known?.version ?? null) !== ifVersion) return { version: known?.version ?? null };
    const { columns, sealed, sum } = storedDocument(this.#sealer, { ...document, place: order });
    if (known === undefined) {
      const { lastInsertRowid } = this.#insert.run(
        namespace,
        kind,
        columns.key,
        owner,
        order,
        version,
        columns.body,
        columns.terms,
        sum,
        sealed,
      );
      this.#terms.add({ id: Number(lastInsertRowid), namespace, kind, place: order, terms });
    } else {
      this.#terms.remove(known);
      this.#update.run(owner, order, version, columns.body, columns.terms, sum, sealed, known.id);
      this.#terms.add({ id: known.id, namespace, kind, place: order, terms });
    }
    return 'written';
  }

  read(request: WireDocumentRead): { readonly documents: WireRow[]; readonly after: number | null } {
    switch (request.op) {
      case 'get': {
        const { namespace, kind, keys } = request;
        return { documents: keys.flatMap((key) => this.#find(namespace, kind, key) ?? []).map(toWire), after: null };
      }
      case 'scan':
        return { documents: this.#scan(request).map(toWire), after: null };
      case 'walk': {
        const rows = this.#checked(this.#walk.all(request.after, request.limit + 1));
        const page = rows.slice(0, request.limit);
        return { documents: page.map(toWire), after: rows.length > page.length ? (page.at(-1)?.id ?? null) : null };
      }
    }
  }

  #remove(row: DocumentRow): void {
    this.#terms.remove(row);
    this.#delete.run(row.id);
  }

  #scan({
    namespace,
    kind,
    owner,
    term,
    descending,
    from,
    tie,
    limit,
  }: Extract<WireDocumentRead, { op: 'scan' }>): DocumentRow[] {
    const conditions = ['namespace = ?', 'kind = ?'];
    const values: (string | number | Uint8Array)[] = [namespace, kind];
    const table = term === null ? 'documents' : 'document_terms';
    if (term !== null) {
      conditions.push('term = ?');
      values.push(storedTerm({ namespace, kind }, term, this.#sealer));
    }
    if (owner !== null) {
      conditions.push('owner = ?');
      values.push(owner);
    }
    if (from !== null) {
      conditions.push(`(${table}.place, ${table}.id) ${descending ? '<' : '>'} (?, ?)`);
      values.push(from, tie ?? (descending ? Number.MAX_SAFE_INTEGER : 0));
    }
    const order = descending ? 'DESC' : 'ASC';
    // A cross join is done in the order that it is written in: from the term's rows to their documents.
    const joined = term === null ? table : `${table} CROSS JOIN documents ON documents.id = ${table}.id`;
    const where = conditions.join(' AND ');
    const sql = `SELECT ${DOCUMENT_COLUMNS}, ${table}.place AS found_at FROM ${joined} WHERE ${where} ORDER BY ${table}.place ${order}, ${table}.id ${order} LIMIT ?`;
    const rows = this.#checked(this.#database.prepare(sql).all(...values, limit));
    for (const row of rows) if (term !== null && !isFoundBy(row, term)) throw damaged(row.id);
    return rows;
  }

  #find(namespace: string, kind: string, key: string): DocumentRow | undefined {
    const row = this.#one.get(namespace, kind, storedKey(this.#sealer, { namespace, kind, key }));
    return row === undefined ? undefined : this.#checked([row])[0];
  }

  #checked(rows: readonly unknown[]): DocumentRow[] {
    return (rows as DocumentRow[]).map((row) => checkedDocument(row, this.#sealer));
  }
}

/** Whether the row of the term that led to it is what was written. */
function isFoundBy(row: DocumentRow & { readonly found_at?: number }, term: string): boolean {
  return row.found_at === row.place && (JSON.parse(row.terms) as readonly string[]).includes(term);
}

function damaged(id: number): DamageError {
  return new DamageError(`document ${id} of the database is not what was written`);
}

function toWire({ id, namespace, kind, key, owner, place, version, body, terms }: DocumentRow): WireRow {
  return { row: id, namespace, kind, key, owner, order: place, version, body, terms };
}

/** SQLite has no checksums of its own: a bit that a disk flipped must not pass for truth. */
function sumOf({ namespace, kind, key, owner, place, version, body, terms }: Said): number {
  const said = `${namespace}\0${kind}\0${key}\0${owner}\0${place},${version}\0${body}`;
  return crc32(terms === NO_TERMS ? said : `${said}\0${terms}`);
}

/** As its columns say it; the sum is theirs, as one of what is sealed would tell of it. */
export function storedDocument(sealer: Sealer | null, said: Said) {
  const key = storedKey(sealer, said);
  const columns = sealer === null ? said : { ...said, key, body: NO_BODY, terms: NO_TERMS };
  return { columns, sealed: sealedDocument(sealer, columns, said), sum: sumOf(columns) };
}

/** A row of `DOCUMENT_COLUMNS` with what was sealed of it. Throws `DamageError` where it is not what was written. */
export function checkedDocument(row: DocumentRow, sealer: Sealer | null): DocumentRow {
  if (row.sum !== sumOf(row)) throw damaged(row.id);
  return sealer === null ? row : { ...row, ...openDocument(sealer, row, row.sealed, row) };
}
