// A context's place in its session: who came right before and after it, whatever their level. Without a
// session it is its place in a run of turns.

import { followsInConversation, type Turn } from '../../../base/text/turns.ts';
import { NOBODY } from '../../candidates.ts';
import type { DocumentTable, Moment } from '../memory/document-table.ts';
import type { Owner } from '../memory/owner-table.ts';
import { type FoundDocuments, UNKNOWN } from './found-documents.ts';
import type { SearchScope } from './search-scope.ts';

const BEFORE = -1;
const AFTER = 1;

/**
 * Who stands around the documents that one search has found: the nearest living contexts before and after each. What one walk
 * has seen no other looks for again: hits often stand beside each other.
 */
export class Neighbours {
  readonly #documents: DocumentTable;
  readonly #found: FoundDocuments;
  readonly #moment: Moment;

  constructor(documents: DocumentTable, found: FoundDocuments, moment: Moment) {
    this.#documents = documents;
    this.#found = found;
    this.#moment = moment;
  }

  /** Adds those of the `reach` contexts before and after each of `hosts`, which are found, that the scope lets through. */
  addAround(hosts: Iterable<number>, reach: number, scope: SearchScope): void {
    if (reach === 0) return;
    for (const host of hosts) {
      const owner = this.#documents.ownerOf(host);
      const place = this.#found.placeOf(host);
      this.#addAlong(owner, place, BEFORE, reach, scope);
      this.#addAlong(owner, place, AFTER, reach, scope);
    }
  }

  /** The ordinal, or `NOBODY`. `place`: among those found. */
  before(place: number): number {
    const known = this.#found.before[place] as number;
    return known === UNKNOWN ? this.#beside(place, BEFORE) : known;
  }

  after(place: number): number {
    const known = this.#found.after[place] as number;
    return known === UNKNOWN ? this.#beside(place, AFTER) : known;
  }

  /**
   * Its place among those found. One behind them all where it is none of them, if it is looked for: where nothing but time puts
   * contexts side by side, it counts how many have somebody beside them. `NOBODY` where there is none, or nobody looks.
   */
  foundBefore(place: number): number {
    const known = this.#found.before[place] as number;
    return known === UNKNOWN ? this.#foundBeside(place, BEFORE) : this.#placeOf(known);
  }

  foundAfter(place: number): number {
    const known = this.#found.after[place] as number;
    return known === UNKNOWN ? this.#foundBeside(place, AFTER) : this.#placeOf(known);
  }

  /** `start`: of a host among those found. */
  #addAlong(owner: Owner, start: number, direction: -1 | 1, reach: number, scope: SearchScope): void {
    const found = this.#found;
    const ahead = direction === BEFORE ? found.before : found.after;
    const behind = direction === BEFORE ? found.after : found.before;
    let ordinal = found.ordinals[start] as number;
    let at = this.#memberPlace(owner, start);
    let place = start;
    for (let step = 0; step < reach; step++) {
      at = this.#nextPlace(owner, place, at, direction, ahead);
      const neighbour = memberAt(owner, at);
      if (place >= 0) ahead[place] = neighbour;
      if (neighbour === NOBODY) return;
      place = found.placeOf(neighbour);
      if (place < 0 && scope.sees(neighbour)) place = found.add(neighbour, false);
      if (place >= 0) {
        found.memberPlaces[place] = at;
        behind[place] = ordinal;
      }
      ordinal = neighbour;
    }
  }

  /** By what is known already, or by a walk. `place`: of the one at `at` among those found, if it is one of them. */
  #nextPlace(owner: Owner, place: number, at: number, direction: -1 | 1, ahead: readonly number[]): number {
    const known = place < 0 ? UNKNOWN : (ahead[place] as number);
    if (known === NOBODY) return -1;
    const next = known === UNKNOWN ? -1 : this.#found.placeOf(known);
    const nextAt = next < 0 ? UNKNOWN : (this.#found.memberPlaces[next] as number);
    return nextAt === UNKNOWN ? walk(owner, this.#documents, at, direction, this.#moment) : nextAt;
  }

  #beside(place: number, direction: -1 | 1): number {
    const owner = this.#documents.ownerOf(this.#found.ordinals[place] as number);
    return memberAt(owner, walk(owner, this.#documents, this.#memberPlace(owner, place), direction, this.#moment));
  }

  /** Most have nobody beside them who was found, which is seen without looking at who that is. */
  #foundBeside(place: number, direction: -1 | 1): number {
    const documents = this.#documents;
    const ordinal = this.#found.ordinals[place] as number;
    const owner = documents.ownerOf(ordinal);
    const from = this.#memberPlace(owner, place);
    for (let at = from + direction; at >= 0 && at < owner.memberCount; at += direction) {
      const beside = owner.members[at] as number;
      const found = this.#found.placeOf(beside);
      if (found < 0 && !isThere(documents, beside, this.#moment)) continue;
      if (found < 0 && !(this.#found.direct[place] === true && isByTimeOnly(owner, documents, ordinal))) return NOBODY;
      return isLinked(owner, documents, from, at) ? this.#placeOf(beside) : NOBODY;
    }
    return NOBODY;
  }

  #placeOf(ordinal: number): number {
    if (ordinal === NOBODY) return NOBODY;
    const place = this.#found.placeOf(ordinal);
    return place < 0 ? this.#found.count : place;
  }

  #memberPlace(owner: Owner, place: number): number {
    const { memberPlaces, ordinals } = this.#found;
    if (memberPlaces[place] === UNKNOWN)
      memberPlaces[place] = placeOf(owner, this.#documents, ordinals[place] as number);
    return memberPlaces[place] as number;
  }
}

function placeOf(owner: Owner, documents: DocumentTable, ordinal: number): number {
  let at = owner.position(ordinal, documents);
  // Its own dead predecessors, of an earlier level or text, stand at the same place in the order.
  while (owner.members[at] !== ordinal) at++;
  return at;
}

/** The next place whose context lives and is shown; -1 past either end, and without a session past the conversation's. */
function walk(owner: Owner, documents: DocumentTable, from: number, direction: -1 | 1, moment: Moment): number {
  for (let at = from + direction; at >= 0 && at < owner.memberCount; at += direction) {
    if (!isThere(documents, owner.members[at] as number, moment)) continue;
    return isLinked(owner, documents, from, at) ? at : -1;
  }
  return -1;
}

function isThere(documents: DocumentTable, ordinal: number, moment: Moment): boolean {
  return documents.levels[ordinal] !== 0 && documents.isShown(ordinal, moment);
}

/** Nothing but its time says what it stands beside (`TIME_ONLY_FLAG`). */
function isByTimeOnly(owner: Owner, documents: DocumentTable, ordinal: number): boolean {
  return owner.sessionId === null && !documents.hasSpeaker(ordinal);
}

/** Of two members with nobody there between them. */
function isLinked(owner: Owner, documents: DocumentTable, a: number, b: number): boolean {
  return owner.sessionId !== null || areTurns(owner, documents, Math.min(a, b), Math.max(a, b));
}

function areTurns(owner: Owner, documents: DocumentTable, earlier: number, later: number): boolean {
  return followsInConversation(turnAt(owner, documents, earlier), turnAt(owner, documents, later));
}

function turnAt(owner: Owner, documents: DocumentTable, at: number): Turn {
  const ordinal = owner.members[at] as number;
  return {
    hasSpeaker: documents.hasSpeaker(ordinal),
    createdAtMs: documents.createdAtMs[ordinal] as number,
  };
}

function memberAt(owner: Owner, at: number): number {
  return at < 0 ? NOBODY : (owner.members[at] as number);
}
