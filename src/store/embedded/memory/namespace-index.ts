// Everything a namespace's searches need, in memory: derived from the rows, kept up to date by the
// effects of commits, dropped and read again at will.

import { type TextLengths, textLengths } from '../../../base/text/bm25.ts';
import { splitTerms } from '../database/derived-text.ts';
import { Dictionary } from './dictionary.ts';
import { DocumentTable, NO_VECTOR } from './document-table.ts';
import type { Document, Effect } from '../database/effects.ts';
import type { LevelVectors } from './level-vectors.ts';
import { FieldColumns } from './field-columns.ts';
import { formsOfJoined } from '../../term-forms.ts';
import { LexicalIndex } from './lexical-index.ts';
import type { WireStatistics } from '../border/messages.ts';
import { LEVEL_NUMBERS, type LevelNumber } from '../border/rows.ts';
import type { ReadPassages } from '../database/stored-passages.ts';

/** Of an index that holds nothing: its objects, their tables, and what the allocator adds to each buffer. */
const INDEX_BYTES = 4_000;
/** The same of a level that has texts. */
const LEVEL_BYTES = 1_200;

/** Of levels without contexts: nobody fills them. */
const NO_TEXTS = LEVEL_NUMBERS.map((level) => new LexicalIndex(level, new DocumentTable()));

/** The full vector of a context, by its `seq`; null where it is gone. */
export type ReadVector = (seq: number) => Float32Array | null;
/** Many at once; `take` gets the place of each `seq` that is there, in any order. Each `seq` once. */
export type ReadVectors = (seqs: readonly number[], take: (place: number, vector: Float32Array) => void) => void;

/** What holds on to ordinals from one step to the next. */
export interface OrdinalFollower {
  /** The row behind it has changed. */
  forget(ordinal: number): void;
  /** By old ordinal the new one; 0xffffffff: gone. */
  renumber(moved: Uint32Array): void;
}

export class NamespaceIndex {
  readonly documents = new DocumentTable();
  readonly dictionary = new Dictionary();
  /** Of levels that have had contexts. */
  readonly #lexical: (LexicalIndex | null)[] = [null, null, null];
  readonly #vectors: (LevelVectors | null)[] = [null, null, null];
  readonly #readVector: ReadVector;
  readonly #passages: ReadPassages;
  /** Made for the first filter that asks. */
  #fields: FieldColumns | null = null;
  /** Made for the first. */
  #followers: Set<OrdinalFollower> | null = null;

  constructor(readVector: ReadVector, passages: ReadPassages) {
    this.#readVector = readVector;
    this.#passages = passages;
  }

  get fields(): FieldColumns {
    this.#fields ??= new FieldColumns();
    return this.#fields;
  }

  /** Until the function is called that it gives. */
  follow(follower: OrdinalFollower): () => void {
    const followers = (this.#followers ??= new Set<OrdinalFollower>());
    followers.add(follower);
    return () => followers.delete(follower);
  }

  /** To be read. */
  lexical(level: LevelNumber): LexicalIndex {
    return this.#lexical[level - 1] ?? (NO_TEXTS[level - 1] as LexicalIndex);
  }

  /** To be filled. */
  lexicalOf(level: LevelNumber): LexicalIndex {
    return (this.#lexical[level - 1] ??= new LexicalIndex(level, this.documents));
  }

  /** null: not loaded. */
  vectors(level: LevelNumber): LevelVectors | null {
    return this.#vectors[level - 1] as LevelVectors | null;
  }

  setVectors(level: LevelNumber, vectors: LevelVectors | null): void {
    const old = this.vectors(level);
    this.#vectors[level - 1] = vectors;
    if (old !== vectors) old?.release();
    if (vectors !== null) return;
    const { documents } = this;
    for (let i = 0; i < documents.count; i++) if (documents.levels[i] === level) documents.vectorRows[i] = NO_VECTOR;
  }

  get documentCount(): number {
    return this.#lexical.reduce((sum, index) => sum + (index?.documentCount ?? 0), 0);
  }

  get textLengths(): TextLengths {
    const sumOf = (part: 'termTotal' | 'termSquares'): number =>
      this.#lexical.reduce((sum, index) => sum + (index?.[part] ?? 0), 0);
    return textLengths(this.documentCount, sumOf('termTotal'), sumOf('termSquares'));
  }

  /** Documents of the namespace that hold the term. */
  documentFrequency(term: number): number {
    return this.#lexical.reduce((sum, index) => sum + (index?.documentFrequency(term) ?? 0), 0);
  }

  statistics(terms: readonly string[]): WireStatistics {
    const frequencies = terms.map((joined) =>
      formsOfJoined(joined, this.dictionary.languages).reduce((sum, form) => {
        const term = this.dictionary.find(form);
        return term === undefined ? sum : sum + this.documentFrequency(term);
      }, 0),
    );
    return { documentCount: this.documentCount, ...this.textLengths, frequencies };
  }

  /** Entries must come in rising order. `vector`: null where the level's vectors are not loaded. */
  add(document: Document, vector: Float32Array | null, passages: Float32Array | null): void {
    const terms = splitTerms(document.terms).map((term) => this.dictionary.intern(term));
    const ordinal = this.documents.add(document, terms.length);
    const lexical = this.lexicalOf(document.level);
    lexical.lists.expect(this.dictionary.count, terms.length);
    lexical.add(ordinal, terms);
    if (vector !== null) this.vectors(document.level)?.add(ordinal, vector, passages);
  }

  apply(effect: Effect): void {
    switch (effect.kind) {
      case 'add':
        this.add(effect.document, effect.vector, effect.passages);
        break;
      case 'remove':
        this.#remove(effect.entry, effect.terms);
        break;
      case 'move': {
        const { document } = effect;
        const vector = this.vectors(document.level) === null ? null : this.#vectorOf(effect.oldEntry, document.seq);
        const passages = vector === null ? null : this.#passagesOf(effect.oldEntry, document.seq);
        this.#remove(effect.oldEntry, document.terms);
        this.add(document, vector, passages);
        break;
      }
      case 'change':
        this.#living(effect.entry, (ordinal) => {
          this.documents.setLifetime(ordinal, effect.hiddenFromMs);
          this.documents.setTimes(ordinal, effect.times);
          if (effect.traits !== undefined) this.documents.setTraits(ordinal, effect.traits);
          this.#fields?.forget(ordinal);
          for (const follower of this.#followers ?? []) follower.forget(ordinal);
        });
        break;
      case 'access':
        this.#living(effect.entry, (ordinal) => {
          this.documents.accessCounts[ordinal] = (this.documents.accessCounts[ordinal] as number) + effect.count;
        });
    }
  }

  /** Gives memory and files back. Not to be used after. */
  release(): void {
    for (const vectors of this.#vectors) vectors?.release();
    for (const index of this.#lexical) index?.lists.release();
  }

  /** To be called now and then, after changes. */
  compact(): void {
    if (!this.documents.needsCompaction) return;
    const moved = this.documents.compact();
    const renumber = (ordinal: number) => {
      const to = moved[ordinal] as number;
      return to === 0xffffffff ? -1 : to;
    };
    for (const index of this.#lexical) index?.renumber(renumber);
    for (const vectors of this.#vectors) vectors?.renumber(moved);
    this.#fields?.renumber(moved);
    for (const follower of this.#followers ?? []) follower.renumber(moved);
  }

  /** Lets go of what only makes searches faster; later ones may make it anew. False where there was nothing. */
  shed(): boolean {
    let isShed = false;
    for (const vectors of this.#vectors) {
      if (vectors === null || vectors.columns === null) continue;
      vectors.columns = null;
      isShed = true;
    }
    return isShed;
  }

  get memoryBytes(): number {
    let bytes =
      INDEX_BYTES + this.documents.memoryBytes + this.dictionary.memoryBytes + (this.#fields?.memoryBytes ?? 0);
    for (const index of this.#lexical) bytes += index === null ? 0 : LEVEL_BYTES + index.memoryBytes;
    for (const vectors of this.#vectors) bytes += vectors?.memoryBytes ?? 0;
    return bytes;
  }

  #remove(entry: number, joined: string): void {
    this.#living(entry, (ordinal) => {
      const level = this.documents.levels[ordinal] as LevelNumber;
      this.vectors(level)?.remove(ordinal);
      this.documents.kill(ordinal);
      const terms = splitTerms(joined).map((term) => this.dictionary.intern(term));
      this.lexicalOf(level).remove(terms);
    });
  }

  #vectorOf(entry: number, seq: number): Float32Array | null {
    const ordinal = this.documents.ordinalOf(entry);
    const vectors = this.#holderOf(ordinal);
    if (vectors === null) return this.#readVector(seq);
    return vectors.rows.vector(this.documents.vectorRows[ordinal] as number).slice();
  }

  #passagesOf(entry: number, seq: number): Float32Array | null {
    if (this.#passages.isEmpty) return null;
    const ordinal = this.documents.ordinalOf(entry);
    const vectors = this.#holderOf(ordinal);
    return vectors === null ? this.#passages.read(seq) : (vectors.passages?.vectorsOf(ordinal) ?? null);
  }

  /** The vectors of the level that has the document's among its exact rows; null: they are elsewhere. */
  #holderOf(ordinal: number): LevelVectors | null {
    const row = ordinal < 0 ? -1 : (this.documents.vectorRows[ordinal] as number);
    const level = ordinal < 0 ? 0 : (this.documents.levels[ordinal] as number);
    return row < 0 || level === 0 ? null : this.vectors(level as LevelNumber);
  }

  #living(entry: number, change: (ordinal: number) => void): void {
    const ordinal = this.documents.ordinalOf(entry);
    if (ordinal >= 0 && this.documents.levels[ordinal] !== 0) change(ordinal);
  }
}
