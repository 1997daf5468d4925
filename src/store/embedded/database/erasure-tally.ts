import type { WireTally } from '../border/erasure-messages.ts';
import { splitTerms } from './derived-text.ts';
import type { RowVectors } from './stored-passages.ts';
import { analyzed, type StoredRow } from './stored-row.ts';

/** Counts what goes with rows. */
export class ErasureTally implements WireTally {
  vectors = 0;
  passageNumbers = 0;
  postings = 0;
  supersessions = 0;

  add(stored: StoredRow, { passages, unembedded }: Omit<RowVectors, 'vector'>): void {
    this.vectors += unembedded === null ? 1 : 0;
    this.passageNumbers += passages?.length ?? 0;
    this.postings += new Set(splitTerms(analyzed(stored).terms)).size;
  }
}
