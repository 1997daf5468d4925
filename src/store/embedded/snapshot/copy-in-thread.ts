import { Worker } from 'node:worker_threads';
import { throwIfAborted } from '../../../base/abort.ts';
import { CodedError } from '../../../base/errors.ts';
import type { StoreCopy } from '../../snapshot/store-copy.ts';
import type { FailedCopy, SnapshotWorkerData, SnapshotWorkerReply } from './snapshot-worker.ts';

const RETRY_AFTER_MS = 1_000;

/**
 * Copies the database in a thread of its own. When it rejects, with the signal's reason too, the thread has ended and
 * writes nothing more.
 */
export async function copyInThread(data: SnapshotWorkerData, signal?: AbortSignal): Promise<StoreCopy> {
  throwIfAborted(signal);
  const file = import.meta.url.endsWith('.ts') ? './snapshot-worker.ts' : './snapshot-worker.js';
  const worker = new Worker(new URL(file, import.meta.url), { workerData: data });
  const { promise: ended, resolve } = Promise.withResolvers<SnapshotWorkerReply>();
  let reply = died('it ended without a result');
  worker.on('message', (message: SnapshotWorkerReply) => (reply = message));
  worker.on('error', (error: unknown) => (reply = died(error instanceof Error ? error.message : String(error))));
  worker.on('exit', () => resolve(reply));
  // It ends by itself: a thread that is ended from outside leaves its connection to the database behind.
  const onAbort = (): void => worker.postMessage('give up');
  signal?.addEventListener('abort', onAbort, { once: true });
  const outcome = await ended;
  signal?.removeEventListener('abort', onAbort);
  if ('copy' in outcome) return outcome.copy;
  throwIfAborted(signal);
  throw errorOf(outcome.failed);
}

/** What fails in the thread it tells by itself: this is its end, as by a lack of memory, and the next one may live. */
function died(message: string): SnapshotWorkerReply {
  return { failed: { message, meaning: 'the thread that copies the database has died', code: null } };
}

function errorOf({ message, meaning, code }: FailedCopy): Error {
  if (meaning !== null) {
    return new CodedError('STORE_UNAVAILABLE', `no snapshot could be made: ${meaning}`, {
      retryAfterMs: RETRY_AFTER_MS,
      cause: message,
    });
  }
  return Object.assign(new Error(message), code === null ? {} : { code });
}
