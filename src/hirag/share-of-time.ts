import { type Clock, TIMER_MS_MAX } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import type { CallOptions } from './types.ts';

/**
 * Embeds in half of the time that is left until the deadline, and in `limitMs` where there is one, so that what can be done
 * without vectors still can: then the service counts as away, with `EMBEDDING_UNAVAILABLE`.
 */
export async function inShareOfTime<T>(
  { signal, deadlineAtMs }: CallOptions,
  clock: Clock,
  limitMs: number,
  embed: (signal: AbortSignal | undefined) => Promise<T>,
): Promise<T> {
  const leftMs = deadlineAtMs === undefined ? Infinity : (deadlineAtMs - clock.monotonicMs()) / 2;
  const waitMs = Math.min(leftMs, limitMs);
  if (waitMs > TIMER_MS_MAX) return embed(signal);
  const late = new AbortController();
  const cancel = clock.after(waitMs, () =>
    late.abort(new CodedError('EMBEDDING_UNAVAILABLE', 'the embedding service takes longer than there is time')),
  );
  try {
    return await embed(signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]));
  } finally {
    cancel();
  }
}
