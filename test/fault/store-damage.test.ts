import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DATABASE_FILE } from '../../src/store/embedded/database/data-folder.ts';
import { idOf, NOW_MS, put, sample } from '../contract/store-samples.ts';
import { DIMENSION, openAt, temporaryFolder } from './store-setup.ts';

const PAGE_BYTES = 4096;
/** More than the page cache holds. */
const CONTEXTS = 3_000;
const TEXT = 'x'.repeat(20_000);

/** Overwrites all but the first page: the header stays, so that the file is still opened. */
async function overwritePages(path: string): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const { size } = await stat(path);
    await file.write(Buffer.alloc(size - PAGE_BYTES, 0xa5), 0, size - PAGE_BYTES, PAGE_BYTES);
  } finally {
    await file.close();
  }
}

describe('a database that is damaged while it is open', () => {
  it('is told by the call that finds it, and by every look at the health after it', async () => {
    const folder = await temporaryFolder();
    const filled = await openAt(folder);
    const names = Array.from({ length: CONTEXTS }, (_, i) => `c-${i}`);
    await filled.write(names.map((name) => put(sample(name, DIMENSION, { text: TEXT }))));
    await filled.close();
    const store = await openAt(folder);
    await store.ping();
    await overwritePages(join(folder, DATABASE_FILE));
    const damaged = { code: 'STORE_UNAVAILABLE', message: expect.stringContaining('is damaged') as string };
    await expect(store.fetch('space', names.map(idOf), NOW_MS)).rejects.toMatchObject(damaged);
    await expect(store.ping()).rejects.toMatchObject(damaged);
  });
});
