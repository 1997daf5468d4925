import type { Found, Reach, StoreDriver } from '../driver.ts';
import type { Change, ChangeResult, MovedContext, Trim, WriteResult } from '../store.ts';

type TrimResult = Extract<WriteResult, { readonly op: 'trim' }>;

/**
 * Trims in their order: what one moves into a level counts for those after it. All levels are counted in one round
 * trip, as most of them overflow nowhere, and again after a trim that moved something.
 *
 * A kill between what overfilled a level and its trim leaves the level too full; the next write of the same owner trims
 * it. A context that went elsewhere between the scan and the change is let be (`onlyIf`).
 */
export async function trimAll(driver: StoreDriver, trims: readonly Trim[], nowMs: number): Promise<TrimResult[]> {
  const results: TrimResult[] = [];
  let counts: readonly number[] = [];
  for (const [i, trim] of trims.entries()) {
    if (counts.length === 0) ({ counts } = await driver.counts({ reaches: trims.slice(i).map(reachOf) }));
    const [count = 0, ...others] = counts;
    const excess = count - trim.keep;
    results.push(excess <= 0 ? { op: 'trim', moved: [], deletedIds: [] } : await trimOne(driver, trim, excess, nowMs));
    counts = excess <= 0 ? others : [];
  }
  return results;
}

async function trimOne(driver: StoreDriver, trim: Trim, excess: number, nowMs: number): Promise<TrimResult> {
  const [page] = await driver.scan([{ ...reachOf(trim), order: 'entry', descending: false, limit: excess }]);
  const found = page?.found ?? [];
  const results = await driver.apply(
    found.map((one) => changeOf(one, trim)),
    nowMs,
  );
  return {
    op: 'trim',
    moved: results.flatMap((result) => movedBy(result)),
    deletedIds: results.flatMap((result) => (result.op === 'delete' ? result.deletedIds : [])),
  };
}

function reachOf({ namespace, agentId, sessionId, level }: Trim): Reach {
  return { namespace, agentId, ...(sessionId === undefined ? {} : { sessionId }), levels: [level] };
}

function changeOf({ record }: Found, { level, move }: Trim): Change {
  const { namespace, id } = record;
  const onlyIf = { level };
  if (move === undefined) return { op: 'delete', namespace, ids: [id], onlyIf };
  return { op: 'update', namespace, id, patch: { move }, onlyIf };
}

function movedBy(result: ChangeResult): MovedContext[] {
  if (result.op !== 'update' || !('record' in result)) return [];
  const { namespace, id, level, expiresAtMs, expiryAction, expirySetBy } = result.record;
  return [{ namespace, id, level, expiresAtMs, expiryAction, expirySetBy }];
}
