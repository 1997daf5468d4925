// Whether a snapshot would serve: its database is opened as a server opens it, read to its last row, and asked for
// contexts by their own words and vectors.

import { DatabaseSync } from 'node:sqlite';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import type { Log } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import { noMetrics } from '../../base/metrics.ts';
import { readEverything } from '../rehearsal/read-everything.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import type { Rehearsal } from '../snapshot/snapshot-driver.ts';
import type { NamespaceCounts } from '../store.ts';
import { NO_KEYS, type SealKeys } from './border/opening-settings.ts';
import { keyOf, readSealState } from './database/seal-state.ts';
import { DATABASE_FILE } from './database/data-folder.ts';
import { openEmbeddedStore } from './open-embedded-store.ts';
import { namespacesIn } from './snapshot/database-facts.ts';
import { unpackDatabase } from './snapshot/unpack-database.ts';

interface RehearsalParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly seal: SealKeys;
  readonly random: Random;
}

/** Of the keys the one that the copy is sealed with: it may be of before the first key, or of the one before. */
export function keysOf(path: string, keys: SealKeys, random: Random): SealKeys {
  const database = new DatabaseSync(path, { readOnly: true });
  try {
    const { now } = readSealState(database);
    if (now === null) return NO_KEYS;
    return { key: keyOf(now, [keys.key, keys.previousKey], random) ?? keys.key, previousKey: null };
  } finally {
    database.close();
  }
}

/** In `scratch`, an empty folder. Rejects with `DamagedSnapshot` where anything is missing or is not what was written. */
export async function rehearse(
  snapshot: Snapshot,
  scratch: string,
  { clock, log, seal: keys, random }: RehearsalParts,
): Promise<Rehearsal> {
  await unpackDatabase(snapshot, scratch);
  const expected = namespaces(scratch);
  const { embedder: embeddingId, dimension } = snapshot.manifest;
  const seal = keysOf(join(scratch, DATABASE_FILE), keys, random);
  const own = { dataDir: scratch, embeddingId, dimension, seal };
  const store = await openEmbeddedStore({ ...own, clock, log, metrics: noMetrics });
  try {
    return await readEverything(snapshot, store, expected);
  } finally {
    await store.close();
  }
}

function namespaces(folder: string): NamespaceCounts[] {
  const database = new DatabaseSync(join(folder, DATABASE_FILE), { readOnly: true });
  try {
    return namespacesIn(database);
  } finally {
    database.close();
  }
}
