// What is looked at when a database is opened: whether it is whole, as far as that can be told in a moment. A bit that a disk
// flipped in what a row is found by would hide it, and nobody would miss it.

import type { DatabaseSync } from 'node:sqlite';
import type { StartCheckBounds } from '../border/opening-settings.ts';
import { checkedDocument, DOCUMENT_COLUMNS, type DocumentRow } from './document-table.ts';
import { termsOf } from './document-terms.ts';
import type { Sealer } from './sealer.ts';
import { metaSum, sequenceSum, spaceSum, supersessionSum, unembeddedSum } from './small-sums.ts';
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

/** Throws `DamageError` where a context lacks what belongs to it, or something belongs to none: its number was another. */
export function checkBeside(database: DatabaseSync): void {
  const withoutVector = 'SELECT 1 FROM contexts AS c WHERE NOT EXISTS (SELECT 1 FROM vectors AS v WHERE v.seq = c.seq)';
  for (const query of [withoutVector, ORPHANS_SQL])
    if (database.prepare(`${query} LIMIT 1`).get() !== undefined)
      throw new DamageError('vectors of the database are not what was written');
}

/** Further passages of no context. */
export const ORPHANS_SQL =
  'SELECT 1 FROM passages AS p WHERE NOT EXISTS (SELECT 1 FROM contexts AS c NOT INDEXED WHERE c.seq = p.seq)';

/** Whether numbers, names and who supersedes whom are what was written. */
export function areSumsWhole(database: DatabaseSync): boolean {
  return areFirstWhole(database) && areSupersessionsWhole(database) && areUnembeddedWhole(database);
}

function isWhole(database: DatabaseSync, bytes: number, bounds: StartCheckBounds): boolean {
  if (!areFirstWhole(database)) return false;
  if (bytes > bounds.checkedBytesMax) return true;
  const check = bytes > bounds.comparedBytesMax ? 'quick_check' : 'integrity_check';
  const result = database.prepare(`PRAGMA ${check}(1)`).get() as Record<string, string>;
  return result[check] === 'ok' && areSupersessionsWhole(database) && areUnembeddedWhole(database);
}

/** Whatever the size of the database. */
function areFirstWhole(database: DatabaseSync): boolean {
  return isMetaWhole(database) && isSequenceWhole(database) && areSpacesWhole(database);
}

/** Of the trial writes nothing is read. */
function isMetaWhole(database: DatabaseSync): boolean {
  const rows = database.prepare('SELECT key, value, sum FROM meta WHERE sum IS NOT NULL').all();
  return (rows as unknown as MetaRow[]).every(({ key, value, sum }) => sum === metaSum(key, value));
}

interface MetaRow {
  readonly key: string;
  readonly value: string;
  readonly sum: number;
}

function areUnembeddedWhole(database: DatabaseSync): boolean {
  const rows = database.prepare('SELECT seq, state, sum FROM unembedded');
  rows.setReturnArrays(true);
  for (const row of rows.iterate()) {
    const [seq, state, sum] = row as unknown as [number, number, number | null];
    if (sum !== unembeddedSum(seq, state)) return false;
  }
  return true;
}

/** Numbers that are in use may not be given again, and none may be beyond what JavaScript counts. */
function isSequenceWhole(database: DatabaseSync): boolean {
  const rows = database.prepare(`SELECT min(last, ${SEQUENCE_MAX}) AS last, sum FROM sequence`).all();
  const [row] = rows as { last: number; sum: number | null }[];
  if (row === undefined || rows.length !== 1 || row.last >= SEQUENCE_MAX || row.sum !== sequenceSum(row.last))
    return false;
  const { newest } = database.prepare('SELECT coalesce(max(seq), 0) AS newest FROM contexts').get() as {
    newest: number;
  };
  return row.last >= newest;
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
