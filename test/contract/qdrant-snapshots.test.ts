import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { noMetrics } from '../../src/base/metrics.ts';
import { systemRandom } from '../../src/base/random.ts';
import { walkStore, type WholeContext } from '../../src/store/generic/walk-store.ts';
import { openQdrantStore, type QdrantStoreOptions } from '../../src/store/qdrant/open-qdrant-store.ts';
import { QdrantSnapshots } from '../../src/store/qdrant/qdrant-snapshots.ts';
import type { QdrantStore } from '../../src/store/qdrant/qdrant-store.ts';
import { SnapshotKeeper } from '../../src/store/snapshot/snapshot-keeper.ts';
import { startQdrantDouble } from '../support/qdrant-double/start-qdrant-double.ts';
import { testBackend } from '../support/test-backend.ts';
import { put, sample } from './store-samples.ts';

const DIMENSION = 32;
const PATIENCE_MS = 300_000;

const WAYS: [string, Partial<QdrantStoreOptions>][] = [
  ['by cosine', { needsPassages: true }],
  ['by the dot product', { distance: 'Dot' }],
  [
    'by distance, in eight bits, on disk, in two shards',
    { distance: 'Euclid', quantization: 'scalar', onDisk: true, shardNumber: 2 },
  ],
];

/** A real server where `QDRANT_URL` names one (`QDRANT_API_KEY` beside it), else the double. */
async function server(): Promise<{ url: string; apiKey: string | undefined }> {
  const { QDRANT_URL: url, QDRANT_API_KEY: apiKey } = process.env;
  if (url !== undefined) return { url, apiKey };
  const double = await startQdrantDouble();
  onTestFinished(() => double.close());
  return { url: double.url, apiKey };
}

async function collections(
  { url, apiKey }: Awaited<ReturnType<typeof server>>,
  begins: string,
  deletes = false,
): Promise<string[]> {
  const headers = apiKey === undefined ? {} : { 'api-key': apiKey };
  const reply = (await (await fetch(`${url}/collections`, { headers })).json()) as {
    result: { collections: { name: string }[] };
  };
  const names = reply.result.collections.map(({ name }) => name).filter((name) => name.startsWith(begins));
  for (const name of deletes ? names : []) await fetch(`${url}/collections/${name}`, { method: 'DELETE', headers });
  return names;
}

async function wholeOf(store: QdrantStore): Promise<WholeContext[]> {
  const found: WholeContext[] = [];
  for await (const page of walkStore(store.driver, { namespace: 'space', contextsMax: 100 })) found.push(...page);
  return found;
}

it.each(WAYS)(
  'a snapshot of Qdrant comes back whole, with vectors compared %s',
  async (_, changes) => {
    const at = await server();
    const begins = `snapshots_${randomUUID().slice(0, 8)}`;
    onTestFinished(async () => void (await collections(at, begins, true)), PATIENCE_MS);
    const options = (prefix: string): QdrantStoreOptions => ({
      ...at,
      timeoutMs: 30_000,
      tlsVerify: true,
      prefix,
      distance: 'Cosine',
      quantization: 'none',
      onDisk: false,
      shardNumber: 1,
      replicationFactor: 1,
      writeConsistencyFactor: 1,
      readConsistency: 'one',
      hnsw: { m: 16, efConstruction: 100, efSearch: 128 },
      embedding: { id: 'test', dimension: DIMENSION },
      backend: testBackend(),
      maxQueue: 10_000,
      maxQueueBytes: 1e9,
      metrics: noMetrics,
      clock: systemClock,
      random: systemRandom,
      log: silentLog,
      ...changes,
    });
    const store = await openQdrantStore(options(`${begins}_a`));
    onTestFinished(() => store.close());
    const levels = ['immediate', 'short_term', 'long_term'] as const;
    await store.write(
      Array.from({ length: 120 }, (_, i) => {
        const context = sample(`n-${i}`, DIMENSION, { level: levels[i % 3]!, metadata: { i }, accessCount: i });
        const hasPassages = changes.needsPassages === true && i % 10 === 0;
        return put(hasPassages ? { ...context, passages: [sample(`p-${i}`, DIMENSION).vector] } : context);
      }),
    );
    const folder = await mkdtemp(join(tmpdir(), 'contract-snapshots-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const keeper = new SnapshotKeeper({
      folder,
      copyInto: (target, signal) => store.copyInto(target, signal),
      distance: options('').distance,
      retention: { keepHourly: 7, keepDaily: 30 },
      version: '0.0.0',
      ...{ clock: systemClock, random: systemRandom, log: silentLog, metrics: noMetrics },
    });
    const snapshot = await keeper.create();
    const before = await wholeOf(store);
    await store.write([put(sample('since', DIMENSION))]);
    const there = options(`${begins}_b`);
    expect(await new QdrantSnapshots(there).verify(snapshot)).toEqual({ contexts: 120, queries: 1 });
    expect(await collections(at, `${begins}_b`)).toEqual([]);
    await new QdrantSnapshots(there).restore(snapshot, { replace: false, nowMs: Date.now() });
    const restored = await openQdrantStore(options(`${begins}_b`));
    onTestFinished(() => restored.close());
    expect(await wholeOf(restored)).toEqual(before);
    expect((await restored.stats()).counts).toEqual({ immediate: 40, short_term: 40, long_term: 40 });
  },
  PATIENCE_MS,
);
