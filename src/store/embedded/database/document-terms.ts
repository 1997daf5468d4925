import { hash } from 'node:crypto';
import type { DatabaseSync, StatementSync } from 'node:sqlite';

interface Termed {
  readonly id: number;
  readonly namespace: string;
  readonly kind: string;
  readonly place: number;
  /** As JSON. */
  readonly terms: string;
}

const TERM_BYTES = 12;

/** The terms of documents as rows, in each term's order. `add` and `remove` are for within a transaction. */
export class DocumentTerms {
  readonly #insert: StatementSync;
  readonly #delete: StatementSync;

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare('INSERT INTO document_terms (term, place, id) VALUES (?, ?, ?)');
    this.#delete = database.prepare('DELETE FROM document_terms WHERE term = ? AND place = ? AND id = ?');
  }

  add(document: Termed): void {
    for (const term of termsOf(document)) this.#insert.run(term, document.place, document.id);
  }

  remove(document: Termed): void {
    for (const term of termsOf(document)) this.#delete.run(term, document.place, document.id);
  }
}

/** Of one namespace and kind: short, as there is a row for every term, and never equal for two others. */
export function storedTerm({ namespace, kind }: Pick<Termed, 'namespace' | 'kind'>, term: string): Uint8Array {
  return hash('sha256', `${namespace}\0${kind}\0${term}`, 'buffer').subarray(0, TERM_BYTES);
}

function termsOf(document: Termed): Uint8Array[] {
  const terms = JSON.parse(document.terms) as readonly string[];
  return terms.map((term) => storedTerm(document, term));
}
