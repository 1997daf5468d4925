// Long texts in the database: packed, with a key and without, among those of an older program, damaged, erased.

import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../src/base/random.ts';
import { NO_KEYS } from '../../src/store/embedded/border/opening-settings.ts';
import { DATABASE_FILE } from '../../src/store/embedded/database/data-folder.ts';
import type { EmbeddedStoreOptions } from '../../src/store/embedded/open-embedded-store.ts';
import { resealFolder } from '../../src/store/embedded/reseal-folder.ts';
import type { ContextStore } from '../../src/store/store.ts';
import { idOf, NOW_MS, put, sample, searchIn, searchOf, termsOf } from '../contract/store-samples.ts';
import { embed, NEW_MODEL, reembed } from './reembedding-setup.ts';
import { DIMENSION, openAt, temporaryFolder } from './store-setup.ts';

const COUNT = 12;
const NAMES = Array.from({ length: COUNT }, (_, i) => `c-${i}`);
const IDS = NAMES.map(idOf);
const KEY = new Uint8Array(randomBytes(32));
const SEALED: Partial<EmbeddedStoreOptions> = { seal: { key: KEY, previousKey: null } };
const PLAIN: Partial<EmbeddedStoreOptions> = { compressionThresholdBytes: 0 };
const damaged = { code: 'STORE_UNAVAILABLE', message: expect.stringContaining('is damaged') as string };

/** Every other one is long. */
function textOf(name: string): string {
  const words = Number(name.slice(2)) % 2 === 0 ? 600 : 3;
  return Array.from({ length: words }, (_, at) => `Zwetschgenknödel ${name} ${(at * 7919) % 1_009}`).join(' ');
}

async function fill(store: ContextStore, names = NAMES): Promise<void> {
  const about = { metadata: { drink: 'Kolophonium' }, tags: ['quincunx'] };
  await store.write(names.map((name) => put(sample(name, DIMENSION, { text: textOf(name), ...about }))));
}

async function filledFolder(options: Partial<EmbeddedStoreOptions> = {}): Promise<string> {
  const folder = await temporaryFolder();
  const store = await openAt(folder, options);
  await fill(store);
  await store.close();
  return folder;
}

interface Columns {
  readonly text: string;
  readonly sealed: Uint8Array | null;
}

function columns(folder: string, name: string): Columns {
  const database = new DatabaseSync(join(folder, DATABASE_FILE));
  const row = database.prepare('SELECT text, sealed FROM contexts WHERE id = ?').get(idOf(name));
  database.close();
  return row as unknown as Columns;
}

function sql(folder: string, statement: string): void {
  const database = new DatabaseSync(join(folder, DATABASE_FILE));
  database.exec(statement);
  database.close();
}

async function expectAll(store: ContextStore): Promise<void> {
  const fetched = await store.fetch('space', IDS, NOW_MS);
  expect(fetched.map((record) => record?.text)).toEqual(NAMES.map(textOf));
  const filter = { must: [{ key: 'metadata.drink', match: { value: 'Kolophonium' } }] };
  const { records } = await store.list({ namespace: 'space', filter, limit: COUNT, nowMs: NOW_MS });
  expect(new Set(records.map(({ text }) => text))).toEqual(new Set(NAMES.map(textOf)));
}

async function foundCount(store: ContextStore): Promise<number> {
  const request = searchOf({ terms: termsOf('zwetschgenknödel'), candidates: COUNT });
  return (await searchIn(store, request)).candidates.length;
}

describe('a long text', () => {
  it('is packed, is read and found as it was, and changes as others do', async () => {
    const folder = await filledFolder();
    const long = columns(folder, 'c-2');
    expect(long.text).toBe('');
    expect(long.sealed?.[0]).toBe(2);
    expect(long.sealed?.byteLength).toBeLessThan(textOf('c-2').length / 2);
    expect(columns(folder, 'c-1')).toEqual({ text: textOf('c-1'), sealed: null });

    const store = await openAt(folder);
    await expectAll(store);
    expect(await foundCount(store)).toBe(COUNT);
    const change = { op: 'update', namespace: 'space', updatedAtMs: NOW_MS } as const;
    const vector = new Float32Array(DIMENSION).fill(0.25);
    await store.write([
      { ...change, id: idOf('c-2'), patch: { tags: ['new'] } },
      { ...change, id: idOf('c-4'), patch: { text: { text: 'short', tokenCount: 1, vector } } },
      { ...change, id: idOf('c-5'), patch: { text: { text: textOf('c-6'), tokenCount: 1, vector } } },
    ]);
    const twice = (text: string) => store.write([put(sample('c-6', DIMENSION, { text }))]);
    expect(await twice(textOf('c-8'))).toEqual([{ op: 'put', conflict: true }]);
    expect((await twice(textOf('c-6')))[0]).not.toHaveProperty('conflict');
    await store.close();
    expect(columns(folder, 'c-2')).toEqual(long);
    expect(columns(folder, 'c-4')).toEqual({ text: 'short', sealed: null });
    expect(columns(folder, 'c-5').sealed?.[0]).toBe(2);
    const again = await openAt(folder);
    const texts = (await again.fetch('space', [idOf('c-2'), idOf('c-4'), idOf('c-5')], NOW_MS)).map((r) => r?.text);
    expect(texts).toEqual([textOf('c-2'), 'short', textOf('c-6')]);
  });

  it('of an older database stays as it is until it changes, and is read beside new ones', async () => {
    const folder = await filledFolder(PLAIN);
    for (const table of ['meta', 'sequence', 'unembedded']) sql(folder, `ALTER TABLE ${table} DROP COLUMN sum`);
    for (const table of ['saved_namespaces', 'changed_entries']) sql(folder, `DROP TABLE ${table}`);
    sql(folder, 'PRAGMA user_version = 11');
    const old = columns(folder, 'c-2');
    expect(old).toEqual({ text: textOf('c-2'), sealed: null });
    const store = await openAt(folder);
    await expectAll(store);
    const tags = { op: 'update', namespace: 'space', id: idOf('c-2'), patch: { tags: ['x'] }, updatedAtMs: 1 } as const;
    await store.write([tags, put(sample('new', DIMENSION, { text: textOf('c-8') }))]);
    expect((await store.fetch('space', [idOf('new')], NOW_MS))[0]?.text).toBe(textOf('c-8'));
    await store.close();
    expect(columns(folder, 'c-2')).toEqual(old);
    expect(columns(folder, 'new').sealed?.[0]).toBe(2);
  });

  it('is analysed anew, and embedded anew, as it was written', async () => {
    const folder = await filledFolder();
    sql(folder, "UPDATE contexts SET analyzer = 0, terms = 'old'");
    const store = await openAt(folder);
    expect(await foundCount(store)).toBe(COUNT);
    await store.close();
    await reembed(folder);
    const { id: embeddingId, dimension } = NEW_MODEL;
    await expectAll(await openAt(folder, { embeddingId, dimension, embed }));
  });

  it('is packed before it is sealed, and comes back without a key as it was', async () => {
    const [folder, unpacked] = [await filledFolder(SEALED), await filledFolder({ ...SEALED, ...PLAIN })];
    const bytes = (where: string): number => columns(where, 'c-2').sealed?.byteLength ?? 0;
    expect(bytes(folder)).toBeLessThan(bytes(unpacked) / 2);
    const store = await openAt(folder, SEALED);
    await expectAll(store);
    await store.close();
    resealFolder(folder, { key: null, previousKey: KEY }, systemRandom, undefined, 1024);
    expect(columns(folder, 'c-2').sealed?.[0]).toBe(2);
    const plain = await openAt(folder);
    await expectAll(plain);
    await plain.close();
    resealFolder(folder, { key: KEY, previousKey: null }, systemRandom, undefined, 1024);
    const again = await openAt(folder, SEALED);
    await expectAll(again);
    await again.close();
    // Without a key nobody puts a packed text in place of a sealed one.
    const { sealed } = columns(await filledFolder(), 'c-4');
    const database = new DatabaseSync(join(folder, DATABASE_FILE));
    database.prepare('UPDATE contexts SET sealed = ? WHERE id = ?').run(sealed, idOf('c-2'));
    database.close();
    const changed = await openAt(folder, SEALED);
    await expect(changed.fetch('space', [idOf('c-2')], NOW_MS)).rejects.toMatchObject(damaged);
  });
});

describe('a packed text that is not what was written', () => {
  it.each([
    ['a bit of it', `x'02' || substr(sealed, 2, 60) || x'a5' || substr(sealed, 63)`],
    ['cut off', 'substr(sealed, 1, length(sealed) - 9)'],
    ['said to be longer', `x'02ffffffff' || substr(sealed, 6)`],
    ['said to be shorter', `x'0210000000' || substr(sealed, 6)`],
    ['of another row', `(SELECT o.sealed FROM contexts AS o WHERE o.id = '${idOf('c-4')}')`],
    ['gone', 'NULL'],
    ['of an unknown kind', `x'07' || substr(sealed, 2)`],
  ])('is damage, not an answer: %s', async (_, value) => {
    const folder = await filledFolder();
    sql(folder, `UPDATE contexts SET sealed = CAST(${value} AS BLOB) WHERE id = '${idOf('c-2')}'`);
    const store = await openAt(folder);
    await expect(store.fetch('space', [idOf('c-2')], NOW_MS)).rejects.toMatchObject(damaged);
    expect((await store.fetch('space', [idOf('c-4')], NOW_MS))[0]?.text).toBe(textOf('c-4'));
    await store.write([{ op: 'delete', namespace: 'space', ids: [idOf('c-2')] }]);
    expect(await store.fetch('space', [idOf('c-2')], NOW_MS)).toEqual([null]);
  });
});

describe('a packed text that was erased', () => {
  it('has left none of its bytes in any file', async () => {
    const folder = await temporaryFolder();
    const store = await openAt(folder, { seal: NO_KEYS });
    await fill(store);
    const { sealed } = columns(folder, 'c-2');
    const piece = Buffer.from(sealed as Uint8Array).subarray(100, 140);
    const holds = (): string[] =>
      readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .filter((path) => readFileSync(path).includes(piece));
    expect(holds()).not.toEqual([]);
    await store.write([{ op: 'delete', namespace: 'space', ids: [idOf('c-2')] }]);
    await store.scrub();
    expect(holds()).toEqual([]);
  });
});
