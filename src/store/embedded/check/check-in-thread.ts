import { Worker } from 'node:worker_threads';
import { throwIfAborted } from '../../../base/abort.ts';
import { CodedError } from '../../../base/errors.ts';
import type { CheckWorkerData, CheckWorkerReply } from './check-worker.ts';

const RETRY_AFTER_MS = 1_000;

/** `fault`: what is wrong with the database; null: nothing. `passing`: what was wrong at a first look alone. */
export type CheckOutcome = Extract<CheckWorkerReply, { fault: unknown }>;

/**
 * Looks through the database in a thread of its own. When it rejects, with the signal's reason too, the thread has ended and
 * reads nothing more.
 */
export async function checkInThread(data: CheckWorkerData, signal?: AbortSignal): Promise<CheckOutcome> {
  throwIfAborted(signal);
  const file = import.meta.url.endsWith('.ts') ? './check-worker.ts' : './check-worker.js';
  const worker = new Worker(new URL(file, import.meta.url), { workerData: data });
  const { promise: ended, resolve } = Promise.withResolvers<CheckWorkerReply>();
  let reply: CheckWorkerReply = { failed: 'its thread ended without a result' };
  worker.on('message', (message: CheckWorkerReply) => (reply = message));
  worker.on('error', (error: unknown) => (reply = { failed: `its thread has died: ${String(error)}` }));
  worker.on('exit', () => resolve(reply));
  // It ends by itself: a thread that is ended from outside leaves its connection to the database behind.
  const onAbort = (): void => worker.postMessage('end');
  signal?.addEventListener('abort', onAbort, { once: true });
  const outcome = await ended;
  signal?.removeEventListener('abort', onAbort);
  if ('fault' in outcome) return outcome;
  throwIfAborted(signal);
  const cause = 'failed' in outcome ? outcome.failed : 'it was ended';
  const message = `the database could not be looked through: ${cause}`;
  throw new CodedError('STORE_UNAVAILABLE', message, { retryAfterMs: RETRY_AFTER_MS });
}
