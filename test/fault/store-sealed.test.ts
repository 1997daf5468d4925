// What is sealed on the disk: what can be read there without the key, which keys open it, and what a kill leaves.

import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { systemRandom } from '../../src/base/random.ts';
import type { SealKeys } from '../../src/store/embedded/border/opening-settings.ts';
import { DATABASE_FILE } from '../../src/store/embedded/database/data-folder.ts';
import { resealFolder } from '../../src/store/embedded/reseal-folder.ts';
import type { EmbeddedStoreOptions } from '../../src/store/embedded/open-embedded-store.ts';
import type { EmbeddedStore } from '../../src/store/embedded/embedded-store.ts';
import type { ContextStore } from '../../src/store/store.ts';
import { idOf, NOW_MS, put, sample } from '../contract/store-samples.ts';
import { DIMENSION, openAt, recordingLog, temporaryFolder } from './store-setup.ts';

const KEY = new Uint8Array(randomBytes(32));
const OTHER_KEY = new Uint8Array(randomBytes(32));
const COUNT = 40;
/** Words of texts, metadata, tags and documents, as they would stand in a file. */
const SECRETS = ['Zwetschgenknödel', 'zwetschgenknodel', 'quincunx', 'Kolophonium', 'Obsidiantor', 'marzipanfarben'];
const NAMES = Array.from({ length: COUNT }, (_, i) => `c-${i}`);
const IDS = NAMES.map(idOf);

const keys = (key: Uint8Array | null, previousKey: Uint8Array | null = null): SealKeys => ({ key, previousKey });
const sealed = (key = KEY): Partial<EmbeddedStoreOptions> => ({ seal: keys(key) });

/** A vector that no other has, so that its bytes can be looked for. */
const VECTOR = Float32Array.from({ length: DIMENSION }, (_, i) => Math.sin(i + 1) / 3);

async function fill(store: ContextStore): Promise<void> {
  const metadata = { drink: 'Kolophonium' };
  const about = { metadata, tags: ['quincunx'], vector: VECTOR };
  await store.write(NAMES.map((name) => put(sample(name, DIMENSION, { text: `Zwetschgenknödel ${name}`, ...about }))));
  const document = { namespace: 'space', kind: 'fact', owner: 'me', order: 7, version: 1 };
  const body = { object: 'marzipanfarben' };
  await store.writeDocuments([
    { op: 'put', document: { ...document, key: 'Obsidiantor', terms: ['Obsidiantor'], body }, ifVersion: null },
  ]);
}

async function filledFolder(options: Partial<EmbeddedStoreOptions>): Promise<string> {
  const folder = await temporaryFolder();
  const store = await openAt(folder, options);
  await fill(store);
  await store.close();
  return folder;
}

/** All that clients stored is there and found. */
async function expectAll(store: ContextStore): Promise<void> {
  const fetched = await store.fetch('space', IDS, NOW_MS);
  expect(fetched.map((record) => record?.text)).toEqual(NAMES.map((name) => `Zwetschgenknödel ${name}`));
  expect(fetched[0]).toMatchObject({ tags: ['quincunx'], metadata: { drink: 'Kolophonium' } });
  const search = {
    namespace: 'space',
    levels: ['immediate', 'short_term', 'long_term'],
    includeSessionless: true,
    vector: VECTOR,
    terms: [{ term: 'zwetschgenknodel', weight: 1 }],
    names: [],
    denseSamples: 0,
    candidates: COUNT,
    neighbours: 0,
    nowMs: NOW_MS,
  } as const;
  expect((await store.search(search)).candidates.columns.count).toBeGreaterThanOrEqual(COUNT);
  const filter = { must: [{ key: 'metadata.drink', match: { value: 'Kolophonium' } }] };
  expect(await store.list({ namespace: 'space', filter, limit: COUNT, nowMs: NOW_MS })).toMatchObject({
    records: { length: COUNT },
  });
  expect(await store.documents('space', 'fact', ['Obsidiantor'])).toMatchObject([
    { key: 'Obsidiantor', body: { object: 'marzipanfarben' } },
  ]);
  const scan = { namespace: 'space', kind: 'fact', term: 'Obsidiantor', descending: false, limit: 5 };
  expect(await store.scanDocuments(scan)).toMatchObject({ documents: [{ key: 'Obsidiantor' }] });
}

/** Names of files below `folder` that hold any of the words, or a part of the vector. */
function tellers(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name));
  const wanted = [...SECRETS.map((word) => Buffer.from(word)), Buffer.from(VECTOR.buffer, 0, 16)];
  return files.filter((path) => {
    if (!statSync(path).isFile()) return false;
    const bytes = readFileSync(path);
    return wanted.some((word) => bytes.includes(word));
  });
}

function sql(folder: string, statement: string): void {
  const database = new DatabaseSync(join(folder, DATABASE_FILE));
  database.exec(statement);
  database.close();
}

const damaged = { code: 'STORE_UNAVAILABLE', message: expect.stringContaining('is damaged') as string };

describe('a store with a key', () => {
  it('leaves no word of what is stored in the folder while it runs, and answers from it', async () => {
    const folder = await temporaryFolder();
    const store = await openAt(folder, { ...sealed(), indexingThreshold: 10 });
    await fill(store);
    await expectAll(store);
    const patch = { tags: ['quincunx'], metadata: { drink: 'Kolophonium' } };
    await store.write([{ op: 'update', namespace: 'space', id: IDS[0] ?? '', patch, updatedAtMs: NOW_MS }]);
    // The write-ahead log is full of it.
    expect(statSync(join(folder, `${DATABASE_FILE}-wal`)).size).toBeGreaterThan(10_000);
    expect(tellers(folder)).toEqual([]);
    expect((await store.stats()).driver).toMatchObject({ encryption: 'aes-256-gcm', indexed_vectors: 0 });
    await store.close();
    expect(tellers(folder)).toEqual([]);
    const again = await openAt(folder, sealed());
    await expectAll(again);
  });

  it('and one without is what the test would find', async () => {
    const folder = await filledFolder({});
    expect(tellers(folder)).toEqual([join(folder, DATABASE_FILE)]);
  });

  it('copies what is sealed', async () => {
    const folder = await filledFolder(sealed());
    const store = (await openAt(folder, sealed())) as EmbeddedStore;
    const copy = await temporaryFolder();
    await store.copyInto(copy);
    expect(readdirSync(copy)).toContain(`${DATABASE_FILE}.zst`);
    expect(tellers(copy)).toEqual([]);
  });
});

describe('a start', () => {
  it.each([
    ['with another key', sealed(), keys(OTHER_KEY), 'is sealed with the encryption key'],
    ['without a key', sealed(), keys(null), 'none is given'],
    ['without a key but the one before', sealed(), keys(null, KEY), 'none is given'],
    ['with a key over what is not sealed', {}, keys(KEY), 'is not sealed'],
  ])('%s is refused, and nothing is changed', async (_, before, given, message) => {
    const folder = await filledFolder(before);
    await expect(openAt(folder, { seal: given })).rejects.toThrow(message);
    await expectAll(await openAt(folder, before));
  });
});

describe('what is sealed', () => {
  it.each([
    [
      'a bit of a text',
      `UPDATE contexts SET sealed = CAST(substr(sealed, 1, 40) || x'00' || substr(sealed, 42) AS BLOB) WHERE id = '$a'`,
    ],
    ['another row', `UPDATE contexts SET sealed = (SELECT sealed FROM contexts WHERE id = '$b') WHERE id = '$a'`],
    ['plain contents that somebody put there', `UPDATE contexts SET sealed = NULL WHERE id = '$a'`],
  ])('is damage where it was changed: %s', async (_, change) => {
    const folder = await filledFolder(sealed());
    sql(folder, change.replace('$a', IDS[7] ?? '').replace('$b', IDS[8] ?? ''));
    const store = await openAt(folder, sealed());
    await expect(store.fetch('space', [IDS[7] ?? ''], NOW_MS)).rejects.toMatchObject(damaged);
    await expect(store.ping()).rejects.toMatchObject(damaged);
    expect(await store.fetch('space', [IDS[8] ?? ''], NOW_MS)).toMatchObject([{ id: IDS[8] }]);
    await store.write([{ op: 'delete', namespace: 'space', ids: [IDS[7] ?? ''] }]);
    expect(await store.fetch('space', [IDS[7] ?? ''], NOW_MS)).toEqual([null]);
  });

  it.each([
    'vectors SET vector = zeroblob(length(vector))',
    'contexts SET sealed_terms = zeroblob(length(sealed_terms))',
  ])('fails no search of the others: %s', async (change) => {
    const folder = await filledFolder(sealed());
    sql(folder, `UPDATE ${change} WHERE seq = (SELECT seq FROM contexts WHERE id = '${IDS[7]}')`);
    const messages: string[] = [];
    const store = await openAt(folder, { ...sealed(), log: recordingLog(messages) });
    await expectAll(store);
    expect(messages).toContain('store calls failed');
    await expect(store.ping()).rejects.toMatchObject(damaged);
  });
});

describe('a re-seal', () => {
  it.each([
    ['for the first time', {}, keys(KEY)],
    ['with another key', sealed(OTHER_KEY), keys(KEY, OTHER_KEY)],
  ])('%s leaves nothing of before in the folder', async (_, before, given) => {
    const folder = await filledFolder(before);
    const store = await openAt(folder, before);
    // Pages that are free, with what was in them.
    await store.write([{ op: 'delete', namespace: 'space', ids: IDS.slice(0, 20) }]);
    await fill(store);
    await store.close();
    const steps: string[] = [];
    const resealed = resealFolder(folder, given, systemRandom, ({ step }) => steps.push(step));
    expect(resealed).toMatchObject({ contexts: COUNT, documents: 1, damaged: 0 });
    expect(new Set(steps)).toEqual(new Set(['contexts', 'documents', 'tidy']));
    expect(tellers(folder)).toEqual([]);
    const again = await openAt(folder, sealed());
    await expectAll(again);
    await again.close();
    if (given.previousKey !== null) await expect(openAt(folder, before)).rejects.toThrow('is sealed with');
  });

  it('to no key gives what was there, and one that is not needed does nothing', async () => {
    const folder = await filledFolder(sealed());
    expect(resealFolder(folder, keys(KEY), systemRandom)).toBeNull();
    expect(resealFolder(folder, keys(null, KEY), systemRandom)).toMatchObject({ to: null, contexts: COUNT });
    await expectAll(await openAt(folder));
  });

  it('keeps damage what it is', async () => {
    const folder = await filledFolder({});
    sql(folder, `UPDATE contexts SET text = 'another' WHERE id = '${IDS[7]}'`);
    expect(resealFolder(folder, keys(KEY), systemRandom)).toMatchObject({ damaged: 1 });
    sql(folder, `UPDATE contexts SET sealed = zeroblob(90) WHERE id = '${IDS[9]}'`);
    expect(resealFolder(folder, keys(OTHER_KEY, KEY), systemRandom)).toMatchObject({ damaged: 2 });
    expect(resealFolder(folder, keys(null, OTHER_KEY), systemRandom)).toMatchObject({ damaged: 2 });
    const store = await openAt(folder);
    for (const id of [IDS[7], IDS[9]])
      await expect(store.fetch('space', [id ?? ''], NOW_MS)).rejects.toMatchObject(damaged);
    expect(await store.fetch('space', [IDS[8] ?? ''], NOW_MS)).toMatchObject([{ id: IDS[8] }]);
  });

  it('goes on after a kill, at the next start or by the command, and needs both keys for it', async () => {
    const folder = await filledFolder(sealed(OTHER_KEY));
    const store = await openAt(folder, sealed(OTHER_KEY));
    const many = Array.from({ length: 600 }, (_, i) => put(sample(`more-${i}`, DIMENSION)));
    await store.write(many);
    await store.close();
    await killedReseal(folder, keys(KEY, OTHER_KEY));
    await expect(openAt(folder, sealed(OTHER_KEY))).rejects.toThrow('that was interrupted');
    await expect(openAt(folder, sealed())).rejects.toThrow('that was interrupted');
    const copy = await temporaryFolder();
    cpSync(folder, copy, { recursive: true });
    expect(resealFolder(copy, keys(KEY, OTHER_KEY), systemRandom)?.contexts).toBeLessThan(COUNT + 600);
    const told: { done: number; total: number }[] = [];
    for (const each of [folder, copy]) {
      await expectAll(await openAt(each, { seal: keys(KEY, OTHER_KEY), onReseal: (progress) => told.push(progress) }));
      expect(tellers(each)).toEqual([]);
    }
    expect(told.at(0)).toMatchObject({ total: COUNT + 600, done: expect.any(Number) as number });
    expect(told.length).toBeGreaterThan(1);
  });
});

/** A process that begins it and is killed when the first rows are done. */
async function killedReseal(folder: string, { key, previousKey }: SealKeys): Promise<void> {
  const program = fileURLToPath(new URL('store-resealer.ts', import.meta.url));
  const hex = [key, previousKey].map((each) => Buffer.from(each ?? []).toString('hex'));
  const child = spawn(process.execPath, [program, folder, ...hex], { stdio: ['ignore', 'pipe', 'inherit'] });
  await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
  child.kill('SIGKILL');
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}
