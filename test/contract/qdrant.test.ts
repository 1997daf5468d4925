import { randomUUID } from 'node:crypto';
import { silentLog } from '../../src/base/log.ts';
import { noMetrics } from '../../src/base/metrics.ts';
import { systemRandom } from '../../src/base/random.ts';
import { openQdrantStore, type QdrantStoreOptions } from '../../src/store/qdrant/open-qdrant-store.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { startQdrantDouble } from '../support/qdrant-double/start-qdrant-double.ts';
import { testBackend } from '../support/test-backend.ts';
import { describeStoreContract } from './store-contract.ts';
import { NOW_MS } from './store-samples.ts';

const DIMENSION = 32;

/** The same promises, whichever way vectors are kept and compared. */
const WAYS: Readonly<Record<string, Partial<QdrantStoreOptions>>> = {
  'qdrant, by cosine': {},
  'qdrant, by the dot product': { distance: 'Dot', needsPassages: true },
  'qdrant, by distance': { distance: 'Euclid' },
  'qdrant, in eight bits': { quantization: 'scalar' },
};

/** A real server where `QDRANT_URL` names one (`QDRANT_API_KEY` beside it), else the double. */
async function serverFor(): Promise<{ url: string; apiKey?: string; close(): Promise<void> }> {
  const { QDRANT_URL: url, QDRANT_API_KEY: apiKey } = process.env;
  if (url === undefined) return startQdrantDouble();
  return { url, ...(apiKey === undefined ? {} : { apiKey }), close: () => Promise.resolve() };
}

/** A real server is left as it was. */
async function dropCollections({ url, apiKey }: { url: string; apiKey?: string }, prefix: string): Promise<void> {
  for (const collection of ['immediate', 'short_term', 'long_term', 'meta', 'documents']) {
    const headers = apiKey === undefined ? {} : { 'api-key': apiKey };
    const response = await fetch(`${url}/collections/${prefix}_${collection}`, { method: 'DELETE', headers });
    await response.body?.cancel();
  }
}

for (const [name, options] of Object.entries(WAYS)) {
  describeStoreContract(name, async () => {
    const server = await serverFor();
    const prefix = `contract_${randomUUID()}`;
    const store = await openQdrantStore({
      url: server.url,
      apiKey: server.apiKey,
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
      clock: new FakeClock(NOW_MS),
      random: systemRandom,
      log: silentLog,
      ...options,
    });
    return {
      store,
      dimension: DIMENSION,
      async dispose() {
        await store.close();
        await dropCollections(server, prefix);
        await server.close();
      },
    };
  });
}
