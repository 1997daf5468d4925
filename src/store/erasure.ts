// Deletion after which nothing is left to be found: not among what is stored, and not in the bytes that it took.

import type { ContextOutline, Filter } from '../base/context.ts';

/** Where an erasure goes on; only the store that gave it reads it. */
export type ErasePlace = readonly unknown[];

export interface EraseRequest {
  readonly namespace: string;
  /** These; absent: all that match. */
  readonly ids?: readonly string[];
  /** Absent: every context of the namespace. Of `ids`, too, those alone that match. */
  readonly filter?: Filter;
  /** Contexts at most. */
  readonly limit: number;
  /** `next` of the call before: what was stored since the first may be left out. */
  readonly from?: ErasePlace;
}

/** What is gone, by where it was. */
export interface ErasedCounts {
  readonly rows: number;
  /** Those of passages, too. */
  readonly vectors: number;
  /** Entries of the lexical index: one for each context and term. */
  readonly postings: number;
  /** Notes that one of them was superseded; 0 where a store keeps none of its own. */
  readonly supersessions: number;
}

export interface ErasedSome extends ErasedCounts {
  /** Absent: there are no more. */
  readonly next?: ErasePlace;
}

export interface ForgetRequest {
  readonly namespace: string;
  /** Its name goes, too, where nothing is stored in it any more. */
  readonly isWhole: boolean;
}

export interface Scrubbed {
  /** Pages of the store's files in which bytes were overwritten that nothing was read from. */
  readonly blankedPages: number;
  /**
   * `overwritten`: no byte of what was deleted is in the store's files. `none`: it has no files. `database`: they are another
   * program's, which overwrites them when it next tidies up. `too_large`: for that, of the store's own.
   */
  readonly files: 'overwritten' | 'none' | 'database' | 'too_large';
}

/** What `ContextStore` promises of erasures. */
export interface ErasureStore {
  /**
   * Deletes some, durably. `before` is told of them first and waited for: what rejects there deletes none. A kill leaves what a
   * repeat deletes.
   */
  eraseSome(request: EraseRequest, before?: (found: readonly ContextOutline[]) => Promise<void>): Promise<ErasedSome>;
  /** How many there are. */
  countMatching(request: Pick<EraseRequest, 'namespace' | 'filter'>): Promise<number>;
  /**
   * What there is of a namespace beside its rows, where rows were deleted: gives how many saved vector indexes held some of
   * it, which are gone and are built again of what is left.
   */
  forgetNamespace(request: ForgetRequest): Promise<number>;
  /**
   * Overwrites what deletions of any kind, in any namespace, have left in the store's files, some at a time. Others are answered
   * meanwhile. `signal` ends the waiting, not the work.
   */
  scrub(signal?: AbortSignal): Promise<Scrubbed>;
}
