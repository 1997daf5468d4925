import { mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { LEVELS } from '../../src/base/context.ts';
import { walkStore, type WholeContext } from '../../src/store/generic/walk-store.ts';
import type { EmbeddedStore } from '../../src/store/embedded/embedded-store.ts';
import { idOf, NOW_MS, put, sample, untilOf } from '../contract/store-samples.ts';
import { keeperOf, openStoreAt, restoreInto } from './snapshot-setup.ts';
import { DIMENSION, temporaryFolder } from './store-setup.ts';

interface Write {
  readonly name: string;
  /** Order of what the client saw: when it was sent, and when its reply came. */
  readonly sentAt: number;
  ackedAt: number | null;
}

/** Clients that write one context after another until they are told to stop. */
class Load {
  readonly writes: Write[] = [];
  #isOver = false;
  #time = 0;
  readonly #lanes: Promise<void>[];

  constructor(store: EmbeddedStore, lanes: number) {
    this.#lanes = Array.from({ length: lanes }, (_, lane) => this.#run(store, lane));
  }

  /** What a client would note at this moment. */
  now(): number {
    return ++this.#time;
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await Promise.all(this.#lanes);
  }

  async #run(store: EmbeddedStore, lane: number): Promise<void> {
    for (let i = 0; !this.#isOver; i++) {
      const write: Write = { name: `load-${lane}-${i}`, sentAt: this.now(), ackedAt: null };
      this.writes.push(write);
      const text = `${write.name} ${'words '.repeat(200)}`;
      await store.write([put(sample(write.name, DIMENSION, { text, level: LEVELS[i % 3] ?? 'immediate' }))]);
      write.ackedAt = this.now();
    }
  }
}

async function wholeOf(store: EmbeddedStore, namespace = 'space'): Promise<WholeContext[]> {
  const found: WholeContext[] = [];
  for await (const page of walkStore(store.driver, { namespace, contextsMax: 500 })) found.push(...page);
  return found;
}

it('under write load restores to exactly the acknowledged state of one moment', async () => {
  const [dataDir, folder, restored] = [await temporaryFolder(), await temporaryFolder(), await temporaryFolder()];
  const store = await openStoreAt(dataDir);
  for (let from = 0; from < 4_000; from += 500) {
    const filling = Array.from({ length: 500 }, (_, i) =>
      put(sample(`filler-${from + i}`, DIMENSION, { text: `filler ${from + i} ${'more '.repeat(150)}` })),
    );
    await store.write(filling);
  }
  const keeper = keeperOf(store, folder);
  const load = new Load(store, 8);
  while (load.writes.filter(({ ackedAt }) => ackedAt !== null).length < 50)
    await new Promise((resolve) => setTimeout(resolve, 5));
  const askedAt = load.now();
  const snapshot = await keeper.create();
  const madeAt = load.now();
  await load.stop();
  // The load went on all the while: else this proves nothing.
  expect(load.writes.filter(({ sentAt }) => sentAt > askedAt && sentAt < madeAt).length).toBeGreaterThan(20);
  await store.close();

  await restoreInto(restored, snapshot);
  const copy = await openStoreAt(restored);
  const ids = new Set((await wholeOf(copy)).map(({ record }) => record.id));
  const isIn = ({ name }: Write): boolean => ids.has(idOf(name));
  expect(load.writes.filter((write) => write.ackedAt !== null && write.ackedAt < askedAt && !isIn(write))).toEqual([]);
  expect(load.writes.filter((write) => write.sentAt > madeAt && isIn(write))).toEqual([]);
  // No hole: whoever is in had been sent before whoever was acknowledged before that and is not.
  const lastSentIn = Math.max(...load.writes.filter(isIn).map(({ sentAt }) => sentAt));
  expect(load.writes.filter((write) => write.ackedAt !== null && write.ackedAt < lastSentIn && !isIn(write))).toEqual(
    [],
  );
  for (let i = 0; i < 4_000; i++) if (!ids.has(idOf(`filler-${i}`))) throw new Error(`filler-${i} is missing`);
  expect(snapshot.manifest.contexts).toBe(ids.size);
});

it('holds lifetimes, access counts that nobody has written yet, vectors, passages and what waits for a vector', async () => {
  const [dataDir, folder, restored] = [await temporaryFolder(), await temporaryFolder(), await temporaryFolder()];
  const store = await openStoreAt(dataDir);
  const passages = [sample('p', DIMENSION).vector];
  const zero = new Float32Array(DIMENSION);
  await store.write([
    put(sample('short', DIMENSION, untilOf(NOW_MS + 1_000_000))),
    put(sample('level', DIMENSION, { expiresAtMs: NOW_MS + 5, expiryAction: 'promote', level: 'short_term' })),
    put({ ...sample('long', DIMENSION, { sessionId: null, tags: ['a'], metadata: { b: [1, null] } }), passages }),
    put({ ...sample('waits', DIMENSION), vector: zero, unembedded: 'pending' }),
    put(sample('elsewhere', DIMENSION, { namespace: 'other', version: 7 })),
  ]);
  await store.touch([{ namespace: 'space', id: idOf('short'), count: 41 }]);
  const snapshot = await keeperOf(store, folder).create();
  const [before, otherBefore] = [await wholeOf(store), await wholeOf(store, 'other')];
  await store.close();

  await restoreInto(restored, snapshot);
  const copy = await openStoreAt(restored);
  expect(await wholeOf(copy)).toEqual(before);
  expect(await wholeOf(copy, 'other')).toEqual(otherBefore);
  const [short] = await copy.fetch('space', [idOf('short')], NOW_MS);
  expect(short).toMatchObject({ accessCount: 41, expiresAtMs: NOW_MS + 1_000_000, expirySetBy: 'client' });
  expect(snapshot.manifest).toMatchObject({
    embedder: 'model-a',
    dimension: DIMENSION,
    distance: 'Cosine',
    contexts: 5,
    counts: { immediate: 4, short_term: 1, long_term: 0 },
    namespaces: 2,
  });
});

it('goes on after a restore: what is written then is kept, by numbers that nothing had before', async () => {
  const [dataDir, folder, restored] = [await temporaryFolder(), await temporaryFolder(), await temporaryFolder()];
  const store = await openStoreAt(dataDir);
  await store.write([put(sample('old', DIMENSION))]);
  const snapshot = await keeperOf(store, folder).create();
  await restoreInto(restored, snapshot);
  for (const name of ['one', 'two']) {
    const copy = await openStoreAt(restored);
    await copy.write([put(sample(name, DIMENSION))]);
    await copy.close();
  }
  const copy = await openStoreAt(restored);
  const found = await wholeOf(copy);
  expect(found.map(({ record }) => record.id)).toEqual(['old', 'one', 'two'].map(idOf));
  expect(new Set(found.map(({ entered }) => entered)).size).toBe(3);
});

it('is closed to others, holds no secret, and no key of cursors', async () => {
  const [dataDir, folder, restored] = [await temporaryFolder(), await temporaryFolder(), await temporaryFolder()];
  const store = await openStoreAt(dataDir);
  await store.write([put(sample('one', DIMENSION))]);
  mkdirSync(join(folder, 'deep'));
  const snapshot = await keeperOf(store, join(folder, 'deep', 'snapshots')).create();
  const modeOf = (path: string): number => statSync(path).mode & 0o777;
  expect(readdirSync(snapshot.path).sort()).toEqual([
    'SHA256SUMS',
    'contexts.db.zst',
    'manifest.json',
    'namespaces.json',
  ]);
  for (const name of readdirSync(snapshot.path)) expect(modeOf(join(snapshot.path, name)), name).toBe(0o600);
  expect([modeOf(snapshot.path), modeOf(join(folder, 'deep', 'snapshots'))]).toEqual([0o700, 0o700]);
  rmSync(restored, { recursive: true });
  await restoreInto(restored, snapshot);
  expect(modeOf(restored)).toBe(0o700);
  for (const name of readdirSync(restored)) expect(modeOf(join(restored, name)) & 0o077, name).toBe(0);
  expect(readFileSync(join(restored, 'contexts.db')).includes('cursor_key')).toBe(false);
});

it('has the documents of its moment', async () => {
  const [dataDir, folder, restored] = [await temporaryFolder(), await temporaryFolder(), await temporaryFolder()];
  const store = await openStoreAt(dataDir);
  await store.write([put(sample('a', DIMENSION))]);
  const document = { namespace: 'space', kind: 'note', key: 'a', owner: 'me', order: 7, version: 1, body: { n: 1 } };
  await store.writeDocuments([{ op: 'put', document, ifVersion: null }]);
  const snapshot = await keeperOf(store, folder).create();
  const changed = { ...document, version: 2, body: { n: 2 } };
  await store.writeDocuments([{ op: 'put', document: changed, ifVersion: 1 }]);
  await restoreInto(restored, snapshot);
  expect(await (await openStoreAt(restored)).documents('space', 'note', ['a'])).toEqual([document]);
  expect(await store.documents('space', 'note', ['a'])).toEqual([changed]);
});
