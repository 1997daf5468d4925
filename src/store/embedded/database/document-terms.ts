import { hash } from 'node:crypto';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Sealer } from './sealer.ts';

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
  readonly #sealer: Sealer | null;

  constructor(database: DatabaseSync, sealer: Sealer | null) {
    this.#sealer = sealer;
    this.#insert = database.prepare('INSERT INTO document_terms (term, place, id) VALUES (?, ?, ?)');
    this.#delete = database.prepare('DELETE FROM document_terms WHERE term = ? AND place = ? AND id = ?');
  }

  add(document: Termed): void {
    for (const term of termsOf(document, this.#sealer)) this.#insert.run(term, document.place, document.id);
  }

  remove(document: Termed): void {
    for (const term of termsOf(document, this.#sealer)) this.#delete.run(term, document.place, document.id);
  }
}

/** Of one namespace and kind: short, as there is a row for every term, and never equal for two others. */
export function storedTerm(
  { namespace, kind }: Pick<Termed, 'namespace' | 'kind'>,
  term: string,
  sealer: Sealer | null,
): Uint8Array {
  const text = `${namespace}\0${kind}\0${term}`;
  // Of a digest that anybody can make, whoever guesses a name would know that there is a fact about it.
  const digest = sealer === null ? hash('sha256', text, 'buffer') : sealer.blind(text);
  return digest.subarray(0, TERM_BYTES);
}

/** Those of its rows. */
export function termsOf(document: Termed, sealer: Sealer | null): Uint8Array[] {
  const terms = JSON.parse(document.terms) as readonly string[];
  return terms.map((term) => storedTerm(document, term, sealer));
}
