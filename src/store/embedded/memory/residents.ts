// The namespaces whose indexes are in memory. Past the memory setting the longest idle are dropped: they
// come back from the rows with the next search. One that a search has begun with stays until the search is done.

import type { Effect } from '../database/effects.ts';
import type { NamespaceIndex } from './namespace-index.ts';
import type { NamespaceLoader } from './namespace-loader.ts';

/** A namespace of up to so many contexts is read from its rows in less than a millisecond. */
const SMALL_CONTEXTS_MAX = 16;
/** Half a hundred thousand of them take a gigabyte: past this, those that are idle longest are read again when they are asked. */
const SMALL_BYTES_MAX = 192 * 1024 * 1024;

interface Resident {
  readonly index: NamespaceIndex;
  bytes: number;
  isSmall: boolean;
}

export class Residents {
  readonly #loader: Pick<NamespaceLoader, 'load'>;
  readonly #memoryBytesMax: number;
  readonly #smallBytesMax: number;
  /** In the order of use, the longest idle first. */
  readonly #residents = new Map<number, Resident>();
  /** How many searches are in the middle of each. */
  readonly #holds = new Map<number, number>();
  #bytes = 0;
  #smallBytes = 0;

  constructor(loader: Pick<NamespaceLoader, 'load'>, memoryBytesMax: number, smallBytesMax = SMALL_BYTES_MAX) {
    this.#loader = loader;
    this.#memoryBytesMax = memoryBytesMax;
    this.#smallBytesMax = smallBytesMax;
  }

  /** Loads the namespace where it is not there yet. */
  use(spaceId: number): NamespaceIndex {
    const known = this.#residents.get(spaceId);
    if (known !== undefined) {
      this.#residents.delete(spaceId);
      this.#residents.set(spaceId, known);
      return known.index;
    }
    const index = this.#loader.load(spaceId);
    this.#residents.set(spaceId, { index, bytes: 0, isSmall: false });
    this.weigh(spaceId);
    return index;
  }

  /** It is not idle until the function is called that this gives. */
  hold(spaceId: number): () => void {
    this.#holds.set(spaceId, (this.#holds.get(spaceId) ?? 0) + 1);
    return () => {
      const left = (this.#holds.get(spaceId) as number) - 1;
      if (left === 0) this.#holds.delete(spaceId);
      else this.#holds.set(spaceId, left);
    };
  }

  peek(spaceId: number): NamespaceIndex | undefined {
    return this.#residents.get(spaceId)?.index;
  }

  /** In the order in which the transaction made them. */
  apply(effects: readonly Effect[]): void {
    const changed = new Set<number>();
    for (const effect of effects) {
      const resident = this.#residents.get(effect.spaceId);
      if (resident === undefined) continue;
      resident.index.apply(effect);
      changed.add(effect.spaceId);
    }
    for (const spaceId of changed) {
      this.#residents.get(spaceId)?.index.compact();
      this.weigh(spaceId);
    }
  }

  /** Takes the namespace's size anew, and makes room where all of them have become too large. */
  weigh(spaceId: number): void {
    const resident = this.#residents.get(spaceId);
    if (resident === undefined) return;
    this.#measure(resident);
    if (this.#smallBytes > this.#smallBytesMax) this.#dropSmall(spaceId);
    if (!this.#isOver) return;
    // The one in use stays, however large: without it nothing could be answered.
    const others = [...this.#residents.keys()].filter((id) => id !== spaceId);
    // What can be done without goes before what has to be read again.
    for (const id of [...others, spaceId]) if (this.#isOver) this.#shed(id);
    for (const id of others) if (this.#isOver && !this.#holds.has(id)) this.drop(id);
  }

  /** So many bytes more would not make anybody else give something up. */
  hasRoomFor(bytes: number): boolean {
    return this.#bytes + bytes <= this.#memoryBytesMax;
  }

  /** Forgets a namespace: it is idle, or its index can no longer be trusted to agree with the rows. */
  drop(spaceId: number): void {
    const resident = this.#residents.get(spaceId);
    if (resident === undefined) return;
    this.#count(resident, -resident.bytes);
    this.#residents.delete(spaceId);
    resident.index.release();
  }

  /** The same where no search is in the middle of it. */
  dropIdle(spaceId: number): void {
    if (!this.#holds.has(spaceId)) this.drop(spaceId);
  }

  get count(): number {
    return this.#residents.size;
  }

  bytes(spaceId?: number): number {
    return spaceId === undefined ? this.#bytes : (this.#residents.get(spaceId)?.bytes ?? 0);
  }

  get #isOver(): boolean {
    return this.#bytes > this.#memoryBytesMax;
  }

  #measure(resident: Resident): void {
    const { index } = resident;
    this.#count(resident, -resident.bytes);
    resident.bytes = index.memoryBytes;
    resident.isSmall = index.documents.count <= SMALL_CONTEXTS_MAX;
    this.#count(resident, resident.bytes);
  }

  #count({ isSmall }: Resident, bytes: number): void {
    this.#bytes += bytes;
    if (isSmall) this.#smallBytes += bytes;
  }

  #dropSmall(inUse: number): void {
    for (const [spaceId, { isSmall }] of this.#residents) {
      if (this.#smallBytes <= this.#smallBytesMax) return;
      if (isSmall && spaceId !== inUse && !this.#holds.has(spaceId)) this.drop(spaceId);
    }
  }

  #shed(spaceId: number): void {
    const resident = this.#residents.get(spaceId) as Resident;
    if (resident.index.shed()) this.#measure(resident);
  }
}
