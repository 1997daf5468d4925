// Thread entry: makes the copy that it was started for, reports, ends. A message tells it to give up.

import { setPriority } from 'node:os';
import { parentPort, workerData } from 'node:worker_threads';
import type { StoreCopy } from '../../snapshot/store-copy.ts';
import { meaningOf } from '../database/sqlite-errors.ts';
import { copyDatabase } from './copy-database.ts';

export interface SnapshotWorkerData {
  readonly databasePath: string;
  readonly folder: string;
}

/** Errors lose what they carry between threads. */
export interface FailedCopy {
  readonly message: string;
  /** What SQLite's error means. */
  readonly meaning: string | null;
  /** Of the system. */
  readonly code: string | null;
}

export type SnapshotWorkerReply = { readonly copy: StoreCopy } | { readonly failed: FailedCopy };

/** Below the threads that answer requests. */
const NICENESS = 10;

function failedCopy(error: unknown): FailedCopy {
  const { code } = error as { code?: unknown };
  return {
    message: error instanceof Error ? error.message : String(error),
    meaning: meaningOf(error) ?? null,
    code: typeof code === 'string' ? code : null,
  };
}

async function run(port: NonNullable<typeof parentPort>): Promise<void> {
  // Only Linux gives a thread a priority of its own; elsewhere this would slow the whole process down.
  if (process.platform === 'linux') setPriority(0, NICENESS);
  const abort = new AbortController();
  port.once('message', () => abort.abort());
  const { databasePath, folder } = workerData as SnapshotWorkerData;
  let reply: SnapshotWorkerReply;
  try {
    reply = { copy: await copyDatabase(databasePath, folder, abort.signal) };
  } catch (error) {
    reply = { failed: failedCopy(error) };
  }
  port.postMessage(reply);
  port.close();
}

if (parentPort !== null) void run(parentPort);
