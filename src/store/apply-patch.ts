// What a change does to a context, for every driver. Both functions are pure: a driver calls them with the context as it
// is at the moment of the change, and has nothing to decide by itself.

import type { ContextRecord } from '../base/context.ts';
import { matchesFilter } from './filter-match.ts';
import type { Change, Condition, ContextPatch, Lifetime, Place, Unembedded } from './store.ts';
import { patchedTimes } from './times.ts';

type Update = Extract<Change, { readonly op: 'update' }>;

/** What the record becomes by an update that applies to it. */
export function applyPatch(
  record: ContextRecord,
  { patch, updatedAtMs }: Pick<Update, 'patch' | 'updatedAtMs'>,
): ContextRecord {
  const { text } = patch;
  const { times: before, ...rest } = record;
  const times = patch.times === undefined ? before : patchedTimes(before, patch.times);
  return {
    ...rest,
    ...(times === undefined ? {} : { times }),
    ...placeAfter(record, patch),
    ...(text === undefined || text.text === record.text ? {} : { text: text.text, tokenCount: text.tokenCount }),
    metadata: patch.metadata ?? record.metadata,
    tags: patch.tags ?? record.tags,
    accessCount: record.accessCount + (patch.accesses ?? 0),
    ...(updatedAtMs === undefined ? {} : { version: record.version + 1, updatedAtMs }),
  };
}

/** Where a context stands afterwards. A lifetime that its client set goes with it into another level, also one without an end. */
export function placeAfter(before: Place, { move, lifetime }: Pick<ContextPatch, 'move' | 'lifetime'>): Place {
  if (move === undefined || move.to === before.level) return { level: before.level, ...lifetimeOf(lifetime ?? before) };
  return { level: move.to, ...lifetimeOf(lifetime ?? (before.expirySetBy === 'client' ? before : move.lifetime)) };
}

/** Its client keeps it, and has set no end: where a level has no room for it and none is below, it is not deleted. */
export function staysForGood({ expiresAtMs, expirySetBy }: Pick<Lifetime, 'expiresAtMs' | 'expirySetBy'>): boolean {
  return expiresAtMs === null && expirySetBy === 'client';
}

function lifetimeOf({ expiresAtMs, expiryAction, expirySetBy }: Lifetime): Lifetime {
  return { expiresAtMs, expiryAction, expirySetBy };
}

/** Whether a change with this condition applies to the record; `state`: why it has no vector. */
export function meets(
  record: ContextRecord,
  { level, accessesBelow, dueAtMs, filter, text, unembedded }: Condition,
  state: Unembedded | undefined,
): boolean {
  if (unembedded !== undefined && state !== unembedded) return false;
  if (level !== undefined && record.level !== level) return false;
  if (accessesBelow !== undefined && record.accessCount >= accessesBelow) return false;
  if (dueAtMs !== undefined && !(record.expiresAtMs !== null && record.expiresAtMs <= dueAtMs)) return false;
  if (text !== undefined && record.text !== text) return false;
  return filter === undefined || matchesFilter(record, filter);
}

/** Its lifetime has ended in deletion, so that nobody sees it any more. */
export function isOver(
  { expiresAtMs, expiryAction }: Pick<ContextRecord, 'expiresAtMs' | 'expiryAction'>,
  nowMs: number,
): boolean {
  return expiresAtMs !== null && expiryAction === 'delete' && expiresAtMs <= nowMs;
}
