import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import type { ContextRecord } from '../../src/base/context.ts';
import { StartupError } from '../../src/base/errors.ts';
import { DATABASE_FILE } from '../../src/store/embedded/database/data-folder.ts';
import type { ContextStore } from '../../src/store/store.ts';
import { idOf, NOW_MS, put, sample } from '../contract/store-samples.ts';
import { DIMENSION, openAt, temporaryFolder } from './store-setup.ts';

const COUNT = 60;
const NAMES = Array.from({ length: COUNT }, (_, i) => `c-${i}`);
const IDS = NAMES.map(idOf);
const SEED = 20_261_126;
/** `FLIPS=1000` tries longer. */
const FLIPS = Number(process.env['FLIPS'] ?? 24);

/** A closed folder, and what it answers. */
async function filledFolder(): Promise<{ folder: string; truth: ReadonlyMap<string, ContextRecord> }> {
  const folder = await temporaryFolder();
  const store = await openAt(folder);
  const metadata = { city: 'Porto', visits: 12, done: true };
  await store.write(NAMES.map((name) => put(sample(name, DIMENSION, { metadata, tags: ['travel', name] }))));
  const truth = await answers(store);
  await store.close();
  return { folder, truth };
}

async function answers(store: ContextStore): Promise<Map<string, ContextRecord>> {
  const listed = await store.list({ namespace: 'space', limit: COUNT * 2, nowMs: NOW_MS });
  const fetched = await store.fetch('space', IDS, NOW_MS);
  return new Map([...listed.records, ...fetched.filter((record) => record !== null)].map((r) => [r.id, r]));
}

function sql(folder: string, statement: string): void {
  const database = new DatabaseSync(join(folder, DATABASE_FILE));
  database.exec(statement);
  database.close();
}

const damaged = { code: 'STORE_UNAVAILABLE', message: expect.stringContaining('is damaged') as string };

describe('a row that is not what was written', () => {
  it.each([
    [`text = replace(text, 'c-7', 'c-9')`],
    [`metadata = replace(metadata, 'Porto', 'Forto')`],
    [`tags = '["travel"]'`],
    ['created_at = created_at + 1'],
    ['updated_at = updated_at - 65536'],
    ['version = 3'],
    ['token_count = token_count + 16'],
    [`agent_id = agent_id || 'x'`],
    [`session_id = NULL`],
    [`expires_at = ${NOW_MS + 1_000_000}`],
    ['level = 3'],
  ])('is damage, not an answer: %s', async (change) => {
    const { folder } = await filledFolder();
    sql(folder, `UPDATE contexts SET ${change} WHERE id = '${idOf('c-7')}'`);
    const store = await openAt(folder);
    await store.ping();
    await expect(store.fetch('space', [idOf('c-7')], NOW_MS)).rejects.toMatchObject(damaged);
    await expect(store.ping()).rejects.toMatchObject(damaged);
    await expect(store.list({ namespace: 'space', limit: COUNT * 2, nowMs: NOW_MS })).rejects.toMatchObject(damaged);
    expect(await store.fetch('space', [idOf('c-8')], NOW_MS)).toMatchObject([{ id: idOf('c-8') }]);
  });

  it.each([
    [`body = replace(body, '1', '2')`],
    [`owner = 'you'`],
    ['place = place + 1'],
    ['version = 2'],
    [`key = 'b'`],
  ])('is damage of a document, too: %s', async (change) => {
    const folder = await temporaryFolder();
    const store = await openAt(folder);
    const document = { namespace: 'space', kind: 'note', key: 'a', owner: 'me', order: 7, version: 1, body: { n: 1 } };
    await store.writeDocuments([
      { op: 'put', document, ifVersion: null },
      { op: 'put', document: { ...document, key: 'c' }, ifVersion: null },
    ]);
    await store.close();
    sql(folder, `UPDATE documents SET ${change} WHERE key = 'a'`);
    const again = await openAt(folder);
    const read = ['a', 'b'].map((key) => again.documents('space', 'note', [key]));
    expect((await Promise.allSettled(read)).map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    const scan = { namespace: 'space', kind: 'note', descending: false, limit: 5 };
    await expect(again.scanDocuments(scan)).rejects.toMatchObject(damaged);
    await expect(again.ping()).rejects.toMatchObject(damaged);
    expect(await again.documents('space', 'note', ['c'])).toMatchObject([{ key: 'c' }]);
  });

  it('is not sealed anew by what changes it, and can be deleted', async () => {
    const { folder } = await filledFolder();
    sql(folder, `UPDATE contexts SET text = 'another one' WHERE id = '${idOf('c-7')}'`);
    const store = await openAt(folder);
    const update = {
      op: 'update',
      namespace: 'space',
      id: idOf('c-7'),
      patch: { tags: ['new'] },
      updatedAtMs: NOW_MS,
    } as const;
    await expect(store.write([update])).rejects.toMatchObject(damaged);
    await expect(store.fetch('space', [idOf('c-7')], NOW_MS)).rejects.toMatchObject(damaged);
    await store.write([{ op: 'delete', namespace: 'space', ids: [idOf('c-7')] }]);
    expect(await store.fetch('space', [idOf('c-7')], NOW_MS)).toEqual([null]);
  });

  it('from before there were checksums is read as it is, and has them once it changes', async () => {
    const { folder } = await filledFolder();
    sql(folder, 'UPDATE contexts SET content_sum = NULL, state_sum = NULL');
    const store = await openAt(folder);
    expect((await answers(store)).size).toBe(COUNT);
    const patch = { tags: ['new'] };
    await store.write([{ op: 'update', namespace: 'space', id: idOf('c-7'), patch, updatedAtMs: NOW_MS }]);
    await store.close();
    sql(folder, `UPDATE contexts SET text = 'another one' WHERE id = '${idOf('c-7')}'`);
    const again = await openAt(folder);
    await expect(again.fetch('space', [idOf('c-7')], NOW_MS)).rejects.toMatchObject(damaged);
  });
});

describe('bits that flip anywhere in the database', () => {
  it.each([1, 8])('are never answered as truth: %i at a time', async (bits) => {
    const { folder, truth } = await filledFolder();
    const path = join(folder, DATABASE_FILE);
    const whole = await readFile(path);
    const random = seeded(SEED + bits);
    for (let round = 0; round < FLIPS; round++) {
      const bytes = Buffer.from(whole);
      const places = Array.from({ length: bits }, () => random(bytes.length * 8));
      for (const place of places) bytes[place >> 3] = (bytes[place >> 3] as number) ^ (1 << (place & 7));
      const copy = await temporaryFolder();
      await copyFile(join(folder, 'contexts.acknowledged'), join(copy, 'contexts.acknowledged'));
      await writeFile(join(copy, DATABASE_FILE), bytes);
      const found = await answersOf(copy);
      for (const [id, record] of found) expect(record, `seed ${SEED}, bits ${places.join()}`).toEqual(truth.get(id));
    }
  });
});

/** What a damaged folder answers; nothing where it is refused or says that it is damaged. */
async function answersOf(folder: string): Promise<ReadonlyMap<string, ContextRecord>> {
  let store: ContextStore;
  try {
    store = await openAt(folder);
  } catch (error) {
    expect(error).toBeInstanceOf(StartupError);
    return new Map();
  }
  try {
    const found = new Map<string, ContextRecord>();
    for (const id of IDS) {
      const [record] = await store.fetch('space', [id], NOW_MS).catch((error: unknown) => {
        expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE' });
        return [null];
      });
      if (record !== null && record !== undefined) found.set(id, record);
    }
    return found;
  } finally {
    await store.close();
  }
}

/** Whole numbers below a bound: xorshift32 (Marsaglia 2003). */
function seeded(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
}
