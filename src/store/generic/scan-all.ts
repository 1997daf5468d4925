import type { Found, ScanRequest, StoreDriver } from '../driver.ts';

/** Bytes of one page; a driver holds it in memory whole. */
const PAGE_BYTES_MAX = 8 * 1024 * 1024;

/**
 * Everything that the scan reaches, page by page. The next page is read when it is asked for: what was done to this one's
 * contexts before is seen there. `signal` gives what ends the reading of the next page.
 */
export async function* scanAll(
  driver: Pick<StoreDriver, 'scan'>,
  request: Omit<ScanRequest, 'after' | 'bytesMax'>,
  signal: () => AbortSignal | undefined = () => undefined,
): AsyncGenerator<readonly Found[]> {
  let last: Found | undefined;
  for (;;) {
    const after = last === undefined ? {} : { after: last.position };
    const [page] = await driver.scan([{ ...request, ...after, bytesMax: PAGE_BYTES_MAX }], signal());
    if (page === undefined || page.found.length === 0) return;
    yield page.found;
    if (!page.more) return;
    last = page.found.at(-1);
  }
}
