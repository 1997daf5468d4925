// What a namespace's index is saved as, and made of again: its columns, lists and words as they are in memory, so that neither
// a row is read nor a text split. While it is written, contexts may come, change and go: what comes later is left out, and of
// what changes either state may be written, as whoever reads it asks the rows about all that has changed since.
// What only dead contexts say is left out.

import { ANALYZER_VERSION } from '../../../base/text/analyzer.ts';
import { LEVEL_NUMBERS, type LevelNumber } from '../border/rows.ts';
import type { Steps } from '../border/steps.ts';
import type { DocumentTable } from '../memory/document-table.ts';
import type { NamespaceIndex } from '../memory/namespace-index.ts';
import type { BlockReader } from './block-file.ts';

/** Raised with every change of what the blocks hold. */
const FORMAT = 2;
/** Elements of a column, or entries of a list, in one block: a millisecond of work, or two. */
const COLUMN_SLICE = 65_536;
const LIST_SLICE = 8_192;
/** Documents between two looks at the time. */
const PACED = 256;

export interface SavedHead {
  readonly format: number;
  readonly analyzer: number;
  /** That of the file. */
  readonly name: string;
  readonly spaceId: number;
  /** Contexts of later entries are not in it. */
  readonly covered: number;
  readonly documents: number;
  readonly terms: number;
}

/** Those of an index that agrees with what is stored. To be given up where its documents get other ordinals meanwhile. */
export function* namespaceBlocks(
  index: NamespaceIndex,
  about: Pick<SavedHead, 'name' | 'spaceId' | 'covered'>,
): Generator<Uint8Array> {
  const { documents, dictionary } = index;
  const { count } = documents;
  const terms = dictionary.count;
  const head: SavedHead = { format: FORMAT, analyzer: ANALYZER_VERSION, ...about, documents: count, terms };
  yield toJson(head);
  for (let column = 0; column < documents.savedColumns.length; column++)
    for (let from = 0; from < count; from += COLUMN_SLICE)
      yield columnSlice(documents, column, from, Math.min(count, from + COLUMN_SLICE));
  const isLiving = (ordinal: number) => documents.levels[ordinal] !== 0;
  yield* listBlocks(ranged(count, (ordinal) => (isLiving(ordinal) ? (documents.ids[ordinal] as string) : '')));
  yield* listBlocks(documents.owners.saved());
  yield* listBlocks(documents.savedTraits(usedTraits(documents, count)));
  for (const level of LEVEL_NUMBERS) {
    const { lists } = index.lexical(level);
    const keeps = (ordinal: number) => ordinal < count && documents.levels[ordinal] === level;
    yield toJson(lists.postingCount);
    for (const block of lists.packed(terms, keeps)) yield block;
    yield NOTHING;
    yield* listBlocks(lists.savedLarge(keeps));
  }
  yield* listBlocks(dictionary.saved(terms, (term) => index.documentFrequency(term) > 0));
  for (const column of documents.times.columns) {
    const { isEmpty } = column;
    yield toJson(isEmpty);
    if (isEmpty) continue;
    for (let from = 0; from < count; from += COLUMN_SLICE)
      yield asBytes(column.slice(from, Math.min(count, from + COLUMN_SLICE)));
  }
  yield* listBlocks(documents.times.saved(count));
}

const NOTHING = new Uint8Array(0);

/**
 * Fills `index`, which is empty; what documents are left is to be settled by `settle` then. Gives the head, or null where it
 * is of another program. Throws where it is not what was written.
 */
export function* readBlocks(file: BlockReader, index: NamespaceIndex, isOver: () => boolean): Steps<SavedHead | null> {
  const head = fromJson(file.next()) as SavedHead;
  if (head.format !== FORMAT || head.analyzer !== ANALYZER_VERSION) return null;
  const { documents, dictionary } = index;
  documents.reserve(head.documents);
  for (const column of documents.savedColumns) yield* readColumn(file, column.subarray(0, head.documents), isOver);
  let ordinal = 0;
  yield* readList<string>(file, isOver, (id) => void (documents.ids[ordinal++] = id));
  yield* readList<Parameters<typeof documents.owners.restore>[0]>(file, isOver, (saved) =>
    documents.owners.restore(saved),
  );
  yield* readList<string | null>(file, isOver, (traits) => documents.restoreTraits(traits));
  for (const level of LEVEL_NUMBERS) {
    const { lists } = index.lexicalOf(level);
    lists.reserve(head.terms, fromJson(file.next()) as number);
    for (let block = file.next(); block.byteLength > 0; block = file.next()) {
      lists.unpack(block);
      if (isOver()) yield;
    }
    yield* readList<readonly [number, number, number]>(file, isOver, (large) => lists.restoreLarge(...large));
  }
  yield* readList<string | null>(file, isOver, (term) => dictionary.restore(term));
  for (const column of documents.times.columns) {
    const isEmpty = fromJson(file.next()) as boolean;
    if (!isEmpty) yield* readColumn(file, column.room(head.documents), isOver);
  }
  yield* readList<Parameters<typeof documents.times.restore>[0]>(file, isOver, (times) =>
    documents.times.restore(times),
  );
  if (ordinal !== head.documents || dictionary.count !== head.terms)
    throw new Error('a saved index holds something else than it says');
  return head;
}

/**
 * Counts all documents that are not marked as dead, and puts them in their places among others. `isAsSaved`: all that the blocks
 * tell of as living still are, so that each is in the lists of its terms.
 */
export function* settle(index: NamespaceIndex, isAsSaved: boolean, isOver: () => boolean): Steps<void> {
  const { documents } = index;
  for (let ordinal = 0; ordinal < documents.count; ordinal++) {
    const level = documents.levels[ordinal] as number;
    if (level !== 0) {
      documents.settle(ordinal);
      index.lexicalOf(level as LevelNumber).count(documents.termCounts[ordinal] as number);
    }
    if (ordinal % PACED === 0 && isOver()) yield;
  }
  for (const level of LEVEL_NUMBERS) {
    const { lists } = index.lexicalOf(level);
    if (isAsSaved) {
      lists.countAll();
      continue;
    }
    const isLiving = (ordinal: number) => documents.levels[ordinal] === level;
    for (let term = 0; term < lists.termCount; term++) {
      lists.recount(term, isLiving);
      if (term % PACED === 0 && isOver()) yield;
    }
  }
}

type Column = DocumentTable['savedColumns'][number];

function columnSlice(documents: DocumentTable, column: number, from: number, to: number): Uint8Array {
  const slice = (documents.savedColumns[column] as Column).slice(from, to);
  // Of a dead one nothing is kept that follows from its text.
  if (documents.savedColumns[column] === documents.textKeys)
    for (let i = 0; i < slice.length; i++) if (documents.levels[from + i] === 0) slice[i] = Number.NaN;
  return asBytes(slice);
}

function asBytes({ buffer, byteOffset, byteLength }: Float64Array | Column): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}

function usedTraits({ levels, traitIndexes }: DocumentTable, count: number): Set<number> {
  const used = new Set<number>();
  for (let ordinal = 0; ordinal < count; ordinal++)
    if (levels[ordinal] !== 0) used.add(traitIndexes[ordinal] as number);
  return used;
}

function* ranged<T>(count: number, value: (place: number) => T): Generator<T> {
  for (let place = 0; place < count; place++) yield value(place);
}

/** Some entries in each, and a block of none behind the last. */
function* listBlocks(entries: Iterable<unknown>): Generator<Uint8Array> {
  let block: unknown[] = [];
  for (const entry of entries) {
    if (block.push(entry) < LIST_SLICE) continue;
    yield toJson(block);
    block = [];
  }
  if (block.length > 0) yield toJson(block);
  yield toJson([]);
}

function* readColumn(file: BlockReader, column: Column, isOver: () => boolean): Steps<void> {
  for (let from = 0; from < column.length; from += COLUMN_SLICE) {
    file.into(asBytes(column.subarray(from, from + COLUMN_SLICE)));
    if (isOver()) yield;
  }
}

function* readList<T>(file: BlockReader, isOver: () => boolean, take: (entry: T) => void): Steps<void> {
  for (;;) {
    const entries = fromJson(file.next()) as T[];
    if (entries.length === 0) return;
    for (const entry of entries) take(entry);
    if (isOver()) yield;
  }
}

function toJson(value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value));
}

function fromJson(bytes: Uint8Array): unknown {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString());
}
