import { copyFile, mkdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { StartupError } from '../../src/base/errors.ts';
import { ANALYZER_VERSION } from '../../src/base/text/analyzer.ts';
import { DATABASE_FILE } from '../../src/store/embedded/database/data-folder.ts';
import type { EmbeddedStoreOptions } from '../../src/store/embedded/open-embedded-store.ts';
import { idOf, NOW_MS, put, sample, searchIn, searchOf, termsOf } from '../contract/store-samples.ts';
import { DIMENSION, openAt, temporaryFolder } from './store-setup.ts';

/** A data folder with some contexts in it, closed. */
async function filledFolder(count = 3): Promise<string> {
  const folder = await temporaryFolder();
  const store = await openAt(folder);
  await store.write(Array.from({ length: count }, (_, i) => put(sample(`c-${i}`, DIMENSION))));
  await store.close();
  return folder;
}

async function refusal(folder: string, options: Partial<EmbeddedStoreOptions> = {}): Promise<StartupError> {
  const error = await openAt(folder, options).then(
    () => new Error('it opened'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StartupError);
  return error as StartupError;
}

function sql(folder: string, statement: string): void {
  const database = new DatabaseSync(join(folder, DATABASE_FILE));
  database.exec(statement);
  database.close();
}

describe('a data folder that cannot be used is left as it is', () => {
  it('where the file is no database', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, DATABASE_FILE);
    await writeFile(path, 'my diary, not a database. '.repeat(1000));
    const before = await readFile(path);
    const error = await refusal(folder);
    expect(error.message).toContain('is not a database');
    expect(error.remedy).toContain('Restore');
    expect(await readFile(path)).toEqual(before);
  });

  it('where the database is cut off', async () => {
    const folder = await filledFolder(200);
    const path = join(folder, DATABASE_FILE);
    await truncate(path, 3 * 4096);
    const before = await readFile(path);
    expect((await refusal(folder)).message).toMatch(/is damaged|lacks the table/);
    expect(await readFile(path)).toEqual(before);
  });

  it('where pages are overwritten', async () => {
    const folder = await filledFolder(200);
    const path = join(folder, DATABASE_FILE);
    const bytes = await readFile(path);
    bytes.fill(0xa5, 4096, bytes.length);
    await writeFile(path, bytes);
    expect((await refusal(folder)).message).toContain('is damaged');
    expect(await readFile(path)).toEqual(bytes);
  });

  it('where the main file is gone and its log is there', async () => {
    const folder = await temporaryFolder();
    const store = await openAt(folder);
    await store.write([put(sample('a', DIMENSION))]);
    const path = join(folder, DATABASE_FILE);
    const copy = await temporaryFolder();
    await copyFile(`${path}-wal`, join(copy, `${DATABASE_FILE}-wal`));
    const error = await refusal(copy);
    expect(error.message).toContain('missing or empty');
    expect((await stat(join(copy, `${DATABASE_FILE}-wal`))).size).toBeGreaterThan(0);
  });

  it('where the schema is newer', async () => {
    const folder = await filledFolder();
    sql(folder, 'PRAGMA user_version = 99');
    const error = await refusal(folder);
    expect(error.message).toMatch(/schema version 99.*up to \d+/);
    expect(error.remedy).toContain('newer version');
  });

  it('where the database belongs to another program', async () => {
    const folder = await temporaryFolder();
    await mkdir(folder, { recursive: true });
    sql(folder, 'CREATE TABLE recipes (name TEXT)');
    expect((await refusal(folder)).message).toContain('another program');
  });

  it('where the contexts were embedded otherwise', async () => {
    const folder = await filledFolder();
    const other = await refusal(folder, { embeddingId: 'model-b' });
    expect(other.message).toContain('model-a');
    expect(other.message).toContain('model-b');
    expect(other.remedy).toContain('embedding.');
    expect((await refusal(folder, { dimension: 32 })).message).toContain('16 dimensions');
    const store = await openAt(folder);
    expect((await store.stats()).counts.immediate).toBe(3);
  });

  it('where another server has it', async () => {
    const folder = await temporaryFolder();
    const store = await openAt(folder);
    const error = await refusal(folder);
    expect(error.message).toContain('in use');
    await store.write([put(sample('still here', DIMENSION))]);
    await store.close();
    const next = await openAt(folder);
    expect((await next.stats()).counts.immediate).toBe(1);
  });

  it('where the folder cannot be made', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'file'), '');
    expect((await refusal(join(folder, 'file', 'data'))).remedy).toContain('vector_db.data_dir');
  });
});

describe('a data folder that can be used', () => {
  it('takes another embedding as long as it is empty', async () => {
    const folder = await filledFolder(0);
    const store = await openAt(folder, { embeddingId: 'model-b', dimension: 4 });
    await store.write([put(sample('a', 4))]);
    expect((await store.stats()).counts.immediate).toBe(1);
  });

  it('is closed without a log to recover', async () => {
    const folder = await filledFolder();
    expect(await stat(join(folder, `${DATABASE_FILE}-wal`)).catch(() => null)).toBeNull();
    await rm(join(folder, 'indexes'), { recursive: true });
    const store = await openAt(folder);
    expect((await store.fetch('space', [idOf('c-0')], NOW_MS))[0]?.text).toBe('text of c-0');
  });

  it('is analysed anew where the stored terms are of another analyzer', async () => {
    const folder = await filledFolder();
    sql(folder, `UPDATE contexts SET analyzer = 0, terms = 'nonsense', traits = '?nobody'`);
    const store = await openAt(folder);
    const search = async (query: string) =>
      (await searchIn(store, searchOf({ terms: termsOf(query), names: ['nobody'] }))).candidates;
    expect(await search('nonsense')).toEqual([]);
    const found = await search('text');
    expect(found.map(({ traitFlags }) => traitFlags)).toEqual([0, 0, 0]);
    await store.write([{ op: 'delete', namespace: 'space', ids: [idOf('c-0')] }]);
    expect((await searchIn(store, searchOf({ terms: termsOf('text') }))).statistics).toMatchObject({
      documentCount: 2,
      documentFrequencies: [2],
    });
    await store.close();
    const database = new DatabaseSync(join(folder, DATABASE_FILE));
    expect(database.prepare('SELECT DISTINCT analyzer FROM contexts').all()).toMatchObject([
      { analyzer: ANALYZER_VERSION },
    ]);
    database.close();
  });
});
