import { LEVELS } from '../../base/context.ts';
import type { Access } from '../store.ts';
import type { CollectionCalls, WriteOperation } from './collection-calls.ts';
import { pointIdOf } from './points.ts';

/** Contexts that are read and written together. */
const CONTEXTS_AT_ONCE = 1_000;

/**
 * Adds to access counts. They are no part of what a writer decides by, so that they need no revision, and contexts that
 * come to the same count share one operation. Of two servers that add to one at the same moment, one is not counted.
 */
export async function addAccesses(calls: CollectionCalls, accesses: readonly Access[]): Promise<void> {
  for (let from = 0; from < accesses.length; from += CONTEXTS_AT_ONCE) {
    const added = new Map<string, number>();
    for (const { namespace, id, count } of accesses.slice(from, from + CONTEXTS_AT_ONCE)) {
      const pointId = pointIdOf(namespace, id);
      added.set(pointId, (added.get(pointId) ?? 0) + count);
    }
    await Promise.all(
      LEVELS.map(async (level) => {
        const found = await calls.retrieve(level, [...added.keys()], ['access_count'], false);
        const byCount = Map.groupBy(found, ({ id, payload }) => payload.access_count + (added.get(id) ?? 0));
        const operations = [...byCount].map(([access_count, points]): WriteOperation => {
          const ids = points.map(({ id }) => id);
          return { set_payload: { payload: { access_count }, filter: { must: [{ has_id: ids }] } } };
        });
        await calls.write(level, operations);
      }),
    );
  }
}
