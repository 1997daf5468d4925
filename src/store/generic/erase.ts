import type { ContextOutline } from '../../base/context.ts';
import { inTurns, LoopTurns } from '../../base/loop-turns.ts';
import { countTermsInSlices } from '../../base/text/analyzer.ts';
import type { Found, Position, StoreDriver } from '../driver.ts';
import type { ErasedSome, EraseRequest } from '../erasure.ts';
import { matchesFilter } from '../filter-match.ts';
import type { Condition } from '../store.ts';
import type { WritingDriver } from './supersession.ts';

/** Bytes of contexts with their vectors, which are counted, that are held at a time. */
const PAGE_BYTES_MAX = 8 * 1024 * 1024;

/** One page of what matches: told, counted, deleted. */
export async function eraseSome(
  driver: Pick<StoreDriver, 'get' | 'scan'>,
  writing: Pick<WritingDriver, 'apply'>,
  request: EraseRequest,
  nowMs: number,
  before?: (found: readonly ContextOutline[]) => Promise<void>,
): Promise<ErasedSome> {
  const { namespace, ids, filter } = request;
  const onlyIf: Condition = filter === undefined ? {} : { filter };
  const { found, next } =
    ids === undefined
      ? await page(driver, request)
      : { found: await named(driver, namespace, ids, filter), next: undefined };
  const turns = new LoopTurns();
  const counts = { rows: 0, vectors: 0, postings: 0, supersessions: 0 };
  if (found.length > 0) {
    await before?.(found.map(({ record }) => record));
    const wanted = found.map(({ record }) => record.id);
    const [result] = await writing.apply([{ op: 'delete', namespace, ids: wanted, onlyIf }], nowMs);
    const deleted = new Set(result?.op === 'delete' ? result.deletedIds : []);
    for (const one of found) {
      if (!deleted.has(one.record.id)) continue;
      counts.rows += 1;
      counts.vectors += (one.unembedded === undefined ? 1 : 0) + (one.passages?.length ?? 0);
      counts.postings += (await inTurns(countTermsInSlices(one.record.text), turns)).counts.size;
      await turns.nextForText(one.record.text.length);
    }
  }
  return next === undefined ? counts : { ...counts, next };
}

async function page(
  driver: Pick<StoreDriver, 'scan'>,
  { namespace, filter, limit, from }: EraseRequest,
): Promise<{ found: readonly Found[]; next: Position | undefined }> {
  const order = { order: 'creation', descending: false, vectors: true, bytesMax: PAGE_BYTES_MAX } as const;
  const after = from === undefined ? {} : { after: from as Position };
  const [scanned] = await driver.scan([
    { namespace, ...(filter === undefined ? {} : { filter }), ...order, ...after, limit },
  ]);
  const found = scanned?.found ?? [];
  return { found, next: scanned?.more === true ? found.at(-1)?.position : undefined };
}

/** Without vectors: of what is named one by one, each counts as one. */
async function named(
  driver: Pick<StoreDriver, 'get'>,
  namespace: string,
  ids: readonly string[],
  filter: EraseRequest['filter'],
): Promise<readonly Pick<Found, 'record' | 'unembedded' | 'passages'>[]> {
  const found = await driver.get(namespace, ids, 0);
  return found.flatMap((record) =>
    record === null || (filter !== undefined && !matchesFilter(record, filter)) ? [] : [{ record }],
  );
}
