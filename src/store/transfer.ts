// What becomes of a context that another store hands over, where its id may be there already. Pure, for every driver.

import type { ContextRecord, ContextTimes } from '../base/context.ts';
import { isSameJson } from '../base/json.ts';
import { isOver } from './apply-patch.ts';
import type { TransferOutcome } from './store.ts';
import { compactTimes } from './times.ts';

/** A context and when it came into its level (`Found.entered`). */
export interface Standing {
  readonly record: ContextRecord;
  readonly entered: number;
}

export interface TransferDecision {
  readonly outcome: TransferOutcome;
  /** As it is stored afterwards. */
  readonly record: ContextRecord;
}

/** `known`: what is there under the id; null: nothing. */
export function decideTransfer(known: Standing | null, taken: Standing, nowMs: number): TransferDecision {
  const { record } = taken;
  // What is over and not swept yet is gone to every reader.
  if (known === null || isOver(known.record, nowMs)) return { outcome: 'created', record };
  const { record: stored } = known;
  if (isAnother(stored, record)) return { outcome: 'conflict', record: stored };
  const age = ageAgainst(known, taken);
  // Accesses on both sides are the same ones where the context was handed over before: the higher count has them all.
  const accessCount = Math.max(stored.accessCount, record.accessCount);
  if (age < 0) return { outcome: 'replaced', record: { ...record, accessCount } };
  if (age > 0 || !isSame(stored, record)) return { outcome: 'newer', record: stored };
  // Who supersedes it is no change of its own, and no version tells it.
  if (!isSameJson(stored.times ?? {}, record.times ?? {}))
    return { outcome: 'replaced', record: { ...record, accessCount } };
  if (accessCount === stored.accessCount) return { outcome: 'same', record: stored };
  return { outcome: 'replaced', record: { ...record, accessCount } };
}

/** Another text without a version between them, or of another time of creation, which no update changes. */
function isAnother(stored: ContextRecord, record: ContextRecord): boolean {
  return (
    stored.text !== record.text && (stored.version === record.version || stored.createdAtMs !== record.createdAtMs)
  );
}

/** Below zero: the stored one is older. */
function ageAgainst(known: Standing, taken: Standing): number {
  return (
    known.record.version - taken.record.version ||
    known.record.updatedAtMs - taken.record.updatedAtMs ||
    known.entered - taken.entered
  );
}

/** In all but the access count and who supersedes it. */
function isSame(stored: ContextRecord, record: ContextRecord): boolean {
  const fields = Object.keys(record) as (keyof ContextRecord)[];
  const isOwnSame = fields.every((field) => {
    if (field === 'accessCount' || field === 'times') return true;
    return isSameJson(stored[field], record[field]);
  });
  return isOwnSame && isSameJson(ownTimes(stored), ownTimes(record));
}

function ownTimes({ times = {} }: ContextRecord): ContextTimes {
  return compactTimes({ ...times, superseded: [] }) ?? {};
}
