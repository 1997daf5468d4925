// What a snapshot of collections holds beside those that Qdrant makes: each is of a moment of its own, and a context that moves
// between two levels meanwhile could be in neither. So what came into a level since the first was begun is read afterwards.

import type { Level } from '../../base/context.ts';
import type { FoundPoint } from './points.ts';

export const COPY_FILE = 'qdrant.json';
/** Lines of `LatePoint`. */
export const LATE_FILE = 'late.jsonl';

/** In `COPY_FILE`. */
export interface CopyDescription {
  /** Of Qdrant. */
  readonly qdrant: string;
  readonly has_passages: boolean;
  readonly documents: number;
  /** Stamp from which on a context that came into a level is in `LATE_FILE`, too. */
  readonly late_since: number;
  readonly collections: readonly {
    readonly level: Level;
    /** Packed, without a path. */
    readonly file: string;
    /** Points before and after Qdrant made its snapshot. */
    readonly points: readonly [before: number, after: number];
  }[];
}

export interface LatePoint {
  readonly level: Level;
  readonly point: FoundPoint;
}

/** Lines of `StoredDocument`. */
export const DOCUMENTS_FILE = 'documents.jsonl';

/** Of the collection's snapshot, unpacked. */
export function snapshotFileOf(level: Level): string {
  return `${level}.snapshot`;
}
