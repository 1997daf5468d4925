import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { type Log, silentLog } from '../../src/base/log.ts';
import { noMetrics } from '../../src/base/metrics.ts';
import { type Look, wholeCheck } from '../../src/store/embedded/check/whole-check.ts';
import { DATABASE_FILE } from '../../src/store/embedded/database/data-folder.ts';
import { isDamage } from '../../src/store/embedded/database/sqlite-errors.ts';
import { type EmbeddedStoreOptions, openEmbeddedStore } from '../../src/store/embedded/open-embedded-store.ts';
import type { ContextStore } from '../../src/store/store.ts';

export const DIMENSION = 16;

/** A folder that is gone when the test has ended. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'store-fault-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Closed when the test has ended, if not before. */
export async function openAt(dataDir: string, options: Partial<EmbeddedStoreOptions> = {}): Promise<ContextStore> {
  const store = await openEmbeddedStore({
    dataDir,
    dimension: DIMENSION,
    embeddingId: 'model-a',
    clock: systemClock,
    log: silentLog,
    metrics: noMetrics,
    ...options,
  });
  onTestFinished(() => store.close());
  return store;
}

/** So that a small table takes several steps. */
const ROWS_A_STEP = 7;

/** What the check of the whole database finds in a folder that nobody has open; null: nothing. */
export function faultIn(folder: string): string | null {
  const look: Look = (work) => {
    const database = new DatabaseSync(join(folder, DATABASE_FILE), { readOnly: true });
    try {
      return work(database, null);
    } finally {
      database.close();
    }
  };
  try {
    Array.from(wholeCheck(look, ROWS_A_STEP));
    return null;
  } catch (error) {
    if (isDamage(error)) return error.message;
    throw error;
  }
}

/** Messages of warnings and errors. */
export function recordingLog(messages: string[]): Log {
  const record = (_: object, message: string) => void messages.push(message);
  return { ...silentLog, warn: record, error: record, child: () => recordingLog(messages) };
}

/** Looks every few milliseconds until `look` gives something. */
export async function eventually<T>(look: () => Promise<T | undefined>): Promise<T> {
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(10);
  }
}

/** Waits until the store has indexed so many vectors and is done. */
export async function indexed(store: ContextStore, vectors: number): Promise<void> {
  await eventually(async () => {
    const { driver } = await store.stats();
    return driver['index_building'] === false && driver['indexed_vectors'] === vectors ? true : undefined;
  });
}
