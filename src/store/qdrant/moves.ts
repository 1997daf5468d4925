import { LEVELS, type Level } from '../../base/context.ts';
import { type CollectionCalls, unchanged } from './collection-calls.ts';
import { newestFirst, type Copy } from './held.ts';
import type { FoundPoint } from './points.ts';
import { stampAt } from './stamps.ts';

const MOVES_AT_ONCE = 500;
/** A move that has just begun is its server's own to finish. */
const UNDER_WAY_MS = 60_000;

/** Takes the other copy of each context away that a server was moving when it ended. */
export async function finishMoves(calls: CollectionCalls, nowMs: number): Promise<void> {
  const before = stampAt(nowMs - UNDER_WAY_MS);
  await Promise.all(LEVELS.map((level) => finishInto(calls, level, before)));
}

async function finishInto(calls: CollectionCalls, level: Level, before: number): Promise<void> {
  const filter = {
    must: [
      { key: 'moved_from', match: { any: LEVELS } },
      { key: 'entered', range: { lt: before } },
    ],
  };
  const fields = ['revision', 'version', 'entered', 'moved_from'];
  const search = { query: { order_by: 'entered' }, filter, limit: MOVES_AT_ONCE, with_payload: fields };
  const [moved = []] = await calls.query(level, [search]);
  for (const from of LEVELS) {
    const here = moved.filter(({ payload }) => payload.moved_from === from);
    if (here.length === 0) continue;
    const ids = here.map(({ id }) => id);
    const others = await calls.retrieve(from, ids, ['revision', 'version', 'entered'], false);
    const byId = new Map(here.map((point) => [point.id, point]));
    const stale = others.filter((other) =>
      counts({ level, point: byId.get(other.id) as FoundPoint }, { level: from, point: other }),
    );
    await calls.write(from, stale.length === 0 ? [] : [{ delete: { filter: unchanged(stale) } }]);
    // Where the other copy counts, this one goes.
    const outdated = others.filter((other) => !stale.includes(other)).map(({ id }) => byId.get(id) as FoundPoint);
    await calls.write(level, outdated.length === 0 ? [] : [{ delete: { filter: unchanged(outdated) } }]);
    await calls.write(level, [{ set_payload: { payload: { moved_from: null }, filter: unchanged(here) } }]);
  }
}

function counts(one: Copy, other: Copy): boolean {
  return newestFirst(one, other) < 0;
}
