import { open, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { DATABASE_FILE } from '../../src/store/embedded/database/data-folder.ts';
import { idOf, NOW_MS, put, sample } from '../contract/store-samples.ts';
import { embed, NEW_MODEL, reembed, storeMany } from './reembedding-setup.ts';
import { DIMENSION, openAt, temporaryFolder } from './store-setup.ts';

const WITH_NEW_MODEL = { embeddingId: NEW_MODEL.id, dimension: NEW_MODEL.dimension, embed };
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

describe('a database that is damaged', () => {
  it('is told by whoever re-embeds it, with what to do, and stays as it is', async () => {
    const folder = await temporaryFolder();
    await storeMany(folder, 600);
    const path = join(folder, DATABASE_FILE);
    const { size } = await stat(path);
    // Some of the last pages: the first texts are read, and then there is nothing to be read.
    const file = await open(path, 'r+');
    const half = Math.floor(size / 2 / PAGE_BYTES) * PAGE_BYTES;
    await file.write(Buffer.alloc(size - half, 0xa5), 0, size - half, half);
    await file.close();
    const before = await readFile(path);
    for (const work of [() => reembed(folder), () => openAt(folder, { ...WITH_NEW_MODEL })]) {
      await expect(work()).rejects.toMatchObject({
        name: 'StartupError',
        message: `${path} is damaged`,
        remedy: expect.stringContaining('Restore the file and its -wal from a backup') as string,
      });
    }
    expect((await readFile(path)).equals(before)).toBe(true);
    await truncate(path, PAGE_BYTES);
    await expect(reembed(folder)).rejects.toMatchObject({ name: 'StartupError', message: `${path} is damaged` });
    await writeFile(path, 'no database at all');
    await expect(reembed(folder)).rejects.toMatchObject({ name: 'StartupError', message: `${path} is damaged` });
  });
});

describe('a database that lacks a table', () => {
  it.each(['documents', 'document_terms', 'supersessions'])('is refused at the start: %s', async (table) => {
    const folder = await temporaryFolder();
    await (await openAt(folder)).close();
    const database = new DatabaseSync(join(folder, DATABASE_FILE));
    database.exec(`DROP TABLE ${table}`);
    database.close();
    await expect(openAt(folder)).rejects.toMatchObject({
      name: 'StartupError',
      message: expect.stringContaining(`lacks the table ${table}`) as string,
    });
  });
});

describe('a database that is damaged while it is open', () => {
  it('is told by the call that finds it, and by every look at the health after it', async () => {
    const folder = await temporaryFolder();
    const filled = await openAt(folder, { compressionThresholdBytes: 0 });
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
