import type { ContextRecord } from '../../base/context.ts';
import type { StoreDriver } from '../driver.ts';
import type { Change, ExpirySweep } from '../store.ts';

/**
 * Ends lifetimes, the earliest first. Each change asks again whether the context is still due, so that a lifetime which
 * a client has just prolonged is not ended; a kill in between leaves the rest as due as it was.
 */
export async function expireDue(
  driver: StoreDriver,
  nowMs: number,
  limit: number,
  promotedExpiresAtMs: number | null,
): Promise<ExpirySweep> {
  const [page] = await driver.scan([{ order: 'expiry', descending: false, limit: limit + 1 }]);
  const due = (page?.found ?? [])
    .map(({ record }) => record)
    .filter(({ expiresAtMs }) => (expiresAtMs ?? Infinity) <= nowMs);
  const taken = due.slice(0, limit);
  const results = await driver.apply(
    taken.map((record) => endOf(record, nowMs, promotedExpiresAtMs)),
    nowMs,
  );
  const promoted: ContextRecord[] = [];
  const deleted: ExpirySweep['deleted'][number][] = [];
  results.forEach((result, i) => {
    const { namespace, id, level } = taken[i] as ContextRecord;
    if (result.op === 'delete') deleted.push(...result.deletedIds.map(() => ({ namespace, id, level })));
    else if (result.op === 'update' && 'record' in result && level !== 'long_term') promoted.push(result.record);
  });
  return { promoted, deleted, more: due.length > limit };
}

function endOf(
  { namespace, id, level, expiryAction }: ContextRecord,
  nowMs: number,
  promotedExpiresAtMs: number | null,
): Change {
  const onlyIf = { dueAtMs: nowMs };
  if (expiryAction === 'delete') return { op: 'delete', namespace, ids: [id], onlyIf };
  // In the last level there is nowhere to promote it to, so it stays for good.
  const atMs = level === 'long_term' ? null : promotedExpiresAtMs;
  const patch = { level: 'long_term', expiry: { atMs, action: 'delete' } } as const;
  return { op: 'update', namespace, id, patch, onlyIf };
}
