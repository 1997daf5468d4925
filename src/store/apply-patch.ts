import type { ContextRecord } from '../base/context.ts';
import { matchesFilter } from './filter-match.ts';
import type { Change, Condition } from './store.ts';

type Update = Extract<Change, { readonly op: 'update' }>;

/** What the record becomes by an update that applies to it. */
export function applyPatch(record: ContextRecord, { patch, updatedAtMs }: Omit<Update, 'op'>): ContextRecord {
  const { text, expiry } = patch;
  return {
    ...record,
    ...(text === undefined ? {} : { text: text.text, tokenCount: text.tokenCount }),
    metadata: patch.metadata ?? record.metadata,
    tags: patch.tags ?? record.tags,
    level: patch.level ?? record.level,
    ...(expiry === undefined ? {} : { expiresAtMs: expiry.atMs, expiryAction: expiry.action }),
    accessCount: record.accessCount + (patch.accesses ?? 0),
    ...(updatedAtMs === undefined ? {} : { version: record.version + 1, updatedAtMs }),
  };
}

/** Whether a change with this condition applies to the record. */
export function meets(record: ContextRecord, { level, dueAtMs, filter }: Condition): boolean {
  if (level !== undefined && record.level !== level) return false;
  if (dueAtMs !== undefined && !(record.expiresAtMs !== null && record.expiresAtMs <= dueAtMs)) return false;
  return filter === undefined || matchesFilter(record, filter);
}

/** Its lifetime has ended in deletion, so that nobody sees it any more. */
export function isOver(
  { expiresAtMs, expiryAction }: Pick<ContextRecord, 'expiresAtMs' | 'expiryAction'>,
  nowMs: number,
): boolean {
  return expiresAtMs !== null && expiryAction === 'delete' && expiresAtMs <= nowMs;
}
