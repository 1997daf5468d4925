import { join } from 'node:path';
import { noMetrics } from '../../base/metrics.ts';
import type { Random } from '../../base/random.ts';
import type { SnapshotDriver } from '../snapshot/snapshot-driver.ts';
import type { SealKeys } from './border/opening-settings.ts';
import { DATABASE_FILE } from './database/data-folder.ts';
import { openEmbeddedStore } from './open-embedded-store.ts';
import { keysOf, rehearse } from './rehearse.ts';
import { restoreDatabase } from './snapshot/restore-database.ts';
import { unpackDatabase } from './snapshot/unpack-database.ts';

/** Each rejects with `DamagedSnapshot` where the snapshot is not what was written. */
export function embeddedSnapshots(
  dataDir: string,
  own: { readonly seal: SealKeys; readonly random: Random },
): SnapshotDriver {
  return {
    verify: (snapshot, scratch, deps) => rehearse(snapshot, scratch, { ...deps, ...own }),
    restore: (snapshot, options) => restoreDatabase(snapshot, dataDir, { ...options, ...own }),
    async erase(snapshot, { scratch, folder, erase, clock, log }) {
      await unpackDatabase(snapshot, scratch);
      const { embedder: embeddingId, dimension } = snapshot.manifest;
      const seal = keysOf(join(scratch, DATABASE_FILE), own.seal, own.random);
      const options = { dataDir: scratch, embeddingId, dimension, seal, clock, log, metrics: noMetrics };
      const store = await openEmbeddedStore(options);
      try {
        await erase(store);
        return await store.copyInto(folder);
      } finally {
        await store.close();
      }
    },
  };
}
