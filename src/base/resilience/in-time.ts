import { orAbort } from '../abort.ts';
import type { Clock } from '../clock.ts';

/**
 * What `work` brings, or `late()` after `limitMs`; where it fails, `failed` of that. `signal` ends the waiting with its reason. The
 * work itself goes on.
 */
export function inTime<T>(
  work: Promise<T>,
  rules: {
    readonly clock: Clock;
    readonly limitMs: number;
    readonly late: () => Error;
    readonly failed: (cause: unknown) => Error;
    readonly signal?: AbortSignal;
  },
): Promise<T> {
  const { clock, limitMs, late, failed, signal } = rules;
  const over = Promise.withResolvers<never>();
  // A turn of the loop later: what came while this thread was busy is read first.
  const cancel = clock.after(limitMs, () => setImmediate(() => over.reject(late())));
  const faulty = work.catch((error: unknown) => {
    throw failed(error);
  });
  return orAbort(Promise.race([faulty, over.promise]), signal).finally(cancel);
}
