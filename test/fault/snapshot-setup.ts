import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { noMetrics } from '../../src/base/metrics.ts';
import { systemRandom } from '../../src/base/random.ts';
import type { EmbeddedStore } from '../../src/store/embedded/embedded-store.ts';
import { openEmbeddedStore } from '../../src/store/embedded/open-embedded-store.ts';
import { NO_KEYS } from '../../src/store/embedded/border/opening-settings.ts';
import { restoreDatabase } from '../../src/store/embedded/snapshot/restore-database.ts';
import type { Restored } from '../../src/store/snapshot/snapshot-driver.ts';
import type { Snapshot } from '../../src/store/snapshot/snapshot.ts';
import { SnapshotKeeper, type SnapshotKeeperDeps } from '../../src/store/snapshot/snapshot-keeper.ts';
import { onTestFinished } from 'vitest';
import { DIMENSION } from './store-setup.ts';

export async function openStoreAt(dataDir: string): Promise<EmbeddedStore> {
  const store = await openEmbeddedStore({
    dataDir,
    dimension: DIMENSION,
    embeddingId: 'model-a',
    clock: systemClock,
    log: silentLog,
    metrics: noMetrics,
  });
  onTestFinished(() => store.close());
  return store;
}

export function keeperOf(
  store: Pick<EmbeddedStore, 'copyInto'>,
  folder: string,
  deps: Partial<SnapshotKeeperDeps> = {},
): SnapshotKeeper {
  return new SnapshotKeeper({
    folder,
    copyInto: (target, signal) => store.copyInto(target, signal),
    distance: 'Cosine',
    retention: { keepHourly: 7, keepDaily: 30 },
    version: '0.0.0',
    clock: systemClock,
    random: systemRandom,
    log: silentLog,
    metrics: noMetrics,
    ...deps,
  });
}

export function restoreInto(dataDir: string, snapshot: Snapshot, replace = false, seal = NO_KEYS): Promise<Restored> {
  return restoreDatabase(snapshot, dataDir, { replace, nowMs: Date.now(), seal, random: systemRandom });
}
