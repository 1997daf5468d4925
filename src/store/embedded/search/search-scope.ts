// Which documents of a level one search may see.

import { apart, isWithin, type TimeSpan } from '../../../base/text/dates.ts';
import type { TimeView } from '../../times.ts';
import type { DocumentTable } from '../memory/document-table.ts';
import type { FilterCheck } from './filter-check.ts';
import type { WireScope, WireSearch } from '../border/messages.ts';
import type { NamespaceIndex } from '../memory/namespace-index.ts';
import type { Owner } from '../memory/owner-table.ts';
import type { LevelNumber } from '../border/rows.ts';

/** What a search says of whom it may see. */
export type Seen = WireScope &
  Pick<WireSearch, 'includeSessionless' | 'nowMs' | 'time'> &
  Partial<Pick<WireSearch, 'distinct' | 'createdWithin'>>;

/** What a filter is thought to let through before it has been asked. */
const FILTER_SHARE = 0.25;

export class SearchScope {
  readonly level: LevelNumber;
  /** Living documents of the level. */
  readonly levelCount: number;
  /**
   * Those of them that belong to the owners in scope; lifetimes and the filter may take away more. Of those that were created in
   * a time, so many at most.
   */
  readonly ownedCount: number;
  /** Share of the level that is expected to be eligible; a guess where there is a filter. */
  readonly expectedShare: number;
  readonly hasFilter: boolean;
  readonly #documents: DocumentTable;
  readonly #owners: Owner[] | null;
  readonly #ownerMask: Uint8Array | null;
  readonly #hides: boolean;
  readonly nowMs: number;
  /** null: nothing depends on it. */
  readonly time: TimeView | null;
  readonly #filter: FilterCheck | null;
  readonly #isDistinct: boolean;
  readonly #youngest = new Map<number, number>();
  readonly #countWhenever: number;
  /** In their order, apart from each other; null: whenever. */
  readonly #createdWithin: readonly TimeSpan[] | null;

  /** `filter`: that of the request. */
  constructor(index: NamespaceIndex, request: Seen, level: LevelNumber, filter: FilterCheck | null) {
    const { documents } = index;
    this.level = level;
    this.#documents = documents;
    this.levelCount = index.lexical(level).documentCount;
    this.#owners = documents.owners.select(request.agentId, request.sessionId, request.includeSessionless);
    this.#ownerMask = null;
    this.ownedCount = this.levelCount;
    if (this.#owners !== null) {
      this.#ownerMask = new Uint8Array(documents.owners.list.length);
      this.ownedCount = 0;
      for (const owner of this.#owners) {
        this.#ownerMask[owner.index] = 1;
        this.ownedCount += owner.counts[level - 1] as number;
      }
    }
    // Empty: whenever.
    const { createdWithin = [] } = request;
    this.#createdWithin = createdWithin.length === 0 ? null : apart(createdWithin);
    this.#countWhenever = this.ownedCount;
    if (this.#createdWithin !== null) this.ownedCount = this.#countWithin(this.#createdWithin);
    ({ nowMs: this.nowMs, time: this.time } = documents.momentOf(request));
    const ended = this.time === null || this.time.includePast === true ? 0 : documents.endingIn(level);
    const holding = Math.max(1, this.levelCount - ended) / Math.max(1, this.levelCount);
    this.expectedShare =
      (this.ownedCount / Math.max(1, this.levelCount)) * (filter === null ? 1 : FILTER_SHARE) * holding;
    this.hasFilter = filter !== null;
    this.#isDistinct = request.distinct ?? false;
    this.#hides = this.time !== null || documents.mayHide(level, request.nowMs);
    this.#filter = filter;
  }

  /** Of the level, and seen by the search; of copies the youngest. Bound, so that it can be handed on. */
  readonly eligible = (ordinal: number): boolean => {
    if (this.#documents.levels[ordinal] !== this.level || !this.sees(ordinal)) return false;
    const group = this.#isDistinct ? (this.#documents.copyGroups[ordinal] as number) : 0;
    return group === 0 || this.#youngestOf(group) === ordinal;
  };

  /** Of whatever level: it lives, belongs to the scope and passes the filter. */
  sees(ordinal: number): boolean {
    return this.owns(ordinal) && (this.#filter === null || this.#filter.passes(ordinal));
  }

  /** The same without the filter. */
  owns(ordinal: number): boolean {
    if (this.#documents.levels[ordinal] === 0) return false;
    if (this.#ownerMask !== null && this.#ownerMask[this.#documents.ownerIndexes[ordinal] as number] !== 1)
      return false;
    if (this.#createdWithin !== null && !isWithin(this.#createdWithin, this.#documents.createdAtMs[ordinal] as number))
      return false;
    return this.#documents.isShown(ordinal, this);
  }

  /** Documents of the level that belong to the scope and still live, whenever they were created; the filter is not asked. */
  countSeen(): number {
    if (!this.#hides) return this.#countWhenever;
    let count = 0;
    for (const ordinal of this.#ownedWhenever()) if (this.#documents.isShown(ordinal, this)) count++;
    return count;
  }

  eligibleOrdinals(): number[] {
    const eligible: number[] = [];
    const within = this.#createdWithin;
    for (const ordinal of within === null ? this.#ownedWhenever() : this.#ownedWithin(within))
      if (this.eligible(ordinal)) eligible.push(ordinal);
    return eligible;
  }

  #youngestOf(group: number): number {
    const known = this.#youngest.get(group);
    if (known !== undefined) return known;
    const documents = this.#documents;
    let youngest = -1;
    for (const ordinal of documents.copies.members(group)) {
      if (documents.levels[ordinal] !== this.level || !this.sees(ordinal)) continue;
      if (youngest < 0 || documents.compareCreation(youngest, ordinal) < 0) youngest = ordinal;
    }
    this.#youngest.set(group, youngest);
    return youngest;
  }

  *#ownedWhenever(): Iterable<number> {
    const { levels } = this.#documents;
    if (this.#owners === null) {
      for (let ordinal = 0; ordinal < this.#documents.count; ordinal++)
        if (levels[ordinal] === this.level) yield ordinal;
      return;
    }
    for (const owner of this.#owners) {
      if (owner.counts[this.level - 1] === 0) continue;
      for (let i = 0; i < owner.memberCount; i++) {
        const ordinal = owner.members[i] as number;
        if (levels[ordinal] === this.level) yield ordinal;
      }
    }
  }

  #countWithin(spans: readonly TimeSpan[]): number {
    const { owners, createdAtMs } = this.#documents;
    let count = 0;
    for (const owner of this.#owners ?? owners.list) {
      if (owner.counts[this.level - 1] === 0) continue;
      for (const span of spans) {
        const [from, until] = owner.createdWithin(span, createdAtMs);
        count += until - from;
      }
    }
    return Math.min(count, this.ownedCount);
  }

  /** Each owner has its contexts in the order of their creation, so that no others are looked at. */
  *#ownedWithin(spans: readonly TimeSpan[]): Iterable<number> {
    const { levels, owners, createdAtMs } = this.#documents;
    for (const owner of this.#owners ?? owners.list) {
      if (owner.counts[this.level - 1] === 0) continue;
      for (const span of spans) {
        const [from, until] = owner.createdWithin(span, createdAtMs);
        for (let i = from; i < until; i++) {
          const ordinal = owner.members[i] as number;
          if (levels[ordinal] === this.level) yield ordinal;
        }
      }
    }
  }
}
