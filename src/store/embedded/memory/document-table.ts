// What the indexes of a namespace know of its contexts, as columns. A context's place is its ordinal;
// ordinals rise with `entry`, so an entry is found by bisection, and a context that changes its level
// or its text gets a new ordinal while the old one dies.

import { ownCopy } from '../../../base/text/own-copy.ts';
import type { TextTraits } from '../../../base/text/traits.ts';
import { parseTraits, splitTraits, tellsSpeaker } from '../database/derived-text.ts';
import type { Document } from '../database/effects.ts';
import { ColumnSpace, NO_BYTES, NO_FLOATS, NO_NUMBERS, NO_SIGNED, releaseSpace } from '../arrays/growing.ts';
import { placeIn } from '../arrays/rising.ts';
import { CopyGroups } from './copy-groups.ts';
import { type Owner, OwnerTable } from './owner-table.ts';
import type { LevelNumber } from '../border/rows.ts';
import type { TimeView } from '../../times.ts';
import { DocumentTimes } from './document-times.ts';
import { hiddenFrom } from '../database/stored-row.ts';

/** Bytes of an id's string and its slot, and of the place among its owner's members. */
const ID_BYTES = 64 + 6;
/** Bytes of an element of each column: five of eight bytes, seven of four, one of one. */
const ROW_BYTES = 5 * 8 + 7 * 4 + 1;
/** Bytes of one distinct speaker, and of its place. */
const TRAITS_BYTES = 100;
const COMPACTION_DEAD_MIN = 1024;

export const NO_VECTOR = -1;

/** A slot of a segment, as `vectorRows` holds it. */
export function slotMark(slot: number): number {
  return NO_VECTOR - 1 - slot;
}

/** The slot behind a mark; negative where it is none. */
export function markedSlot(mark: number): number {
  return NO_VECTOR - 1 - mark;
}

/** When a search asks; `time` null: whatever lives counts. */
export interface Moment {
  readonly nowMs: number;
  readonly time: TimeView | null;
}

export class DocumentTable {
  /** Ordinals given out; those of dead documents included. */
  count = 0;
  alive = 0;
  readonly owners = new OwnerTable();
  readonly copies = new CopyGroups(this);
  readonly times = new DocumentTimes();
  /** Distinct traits of texts, as they are stored: many texts share a speaker. */
  readonly #traits: string[] = [];
  /** Without those that came from elsewhere: the next text of such a speaker has them anew. */
  readonly #traitIndexes = new Map<string, number>();
  ids: string[] = [];
  seqs = NO_FLOATS;
  entries = NO_FLOATS;
  createdAtMs = NO_FLOATS;
  hiddenFromMs = NO_FLOATS;
  /** `textKey` of each text; NaN: not known. */
  textKeys = NO_FLOATS;
  ownerIndexes = NO_NUMBERS;
  tokenCounts = NO_NUMBERS;
  /** Place among the distinct traits. */
  traitIndexes = NO_NUMBERS;
  accessCounts = NO_NUMBERS;
  /** Number of its group in `copies`; 0: it is in none. */
  copyGroups = NO_NUMBERS;
  /** Index terms of the text, repetitions counted. */
  termCounts = NO_NUMBERS;
  /** Where the vector is: a row of the level's exact vectors, a slot of a segment (`slotMark`), or `NO_VECTOR`: in the database alone. */
  vectorRows = NO_SIGNED;
  /** 0: dead. */
  levels = NO_BYTES;
  /** No document of the level is hidden before this; may be too early, never too late. */
  readonly #hiddenFromMin: [number, number, number] = [Infinity, Infinity, Infinity];
  /** Living documents of each level that have an end. */
  readonly #ending: [number, number, number] = [0, 0, 0];

  add(document: Document, termCount: number): number {
    const ordinal = this.count++;
    this.#grow(this.count);
    const owner = this.owners.intern(document.agentId, document.sessionId);
    this.ids[ordinal] = document.id;
    this.seqs[ordinal] = document.seq;
    this.entries[ordinal] = document.entry;
    this.createdAtMs[ordinal] = document.createdAtMs;
    const hiddenFromMs = hiddenFrom(document);
    this.hiddenFromMs[ordinal] = hiddenFromMs;
    this.ownerIndexes[ordinal] = owner.index;
    this.tokenCounts[ordinal] = document.tokenCount;
    const { key, traits } = splitTraits(document.traits);
    this.textKeys[ordinal] = key;
    this.copyGroups[ordinal] = 0;
    this.traitIndexes[ordinal] = this.#internTraits(traits);
    this.accessCounts[ordinal] = document.accessCount;
    this.termCounts[ordinal] = termCount;
    this.vectorRows[ordinal] = NO_VECTOR;
    this.levels[ordinal] = document.level;
    if (document.times !== null) this.times.set(ordinal, document.times);
    this.settle(ordinal);
    return ordinal;
  }

  /** Counts a document whose columns are filled, and puts it in its places among others: those before it are settled. */
  settle(ordinal: number): void {
    const level = this.levels[ordinal] as LevelNumber;
    this.#noteHidden(level, this.hiddenFromMs[ordinal] as number);
    if (this.times.end(ordinal) !== Infinity) this.#ending[level - 1] = this.endingIn(level) + 1;
    this.ownerOf(ordinal).insert(ordinal, this);
    this.copies.add(ordinal);
    this.alive++;
  }

  /** Room for columns that come from elsewhere; none is there yet. */
  reserve(count: number): void {
    this.#grow(count);
    this.count = count;
    this.copies.reserve(count);
    this.vectorRows.fill(NO_VECTOR, 0, count);
  }

  /** What is said of it now, of one that is not settled yet; null: it is gone. */
  retell(ordinal: number, document: Document | null): void {
    this.levels[ordinal] = document?.level ?? 0;
    this.times.set(ordinal, document?.times ?? null);
    if (document === null) {
      this.ids[ordinal] = '';
      return;
    }
    this.hiddenFromMs[ordinal] = hiddenFrom(document);
    this.accessCounts[ordinal] = document.accessCount;
    this.setTraits(ordinal, document.traits);
  }

  /** What does not follow from others, or is told by the segments. */
  get savedColumns() {
    const { seqs, entries, createdAtMs, hiddenFromMs, textKeys } = this;
    const { ownerIndexes, tokenCounts, traitIndexes, accessCounts, termCounts, levels } = this;
    const floats = [seqs, entries, createdAtMs, hiddenFromMs, textKeys];
    return [...floats, ownerIndexes, tokenCounts, traitIndexes, accessCounts, termCounts, levels] as const;
  }

  /** All in their order, null for those that are not `used`: what `restoreTraits` takes. */
  *savedTraits(used: ReadonlySet<number>): Generator<string | null> {
    for (const [index, text] of this.#traits.entries()) yield used.has(index) ? text : null;
  }

  restoreTraits(text: string | null): void {
    this.#traits.push(text ?? '');
  }

  kill(ordinal: number): void {
    const owner = this.ownerOf(ordinal);
    owner.remove(this.levels[ordinal] as LevelNumber);
    this.setTimes(ordinal, null);
    this.levels[ordinal] = 0;
    this.ids[ordinal] = '';
    this.alive--;
    owner.sweep(this);
  }

  /** -1 where no document, dead or alive, has the entry. */
  ordinalOf(entry: number): number {
    return placeIn(this.entries, this.count, entry);
  }

  ownerOf(ordinal: number): Owner {
    return this.owners.list[this.ownerIndexes[ordinal] as number] as Owner;
  }

  /** Order of creation, then of arrival. */
  compareCreation(a: number, b: number): number {
    return (
      (this.createdAtMs[a] as number) - (this.createdAtMs[b] as number) ||
      (this.seqs[a] as number) - (this.seqs[b] as number)
    );
  }

  traitsOf(ordinal: number): TextTraits {
    return parseTraits(this.#traits[this.traitIndexes[ordinal] as number] as string);
  }

  /** Its `traitsOf` has a speaker. */
  hasSpeaker(ordinal: number): boolean {
    return tellsSpeaker(this.#traits[this.traitIndexes[ordinal] as number] as string);
  }

  setLifetime(ordinal: number, hiddenFromMs: number): void {
    this.hiddenFromMs[ordinal] = hiddenFromMs;
    this.#noteHidden(this.levels[ordinal] as LevelNumber, hiddenFromMs);
  }

  /** Of a living document. */
  setTimes(ordinal: number, times: string | null): void {
    const level = (this.levels[ordinal] as LevelNumber) - 1;
    const hadEnd = this.times.end(ordinal) !== Infinity;
    this.times.set(ordinal, times);
    const hasEnd = this.times.end(ordinal) !== Infinity;
    this.#ending[level] = (this.#ending[level] as number) + Number(hasEnd) - Number(hadEnd);
  }

  /** `joined`: with the key of the text, which is as before. */
  setTraits(ordinal: number, joined: string): void {
    this.traitIndexes[ordinal] = this.#internTraits(splitTraits(joined).traits);
  }

  /** When such a request asks, where anything depends on it. */
  momentOf({ nowMs, time }: Moment): Moment {
    return { nowMs, time: time === null || this.times.isNothingTo(time) ? null : time };
  }

  /** Its lifetime has not ended in deletion, and it holds. */
  isShown(ordinal: number, { nowMs, time }: Moment): boolean {
    if (!((this.hiddenFromMs[ordinal] as number) > nowMs)) return false;
    return time === null || this.times.holds(ordinal, this.createdAtMs[ordinal] as number, time);
  }

  /** Living documents of a level that have an end, past or to come. */
  endingIn(level: LevelNumber): number {
    return this.#ending[level - 1] as number;
  }

  /** False: nothing in the level is hidden at `nowMs`, so nobody need look. */
  mayHide(level: LevelNumber, nowMs: number): boolean {
    return (this.#hiddenFromMin[level - 1] as number) <= nowMs;
  }

  get needsCompaction(): boolean {
    const dead = this.count - this.alive;
    return dead > COMPACTION_DEAD_MIN && dead > this.alive;
  }

  /** Drops the dead. Gives the new ordinal of each old one; dead ones have none (0xffffffff). */
  compact(): Uint32Array {
    const moved = new Uint32Array(this.count).fill(0xffffffff);
    let kept = 0;
    for (let from = 0; from < this.count; from++) {
      if (this.levels[from] === 0) continue;
      moved[from] = kept;
      if (kept !== from) this.#copy(from, kept);
      kept++;
    }
    this.count = kept;
    this.ids.length = kept;
    for (const owner of this.owners.list) {
      let members = 0;
      for (let i = 0; i < owner.memberCount; i++) {
        const ordinal = moved[owner.members[i] as number] as number;
        if (ordinal !== 0xffffffff) owner.members[members++] = ordinal;
      }
      owner.memberCount = members;
      owner.deadCount = 0;
    }
    this.copies.rebuild();
    this.times.renumber(moved);
    return moved;
  }

  get memoryBytes(): number {
    const rows = this.levels.length * ROW_BYTES;
    const interned = this.#traits.length * TRAITS_BYTES + this.owners.memoryBytes;
    return rows + this.alive * ID_BYTES + interned + this.copies.memoryBytes + this.times.memoryBytes;
  }

  #internTraits(traits: string): number {
    const known = this.#traitIndexes.get(traits);
    if (known !== undefined) return known;
    // A part of what was stored or opened, which would be held with it.
    const own = ownCopy(traits);
    const index = this.#traits.push(own) - 1;
    this.#traitIndexes.set(own, index);
    return index;
  }

  #noteHidden(level: LevelNumber, hiddenFromMs: number): void {
    if (hiddenFromMs < (this.#hiddenFromMin[level - 1] as number)) this.#hiddenFromMin[level - 1] = hiddenFromMs;
  }

  #grow(length: number): void {
    if (length <= this.levels.length) return;
    const space = new ColumnSpace(this.levels.length, length, ROW_BYTES);
    const before = this.levels;
    this.seqs = space.floats(this.seqs);
    this.entries = space.floats(this.entries);
    this.createdAtMs = space.floats(this.createdAtMs);
    this.hiddenFromMs = space.floats(this.hiddenFromMs);
    this.textKeys = space.floats(this.textKeys);
    this.ownerIndexes = space.numbers(this.ownerIndexes);
    this.tokenCounts = space.numbers(this.tokenCounts);
    this.traitIndexes = space.numbers(this.traitIndexes);
    this.accessCounts = space.numbers(this.accessCounts);
    this.copyGroups = space.numbers(this.copyGroups);
    this.termCounts = space.numbers(this.termCounts);
    this.vectorRows = space.signed(this.vectorRows);
    this.levels = space.bytes(this.levels);
    releaseSpace(before);
  }

  #copy(from: number, to: number): void {
    this.ids[to] = this.ids[from] as string;
    this.seqs[to] = this.seqs[from] as number;
    this.entries[to] = this.entries[from] as number;
    this.createdAtMs[to] = this.createdAtMs[from] as number;
    this.hiddenFromMs[to] = this.hiddenFromMs[from] as number;
    this.textKeys[to] = this.textKeys[from] as number;
    this.ownerIndexes[to] = this.ownerIndexes[from] as number;
    this.tokenCounts[to] = this.tokenCounts[from] as number;
    this.traitIndexes[to] = this.traitIndexes[from] as number;
    this.accessCounts[to] = this.accessCounts[from] as number;
    this.termCounts[to] = this.termCounts[from] as number;
    this.vectorRows[to] = this.vectorRows[from] as number;
    this.levels[to] = this.levels[from] as number;
  }
}
