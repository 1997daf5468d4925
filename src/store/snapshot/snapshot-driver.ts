import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { ContextStore } from '../store.ts';
import type { Snapshot } from './snapshot.ts';
import type { StoreCopy } from './store-copy.ts';

export interface Rehearsal {
  /** Contexts that were read whole. */
  readonly contexts: number;
  /** Searches that found what they had to. */
  readonly queries: number;
  /** Why only the sums of its files were checked; absent: it was opened. */
  readonly unopened?: string;
}

export interface RestoreOptions {
  /** What is there gives way, and is kept aside. */
  readonly replace: boolean;
  /** For the name of what is kept aside. */
  readonly nowMs: number;
}

export interface Restored {
  /** Counted there. */
  readonly contexts: number;
  /** Where it is now, in words for the operator. */
  readonly into: string;
  /** Where what was there before is now; null: nothing was. */
  readonly keptAside: string | null;
}

export interface SnapshotErasure {
  /** An empty folder to work in. */
  readonly scratch: string;
  /** Where the files of the new one go. */
  readonly folder: string;
  /** Erases in the store that the snapshot holds. */
  readonly erase: (store: ContextStore) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

/** What one store does with its snapshots beside making them. Throws `StartupError` with the remedy. */
export interface SnapshotDriver {
  /** Opens the copy in `scratch`, an empty folder, reads all of it and asks it questions. */
  verify(snapshot: Snapshot, scratch: string, deps: { readonly clock: Clock; readonly log: Log }): Promise<Rehearsal>;
  /** Makes the files of another one without what is erased. Absent: it cannot. */
  erase?(snapshot: Snapshot, erasure: SnapshotErasure): Promise<StoreCopy>;
  /** Verifies before anything changes, and leaves the old state or the new one. */
  restore(snapshot: Snapshot, options: RestoreOptions): Promise<Restored>;
}
