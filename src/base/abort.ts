import { CodedError } from './errors.ts';

/** Why the signal fired, as the caller is told. */
export function abortError(signal: AbortSignal): CodedError {
  const reason: unknown = signal.reason;
  if (reason instanceof CodedError) return reason;
  return new CodedError('DEADLINE_EXCEEDED', 'the deadline passed before the work was done', { cause: reason });
}

/** Whoever says nothing for so long is not only asked by somebody in a hurry. */
export const SILENT_MS = 1_000;

export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortError(signal);
}

/**
 * What `promise` brings, or the abort if that comes first; the work itself goes on. Work that ends with the abort, too, has
 * a moment to say why by itself.
 */
export function orAbort<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => setImmediate(() => reject(abortError(signal)));
    if (signal.aborted) reject(abortError(signal));
    else signal.addEventListener('abort', onAbort, { once: true });
    void promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
