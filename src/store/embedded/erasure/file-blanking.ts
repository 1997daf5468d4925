// Overwrites with zeros, in the file of the database, all that nothing is read from. It writes beside SQLite, which never looks at
// these bytes: between two transactions, with all of the log in the file, and with nothing of it in SQLite's cache afterwards. A
// kill or a power cut in the middle leaves the same database, with more or fewer zeros.

import { fsyncSync, openSync, closeSync, writeSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import type { BlankingPlace } from '../border/erasure-messages.ts';
import { type FileShape, readBytes, readFreeList, readShape, TRUNK_HEADER_BYTES } from '../database/free-pages.ts';
import { DamageError, SQLITE_BUSY, sqliteCode } from '../database/sqlite-errors.ts';
import { blank, blankTreePage, OVERFLOW_LINK_BYTES, type OverflowChain, PAGES_MAX } from './unused-bytes.ts';

/** `waits`: somebody reads what is in the log; later. `next` null: all of it is done, and on the disk. */
export type BlankedSlice =
  | { readonly waits: true }
  | { readonly waits: false; readonly next: BlankingPlace | null; readonly blankedPages: number };

export const BLANKING_START: BlankingPlace = { pass: 0, page: 1, changes: null };
/** Through all pages, while others write. A row would have to be moved past each of them. */
const PASSES_MAX = 3;

/** Its pages cannot be told from each other one by one. */
export class TooLargeToBlank extends Error {}

/** Other statements of the same connection. */
const SQLITE_LOCKED = 6;
const PAGES_AT_ONCE = 64;
/** SQLite locks bytes there, and writes nothing into the page that they are in. */
const LOCKED_BYTE = 0x4000_0000;

export class FileBlanking {
  readonly #database: DatabaseSync;
  readonly #path: string;
  /** Stays open until the database is closed: who closes a file loses all locks that its process has on it (POSIX). */
  #file: number | null = null;

  constructor(database: DatabaseSync, path: string) {
    this.#database = database;
    this.#path = path;
  }

  /** From `place` on, until `isOver`. No transaction is open. Throws SQLite's error, the system's, or `DamageError`. */
  slice(place: BlankingPlace, isOver: () => boolean): BlankedSlice {
    // Until the end: what others free meanwhile, from pages that are still to come, is not to be passed on as it is.
    this.#database.exec('PRAGMA secure_delete = ON');
    if (!this.#emptyLog()) return { waits: true };
    this.#file ??= openSync(this.#path, 'r+');
    const shape = this.#shape();
    const free = readFreeList(this.#file, shape).kinds;
    const changes = this.#changes();
    const begun = { ...place, changes: place.changes ?? changes };
    let blankedPages = 0;
    let next = place.page;
    const buffer = Buffer.alloc(PAGES_AT_ONCE * shape.pageBytes);
    while (next <= shape.pages) {
      const count = Math.min(PAGES_AT_ONCE, shape.pages - next + 1);
      const isWanted = place.pass > 0 || free.subarray(next, next + count).includes(1);
      if (isWanted) this.#read(buffer, count * shape.pageBytes, (next - 1) * shape.pageBytes);
      for (let i = 0; isWanted && i < count; i++) {
        if (place.pass === 0 && free[next + i] === 0) continue;
        const page = buffer.subarray(i * shape.pageBytes, (i + 1) * shape.pageBytes);
        blankedPages += this.#blankPage(page, next + i, free, shape);
      }
      next += count;
      if (isOver()) break;
    }
    // What SQLite still holds of these pages has the bytes of before, and it would write them again.
    if (blankedPages > 0) this.#database.exec('PRAGMA shrink_memory');
    if (next <= shape.pages) return { waits: false, next: { ...begun, page: next }, blankedPages };
    const isLast = place.pass > 0 && (begun.changes === changes || place.pass === PASSES_MAX);
    if (!isLast) return { waits: false, next: { pass: place.pass + 1, page: 1, changes: null }, blankedPages };
    fsyncSync(this.#file);
    this.end();
    return { waits: false, next: null, blankedPages };
  }

  /** No slice follows. */
  end(): void {
    this.#database.exec('PRAGMA secure_delete = OFF');
  }

  /** When nobody has the database open any more. */
  close(): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
  }

  /** False: who reads from it must have done first. */
  #emptyLog(): boolean {
    try {
      const { busy } = this.#database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get() as { busy: number };
      return busy === 0;
    } catch (error) {
      const code = sqliteCode(error);
      if (code === SQLITE_BUSY || code === SQLITE_LOCKED) return false;
      throw error;
    }
  }

  #changes(): number {
    return (this.#database.prepare('SELECT total_changes() AS count').get() as { count: number }).count;
  }

  #shape(): FileShape {
    const shape = readShape(this.#file as number);
    if (shape.largestRoot !== 0 || shape.pages > PAGES_MAX)
      throw new TooLargeToBlank('the database cannot be overwritten in its place');
    return shape;
  }

  /** How many pages were written. */
  #blankPage(page: Buffer, number: number, free: Uint8Array, shape: FileShape): number {
    const { pageBytes, usableBytes } = shape;
    if (number === Math.floor(LOCKED_BYTE / pageBytes) + 1) return 0;
    if (free[number] !== 0) {
      const used = free[number] === 1 ? 0 : TRUNK_HEADER_BYTES + 4 * page.readUInt32BE(4);
      return blank(page, used, pageBytes) ? this.#write(page, number, pageBytes) : 0;
    }
    const { isChanged, chains } = blankTreePage(page, number, usableBytes);
    let written = isChanged ? this.#write(page, number, pageBytes) : 0;
    for (const chain of chains) written += this.#blankTail(chain, shape);
    return written;
  }

  /** The end of a row's last page, where that of an earlier one may stand. */
  #blankTail(
    { firstPage, pages, lastBytes }: OverflowChain,
    { pageBytes, usableBytes, pages: count }: FileShape,
  ): number {
    const link = Buffer.alloc(OVERFLOW_LINK_BYTES);
    let number = firstPage;
    for (let i = 0; ; i++) {
      if (number < 2 || number > count)
        throw new DamageError('a row of the database goes on in a page that is not there');
      if (i === pages - 1) break;
      this.#read(link, OVERFLOW_LINK_BYTES, (number - 1) * pageBytes);
      number = link.readUInt32BE(0);
    }
    const page = Buffer.alloc(pageBytes);
    this.#read(page, pageBytes, (number - 1) * pageBytes);
    return blank(page, OVERFLOW_LINK_BYTES + lastBytes, usableBytes) ? this.#write(page, number, pageBytes) : 0;
  }

  #read(into: Buffer, bytes: number, at: number): void {
    readBytes(this.#file as number, into, bytes, at);
  }

  #write(page: Buffer, number: number, pageBytes: number): 1 {
    writeSync(this.#file as number, page, 0, pageBytes, (number - 1) * pageBytes);
    return 1;
  }
}
