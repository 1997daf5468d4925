// What is looked at when a database is opened: whether it is whole, as far as that can be told in a moment. A bit that a disk
// flipped in what a row is found by would hide it, and nobody would miss it.

import type { DatabaseSync } from 'node:sqlite';
import { checkedDocument, DOCUMENT_COLUMNS, type DocumentRow } from './document-table.ts';
import { termsOf } from './document-terms.ts';
import type { Sealer } from './sealer.ts';
import { spaceSum, supersessionSum } from './small-sums.ts';
import { DamageError, isDamage } from './sqlite-errors.ts';

/** Up to this size each row is looked for in each index: a second at most. */
const COMPARED_BYTES_MAX = 64 * 1024 * 1024;
/** Up to this size the structure of the whole file is checked; larger ones where they are read. */
const CHECKED_BYTES_MAX = 256 * 1024 * 1024;
/** Nobody stores so many. */
const SEQUENCE_MAX = 2 ** 52;
const TABLES =
  'meta sequence namespaces contexts vectors passages unembedded accesses documents document_terms supersessions'.split(
    ' ',
  );

/** What is wrong with it, behind its path; null: nothing. Throws what SQLite says where it cannot be read. */
export function faultOf(database: DatabaseSync): string | null {
  const names = database.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table'`).all() as { name: string }[];
  for (const table of TABLES) if (!names.some(({ name }) => name === table)) return `lacks the table ${table}`;
  return isWhole(database, bytesOf(database)) ? null : 'is damaged';
}

/** Throws `DamageError` where a document would not be found by one of its terms. */
export function checkTerms(database: DatabaseSync, sealer: Sealer | null): void {
  if (bytesOf(database) > COMPARED_BYTES_MAX) return;
  const find = database.prepare('SELECT 1 FROM document_terms WHERE term = ? AND place = ? AND id = ?');
  for (const row of database.prepare(`SELECT ${DOCUMENT_COLUMNS} FROM documents`).iterate()) {
    const document = openedDocument({ ...row } as unknown as DocumentRow, sealer);
    for (const term of document === null ? [] : termsOf(document, sealer)) {
      if (find.get(term, document?.place ?? 0, document?.id ?? 0) !== undefined) continue;
      throw new DamageError('a term of a document of the database is not what was written');
    }
  }
}

function isWhole(database: DatabaseSync, bytes: number): boolean {
  if (!isSequenceWhole(database) || !areSpacesWhole(database)) return false;
  if (bytes > CHECKED_BYTES_MAX) return true;
  const check = bytes > COMPARED_BYTES_MAX ? 'quick_check' : 'integrity_check';
  const result = database.prepare(`PRAGMA ${check}(1)`).get() as Record<string, string>;
  return result[check] === 'ok' && areSupersessionsWhole(database);
}

/** Numbers that are in use may not be given again, and none may be beyond what JavaScript counts. */
function isSequenceWhole(database: DatabaseSync): boolean {
  const found = database
    .prepare(
      `SELECT count(*) AS count FROM sequence WHERE last >= (SELECT coalesce(max(seq), 0) FROM contexts) AND last < ?`,
    )
    .get(SEQUENCE_MAX);
  return (found as { count: number }).count === 1;
}

function areSpacesWhole(database: DatabaseSync): boolean {
  const rows = database.prepare('SELECT id, name, sum FROM namespaces WHERE sum IS NOT NULL');
  rows.setReturnArrays(true);
  for (const row of rows.iterate()) {
    const [id, name, sum] = row as unknown as [number, string, number];
    if (sum !== spaceSum(id, name)) return false;
  }
  return true;
}

function areSupersessionsWhole(database: DatabaseSync): boolean {
  const rows = database.prepare(
    'SELECT namespace_id, superseded, valid_from, recorded, successor, sum FROM supersessions WHERE sum IS NOT NULL',
  );
  rows.setReturnArrays(true);
  for (const row of rows.iterate()) {
    const [spaceId, superseded, fromMs, recordedAtMs, by, sum] = row as unknown as SupersessionRow;
    if (sum !== supersessionSum(spaceId, superseded, { by, fromMs, recordedAtMs })) return false;
  }
  return true;
}

type SupersessionRow = [spaceId: number, superseded: string, from: number, recorded: number, by: string, sum: number];

/** null: whoever reads it is told that it is damaged. */
function openedDocument(row: DocumentRow, sealer: Sealer | null): DocumentRow | null {
  try {
    return checkedDocument(row, sealer);
  } catch (error) {
    if (isDamage(error)) return null;
    throw error;
  }
}

function bytesOf(database: DatabaseSync): number {
  const { page_count: pages } = database.prepare('PRAGMA page_count').get() as { page_count: number };
  const { page_size: pageBytes } = database.prepare('PRAGMA page_size').get() as { page_size: number };
  return pages * pageBytes;
}
