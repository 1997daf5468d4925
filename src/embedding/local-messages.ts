// What main thread and embedding thread tell each other.

import { SLICE_CHARS } from '../base/text/slices.ts';
import type { SharedTable } from './word-table.ts';

export interface LocalWorkerData {
  readonly dimension: number;
  readonly table: SharedTable | null;
}

export interface ThreadCall {
  readonly id: number;
  readonly texts: readonly string[];
}

export interface ToThread {
  readonly calls: readonly ThreadCall[];
  /** Long calls that nobody waits for any more. */
  readonly givenUp: readonly number[];
}

/** With no ids it says that the thread is up. */
export interface FromThread {
  /** Short calls together, a long one by itself. */
  readonly ids: readonly number[];
  /** Of all texts of these calls, one after another; the buffer is handed over. */
  readonly vectors: Float32Array;
}

export function charsOf(texts: readonly string[]): number {
  let chars = 0;
  for (const text of texts) chars += text.length;
  return chars;
}

/** Short calls are answered in the order in which they come; long ones share the thread. */
export function isLong(chars: number): boolean {
  return chars > SLICE_CHARS;
}
