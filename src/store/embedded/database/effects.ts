// What a committed write did, for the counts and indexes in memory. They are told after COMMIT, never
// before, so a rolled back write leaves no trace in them.

import type { LevelNumber } from '../border/rows.ts';
import type { StoredRow } from './stored-row.ts';

/** What the indexes know of one context; its terms and traits are those of today's analyzer. */
export type Document = Pick<
  StoredRow,
  | 'seq'
  | 'entry'
  | 'id'
  | 'agentId'
  | 'sessionId'
  | 'level'
  | 'createdAtMs'
  | 'expiresAtMs'
  | 'expiryAction'
  | 'tokenCount'
  | 'accessCount'
  | 'terms'
  | 'traits'
>;

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
