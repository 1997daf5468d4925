// What is looked at when a database is opened: whether it is whole, as far as that can be told in a moment. A bit that a disk
// flipped in what a row is found by would hide it, and nobody would miss it.

import type { DatabaseSync } from 'node:sqlite';
import type { StartCheckBounds } from '../border/opening-settings.ts';
import { checkedDocument, DOCUMENT_COLUMNS, type DocumentRow } from './document-table.ts';
import { termsOf } from './document-terms.ts';
import type { Sealer } from './sealer.ts';
import { spaceSum, supersessionSum } from './small-sums.ts';
import { DamageError, isDamage } from './sqlite-errors.ts';

/** Nobody stores so many. */
const SEQUENCE_MAX = 2 ** 52;
const TABLES =
  'meta sequence namespaces contexts vectors passages unembedded accesses documents document_terms supersessions'.split(
    ' ',
  );

/** What is wrong with it, behind its path; null: nothing. Throws what SQLite says where it cannot be read. */
export function faultOf(database: DatabaseSync, bounds: StartCheckBounds): string | null {
  const names = database.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table'`).all() as { name: string }[];
  for (const table of TABLES) if (!names.some(({ name }) => name === table)) return `lacks the table ${table}`;
  return isWhole(database, bytesOf(database), bounds) ? null : 'is damaged';
}

/** Whether `faultOf` looks for each row in each index. */
export function isCompared(database: DatabaseSync, { comparedBytesMax }: StartCheckBounds): boolean {
  return bytesOf(database) <= comparedBytesMax;
}

/** Throws `DamageError` where a document, of ids from one to another, would not be found by one of its terms. */
export function checkTerms(database: DatabaseSync, sealer: Sealer | null, from?: number, to?: number): void {
  const find = database.prepare('SELECT 1 FROM document_terms WHERE term = ? AND place = ? AND id = ?');
  const range = from === undefined ? '' : 'NOT INDEXED WHERE id BETWEEN ? AND ?';
  const rows = database.prepare(`SELECT ${DOCUMENT_COLUMNS} FROM documents ${range}`);
  for (const row of from === undefined ? rows.iterate() : rows.iterate(from, to ?? from)) {
    const document = openedDocument({ ...row } as unknown as DocumentRow, sealer);
    for (const term of document === null ? [] : termsOf(document, sealer)) {
      if (find.get(term, document?.place ?? 0, document?.id ?? 0) !== undefined) continue;
      throw new DamageError('a term of a document of the database is not what was written');
    }
  }
}

/** Whether numbers, names and who supersedes whom are what was written. */
export function areSumsWhole(database: DatabaseSync): boolean {
  return isSequenceWhole(database) && areSpacesWhole(database) && areSupersessionsWhole(database);
}

function isWhole(database: DatabaseSync, bytes: number, bounds: StartCheckBounds): boolean {
  if (!isSequenceWhole(database) || !areSpacesWhole(database)) return false;
  if (bytes > bounds.checkedBytesMax) return true;
  const check = bytes > bounds.comparedBytesMax ? 'quick_check' : 'integrity_check';
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
