import type { Filter } from '../../base/context.ts';
import type { ErasedCounts, Scrubbed } from '../../store/erasure.ts';

export interface EraseInput {
  readonly namespace: string;
  /** All of one agent's; with neither this nor what follows: the namespace. */
  readonly agentId?: string;
  /** Contexts alone, with what was made of them. */
  readonly filter?: Filter;
  /** The same of one. */
  readonly id?: string;
  /** What becomes of snapshots that hold some of it; absent: nothing. */
  readonly snapshots?: 'remove' | 'rewrite';
}

/** What is done elsewhere once nothing is stored of it: repeated where it was cut off, so to be done twice without harm. */
export type AfterErasure = (input: EraseInput) => Promise<unknown>;

/** What is gone, by where it was. */
export interface ErasureOutcome extends ErasedCounts, Scrubbed {
  readonly sessions: number;
  /** Those that are gone; of sessions that stay, those that were made anew without what is gone. */
  readonly cards: number;
  readonly facts: number;
  /** Work that waited for the model that makes summaries. */
  readonly summaryTasks: number;
  /** In this server's memory. */
  readonly cacheEntries: number;
  readonly indexFiles: number;
}

/** What there is that would be gone. */
export type ErasureEstimate = Pick<ErasureOutcome, 'rows' | 'sessions' | 'cards' | 'facts'>;
