// Which bytes of a page of a SQLite database nothing is read from: where a row was, its text may stand there still. SQLite's own
// `secure_delete` leaves what it has moved from page to page. The format: https://www.sqlite.org/fileformat2.html#b_tree_pages

import { DamageError } from '../database/sqlite-errors.ts';

/** Rows that go on in other pages: how many, and how many bytes of the last one they take. */
export interface OverflowChain {
  readonly firstPage: number;
  readonly pages: number;
  readonly lastBytes: number;
}

export interface BlankedPage {
  readonly isChanged: boolean;
  readonly chains: readonly OverflowChain[];
}

const TABLE_LEAF = 0x0d;
const TABLE_INTERIOR = 0x05;
const INDEX_LEAF = 0x0a;
const INDEX_INTERIOR = 0x02;
const FILE_HEADER_BYTES = 100;
const LEAF_HEADER_BYTES = 8;
const INTERIOR_HEADER_BYTES = 12;
/** At the beginning of each overflow page: the number of the next one. */
export const OVERFLOW_LINK_BYTES = 4;
const FREE_BLOCK_HEADER_BYTES = 4;
const VARINT_BYTES_MAX = 9;
const NOTHING: BlankedPage = { isChanged: false, chains: [] };

/** Whether it is a page of a table or an index. The first byte of no other page says so, up to `PAGES_MAX`. */
export function isTreePage(page: Buffer, number: number): boolean {
  const type = page[number === 1 ? FILE_HEADER_BYTES : 0];
  return type === TABLE_LEAF || type === TABLE_INTERIOR || type === INDEX_LEAF || type === INDEX_INTERIOR;
}

/** Others begin with the number of a page: in larger databases it could look like the type of one. */
export const PAGES_MAX = 0x01ff_ffff;

/** Makes zeros of what is not used in a page of a table or an index, and tells of its overflow. Throws `DamageError` where it is none. */
export function blankTreePage(page: Buffer, number: number, usableBytes: number): BlankedPage {
  if (!isTreePage(page, number)) return NOTHING;
  const header = number === 1 ? FILE_HEADER_BYTES : 0;
  const type = page[header] as number;
  const isLeaf = type === TABLE_LEAF || type === INDEX_LEAF;
  const cells = page.readUInt16BE(header + 3);
  // 0 stands for 65,536.
  const contentFrom = page.readUInt16BE(header + 5) || 65_536;
  const pointersFrom = header + (isLeaf ? LEAF_HEADER_BYTES : INTERIOR_HEADER_BYTES);
  const pointersEnd = pointersFrom + 2 * cells;
  if (pointersEnd > contentFrom || contentFrom > usableBytes) throw damaged(number);
  let isChanged = blank(page, pointersEnd, contentFrom);
  for (let at = page.readUInt16BE(header + 1), before = contentFrom - 1; at !== 0; ) {
    const end = at + FREE_BLOCK_HEADER_BYTES;
    if (at <= before || end > usableBytes || at + page.readUInt16BE(at + 2) > usableBytes) throw damaged(number);
    isChanged = blank(page, end, at + page.readUInt16BE(at + 2)) || isChanged;
    before = at;
    at = page.readUInt16BE(at);
  }
  if (type === TABLE_INTERIOR) return { isChanged, chains: [] };
  const chains: OverflowChain[] = [];
  for (let i = 0; i < cells; i++) {
    const at = page.readUInt16BE(pointersFrom + 2 * i);
    if (at < contentFrom || at >= usableBytes) throw damaged(number);
    const chain = overflowOf(page, at, { isLeaf, isTable: type === TABLE_LEAF, usableBytes, number });
    if (chain !== null) chains.push(chain);
  }
  return { isChanged, chains };
}

/** Zeros from `from` on, before `end`; false: they were there already. */
export function blank(page: Buffer, from: number, end: number): boolean {
  for (let at = from; at < end; at++) {
    if (page[at] === 0) continue;
    page.fill(0, at, end);
    return true;
  }
  return false;
}

interface CellOf {
  readonly isLeaf: boolean;
  readonly isTable: boolean;
  readonly usableBytes: number;
  readonly number: number;
}

/** How much of a cell lies in its own page: the format, "Cell Payload Overflow Pages". */
function overflowOf(
  page: Buffer,
  cell: number,
  { isLeaf, isTable, usableBytes, number }: CellOf,
): OverflowChain | null {
  const payload = varintAt(page, cell + (isLeaf ? 0 : 4), number);
  const behindKey = isTable ? varintAt(page, payload.end, number).end : payload.end;
  const localMax = isTable ? usableBytes - 35 : Math.floor(((usableBytes - 12) * 64) / 255) - 23;
  if (payload.value <= localMax) return null;
  const localMin = Math.floor(((usableBytes - 12) * 32) / 255) - 23;
  const perPage = usableBytes - OVERFLOW_LINK_BYTES;
  const wanted = localMin + ((payload.value - localMin) % perPage);
  const local = wanted <= localMax ? wanted : localMin;
  const link = behindKey + local;
  if (link + OVERFLOW_LINK_BYTES > usableBytes) throw damaged(number);
  const beyond = payload.value - local;
  const pages = Math.ceil(beyond / perPage);
  return { firstPage: page.readUInt32BE(link), pages, lastBytes: beyond - (pages - 1) * perPage };
}

/** Of seven bits a byte, the highest first; a ninth byte has eight. */
function varintAt(page: Buffer, from: number, number: number): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let i = 0; i < VARINT_BYTES_MAX; i++) {
    const byte = page[from + i];
    if (byte === undefined) throw damaged(number);
    if (i === VARINT_BYTES_MAX - 1) return { value: value * 256 + byte, end: from + i + 1 };
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) return { value, end: from + i + 1 };
  }
  throw damaged(number);
}

function damaged(page: number): DamageError {
  return new DamageError(`page ${page} of the database is not what SQLite writes`);
}
