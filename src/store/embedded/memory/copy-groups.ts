// Which documents of a namespace have texts that say the same. Documents come in the order of their ordinals; those
// that died stay in their groups until the table is compacted.

import { NO_SIGNED } from '../arrays/growing.ts';

/** Of `DocumentTable`. */
export interface KeyedDocuments {
  readonly count: number;
  /** `textKey` of each text; NaN: like no other. */
  readonly textKeys: Float64Array;
  /** Number of each document's group; 0: it is in none. */
  readonly copyGroups: Uint32Array;
}

/** Fewer documents are looked through, and need no slots. */
const SLOTS_FROM = 64;
/** Of an array, with its place in the list of groups. */
const GROUP_BYTES = 64;
/** A double's halves, for its place among the slots. */
const bits = new DataView(new ArrayBuffer(8));

export class CopyGroups {
  readonly #documents: KeyedDocuments;
  /** Open addressing: the first document with each key, as its ordinal + 1; 0: free. At most half of them are taken. */
  #slots = NO_SIGNED;
  #slotted = 0;
  #groups: number[][] = [];
  #memberCount = 0;

  constructor(documents: KeyedDocuments) {
    this.#documents = documents;
  }

  /** Room for so many, before there is any: to find each its place again with every growth takes as long once more. */
  reserve(count: number): void {
    if (count >= SLOTS_FROM) this.#makeSlots(count);
  }

  /** `ordinal` is the newest document. */
  add(ordinal: number): void {
    const { textKeys, copyGroups } = this.#documents;
    const twin = this.#firstLike(ordinal, textKeys[ordinal] as number);
    if (twin < 0) return;
    let group = copyGroups[twin] as number;
    if (group === 0) {
      copyGroups[twin] = group = this.#groups.push([twin]);
      this.#memberCount++;
    }
    this.#memberCount++;
    (this.#groups[group - 1] as number[]).push(ordinal);
    copyGroups[ordinal] = group;
  }

  /** Ordinals of a group, the dead among them. */
  members(group: number): readonly number[] {
    return this.#groups[group - 1] as readonly number[];
  }

  /** After documents got other ordinals. */
  rebuild(): void {
    const { count, copyGroups } = this.#documents;
    this.#groups = [];
    this.#memberCount = 0;
    this.#slots = NO_SIGNED;
    this.#slotted = 0;
    copyGroups.fill(0);
    for (let ordinal = 0; ordinal < count; ordinal++) this.add(ordinal);
  }

  get memoryBytes(): number {
    return this.#slots.byteLength + this.#groups.length * GROUP_BYTES + this.#memberCount * 8;
  }

  /** -1 where it is the first, as which it is noted. */
  #firstLike(ordinal: number, key: number): number {
    if (Number.isNaN(key)) return -1;
    if (ordinal < SLOTS_FROM) {
      const first = this.#documents.textKeys.indexOf(key);
      return first < ordinal ? first : -1;
    }
    this.#slotUpTo(ordinal);
    return this.#slot(ordinal, key);
  }

  /** All documents before `end`; makes room for that one and as many again. */
  #slotUpTo(end: number): void {
    const { textKeys } = this.#documents;
    if (this.#slots.length < 2 * (end + 1)) this.#makeSlots(end + 1);
    for (; this.#slotted < end; this.#slotted++) {
      const key = textKeys[this.#slotted] as number;
      if (!Number.isNaN(key)) this.#slot(this.#slotted, key);
    }
  }

  #makeSlots(count: number): void {
    this.#slots = new Int32Array(2 ** Math.ceil(Math.log2(4 * count)));
    this.#slotted = 0;
  }

  #slot(ordinal: number, key: number): number {
    const { textKeys } = this.#documents;
    const mask = this.#slots.length - 1;
    for (let at = spread(key) & mask; ; at = (at + 1) & mask) {
      const taken = this.#slots[at] as number;
      if (taken === 0) {
        this.#slots[at] = ordinal + 1;
        return -1;
      }
      if (textKeys[taken - 1] === key) return taken - 1 === ordinal ? -1 : taken - 1;
    }
  }
}

function spread(key: number): number {
  bits.setFloat64(0, key);
  return Math.imul(bits.getUint32(0) ^ Math.imul(bits.getUint32(4), 0x9e3779b1), 0x85ebca6b) >>> 8;
}
