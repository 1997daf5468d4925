import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../src/base/log.ts';
import { noMetrics } from '../../src/base/metrics.ts';
import { openEmbeddedStore } from '../../src/store/embedded/open-embedded-store.ts';
import { openMemoryStore } from '../../src/store/memory/open-memory-store.ts';
import type { ContextStore } from '../../src/store/store.ts';
import type { FakeClock } from '../support/fake-clock.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { DIMENSION } from './world.ts';

type OpenStore = (clock: FakeClock) => ContextStore | Promise<ContextStore>;

/** Gives what opens stores, each in a folder of its own, and clears them away afterwards. */
export async function withStore<T>(kind: 'memory' | 'embedded', use: (openStore: OpenStore) => Promise<T>): Promise<T> {
  if (kind === 'memory') return use(memoryStore);
  const opened: { readonly store: ContextStore; readonly folder: string }[] = [];
  try {
    return await use(async (clock) => {
      const dataDir = await mkdtemp(join(tmpdir(), 'simulation-'));
      const options = {
        dataDir,
        dimension: DIMENSION,
        embeddingId: 'simulated',
        clock,
        log: silentLog,
        metrics: noMetrics,
      };
      const store = await openEmbeddedStore(options);
      opened.push({ store, folder: dataDir });
      return store;
    });
  } finally {
    for (const { store, folder } of opened) {
      await store.close();
      await rm(folder, { recursive: true });
    }
  }
}

function memoryStore(clock: FakeClock): ContextStore {
  return openMemoryStore({ dimension: DIMENSION, clock, random: new SeededRandom(0), log: silentLog });
}
