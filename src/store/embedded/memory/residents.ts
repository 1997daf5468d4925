// The namespaces whose indexes are in memory. Past the memory setting the longest idle are dropped: they
// come back from the rows with the next search. One that a search has begun with stays until the search is done.
// Those that are being read are here, too: whoever asks for one goes on where others have stopped.

import type { Effect } from '../database/effects.ts';
import type { NamespaceIndex } from './namespace-index.ts';
import type { Steps } from '../border/steps.ts';
import type { NamespaceLoading } from './namespace-loading.ts';

/** A namespace of up to so many contexts is read from its rows in less than a millisecond. */
const SMALL_CONTEXTS_MAX = 16;
/** Half a hundred thousand of them take a gigabyte: past this, those that are idle longest are read again when they are asked. */
const SMALL_BYTES_MAX = 96 * 1024 * 1024;

/** Large namespaces that are being read at a time; beyond, one that nobody waits for any more is given up. */
const LOADINGS_MAX = 8;

/** Of a `NamespaceLoader`. */
interface Loader {
  begin(spaceId: number): Pick<NamespaceLoading, 'index' | 'advance' | 'apply' | 'end'>;
}

interface Loading {
  readonly loading: ReturnType<Loader['begin']>;
  /** How many calls wait for it. */
  waiting: number;
}

interface Resident {
  readonly index: NamespaceIndex;
  bytes: number;
  isSmall: boolean;
}

export class Residents {
  readonly #loader: Loader;
  readonly #memoryBytesMax: number;
  readonly #smallBytesMax: number;
  /** In the order of use, the longest idle first. */
  readonly #residents = new Map<number, Resident>();
  /** How many searches are in the middle of each. */
  readonly #holds = new Map<number, number>();
  /** The one longest ago asked for first. */
  readonly #loadings = new Map<number, Loading>();
  #bytes = 0;
  #smallBytes = 0;

  constructor(loader: Loader, memoryBytesMax: number, smallBytesMax = SMALL_BYTES_MAX) {
    this.#loader = loader;
    this.#memoryBytesMax = memoryBytesMax;
    this.#smallBytesMax = smallBytesMax;
  }

  /** Reads the namespace where it is not there yet: until the caller's next step it is in memory then. */
  *load(spaceId: number): Steps<void> {
    while (!this.#residents.has(spaceId)) {
      const entry = this.#loadings.get(spaceId) ?? { loading: this.#loader.begin(spaceId), waiting: 0 };
      this.#loadings.delete(spaceId);
      if (entry.loading.advance()) {
        this.#residents.set(spaceId, { index: entry.loading.index, bytes: 0, isSmall: false });
        this.weigh(spaceId);
        return;
      }
      this.#loadings.set(spaceId, entry);
      this.#giveUpLoadings();
      entry.waiting++;
      try {
        yield;
      } finally {
        entry.waiting--;
      }
    }
  }

  /** One that is in memory. */
  use(spaceId: number): NamespaceIndex {
    const known = this.#residents.get(spaceId);
    if (known === undefined) throw new Error('a namespace is used before it is loaded');
    this.#residents.delete(spaceId);
    this.#residents.set(spaceId, known);
    return known.index;
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
      this.#loadings.get(effect.spaceId)?.loading.apply(effect);
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
    this.#loadings.get(spaceId)?.loading.end();
    this.#loadings.delete(spaceId);
    const resident = this.#residents.get(spaceId);
    if (resident === undefined) return;
    this.#count(resident, -resident.bytes);
    this.#residents.delete(spaceId);
    resident.index.release();
  }

  /** The same where no search is in the middle of it. */
  dropIdle(spaceId: number): void {
    this.#loadings.get(spaceId)?.loading.end();
    this.#loadings.delete(spaceId);
    if (!this.#holds.has(spaceId)) this.drop(spaceId);
  }

  /** In memory, those that are still being read left out. */
  get count(): number {
    return this.#residents.size;
  }

  bytes(spaceId?: number): number {
    return spaceId === undefined ? this.#bytes : (this.#residents.get(spaceId)?.bytes ?? 0);
  }

  #giveUpLoadings(): void {
    for (const [spaceId, { loading, waiting }] of this.#loadings) {
      if (this.#loadings.size <= LOADINGS_MAX) return;
      if (waiting > 0) continue;
      this.#loadings.delete(spaceId);
      loading.end();
    }
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
