import type { Found, Reach } from '../driver.ts';
import { staysForGood } from '../apply-patch.ts';
import { comparePositions } from './positions.ts';
import type { WritingDriver } from './supersession.ts';
import type { Change, ChangeResult, MovedContext, Trim, WriteResult } from '../store.ts';

type TrimResult = Extract<WriteResult, { readonly op: 'trim' }>;

/**
 * Trims in their order: what one moves into a level counts for those after it. Those in a row that take from one level go
 * together, and what they take arrives below in the order in which it came. All levels are counted in one round trip, as
 * most of them overflow nowhere, and again after trims that moved something.
 *
 * A kill between what overfilled a level and its trim leaves the level too full; the next write of the same owner trims
 * it. A context that went elsewhere between the scan and the change is let be (`onlyIf`).
 */
export async function trimAll(driver: WritingDriver, trims: readonly Trim[], nowMs: number): Promise<TrimResult[]> {
  const results: TrimResult[] = [];
  let counts: readonly number[] = [];
  for (let from = 0; from < trims.length; from = results.length) {
    const run = trims.slice(from, endOfRun(trims, from));
    if (counts.length === 0) ({ counts } = await driver.counts({ reaches: trims.slice(from).map(reachOf) }));
    const full = run
      .map((trim, i) => ({ trim, place: from + i, excess: (counts[i] ?? 0) - trim.keep }))
      .filter(({ excess }) => excess > 0);
    counts = full.length === 0 ? counts.slice(run.length) : [];
    results.push(...run.map((): TrimResult => ({ op: 'trim', moved: [], deletedIds: [] })));
    for (const [place, result] of await trimFull(driver, full, nowMs)) results[place] = result;
  }
  return results;
}

/** A trim of a level that holds too many. */
interface Full {
  readonly trim: Trim;
  /** Of the trim among all. */
  readonly place: number;
  readonly excess: number;
}

/** Owners may be told apart by less than their levels are, so each is in a run once. */
function endOfRun(trims: readonly Trim[], from: number): number {
  const first = trims[from] as Trim;
  const owners = new Set<string>();
  let end = from;
  for (; end < trims.length; end++) {
    const { level, namespace, agentId, sessionId } = trims[end] as Trim;
    const owner = JSON.stringify([namespace, agentId, sessionId]);
    const isOther = level !== first.level || (sessionId === undefined) !== (first.sessionId === undefined);
    if (isOther || owners.has(owner)) break;
    owners.add(owner);
  }
  return end;
}

async function trimFull(driver: WritingDriver, full: readonly Full[], nowMs: number): Promise<[number, TrimResult][]> {
  if (full.length === 0) return [];
  const pages = await driver.scan(
    full.map(({ trim, excess }) => ({ ...reachOf(trim), order: 'entry', descending: false, limit: excess })),
  );
  const taken = full.flatMap((one, i) =>
    (pages[i]?.found ?? [])
      .filter(({ record }) => one.trim.move !== undefined || !staysForGood(record))
      .map((found) => ({ ...one, found })),
  );
  taken.sort((a, b) => comparePositions(a.found.position, b.found.position));
  const results = await driver.apply(
    taken.map(({ found, trim }) => changeOf(found, trim)),
    nowMs,
  );
  return full.map(({ place }) => {
    const own = results.filter((_, i) => taken[i]?.place === place);
    const moved = own.flatMap((result) => movedBy(result));
    const deletedIds = own.flatMap((result) => (result.op === 'delete' ? result.deletedIds : []));
    return [place, { op: 'trim', moved, deletedIds }];
  });
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
