import { silentLog } from '../../../../src/base/log.ts';
import { noMetrics } from '../../../../src/base/metrics.ts';
import { systemRandom } from '../../../../src/base/random.ts';
import { openQdrantStore, type QdrantStoreOptions } from '../../../../src/store/qdrant/open-qdrant-store.ts';
import type { ContextStore } from '../../../../src/store/store.ts';
import { NOW_MS } from '../../../contract/store-samples.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { testBackend } from '../../../support/test-backend.ts';

export const DIMENSION = 32;

/** A store over the server at `url`. */
export function openOver(url: string, options: Partial<QdrantStoreOptions> = {}): Promise<ContextStore> {
  return openQdrantStore({ ...optionsOver(url), ...options });
}

export function optionsOver(url: string): QdrantStoreOptions {
  return {
    url,
    timeoutMs: 30_000,
    tlsVerify: true,
    prefix: 'test',
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
  };
}
