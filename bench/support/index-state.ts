import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from './client.ts';
import { cpuPercentBetween, readUsage } from './process-usage.ts';
import type { ServerProcess } from './server-process.ts';

/** Where the embedded store saves its derived indexes, beside the database. */
const INDEX_FOLDER = 'indexes';
const LOOK_EVERY_MS = 500;
const QUIET_PERCENT = 5;
/** Looks in a row that find the server at rest. */
const QUIET_LOOKS = 4;
/** How long a server does nothing until it counts as at rest. */
export const REST_MS = QUIET_LOOKS * LOOK_EVERY_MS;
/** A million vectors take most of an hour of one core. */
const WAIT_MS = 5_400_000;

/** What the server says of its largest index. */
export interface IndexInForce {
  readonly recall: number;
  readonly m: number;
  readonly efSearch: number;
}

const READY_LOOK_EVERY_MS = 100;
const READY_SHARE = 0.95;

/** Resolves when nothing is built any more, and hardly one of so many contexts is not in the index. */
export async function untilIndexReady(client: Client, count: number): Promise<IndexInForce> {
  for (;;) {
    const { store } = await client.stats({});
    if (store['index_building'] === false && Number(store['indexed_vectors']) >= READY_SHARE * count)
      return inForce(store);
    await sleep(READY_LOOK_EVERY_MS);
  }
}

/** Resolves when an index with more links than `m` has taken the place of the one in force; null: none has, for so long. */
export async function untilBetterIndex(client: Client, m: number, waitMs: number): Promise<IndexInForce | null> {
  const endMs = performance.now() + waitMs;
  while (performance.now() < endMs) {
    const index = inForce((await client.stats({})).store);
    if (index.m > m) return index;
    await sleep(LOOK_EVERY_MS);
  }
  return null;
}

function inForce(store: Readonly<Record<string, unknown>>): IndexInForce {
  return {
    recall: Number(store['index_recall']),
    m: Number(store['index_m']),
    efSearch: Number(store['index_ef_search']),
  };
}

/** Resolves when the server has an index on disk and is at rest: nothing is being built or saved any more. */
export function untilIndexed(server: ServerProcess): Promise<void> {
  return untilAtRest(server, () => hasSavedIndex(server.dataDir));
}

/** Resolves when the server does next to nothing for some looks in a row, and `isDone` says yes. */
export async function untilAtRest(
  server: ServerProcess,
  isDone: () => Promise<boolean> = () => Promise.resolve(true),
): Promise<void> {
  const endMs = performance.now() + WAIT_MS;
  let quiet = 0;
  let before = readUsage(server.pid);
  while (quiet < QUIET_LOOKS) {
    if (performance.now() > endMs) throw new Error('the server did not come to rest, or no index was built');
    await sleep(LOOK_EVERY_MS);
    const after = readUsage(server.pid);
    const isQuiet = cpuPercentBetween(before, after) < QUIET_PERCENT && (await isDone());
    quiet = isQuiet ? quiet + 1 : 0;
    before = after;
  }
}

async function hasSavedIndex(dataDir: string): Promise<boolean> {
  const names = await readdir(join(dataDir, INDEX_FOLDER)).catch(() => []);
  return names.length > 0;
}

/** What is derived can go at any time; the server must be stopped. */
export async function removeSavedIndexes(dataDir: string): Promise<void> {
  await rm(join(dataDir, INDEX_FOLDER), { recursive: true, force: true });
}
