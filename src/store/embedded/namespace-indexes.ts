// The indexes of namespaces as calls use them: loaded where they are not in memory, with the graphs that are on disk.

import type { IndexKeeper } from './hnsw/index-keeper.ts';
import type { NamespaceIndex, OrdinalFollower } from './memory/namespace-index.ts';
import type { NamespaceLoader } from './memory/namespace-loader.ts';
import type { Residents } from './memory/residents.ts';
import type { LevelNumber } from './border/rows.ts';
import type { Pace, Steps } from './border/steps.ts';

export class NamespaceIndexes {
  readonly #residents: Residents;
  readonly #loader: NamespaceLoader;
  readonly #keeper: IndexKeeper;
  readonly #pace: Pace;

  /** `pace`: of the steps in which it is called. */
  constructor(residents: Residents, loader: NamespaceLoader, keeper: IndexKeeper, pace: Pace) {
    this.#pace = pace;
    this.#residents = residents;
    this.#loader = loader;
    this.#keeper = keeper;
  }

  /** Where it is not in memory yet, with the graphs of `levels` checked if they are not: `use` is for the rest of the caller's step. */
  *load(spaceId: number, levels: readonly LevelNumber[] = []): Steps<void> {
    for (const level of levels) {
      const known = this.#residents.peek(spaceId)?.vectors(level) ?? null;
      if (known === null) yield* this.#keeper.check(spaceId, level, this.#pace);
    }
    yield* this.#residents.load(spaceId);
  }

  /** Whether the namespace's index is still this one. */
  isCurrent(spaceId: number, index: NamespaceIndex): boolean {
    return this.#residents.peek(spaceId) === index;
  }

  /** Only where it is in memory; for a look that changes nothing. */
  peek(spaceId: number): NamespaceIndex | undefined {
    return this.#residents.peek(spaceId);
  }

  /** Without vectors; to be told by `used` when the call is done. */
  use(spaceId: number): NamespaceIndex {
    return this.#residents.use(spaceId);
  }

  /** For a call that goes on in later steps: keeps the index, and tells `follower` of changes. Gives what ends it. */
  hold(spaceId: number, index: NamespaceIndex, follower: OrdinalFollower): () => void {
    const release = this.#residents.hold(spaceId);
    const leave = index.follow(follower);
    return () => {
      leave();
      release();
    };
  }

  /** The vectors of a level, where they are not there yet. */
  loadVectors(spaceId: number, index: NamespaceIndex, level: LevelNumber): void {
    // What comes later is read then.
    if (index.vectors(level) !== null || index.lexical(level).documentCount === 0) return;
    const segments = this.#keeper.open(spaceId, level);
    const vectors = this.#loader.loadVectors(spaceId, index, level, segments);
    if (segments.length > 0 && vectors.segments.length === 0) this.#keeper.discard(spaceId, level);
    index.setVectors(level, vectors);
    this.#keeper.loaded(spaceId, level);
    this.#residents.weigh(spaceId);
  }

  /** Vectors of further passages that are scanned exactly; 0 where the level's vectors are not in memory. */
  passagesInMemory(spaceId: number, level: LevelNumber): number {
    return this.#residents.peek(spaceId)?.vectors(level)?.passages?.rows.count ?? 0;
  }

  /** Searches fill what only they need: columns of vectors, of fields that filters ask for. */
  used(spaceId: number): void {
    this.#residents.weigh(spaceId);
  }

  /** A new index is on disk, or the old one gone: who searches the level next does so with what is there. */
  adopt(spaceId: number, level: LevelNumber): void {
    const index = this.#residents.peek(spaceId);
    const vectors = index?.vectors(level) ?? null;
    if (index === undefined || vectors === null) return;
    const segments = this.#keeper.open(spaceId, level);
    // Rows that an older segment covered are not in memory: without a newer one they are read again.
    if (segments.length === 0) index.setVectors(level, null);
    else if (!vectors.adopt(segments)) {
      for (const segment of segments) segment.close();
      this.#keeper.discard(spaceId, level);
      index.setVectors(level, null);
    }
    this.#residents.weigh(spaceId);
  }
}
