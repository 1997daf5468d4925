import type { WriteOp, WriteResult } from '../store.ts';
import { scanAll } from './scan-all.ts';
import type { WritingDriver } from './supersession.ts';

type DeleteWhere = Extract<WriteOp, { readonly op: 'delete_where' }>;

const DELETED_AT_ONCE = 1_000;

/** Page by page. What no longer matches when its turn comes stays; a kill leaves the rest, and a repeat deletes it. */
export async function deleteWhere(
  driver: WritingDriver,
  op: DeleteWhere,
  nowMs: number,
  signal?: AbortSignal,
): Promise<WriteResult> {
  const { namespace, level, filter } = op;
  const onlyIf = { ...(level === undefined ? {} : { level }), ...(filter === undefined ? {} : { filter }) };
  const reach = {
    namespace,
    ...(level === undefined ? {} : { levels: [level] }),
    ...(filter === undefined ? {} : { filter }),
  };
  const deletedIds: string[] = [];
  // Once something is deleted, nobody may be told that nothing was.
  const canEnd = (): AbortSignal | undefined => (deletedIds.length === 0 ? signal : undefined);
  const pages = scanAll(driver, { ...reach, order: 'creation', descending: false, limit: DELETED_AT_ONCE }, canEnd);
  for await (const found of pages) {
    const ids = found.map(({ record }) => record.id);
    const [result] = await driver.apply([{ op: 'delete', namespace, ids, onlyIf }], nowMs);
    if (result?.op === 'delete') deletedIds.push(...result.deletedIds);
  }
  return { op: 'delete_where', deletedIds };
}
