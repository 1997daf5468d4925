// What a committed write did, for the counts and indexes in memory. They are told after COMMIT, never
// before, so a rolled back write leaves no trace in them.

import type { LevelNumber } from '../border/rows.ts';
import type { RowVectors } from './stored-passages.ts';
import { analyzed, hiddenFrom, type StoredRow } from './stored-row.ts';

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
  | 'times'
>;

export type Effect =
  | ({ readonly kind: 'add'; readonly spaceId: number; readonly document: Document } & RowVectors)
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
  /** Fields that filters ask about, the lifetime, or when it holds. */
  | {
      readonly kind: 'change';
      readonly spaceId: number;
      readonly entry: number;
      readonly hiddenFromMs: number;
      readonly times: string | null;
      /** Where its metadata tell of another speaker. */
      readonly traits: string | undefined;
    }
  | { readonly kind: 'access'; readonly spaceId: number; readonly entry: number; readonly count: number };

/** The context went from one place to another in the order of levels. */
export function moveOf(spaceId: number, before: StoredRow, after: StoredRow): Extract<Effect, { kind: 'move' }> {
  return { kind: 'move', spaceId, from: before.level, oldEntry: before.entry, document: analyzed(after) };
}

/** It stayed where it is. */
export function changeOf(
  spaceId: number,
  after: Pick<StoredRow, 'entry' | 'expiresAtMs' | 'expiryAction' | 'times'>,
  traits?: string,
): Effect {
  return { kind: 'change', spaceId, entry: after.entry, hiddenFromMs: hiddenFrom(after), times: after.times, traits };
}

/** It says something else; `after` has the terms of its new text. */
export function rewordingOf(spaceId: number, before: StoredRow, after: StoredRow, vectors: RowVectors): Effect[] {
  const { level, entry } = before;
  return [
    { kind: 'remove', spaceId, level, entry, terms: analyzed(before).terms },
    { kind: 'add', spaceId, document: after, ...vectors },
  ];
}
