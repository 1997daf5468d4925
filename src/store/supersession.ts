// Who supersedes whom, as each of both sides is told.

import type { ContextRecord } from '../base/context.ts';

/** A context that is gone, and what it had superseded. */
export interface Freed {
  readonly id: string;
  readonly supersedes: readonly string[];
}

type Linked = Pick<ContextRecord, 'id' | 'times'>;

/** What becomes free of it where it goes. */
export function freedBy(record: Linked | null): Freed[] {
  const supersedes = record?.times?.supersedes ?? [];
  return record === null || supersedes.length === 0 ? [] : [{ id: record.id, supersedes }];
}

/** It supersedes others or is superseded. */
export function isLinked({ times }: Pick<ContextRecord, 'times'>): boolean {
  return times?.supersedes !== undefined || times?.superseded !== undefined;
}
