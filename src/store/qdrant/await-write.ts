import { CodedError } from '../../base/errors.ts';
import type { WriteOp } from '../store.ts';
import { counts, unknownUpdate } from './tasks.ts';

/**
 * What `written` brings, or `STORE_UNAVAILABLE` when the signal fires before: nobody waits for a database longer than
 * its own caller does. The write goes on, and what becomes of it is not known. Whoever stores or deletes may do it again,
 * as that has one effect; of an update the error is permanent.
 */
export function awaitWrite<T>(
  written: Promise<T>,
  ops: readonly WriteOp[],
  signal: AbortSignal | undefined,
): Promise<T> {
  if (signal === undefined) return written;
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => setImmediate(() => reject(ops.some(counts) ? unknownUpdate() : unanswered()));
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    void written.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

function unanswered(): CodedError {
  return new CodedError('STORE_UNAVAILABLE', 'the vector database did not answer before the deadline of the request');
}
