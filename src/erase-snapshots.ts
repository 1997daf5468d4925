// Snapshots without what was erased: unpacked, opened as a store of its own, erased there as in a server, and packed again.

import { mkdtempSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Snapshots } from './api/handlers/handler.ts';
import { badRequest } from './base/errors.ts';
import type { Metrics } from './base/metrics.ts';
import type { Settings } from './config/settings.ts';
import { snapshotDriver, type StoreParts } from './drivers.ts';
import type { CachedEmbeddingProvider } from './embedding/cache.ts';
import type { EraseInput } from './hirag/erasure/types.ts';
import { createMemory } from './hirag/memory.ts';
import type { Snapshot } from './store/snapshot/snapshot.ts';
import type { SnapshotKeeper } from './store/snapshot/snapshot-keeper.ts';
import type { ContextStore } from './store/store.ts';

type Parts = Omit<StoreParts, 'embedding' | 'embed' | 'mustExist'> & { readonly metrics: Metrics };

export function erasableSnapshots(keeper: SnapshotKeeper, settings: Settings, parts: Parts): Snapshots {
  const rewrite = (snapshot: Snapshot, input: EraseInput): Promise<Snapshot> => {
    const driver = snapshotDriver(snapshot.manifest, settings.vectorDb, parts);
    if (driver.erase === undefined)
      throw badRequest('/snapshots', `a snapshot of a ${snapshot.manifest.store} store cannot be rewritten: remove it`);
    const erase: NonNullable<typeof driver.erase> = (...request) => driver.erase!(...request);
    return keeper.replace(snapshot, async (folder) => {
      const scratch = mkdtempSync(join(dirname(snapshot.path), '.partial-erasing-'));
      try {
        const eraseIn = (store: ContextStore) => eraseOnly(store, snapshot, input, settings, parts);
        return await erase(snapshot, { scratch, folder, erase: eraseIn, clock: parts.clock, log: parts.log });
      } finally {
        rmSync(scratch, { recursive: true, force: true });
      }
    });
  };
  return {
    create: (...request) => keeper.create(...request),
    list: () => keeper.list(),
    holding: (namespace) => keeper.holding(namespace),
    remove: (snapshot) => keeper.remove(snapshot),
    idle: () => keeper.idle(),
    rewrite: async (...request) => rewrite(...request),
  };
}

async function eraseOnly(
  store: ContextStore,
  { manifest }: Snapshot,
  input: EraseInput,
  settings: Settings,
  parts: Parts,
): Promise<void> {
  const embedding = noEmbedding(manifest.embedder, manifest.dimension);
  const memory = createMemory({ ...parts, store, embedding, settings: settings.hirag, window: settings.window });
  try {
    await memory.erase(input);
  } finally {
    await memory.close();
  }
}

/** Nothing is embedded. */
function noEmbedding(id: string, dimension: number): CachedEmbeddingProvider {
  return {
    id,
    dimension,
    kind: 'lexical',
    embed: () => Promise.reject(new Error('nothing is embedded here')),
    has: () => false,
    counts: () => ({ entries: 0, hits: 0, misses: 0 }),
    clear: () => Promise.resolve(0),
    forget: () => Promise.resolve(0),
  };
}
