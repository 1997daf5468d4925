// Pages of the database's file that nothing is in, as its list of them says. SQLite has no checksum of that list, and a bit that a disk
// flipped in it would have it write a new row over an old one. So a server that stops leaves a sum of it in `meta`, and the next start
// compares. The format: https://www.sqlite.org/fileformat2.html#the_freelist

import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import { setMeta } from './small-sums.ts';
import { DamageError } from './sqlite-errors.ts';

/** What the header of the file says of it. */
export interface FileShape {
  readonly pageBytes: number;
  readonly usableBytes: number;
  readonly pages: number;
  readonly firstTrunk: number;
  readonly freePages: number;
  /** Another one whenever the list has changed, whoever changed it. */
  readonly changes: number;
  /** Not zero: some pages hold nothing but whose page each one is. */
  readonly largestRoot: number;
}

const HEADER_BYTES = 100;
const AT_PAGE_BYTES = 16;
const AT_RESERVED_BYTES = 20;
const AT_CHANGES = 24;
const AT_PAGE_COUNT = 28;
const AT_FIRST_TRUNK = 32;
const AT_FREE_PAGES = 36;
const AT_LARGEST_ROOT = 52;
/** In a trunk page: the next trunk, how many pages follow, and their numbers. */
export const TRUNK_HEADER_BYTES = 8;

const META_KEY = 'free_pages';
const HEX_DIGITS = 8;
/** As long as what takes its place, so that no page changes its owner for it. */
const NOTHING_YET = '-'.repeat(HEX_DIGITS + 1 + HEX_DIGITS);

export function readShape(file: number): FileShape {
  const header = Buffer.alloc(HEADER_BYTES);
  readBytes(file, header, HEADER_BYTES, 0);
  // 1 stands for 65,536.
  const said = header.readUInt16BE(AT_PAGE_BYTES);
  const pageBytes = said === 1 ? 65_536 : said;
  return {
    pageBytes,
    usableBytes: pageBytes - (header[AT_RESERVED_BYTES] as number),
    pages: header.readUInt32BE(AT_PAGE_COUNT),
    firstTrunk: header.readUInt32BE(AT_FIRST_TRUNK),
    freePages: header.readUInt32BE(AT_FREE_PAGES),
    changes: header.readUInt32BE(AT_CHANGES),
    largestRoot: header.readUInt32BE(AT_LARGEST_ROOT),
  };
}

/**
 * Nothing of the database may be in its log. `kinds`: by number, 1 a page that is free, 2 one that lists such pages. Throws
 * `DamageError` where the list cannot be what SQLite wrote.
 */
export function readFreeList(
  file: number,
  { pageBytes, usableBytes, pages, firstTrunk, freePages }: FileShape,
): { readonly kinds: Uint8Array; readonly sum: number } {
  const kinds = new Uint8Array(pages + 1);
  const trunk = Buffer.alloc(pageBytes);
  let sum = 0;
  let listed = 0;
  const mark = (number: number, kind: 1 | 2): void => {
    if (number < 2 || number > pages || kinds[number] !== 0) throw damagedList();
    kinds[number] = kind;
    listed++;
  };
  for (let number = firstTrunk; number !== 0; number = trunk.readUInt32BE(0)) {
    mark(number, 2);
    readBytes(file, trunk, pageBytes, (number - 1) * pageBytes);
    const count = trunk.readUInt32BE(4);
    const end = TRUNK_HEADER_BYTES + 4 * count;
    if (end > usableBytes) throw damagedList();
    for (let at = TRUNK_HEADER_BYTES; at < end; at += 4) mark(trunk.readUInt32BE(at), 1);
    sum = crc32(trunk.subarray(0, end), crc32(`${number}`, sum));
  }
  if (listed !== freePages) throw damagedList();
  return { kinds, sum };
}

export function readBytes(file: number, into: Buffer, bytes: number, at: number): void {
  if (readSync(file, into, 0, bytes, at) !== bytes)
    throw new DamageError('the file of the database is shorter than it says');
}

/** Of a database that nobody has open; null: there is none, or its log holds a part of it. Throws as `readFreeList`. */
export function sumOfFreePages(path: string): string | null {
  const logPath = `${path}-wal`;
  if (!existsSync(path) || statSync(path).size === 0) return null;
  if (existsSync(logPath) && statSync(logPath).size > 0) return null;
  // Closed before SQLite opens it: who closes a file loses all locks that its process has on it (POSIX).
  const file = openSync(path, 'r');
  try {
    return sumIn(file);
  } finally {
    closeSync(file);
  }
}

/** Throws `DamageError` where it is not the sum that was left, which is gone afterwards: the list is about to change. */
export function settleFreePages(database: DatabaseSync, found: string | null): void {
  const row = database.prepare('SELECT value FROM meta WHERE key = ?').get(META_KEY) as { value: string } | undefined;
  if (row === undefined) return;
  // A program that knows nothing of it may have written since; then it has counted one change more.
  const isComparable = found !== null && changesOf(found) === changesOf(row.value);
  if (isComparable && found !== row.value) throw damagedList();
  database.prepare('DELETE FROM meta WHERE key = ?').run(META_KEY);
}

/** Before the database is closed, with nobody else reading. Where the disk refuses it, the next start compares nothing. */
export function leaveSumOfFreePages(database: DatabaseSync, path: string): { close: () => void } {
  try {
    setMeta(database, META_KEY, NOTHING_YET);
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } catch {
    return { close: () => undefined };
  }
  const file = openSync(path, 'r');
  try {
    if (statSync(`${path}-wal`).size === 0) setMeta(database, META_KEY, sumIn(file));
  } catch {
    // What is damaged is told by the next start, from what the file says then.
  }
  return { close: () => closeSync(file) };
}

function sumIn(file: number): string {
  const shape = readShape(file);
  return `${hex(shape.changes)} ${hex(readFreeList(file, shape).sum)}`;
}

function changesOf(sum: string): string {
  return sum.slice(0, HEX_DIGITS);
}

function hex(number: number): string {
  return number.toString(16).padStart(HEX_DIGITS, '0');
}

function damagedList(): DamageError {
  return new DamageError('the list of free pages is damaged');
}
