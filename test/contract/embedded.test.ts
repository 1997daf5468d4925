import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock } from '../support/fake-clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { noMetrics } from '../../src/base/metrics.ts';
import {
  type EmbeddedStoreOptions,
  openEmbeddedDriver,
  openEmbeddedStore,
} from '../../src/store/embedded/open-embedded-store.ts';
import { GenericStore } from '../../src/store/generic/generic-store.ts';
import { describeStoreContract } from './store-contract.ts';
import { NOW_MS } from './store-samples.ts';

const DIMENSION = 32;

/** The same promises, whichever way the answers come about. */
const WAYS: Readonly<Record<string, Partial<EmbeddedStoreOptions>>> = {
  'embedded, exact': {},
  'embedded, through HNSW graphs': { indexingThreshold: 4 },
  'embedded, through graphs of full vectors': { indexingThreshold: 4, quantization: 'f32' },
  'embedded, column by column': { indexingThreshold: 4, columns: { levelCountMin: 2, nonZeroShareMax: 1 } },
  'embedded, sealed': { seal: { key: new Uint8Array(32).map((_, i) => i), previousKey: null } },
  'embedded, nothing kept in memory': { memoryBytesMax: 1 },
};

/** All defaults over the core, and none of what this store does better. */
async function openCore(options: EmbeddedStoreOptions): Promise<GenericStore> {
  const { driver, deps } = await openEmbeddedDriver(options);
  return new GenericStore(driver, deps);
}

function describeWay(
  name: string,
  options: Partial<EmbeddedStoreOptions>,
  open: (options: EmbeddedStoreOptions) => Promise<GenericStore>,
): void {
  describeStoreContract(name, async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'store-contract-'));
    const store = await open({
      dataDir,
      dimension: DIMENSION,
      embeddingId: 'test',
      clock: new FakeClock(NOW_MS),
      log: silentLog,
      metrics: noMetrics,
      ...options,
    });
    return {
      store,
      dimension: DIMENSION,
      async dispose() {
        await store.close();
        await rm(dataDir, { recursive: true });
      },
    };
  });
}

for (const [name, options] of Object.entries(WAYS)) describeWay(name, options, openEmbeddedStore);
describeWay('the core of embedded', {}, openCore);
describeWay('the core of embedded, through HNSW graphs', { indexingThreshold: 4 }, openCore);
