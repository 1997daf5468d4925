import type { ContextRecord } from '../../base/context.ts';
import type { Change, ContextPatch, ExpirySweep, Lifetime, Promotion } from '../store.ts';
import type { WritingDriver } from './supersession.ts';

const FOR_GOOD: Lifetime = { expiresAtMs: null, expiryAction: 'delete', expirySetBy: 'level' };

/**
 * Ends lifetimes, the earliest first. Each change asks again whether the context is still due, so that a lifetime which
 * a client has just prolonged is not ended, and what was read often enough meanwhile is not deleted; a kill in between
 * leaves the rest as due as it was.
 */
export async function expireDue(
  driver: WritingDriver,
  nowMs: number,
  limit: number,
  promoted: Promotion | null,
): Promise<ExpirySweep> {
  const [page] = await driver.scan([{ order: 'expiry', descending: false, limit: limit + 1 }]);
  const due = (page?.found ?? [])
    .map(({ record }) => record)
    .filter(({ expiresAtMs }) => (expiresAtMs ?? Infinity) <= nowMs);
  const taken = due.slice(0, limit);
  const changes = taken.map((record) => endOf(record, nowMs, promoted));
  const results = await driver.apply(changes, nowMs);
  const sweep = { promoted: [] as ContextRecord[], deleted: [] as ExpirySweep['deleted'][number][] };
  results.forEach((result, i) => {
    const { namespace, id, level } = taken[i] as ContextRecord;
    if (result.op === 'delete') sweep.deleted.push(...result.deletedIds.map(() => ({ namespace, id, level })));
    else if (result.op === 'update' && 'record' in result && level !== 'long_term') sweep.promoted.push(result.record);
  });
  return { ...sweep, more: due.length > limit };
}

function endOf(record: ContextRecord, nowMs: number, promoted: Promotion | null): Change {
  const { namespace, id, level, accessCount } = record;
  const onlyIf = { dueAtMs: nowMs };
  if (promoted === null || record.expiryAction === 'delete') return { op: 'delete', namespace, ids: [id], onlyIf };
  const { accessesMin: accessesBelow = 0 } = promoted;
  if (level !== 'long_term' && accessCount < accessesBelow)
    return { op: 'delete', namespace, ids: [id], onlyIf: { ...onlyIf, accessesBelow } };
  // In the last level there is nowhere to promote it to, so it stays for good.
  const patch: ContextPatch =
    level === 'long_term'
      ? { lifetime: FOR_GOOD }
      : { move: { to: 'long_term', lifetime: promoted }, lifetime: promoted };
  return { op: 'update', namespace, id, patch, onlyIf };
}
