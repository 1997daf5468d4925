// What is sealed together, and to which place: the contents of a context, what the analysis made of its text, its vectors,
// and what a document says. Without a sealer everything passes as it is.

import { crc32 } from 'node:zlib';
import type { RecordRow } from '../border/rows.ts';
import { isPacked, packText, unpackText } from './packed-text.ts';
import { DamageError } from './sqlite-errors.ts';
import type { Derived } from './derived-text.ts';
import type { Sealer } from './sealer.ts';

/** What clients wrote, beside names and times. */
export type Contents = Pick<RecordRow, 'text' | 'metadata' | 'tags'>;

/** For good, once a context is stored. */
export interface RowPlace {
  readonly seq: number;
  readonly namespaceId: number;
  readonly id: string;
}

/** JSON never holds it, so it ends what is JSON. */
const END = '\0';
/** In the columns of what is sealed; JSON where it must be. */
export const NO_CONTENTS: Contents = { text: '', metadata: '{}', tags: '[]' };
export const NO_TERMS: Derived = { terms: '', traits: '' };

/** The row as its columns say it where its contents are sealed: what sums over columns are made of. */
export function visible<R extends Contents>(sealer: Sealer | null, row: R): R {
  return sealer === null ? row : { ...row, ...NO_CONTENTS };
}

/** What stands in the column `sealed`, and none of it in others: all contents, sealed, or the text, packed. null: the columns say it. */
export function storedContents(
  sealer: Sealer | null,
  place: RowPlace,
  { text, metadata, tags }: Contents,
  packFromBytes: number,
): Uint8Array | null {
  if (sealer === null) return packText(text, packFromBytes);
  const contents = `${metadata}${END}${tags}${END}${text}`;
  return sealer.seal(packText(contents, packFromBytes) ?? contents, rowPlace('row', place));
}

/** The same for the column of the text. */
export function textColumn(contents: Uint8Array | null, { text }: Contents): string {
  return contents === null ? text : NO_CONTENTS.text;
}

/** Metadata and tags stand in their columns; the sum of those is that of the whole text, too. */
export function isPackedAlone(stored: Uint8Array | null): boolean {
  return stored !== null && isPacked(stored);
}

/** `columns`: what the columns say. Throws `DamageError`. */
export function openContents(
  sealer: Sealer | null,
  place: RowPlace,
  sealed: Uint8Array | null,
  columns: Contents,
): Contents {
  if (isPlain(sealer)) {
    if (sealed === null) return columns;
    if (isPacked(sealed)) return { ...columns, text: unpackText(sealed, `row ${place.seq}`) };
  }
  const bytes = opening(sealer, sealed, rowPlace('row', place));
  const opened = isPacked(bytes) ? unpackText(bytes, `row ${place.seq}`) : bytes.toString();
  const metadataEnd = opened.indexOf(END);
  const tagsEnd = opened.indexOf(END, metadataEnd + 1);
  return {
    metadata: opened.slice(0, metadataEnd),
    tags: opened.slice(metadataEnd + 1, tagsEnd),
    text: opened.slice(tagsEnd + 1),
  };
}

/** null: the columns themselves say it. */
export function sealedTerms(sealer: Sealer | null, place: RowPlace, { terms, traits }: Derived): Uint8Array | null {
  if (sealer === null) return null;
  return sealer.seal(`${traits.length}${END}${traits}${terms}`, rowPlace('terms of row', place));
}

/** `columns`: what the columns say. Throws `DamageError`. */
export function openTerms(
  sealer: Sealer | null,
  place: RowPlace,
  sealed: Uint8Array | null,
  columns: Derived,
): Derived {
  if (sealed === null && isPlain(sealer)) return columns;
  const opened = opening(sealer, sealed, rowPlace('terms of row', place)).toString();
  const traitsAt = opened.indexOf(END) + 1;
  const termsAt = traitsAt + Number.parseInt(opened, 10);
  return { traits: opened.slice(traitsAt, termsAt), terms: opened.slice(termsAt) };
}

export type VectorTable = 'vectors' | 'passages';

const SUM_BYTES = 4;
/** Behind what is not sealed stand a CRC-32 and two zeros: neither numbers alone nor anything sealed are so long. */
const SUMMED_BYTES = SUM_BYTES + 2;
const NUMBER_BYTES = Float32Array.BYTES_PER_ELEMENT;
/** What is longer than a vector gets a buffer of its own. */
const SUMMED_KEPT_BYTES = 65_536;

/** What was summed last, written over by what comes next: a buffer for each vector would wait for the collector. */
let summedLast: Buffer<ArrayBufferLike> = Buffer.alloc(0);

/**
 * Of the context with this `seq`: its vector, or those of its further passages. For a statement that takes a copy: the bytes hold
 * until the next call.
 */
export function sealedVectors(
  sealer: Sealer | null,
  table: VectorTable,
  seq: number,
  vectors: Float32Array,
): Uint8Array {
  const bytes = new Uint8Array(vectors.buffer, vectors.byteOffset, vectors.byteLength);
  const place = vectorPlace(table, seq);
  if (sealer !== null) return sealer.seal(bytes, place);
  const summed = summedSpace(bytes.byteLength + SUMMED_BYTES);
  summed.set(bytes);
  summed.writeUInt32LE(vectorSum(bytes, place), bytes.byteLength);
  return summed;
}

/** Its last two bytes are zero. */
function summedSpace(length: number): Buffer {
  if (length > SUMMED_KEPT_BYTES) return Buffer.alloc(length);
  if (summedLast.length < length) summedLast = Buffer.alloc(length);
  return summedLast.subarray(0, length).fill(0, length - SUMMED_BYTES);
}

/** Float32, little-endian, one after another. Throws `DamageError`. */
export function openVectors(sealer: Sealer | null, table: VectorTable, seq: number, stored: Uint8Array): Uint8Array {
  const place = vectorPlace(table, seq);
  const looksPlain = [0, SUMMED_BYTES % NUMBER_BYTES].includes(stored.byteLength % NUMBER_BYTES);
  return sealer === null || (sealer.allowsPlain && looksPlain) ? asSummed(stored, place) : sealer.open(stored, place);
}

/** Those from before there were sums have none. */
function asSummed(stored: Uint8Array, place: string): Uint8Array {
  const { buffer, byteOffset, byteLength } = stored;
  if (byteLength % NUMBER_BYTES === 0) return stored;
  const bytes = stored.subarray(0, Math.max(0, byteLength - SUMMED_BYTES));
  const isWhole =
    bytes.byteLength % NUMBER_BYTES === 0 &&
    new DataView(buffer, byteOffset + bytes.byteLength).getUint32(0, true) === vectorSum(bytes, place);
  if (!isWhole) throw damaged(place);
  return bytes;
}

function vectorSum(bytes: Uint8Array, place: string): number {
  return crc32(bytes, crc32(place));
}

function vectorPlace(table: VectorTable, seq: number): string {
  return `${table} of row/${seq}`;
}

/** Of what is not sealed; where it is, a sum would tell of it. */
export function termsSum(sealer: Sealer | null, { terms, traits }: Derived): number | null {
  return sealer === null ? crc32(`${terms}${END}${traits}`) : null;
}

/** Where a document is found; `key` as its column has it. */
export interface DocumentPlace {
  readonly namespace: string;
  readonly kind: string;
  readonly key: string;
}

/** What is sealed of it; `terms` and `body` are JSON. */
export interface DocumentContents {
  readonly key: string;
  readonly terms: string;
  readonly body: string;
}

/** What stands in the column of its key: digests of names are keys, too, and whoever guesses the name would find them. */
export function storedKey(sealer: Sealer | null, { namespace, kind, key }: DocumentPlace): string {
  return sealer === null ? key : sealer.blind(`key\0${namespace}\0${kind}\0${key}`).toString('base64url');
}

/** null: the columns themselves say it. */
export function sealedDocument(
  sealer: Sealer | null,
  place: DocumentPlace,
  { terms, body, key }: DocumentContents,
): Uint8Array | null {
  return sealer === null ? null : sealer.seal(`${terms}${END}${body}${END}${key}`, documentPlace(place));
}

/** `columns`: what the columns say. Throws `DamageError`. */
export function openDocument(
  sealer: Sealer | null,
  place: DocumentPlace,
  sealed: Uint8Array | null,
  columns: DocumentContents,
): DocumentContents {
  if (sealed === null && isPlain(sealer)) return columns;
  const opened = opening(sealer, sealed, documentPlace(place)).toString();
  const termsEnd = opened.indexOf(END);
  const bodyEnd = opened.indexOf(END, termsEnd + 1);
  return {
    terms: opened.slice(0, termsEnd),
    body: opened.slice(termsEnd + 1, bodyEnd),
    key: opened.slice(bodyEnd + 1),
  };
}

/** In a sealed database nothing passes that was not sealed: somebody else has put it there. */
function isPlain(sealer: Sealer | null): boolean {
  return sealer === null || sealer.allowsPlain;
}

function opening(sealer: Sealer | null, sealed: Uint8Array | null, place: string): Buffer {
  if (sealer !== null && sealed !== null) return sealer.open(sealed, place);
  throw damaged(place);
}

function damaged(place: string): DamageError {
  return new DamageError(`${place.split('/', 2).join(' ')} of the database is not what was written`);
}

function rowPlace(what: string, { seq, namespaceId, id }: RowPlace): string {
  return `${what}/${seq}/${namespaceId}/${id}`;
}

function documentPlace({ namespace, kind, key }: DocumentPlace): string {
  return `document/${key}/${namespace}\0${kind}`;
}
