// Thread entry: looks through the database that it was started for, reports, ends. A message tells it to end before.

import { setPriority } from 'node:os';
import { DatabaseSync } from 'node:sqlite';
import { setTimeout as sleep } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../../base/clock.ts';
import { systemRandom } from '../../../base/random.ts';
import type { SealKeys } from '../border/opening-settings.ts';
import { openSealer } from '../database/seal-state.ts';
import { isDamage, meaningOf } from '../database/sqlite-errors.ts';
import { type Look, wholeCheck } from './whole-check.ts';

export interface CheckWorkerData {
  readonly databasePath: string;
  readonly seal: SealKeys;
}

export type CheckWorkerReply =
  /** `passing`: what was wrong at a first look, and not at a second. */
  | { readonly fault: string | null; readonly passing: readonly string[] }
  | { readonly ended: true }
  /** It could not be read to its end. */
  | { readonly failed: string };

/** Below the threads that answer requests. */
const NICENESS = 10;
const WAIT_MS = 10_000;

/**
 * Each time another connection: none holds the log up, or keeps the store from being opened again when its thread has died, and what
 * looks like damage is read from the disk once more.
 */
function looksAt({ databasePath, seal }: CheckWorkerData, passing: string[]): Look {
  const look: Look = (work) => {
    const database = new DatabaseSync(databasePath, { readOnly: true });
    try {
      database.exec(`PRAGMA busy_timeout = ${WAIT_MS}; PRAGMA temp_store = MEMORY; BEGIN`);
      return work(database, openSealer(database, databasePath, seal, systemRandom));
    } finally {
      database.close();
    }
  };
  return (work) => {
    try {
      return look(work);
    } catch (error) {
      if (!isDamage(error)) throw error;
      const found = look(work);
      passing.push(error.message);
      return found;
    }
  };
}

async function run(data: CheckWorkerData, signal: AbortSignal): Promise<CheckWorkerReply> {
  const passing: string[] = [];
  try {
    const steps = wholeCheck(looksAt(data, passing));
    for (;;) {
      const startedMs = systemClock.monotonicMs();
      if (steps.next().done === true) return { fault: null, passing };
      // As long as it has worked, so that half of the disk's time and of the caches is others'.
      await sleep(systemClock.monotonicMs() - startedMs);
      if (signal.aborted) return { ended: true };
    }
  } catch (error) {
    if (isDamage(error)) return { fault: error.message, passing };
    return { failed: meaningOf(error) ?? String(error) };
  }
}

async function serve(port: NonNullable<typeof parentPort>): Promise<void> {
  // Only Linux gives a thread a priority of its own; elsewhere this would slow the whole process down.
  if (process.platform === 'linux') setPriority(0, NICENESS);
  const abort = new AbortController();
  port.once('message', () => abort.abort());
  port.postMessage(await run(workerData as CheckWorkerData, abort.signal));
  port.close();
}

if (parentPort !== null) void serve(parentPort);
