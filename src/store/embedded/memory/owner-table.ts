// Who the contexts of a namespace belong to: pairs of agent and session, each with its contexts in the
// order of their creation. Scopes, neighbours and small scans work on these, never on all contexts.

import type { TimeSpan } from '../../../base/text/dates.ts';
import { grown, NO_NUMBERS } from '../arrays/growing.ts';
import type { LevelNumber } from '../border/rows.ts';

/** Dead members are swept once they outnumber the living and pass this. */
const DEAD_MEMBERS_MIN = 32;
/** Most owners have a few contexts. */
const FIRST_MEMBERS = 4;

/** What an owner asks about its contexts. */
interface Members {
  /** 0: dead. */
  readonly levels: Uint8Array;
  compareCreation(a: number, b: number): number;
  /** Ordinals lie below it. */
  readonly count: number;
}

/** With so many members a place is guessed before it is looked for. */
const GUESSED_FROM = 64;
const GUESS_GROWTH = 4;

export class Owner {
  readonly index: number;
  readonly agentId: string;
  readonly sessionId: string | null;
  /** Living contexts by level number - 1. */
  readonly counts: [number, number, number] = [0, 0, 0];
  /** Ordinals by (createdAtMs, seq); may hold dead ones. */
  members = NO_NUMBERS;
  memberCount = 0;
  deadCount = 0;

  constructor(index: number, agentId: string, sessionId: string | null) {
    this.index = index;
    this.agentId = agentId;
    this.sessionId = sessionId;
  }

  /** Most contexts are newer than all before them; others shift what is behind their place. */
  insert(ordinal: number, documents: Members): void {
    this.members = grown(this.members, this.memberCount + 1, FIRST_MEMBERS);
    let at = this.memberCount;
    if (at > 0 && documents.compareCreation(this.members[at - 1] as number, ordinal) > 0) {
      at = this.position(ordinal, documents);
      this.members.copyWithin(at + 1, at, this.memberCount);
    }
    this.members[at] = ordinal;
    this.memberCount++;
    this.#count(documents.levels[ordinal] as LevelNumber, 1);
  }

  /** Called before the document is marked dead; its place is swept later. */
  remove(level: LevelNumber): void {
    this.#count(level, -1);
    this.deadCount++;
  }

  sweep(documents: Members): void {
    if (this.deadCount < DEAD_MEMBERS_MIN || this.deadCount * 2 < this.memberCount) return;
    let kept = 0;
    for (let i = 0; i < this.memberCount; i++) {
      const ordinal = this.members[i] as number;
      if (documents.levels[ordinal] !== 0) this.members[kept++] = ordinal;
    }
    this.memberCount = kept;
    this.deadCount = 0;
  }

  /** First place whose member is not created before `ordinal`: that of `ordinal` itself where it is a member. */
  position(ordinal: number, documents: Members): number {
    let [low, high] = this.#around(ordinal, documents);
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (documents.compareCreation(this.members[middle] as number, ordinal) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /**
   * Between which places it is to be looked for. Most contexts come in the order of their creation: it stands about as far
   * along here as among all, and is looked for from there on, in steps that grow.
   */
  #around(ordinal: number, documents: Members): [low: number, high: number] {
    const { members, memberCount } = this;
    if (memberCount < GUESSED_FROM) return [0, memberCount];
    const comesBefore = (at: number): boolean => documents.compareCreation(members[at] as number, ordinal) < 0;
    const guess = Math.min(memberCount - 1, Math.floor((ordinal / documents.count) * memberCount));
    let step = 1;
    if (comesBefore(guess)) {
      let low = guess + 1;
      for (; low + step <= memberCount && comesBefore(low + step - 1); step *= GUESS_GROWTH) low += step;
      return [low, Math.min(memberCount, low + step - 1)];
    }
    let high = guess;
    for (; high - step >= 0 && !comesBefore(high - step); step *= GUESS_GROWTH) high -= step;
    return [Math.max(0, high - step + 1), high];
  }

  /** Places of the members that were created then, dead ones among them: from the first one on and before the second one. */
  createdWithin({ fromMs, untilMs }: TimeSpan, createdAtMs: Float64Array): [number, number] {
    return [this.#firstSince(fromMs, createdAtMs), this.#firstSince(untilMs, createdAtMs)];
  }

  #firstSince(ms: number, createdAtMs: Float64Array): number {
    let low = 0;
    let high = this.memberCount;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((createdAtMs[this.members[middle] as number] as number) < ms) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #count(level: LevelNumber, by: number): void {
    this.counts[level - 1] = (this.counts[level - 1] as number) + by;
  }
}

type SavedOwner = readonly [agentId: string, sessionId: string | null] | null;

export class OwnerTable {
  readonly list: Owner[] = [];
  readonly #byAgent = new Map<string, Map<string | null, Owner>>();

  intern(agentId: string, sessionId: string | null): Owner {
    let sessions = this.#byAgent.get(agentId);
    if (sessions === undefined) this.#byAgent.set(agentId, (sessions = new Map<string | null, Owner>()));
    let owner = sessions.get(sessionId);
    if (owner === undefined) {
      owner = new Owner(this.list.length, agentId, sessionId);
      this.list.push(owner);
      sessions.set(sessionId, owner);
    }
    return owner;
  }

  /** All in their order, null for those of which nothing lives: what `restore` takes. */
  *saved(): Generator<SavedOwner> {
    for (const { agentId, sessionId, counts } of this.list)
      yield counts.some((count) => count > 0) ? [agentId, sessionId] : null;
  }

  restore(saved: SavedOwner): void {
    if (saved === null) this.list.push(new Owner(this.list.length, '', null));
    else this.intern(...saved);
  }

  /** The owners that a scope sees, or null where it sees all. */
  select(agentId: string | null, sessionId: string | null, includeSessionless: boolean): Owner[] | null {
    if (agentId === null && sessionId === null) return null;
    const selected: Owner[] = [];
    for (const sessions of this.#sessionsOf(agentId)) {
      if (sessionId === null) {
        for (const owner of sessions.values()) selected.push(owner);
        continue;
      }
      for (const key of includeSessionless ? [sessionId, null] : [sessionId]) {
        const owner = sessions.get(key);
        if (owner !== undefined) selected.push(owner);
      }
    }
    return selected;
  }

  #sessionsOf(agentId: string | null): Iterable<ReadonlyMap<string | null, Owner>> {
    if (agentId === null) return this.#byAgent.values();
    const sessions = this.#byAgent.get(agentId);
    return sessions === undefined ? [] : [sessions];
  }

  /** Without the members, whose places the document table counts. */
  get memoryBytes(): number {
    return this.list.length * OWNER_BYTES;
  }
}

/** An owner without its members: object, map entry, strings. */
const OWNER_BYTES = 500;
