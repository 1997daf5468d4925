// What a committed write did, for the counts and indexes in memory. They are told after COMMIT, never
// before, so a rolled back write leaves no trace in them.

import type { Derived } from './derived-text.ts';
import type { LevelNumber } from './rows.ts';

/** What the indexes know of one context. */
export interface Document extends Derived {
  readonly seq: number;
  readonly entry: number;
  readonly id: string;
  readonly agentId: string;
  readonly sessionId: string | null;
  readonly level: LevelNumber;
  readonly createdAtMs: number;
  readonly tokenCount: number;
  readonly accessCount: number;
  /** When its lifetime ends in deletion; Infinity where it does not. */
  readonly hiddenFromMs: number;
}

export type Effect =
  | { readonly kind: 'add'; readonly spaceId: number; readonly document: Document; readonly vector: Float32Array }
  | {
      readonly kind: 'remove';
      readonly spaceId: number;
      readonly level: LevelNumber;
      readonly entry: number;
      readonly terms: string;
    }
  | {
      readonly kind: 'move';
      readonly spaceId: number;
      readonly from: LevelNumber;
      readonly oldEntry: number;
      readonly document: Document;
    }
  /** Fields that filters ask about, or the lifetime. */
  | { readonly kind: 'change'; readonly spaceId: number; readonly entry: number; readonly hiddenFromMs: number }
  | { readonly kind: 'access'; readonly spaceId: number; readonly entry: number; readonly count: number };
