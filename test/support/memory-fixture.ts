import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentLog } from '../../src/base/log.ts';
import { noMetrics } from '../../src/base/metrics.ts';
import { systemRandom } from '../../src/base/random.ts';
import { withCache, type CachedEmbeddingProvider } from '../../src/embedding/cache.ts';
import { createLocalProvider } from '../../src/embedding/local.ts';
import type { EmbeddingProvider } from '../../src/embedding/provider.ts';
import { createMemory, type MemoryDeps } from '../../src/hirag/memory.ts';
import type { Settings } from '../../src/config/settings.ts';
import type { Memory } from '../../src/hirag/types.ts';
import { openEmbeddedStore } from '../../src/store/embedded/open-embedded-store.ts';
import type { ContextStore } from '../../src/store/store.ts';
import { FakeClock } from './fake-clock.ts';
import { DEFAULTS } from './settings.ts';

export interface MemoryFixture {
  readonly memory: Memory;
  readonly store: ContextStore;
  readonly embedding: CachedEmbeddingProvider;
  readonly clock: FakeClock;
  /** Closes the memory and its store and opens both again on the same data. */
  restart(settings?: Partial<Settings['hirag']>): Promise<MemoryFixture>;
  close(): Promise<void>;
}

export interface FixtureOptions {
  readonly settings?: Partial<Settings['hirag']>;
  readonly provider?: EmbeddingProvider;
  /** In place of the embedded one, for failures. */
  readonly store?: ContextStore;
  readonly deps?: Partial<MemoryDeps>;
}

/** A memory over the embedded store in a folder of its own, the local embedder, and a clock that the test moves. */
export async function openMemory(options: FixtureOptions = {}): Promise<MemoryFixture> {
  const folder = options.store === undefined ? await mkdtemp(join(tmpdir(), 'memory-')) : null;
  return open(options, folder, new FakeClock());
}

async function open(options: FixtureOptions, folder: string | null, clock: FakeClock): Promise<MemoryFixture> {
  const provider = options.provider ?? createLocalProvider({ dimension: DEFAULTS.vectorDb.vectorSize, table: null });
  const embedding = withCache(provider, { maxEntries: 1000, ttlMs: 3_600_000 }, clock, noMetrics);
  const store = options.store ?? (await openStore(folder ?? '', provider, clock));
  const settings = { ...DEFAULTS.hirag, ...options.settings };
  const memory = createMemory({
    store,
    embedding,
    settings,
    clock,
    random: systemRandom,
    metrics: noMetrics,
    log: silentLog,
    ...options.deps,
  });
  const stop = async (): Promise<void> => {
    await memory.close();
    await store.close();
  };
  return {
    memory,
    store,
    embedding,
    clock,
    async restart(changes = {}) {
      await stop();
      return open({ ...options, settings: { ...options.settings, ...changes } }, folder, clock);
    },
    async close() {
      await stop();
      if (folder !== null) await rm(folder, { recursive: true, force: true });
    },
  };
}

function openStore(dataDir: string, provider: EmbeddingProvider, clock: FakeClock): Promise<ContextStore> {
  return openEmbeddedStore({
    dataDir,
    dimension: provider.dimension,
    embeddingId: provider.id,
    clock,
    log: silentLog,
    metrics: noMetrics,
  });
}
