// Looks through all of a database that is being served: each row is looked for in each index and at its own place, indexes hold as
// many entries as there are rows, sums are what was written. `PRAGMA integrity_check` does that, too, but in one go: a large
// database would keep its log from beginning anew for minutes, and a server that stops would wait for it. Small tables get it, one
// at a time; those that may be large are gone through some rows at a time, each time in a transaction of its own.

import type { DatabaseSync } from 'node:sqlite';
import { DamageError } from '../database/sqlite-errors.ts';
import type { Sealer } from '../database/sealer.ts';
import { areSumsWhole, checkTerms, ORPHANS_SQL } from '../database/start-check.ts';

/** Some ten milliseconds of work. */
const ROWS_A_STEP = 1_000;

/** Runs `work` in a transaction that only reads. Throws what `work` throws. */
export type Look = <T>(work: (database: DatabaseSync, sealer: Sealer | null) => T) => T;

/** A table that is gone through some rows at a time. */
interface SlicedTable {
  /** Its integer key. */
  readonly key: string;
  /** Where something belongs to each of its rows: a condition on the row `t` that says that it is there. */
  readonly companions: readonly Companion[];
  readonly hasTerms?: true;
}

interface Companion {
  readonly name: string;
  readonly isThere: string;
}

const SLICED: ReadonlyMap<string, SlicedTable> = new Map([
  [
    'contexts',
    {
      key: 'seq',
      companions: [
        { name: 'vector', isThere: 'EXISTS (SELECT 1 FROM vectors AS v WHERE v.seq = t.seq)' },
        { name: 'namespace', isThere: 'EXISTS (SELECT 1 FROM namespaces AS n WHERE n.id = t.namespace_id)' },
      ],
    },
  ],
  ['documents', { key: 'id', companions: [], hasTerms: true }],
]);
/** Its rows are looked for from `contexts`; most of its pages hold a vector and nothing that leads to others. */
const LEFT_OUT: ReadonlySet<string> = new Set(['vectors']);

/** A step is what stands between two of its values. Throws `DamageError`, or SQLite's error. */
export function* wholeCheck(look: Look, rowsAStep = ROWS_A_STEP): Generator<undefined, void, undefined> {
  look((database) => {
    if (!areSumsWhole(database)) throw new DamageError('numbers or names of the database are not what was written');
  });
  const tables = look((database) => namesOf(database, `SELECT name FROM sqlite_schema WHERE type = 'table'`));
  for (const table of tables) {
    yield;
    const sliced = SLICED.get(table);
    if (sliced !== undefined) yield* slices(look, table, sliced, rowsAStep);
    else if (!LEFT_OUT.has(table)) look((database) => checkSmall(database, table));
  }
}

function* slices(look: Look, table: string, sliced: SlicedTable, rowsAStep: number): Generator<undefined, void> {
  const indexes = look((database) => indexesOf(database, table));
  look((database) => checkCounts(database, table, sliced.key, indexes));
  const { first, last } = look((database) => ends(database, table, sliced.key));
  // The last row of a slice is the first of the next one: none is between two.
  for (let from = first; from !== null && last !== null; ) {
    yield;
    const start = from;
    const to = look((database, sealer) => {
      const end = endOf(database, table, sliced.key, start, rowsAStep);
      if (end !== null) checkRows(database, { table, ...sliced, indexes }, start, end);
      if (end !== null && sliced.hasTerms) checkTerms(database, sealer, start, end);
      return end;
    });
    // What came after the beginning is the next check's.
    from = to === null || to <= start || to >= last ? null : to;
  }
}

/** Its structure, rows, and indexes. */
function checkSmall(database: DatabaseSync, table: string): void {
  const row = database.prepare(`PRAGMA integrity_check("${table}")`).get() as { integrity_check: string };
  if (row.integrity_check !== 'ok') throw new DamageError(`the table ${table} of the database is damaged`);
  if (table === 'passages' && database.prepare(`${ORPHANS_SQL} LIMIT 1`).get() !== undefined)
    throw new DamageError('passages of the database belong to no context');
}

interface Index {
  readonly name: string;
  readonly columns: readonly string[];
  /** Of which rows it holds entries; null: of all. */
  readonly condition: string | null;
}

function indexesOf(database: DatabaseSync, table: string): Index[] {
  const found = database.prepare('SELECT name, sql FROM sqlite_schema WHERE tbl_name = ? AND type = ?');
  return (found.all(table, 'index') as { name: string; sql: string | null }[]).map(({ name, sql }) => ({
    name,
    columns: namesOf(database, `SELECT name FROM pragma_index_info('${name}') ORDER BY seqno`),
    condition: /\sWHERE\s+(.+)$/is.exec(sql ?? '')?.[1] ?? null,
  }));
}

/**
 * `sum(1)` and not `count(*)`: SQLite would count in whichever index it likes best. The sums of keys, in two halves so that none
 * overflows, tell whether each entry leads to the row that it is of: whoever looks for a whole entry never reads where it leads.
 */
function checkCounts(database: DatabaseSync, table: string, key: string, indexes: readonly Index[]): void {
  const count = (from: string): string => {
    const sums = `coalesce(sum(1), 0) || ' ' || coalesce(sum(${key} & 1048575), 0) || ' ' || coalesce(sum(${key} >> 20), 0)`;
    return (database.prepare(`SELECT ${sums} AS sums FROM ${from}`).get() as { sums: string }).sums;
  };
  const rows = count(`${table} NOT INDEXED`);
  for (const { name, condition } of indexes) {
    const where = condition === null ? '' : `WHERE ${condition}`;
    const entries = count(`${table} INDEXED BY ${name} ${where}`);
    if (entries !== (condition === null ? rows : count(`${table} NOT INDEXED ${where}`)))
      throw new DamageError(`the index ${name} of the database does not hold what ${table} does`);
  }
}

function ends(database: DatabaseSync, table: string, key: string): { first: number | null; last: number | null } {
  // In one query both would be looked for in every row.
  const [first, last] = ['min', 'max'].map((end) => `(SELECT ${end}(${key}) FROM ${table} NOT INDEXED)`);
  const row = database.prepare(`SELECT ${first} AS first, ${last} AS last`).get();
  return row as { first: number | null; last: number | null };
}

/** The last of so many rows. */
function endOf(database: DatabaseSync, table: string, key: string, from: number, rows: number): number | null {
  const slice = `SELECT ${key} AS at FROM ${table} NOT INDEXED WHERE ${key} >= ? ORDER BY ${key} LIMIT ?`;
  return (database.prepare(`SELECT max(at) AS at FROM (${slice})`).get(from, rows) as { at: number | null }).at;
}

function checkRows(
  database: DatabaseSync,
  { table, key, companions, indexes }: SlicedTable & { readonly table: string; readonly indexes: readonly Index[] },
  from: number,
  to: number,
): void {
  const range = `${table} AS t NOT INDEXED WHERE t.${key} BETWEEN ? AND ?`;
  const expectNone = (without: string, fault: string): void => {
    const row = database.prepare(`SELECT t.${key} AS at FROM ${range} AND ${without} LIMIT 1`).get(from, to);
    if (row !== undefined)
      throw new DamageError(`row ${(row as { at: number }).at} of ${table} of the database ${fault}`);
  };
  const atOwnPlace = `EXISTS (SELECT 1 FROM ${table} AS i NOT INDEXED WHERE i.${key} = t.${key})`;
  expectNone(`NOT ${atOwnPlace}`, 'is not at its place');
  for (const { name, isThere } of companions) expectNone(`NOT ${isThere}`, `has lost its ${name}`);
  for (const { name, columns, condition } of indexes) {
    const held = condition === null ? '' : `(${condition}) AND `;
    const entry = [...columns.map((column) => `i.${column} IS t.${column}`), `i.${key} = t.${key}`].join(' AND ');
    const isHeld = `EXISTS (SELECT 1 FROM ${table} AS i INDEXED BY ${name} WHERE ${held}${entry})`;
    expectNone(`${held}NOT ${isHeld}`, `is not found by ${name}`);
  }
}

function namesOf(database: DatabaseSync, query: string): string[] {
  return (database.prepare(query).all() as { name: string }[]).map(({ name }) => name);
}
