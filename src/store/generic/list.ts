import type { StoreDriver } from '../driver.ts';
import { LIST_PAGE_BYTES_MAX, type ListPage, type ListRequest } from '../store.ts';
import type { CursorCodec } from './cursor.ts';

/** One page of a list is one scan; where it goes on is the place of its last context. */
export async function listPage(
  driver: StoreDriver,
  cursors: CursorCodec,
  request: ListRequest,
  signal?: AbortSignal,
): Promise<ListPage> {
  const { limit, bytesMax = LIST_PAGE_BYTES_MAX, cursor, ...reach } = request;
  const after = cursor === undefined ? {} : { after: cursors.decode(request.namespace, cursor) };
  const [page] = await driver.scan(
    [{ ...reach, ...after, order: 'creation', descending: true, limit, bytesMax }],
    signal,
  );
  const found = page?.found ?? [];
  const records = found.map(({ record }) => record);
  const last = found.at(-1);
  if (page?.more !== true || last === undefined) return { records };
  return { records, cursor: cursors.encode(request.namespace, last.position) };
}
