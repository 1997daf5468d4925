import { copyFile, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import type { Level } from '../../../../src/base/context.ts';
import { CodedError, StartupError } from '../../../../src/base/errors.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { noMetrics } from '../../../../src/base/metrics.ts';
import { systemRandom } from '../../../../src/base/random.ts';
import { walkStore, type WholeContext } from '../../../../src/store/generic/walk-store.ts';
import { Claim } from '../../../../src/store/qdrant/claim.ts';
import { withConnection } from '../../../../src/store/qdrant/connection.ts';
import { META_POINTS } from '../../../../src/store/qdrant/meta.ts';
import { openQdrantStore, type QdrantStoreOptions } from '../../../../src/store/qdrant/open-qdrant-store.ts';
import type { QdrantStore } from '../../../../src/store/qdrant/qdrant-store.ts';
import { QdrantSnapshots } from '../../../../src/store/qdrant/qdrant-snapshots.ts';
import { SnapshotFolder } from '../../../../src/store/snapshot/snapshot-folder.ts';
import { SnapshotKeeper } from '../../../../src/store/snapshot/snapshot-keeper.ts';
import {
  MANIFEST_FILE,
  readSnapshot,
  type Snapshot,
  SUMS_FILE,
  sumsText,
  textSum,
} from '../../../../src/store/snapshot/snapshot.ts';
import { FOR_GOOD, idOf, NOW_MS, put, sample, untilOf } from '../../../contract/store-samples.ts';
import { askDouble } from '../../../support/qdrant-double/ask-double.ts';
import { type QdrantDouble, startQdrantDouble } from '../../../support/qdrant-double/start-qdrant-double.ts';
import { testBackend } from '../../../support/test-backend.ts';
import { DIMENSION, optionsOver } from './opened.ts';

let double: QdrantDouble;
let folder: string;

beforeEach(async () => {
  double = await startQdrantDouble();
  folder = await mkdtemp(join(tmpdir(), 'qdrant-snapshots-'));
});
afterEach(async () => {
  await double.close();
  await rm(folder, { recursive: true });
});

const options = (changes: Partial<QdrantStoreOptions> = {}): QdrantStoreOptions => ({
  ...optionsOver(double.url),
  clock: systemClock,
  ...changes,
});

async function open(changes: Partial<QdrantStoreOptions> = {}): Promise<QdrantStore> {
  const store = await openQdrantStore(options(changes));
  onTestFinished(() => store.close());
  return store;
}

function keeperOf(store: QdrantStore, path = folder): SnapshotKeeper {
  return new SnapshotKeeper({
    folder: path,
    copyInto: (target, signal) => store.copyInto(target, signal),
    distance: 'Cosine',
    retention: { keepHourly: 7, keepDaily: 30 },
    version: '0.0.0',
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    metrics: noMetrics,
  });
}

/** A fresh backend each: what one test breaks opens no circuit of another. */
const snapshots = (changes: Partial<QdrantStoreOptions> = {}) =>
  new QdrantSnapshots(options({ backend: testBackend(), ...changes }));
const restore = (snapshot: Snapshot, replace = false, changes: Partial<QdrantStoreOptions> = {}) =>
  snapshots(changes).restore(snapshot, { replace, nowMs: Date.now() });

async function wholeOf(store: QdrantStore, namespace = 'space'): Promise<WholeContext[]> {
  const found: WholeContext[] = [];
  for await (const page of walkStore(store.driver, { namespace, contextsMax: 500 })) found.push(...page);
  return found;
}

async function names(): Promise<string[]> {
  const { reply } = await askDouble(double, 'GET', '/collections');
  return (reply as { result: { collections: { name: string }[] } }).result.collections.map(({ name }) => name);
}

const DOCUMENT = {
  namespace: 'space',
  kind: 'session',
  key: 'k',
  owner: 'o',
  order: 7,
  version: 1,
  body: { b: 1, a: 'x' },
};
const OF_USE = ['test_documents', 'test_immediate', 'test_long_term', 'test_meta', 'test_short_term'];

async function fill(store: QdrantStore): Promise<void> {
  const metadata = { from: 'mail', deep: { of: [1, null, 'x'] } };
  const whole = { metadata, tags: ['kept'], accessCount: 3, version: 4, sessionId: null };
  await store.write([
    put(sample('a', DIMENSION)),
    put(sample('b', DIMENSION, { ...whole, level: 'short_term', ...untilOf(Date.now() + 1e8) })),
    put(sample('c', DIMENSION, { level: 'long_term', namespace: 'other' })),
    put({ ...sample('d', DIMENSION, { level: 'long_term' }), passages: [sample('p', DIMENSION).vector] }),
  ]);
  await store.writeDocuments([{ op: 'put', document: DOCUMENT, ifVersion: null }]);
}

describe('a snapshot of collections', () => {
  it('holds every context whole, leaves nothing on the server, and restores into an empty one', async () => {
    const store = await open();
    await fill(store);
    const [before, other] = [await wholeOf(store), await wholeOf(store, 'other')];
    const snapshot = await keeperOf(store).create('drill');
    expect(snapshot.manifest).toMatchObject({
      store: 'qdrant',
      embedder: 'test',
      dimension: DIMENSION,
      distance: 'Cosine',
      label: 'drill',
      contexts: 4,
      counts: { immediate: 1, short_term: 1, long_term: 2 },
      namespaces: 2,
    });
    expect(double.files()).toEqual([]);
    // Its time was over before the snapshot, and no sweep has come by.
    await store.write([put(sample('over', DIMENSION, untilOf(NOW_MS + 1)))]);
    expect(await snapshots().verify(await keeperOf(store).create())).toMatchObject({ contexts: 5 });
    expect(await snapshots().verify(snapshot)).toEqual({ contexts: 4, queries: 2 });
    expect(await names()).toEqual(OF_USE);
    expect(double.files()).toEqual([]);

    const elsewhere = await startQdrantDouble();
    onTestFinished(() => elsewhere.close());
    const there = { url: elsewhere.url, prefix: 'new' };
    expect(await restore(snapshot, false, there)).toMatchObject({ keptAside: null });
    expect(elsewhere.files()).toEqual([]);
    const restored = await open({ ...there, backend: testBackend() });
    expect(await wholeOf(restored)).toEqual(before);
    expect(await wholeOf(restored, 'other')).toEqual(other);
    expect(await restored.documents('space', 'session', ['k'])).toEqual([DOCUMENT]);
    await restored.write([put(sample('later', DIMENSION))]);
    expect((await restored.stats()).counts).toEqual({ immediate: 2, short_term: 1, long_term: 2 });
  });

  it('takes the place of what is there only where that is said, and keeps it aside', async () => {
    const store = await open();
    await fill(store);
    const snapshot = await keeperOf(store).create();
    await store.write([put(sample('since', DIMENSION))]);
    await expect(restore(snapshot)).rejects.toThrow(/hold 6 points already/);
    expect(await names()).toEqual(OF_USE);
    const { keptAside } = await restore(snapshot, true);
    expect(keptAside).toContain('test_immediate');
    expect((await (await open()).stats()).counts).toEqual({ immediate: 1, short_term: 1, long_term: 2 });
    expect((await names()).filter((name) => OF_USE.includes(name))).toEqual(OF_USE);
    // Once more, in the place of the restored ones.
    await restore(snapshot, true);
    expect((await names()).length).toBe(OF_USE.length + 8);
  });

  it('replaces collections that a server has made and nobody has used, and leaves none of them', async () => {
    const store = await open();
    await fill(store);
    const snapshot = await keeperOf(store).create();
    await open({ prefix: 'unused' });
    await restore(snapshot, false, { prefix: 'unused' });
    expect((await (await open({ prefix: 'unused' })).stats()).counts).toMatchObject({ long_term: 2 });
    expect((await names()).filter((name) => name.startsWith('unused_'))).toEqual(['unused_meta']);
  });

  it('holds each context once, wherever it moved while the collections were copied', async () => {
    const store = await open();
    const add = (name: string, level: Level) => store.write([put(sample(name, DIMENSION, { level }))]);
    await add('down', 'immediate');
    await add('up', 'long_term');
    await add('still', 'short_term');
    const move = (name: string, to: Level) =>
      store.write([
        {
          op: 'update',
          namespace: 'space',
          id: idOf(name),
          patch: { move: { to, lifetime: FOR_GOOD } },
          updatedAtMs: 9,
        },
      ]);
    // While Qdrant is asked for the second of three snapshots: one goes on to where it will be seen again, one comes from there.
    double.faults.once({ kind: 'delay', delayMs: 400, on: 'POST /collections/test_short_term/snapshots' });
    const making = keeperOf(store).create();
    while (double.requests.count('POST /collections/test_short_term/snapshots') === 0) await systemClockTurn();
    await move('up', 'immediate');
    await move('down', 'long_term');
    const snapshot = await making;
    const there = { prefix: 'new' };
    await restore(snapshot, false, there);
    const restored = await open(there);
    expect((await wholeOf(restored)).map(({ record }) => [record.id, record.level]).sort()).toEqual(
      [
        [idOf('down'), 'long_term'],
        [idOf('still'), 'short_term'],
        [idOf('up'), 'immediate'],
      ].sort(),
    );
    // In one collection each, not only seen once.
    expect((await restored.stats()).counts).toEqual({ immediate: 1, short_term: 1, long_term: 1 });
  });

  it('is not made of one node of several, as it would not be whole', async () => {
    const store = await open();
    double.setRemoteShards(2);
    await expect(keeperOf(store).create()).rejects.toMatchObject({
      code: 'BAD_REQUEST',
      message: expect.stringContaining('2 shards of test_immediate are on other nodes') as string,
    });
    expect(await readdir(folder)).toEqual([]);
  });

  it('is made by one server at a time', async () => {
    const [store, other] = [await open(), await open()];
    double.faults.once({ kind: 'delay', delayMs: 4_000, on: 'POST /collections/test_immediate/snapshots' });
    const making = keeperOf(store).create();
    while (double.requests.count('POST /collections/test_immediate/snapshots') === 0) await systemClockTurn();
    await expect(keeperOf(other).create()).rejects.toMatchObject({ code: 'OVERLOADED' });
    // By schedule that is enough; a store that has too much to do is a failure all the same.
    await keeperOf(other).turn(AbortSignal.timeout(60_000));
    await making;
    const full = { copyInto: () => Promise.reject(new CodedError('OVERLOADED', 'too many writes wait')) };
    await expect(keeperOf(full as unknown as QdrantStore).turn(AbortSignal.timeout(60_000))).rejects.toThrow(
      'too many',
    );
  });
});

describe('what goes wrong with one', () => {
  it.each([
    ['the server breaks off', { kind: 'cut' } as const, /GET .*snapshots\/./, 'STORE_UNAVAILABLE'],
    ['the server says no', { kind: 'status', status: 500 } as const, /GET .*snapshots\/./, 'STORE_UNAVAILABLE'],
    ['nothing is made', { kind: 'status', status: 503 } as const, /POST .*short_term\/snapshots/, 'STORE_UNAVAILABLE'],
    ['the connection ends', { kind: 'drop' } as const, /POST .*long_term\/snapshots/, 'STORE_UNAVAILABLE'],
  ])('leaves nothing behind: %s', async (_, fault, on, code) => {
    const store = await open();
    await fill(store);
    double.faults.add({ ...fault, on });
    await expect(keeperOf(store).create()).rejects.toMatchObject({ code });
    double.faults.clear();
    expect(await readdir(folder)).toEqual([]);
    expect(double.files()).toEqual([]);
    expect((await keeperOf(store).create()).manifest.contexts).toBe(4);
  });

  it('ends with the deadline of who asked, where the server hangs', async () => {
    const store = await open();
    for (const on of [/POST .*immediate\/snapshots/, /GET .*snapshots\/./]) {
      const deadline = new AbortController();
      double.faults.once({ kind: 'hang', on, onHit: () => deadline.abort() });
      await expect(keeperOf(store).create(undefined, deadline.signal)).rejects.toThrow();
      expect(await readdir(folder)).toEqual([]);
    }
    await keeperOf(store).create();
  });

  it('leaves on the server what the next one deletes, and nothing that is not its own', async () => {
    const store = await open();
    await askDouble(double, 'POST', '/collections/test_immediate/snapshots');
    const own = double.files();
    // As where the process was killed before it could ask for anything more.
    const cut = double.faults.add({ kind: 'drop', on: /DELETE .*snapshots/ });
    await expect(keeperOf(store).create()).rejects.toBeInstanceOf(CodedError);
    cut();
    expect(double.files()).toHaveLength(2);
    await keeperOf(store).create();
    expect(double.files()).toEqual(own);
  });

  it('is told where the disk takes no more', async () => {
    const store = await open();
    const copy = { copyInto: async () => Promise.reject(Object.assign(new Error('full'), { code: 'ENOSPC' })) };
    await expect(keeperOf({ ...copy } as unknown as QdrantStore).create()).rejects.toThrow(/the disk is full/);
    // A folder in the place of the file is what a disk says no to, too.
    const target = await mkdtemp(join(folder, 'x-'));
    await writeFile(join(target, 'short_term.snapshot.zst'), '');
    await expect(store.copyInto(target)).rejects.toMatchObject({ code: 'EEXIST' });
    expect(double.files()).toEqual([]);
  });

  it('is found by a changed bit before anything is touched', async () => {
    const store = await open();
    await fill(store);
    const snapshot = await keeperOf(store).create();
    const file = join(snapshot.path, 'long_term.snapshot.zst');
    const bytes = await readFile(file);
    bytes[bytes.length >> 1]! ^= 1;
    await writeFile(file, bytes);
    const asked = double.requests.count('');
    await expect(snapshots().verify(snapshot)).rejects.toThrow(/long_term.snapshot.zst is not what was written/);
    await expect(restore(snapshot, true)).rejects.toThrow(/long_term.snapshot.zst is not what was written/);
    expect(double.requests.count('')).toBe(asked);
  });

  it('is told where Qdrant does not take it, and leaves what there was', async () => {
    const store = await open();
    await fill(store);
    const snapshot = await keeperOf(store).create();
    double.faults.add({ kind: 'status', status: 500, on: /POST .*long_term\/snapshots\/upload/ });
    await expect(restore(snapshot, true)).rejects.toThrow(/Qdrant makes no collection of long_term.snapshot.zst/);
    await expect(snapshots().verify(snapshot)).rejects.toThrow(/Qdrant makes no collection of long_term/);
    expect(await names()).toEqual(OF_USE);
    expect(double.files()).toEqual([]);
    double.faults.clear();
    await restore(snapshot, true);
  });

  it('killed in the middle of a restore leaves what there was, and the next one clears up', async () => {
    const store = await open();
    await fill(store);
    const snapshot = await keeperOf(store).create();
    // From here on the process does nothing any more.
    const dead = double.faults.add({ kind: 'drop', on: /upload|\.[0-9a-f]{8}_long_term|DELETE/ });
    await expect(restore(snapshot, true)).rejects.toThrow();
    dead();
    expect((await names()).length).toBeGreaterThanOrEqual(OF_USE.length);
    expect((await (await open()).stats()).counts).toEqual({ immediate: 1, short_term: 1, long_term: 2 });
    await restore(snapshot, true);
    expect((await names()).length).toBe(OF_USE.length + 4);
  });

  it('is checked by its sums alone where Qdrant is away, which is said', async () => {
    const store = await open();
    await fill(store);
    const snapshot = await keeperOf(store).create();
    await double.stop();
    expect(await snapshots().verify(snapshot)).toEqual({
      contexts: 0,
      queries: 0,
      unopened: expect.stringContaining('cannot be used') as string,
    });
    await expect(restore(snapshot)).rejects.toBeInstanceOf(StartupError);
    await double.resume();
  });

  it('is refused where its vectors are compared in another way', async () => {
    const store = await open();
    const snapshot = await keeperOf(store).create();
    await expect(restore(snapshot, true, { distance: 'Dot' })).rejects.toThrow(/compared by Cosine/);
    expect(new SnapshotFolder(folder).find().snapshots).toHaveLength(1);
  });
});

describe('a snapshot whose sums are right, but which does not hold what was counted', () => {
  it.each([
    [
      'a collection of Qdrant came out empty',
      ['immediate.snapshot.zst', 'late.jsonl.zst'],
      /immediate.* holds 0 contexts of 3/,
    ],
    ['a namespace is not there', ['immediate.snapshot.zst', 'late.jsonl.zst', 'qdrant.json'], /0 contexts of the 3/],
  ])('is neither whole nor restored: %s', async (_, taken, told) => {
    const store = await open();
    const empty = await keeperOf(store).create();
    await store.write(['a', 'b', 'c'].map((name) => put(sample(name, DIMENSION))));
    const snapshot = await withFilesOf(await keeperOf(store).create(), empty, taken);
    await expect(snapshots().verify(snapshot)).rejects.toThrow(told);
    await expect(restore(snapshot, true)).rejects.toThrow(told);
    expect(await names()).toEqual(OF_USE);
    expect((await (await open()).stats()).counts.immediate).toBe(3);
  });

  it('is not whole where the contexts of a namespace are gone, though as many are there', async () => {
    const [store, elsewhere] = [await open(), await open({ prefix: 'elsewhere' })];
    const empty = await keeperOf(elsewhere).create();
    await store.write([put(sample('a', DIMENSION))]);
    await elsewhere.write([put(sample('a', DIMENSION, { namespace: 'other' }))]);
    const other = await keeperOf(elsewhere).create();
    const mixed = await withFilesOf(await keeperOf(store).create(), other, ['immediate.snapshot.zst']);
    const snapshot = await withFilesOf(mixed, empty, ['late.jsonl.zst']);
    await expect(snapshots().verify(snapshot)).rejects.toThrow(/contexts of the namespace space are missing/);
  });

  it('says what was counted where it is restored', async () => {
    const store = await open();
    await fill(store);
    const snapshot = await keeperOf(store).create();
    expect(await restore(snapshot, false, { prefix: 'new' })).toMatchObject({ contexts: 4 });
  });
});

/** As where Qdrant makes a file without its points, and sums it: `taken` are the files of another snapshot. */
async function withFilesOf(snapshot: Snapshot, other: Snapshot, taken: readonly string[]): Promise<Snapshot> {
  for (const name of taken) await copyFile(join(other.path, name), join(snapshot.path, name));
  const files = snapshot.manifest.files.map((file) =>
    taken.includes(file.name) ? (other.manifest.files.find(({ name }) => name === file.name) ?? file) : file,
  );
  const text = JSON.stringify({ ...snapshot.manifest, files });
  await writeFile(join(snapshot.path, MANIFEST_FILE), text);
  await writeFile(join(snapshot.path, SUMS_FILE), sumsText([textSum(MANIFEST_FILE, text), ...files]));
  return readSnapshot(snapshot.path);
}

describe('a restore while others are at work', () => {
  const there = { prefix: 'running' };
  const add = (store: QdrantStore, name: string) => store.write([put(sample(name, DIMENSION))]);
  const made = async (): Promise<Snapshot> => {
    const store = await open();
    await fill(store);
    return keeperOf(store).create();
  };
  const count = async () => (await (await open({ ...there, backend: testBackend() })).stats()).counts.immediate;
  const UPLOAD = /POST .*long_term\/snapshots\/upload/;
  const untilUpload = async () => {
    while (double.requests.count(UPLOAD) === 0) await systemClockTurn();
  };

  it('is refused where a server writes meanwhile, and what that was told stays', async () => {
    const snapshot = await made();
    const server = await open(there);
    double.faults.once({ kind: 'delay', delayMs: 2_000, on: UPLOAD });
    const restoring = restore(snapshot, false, there);
    await untilUpload();
    await add(server, 'acknowledged');
    await expect(restoring).rejects.toThrow(/held 0 points .* and hold 1 now: a server is at work/);
    expect(await count()).toBe(1);
    expect((await names()).filter((name) => name.startsWith('running.'))).toEqual([]);
  });

  it('leaves a server that was forgotten nothing to write to', async () => {
    const snapshot = await made();
    const server = await open(there);
    await restore(snapshot, false, there);
    await expect(add(server, 'lost')).rejects.toBeInstanceOf(CodedError);
    expect(await count()).toBe(1);
  });

  it('never deletes what a server was told, whenever that was', async () => {
    const snapshot = await made();
    const server = await open(there);
    // Killed once the restored collections are in use.
    const dead = double.faults.add({ kind: 'drop', on: /DELETE \/collections\/running_/ });
    await expect(restore(snapshot, false, there)).rejects.toThrow();
    dead();
    await add(server, 'acknowledged');
    const warned: object[] = [];
    const log = { ...silentLog, warn: (fields: object) => void warned.push(fields) };
    await open({ ...there, log, backend: testBackend() });
    expect((await names()).filter((name) => name.startsWith('running_'))).toEqual([
      'running_immediate',
      'running_meta',
    ]);
    expect(warned).toEqual([{ collections: ['running_immediate'] }]);
    const { keptAside } = await restore(snapshot, true, there);
    expect(keptAside).toContain('running_immediate');
    expect((await names()).filter((name) => name.startsWith('running_'))).toContain('running_immediate');
  });

  it('is refused while another one runs, which ends as if it had been alone', async () => {
    const snapshot = await made();
    double.faults.once({ kind: 'delay', delayMs: 5_000, on: UPLOAD });
    const first = restore(snapshot, false, there);
    await untilUpload();
    await expect(restore(snapshot, false, there)).rejects.toThrow(/another process restores/);
    expect(await first).toMatchObject({ contexts: 4 });
    expect(await count()).toBe(1);
  });

  it.each([META_POINTS.reembedding, META_POINTS.snapshotting])("is refused while claim %i is another's", async (id) => {
    const snapshot = await made();
    await withConnection(options(), async (http) => {
      const claim = await Claim.take({ ...options(), http }, { id, taken: () => new Error('taken') });
      await expect(restore(snapshot, true)).rejects.toThrow(/another process restores/);
      await claim.release();
      http.close();
    });
    await restore(snapshot, true);
  });

  it('keeps what may be in use where nobody heard whether the switch came about', async () => {
    const snapshot = await made();
    let heard = () => {};
    const on = /^PUT \/collections\/running_meta\/points$/;
    // The key of list cursors is made for the very write that switches.
    const bytes = (size: number) => {
      if (size === 16) heard = double.faults.add({ kind: 'drop', isApplied: true, on });
      return systemRandom.bytes(size);
    };
    await expect(restore(snapshot, false, { ...there, random: { ...systemRandom, bytes } })).rejects.toThrow();
    heard();
    expect(await count()).toBe(1);
    await restore(snapshot, true, there);
    expect(await count()).toBe(1);
  });
});

function systemClockTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}
