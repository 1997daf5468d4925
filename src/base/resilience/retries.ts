import { abortError } from '../abort.ts';
import type { Clock } from '../clock.ts';
import type { Random } from '../random.ts';
import { PassingFault } from './passing-fault.ts';

const FIRST_WAIT_MS = 200;
/** What is not over by then is left to the client: no request waits longer. */
const WAIT_MS_MAX = 30_000;
/** Of a wait, up or down, so that many clients of a service do not come back at once. */
const JITTER = 0.25;

export interface RetryRules {
  /** After the first attempt. */
  readonly maxRetries: number;
  readonly clock: Clock;
  readonly random: Random;
}

/** Tries again what failed with a `PassingFault`, after waits that double. An abort ends the waiting with its reason. */
export async function withRetries<T>(
  attempt: () => Promise<T>,
  { maxRetries, clock, random }: RetryRules,
  signal: AbortSignal,
): Promise<T> {
  for (let retries = 0; ; retries++) {
    try {
      return await attempt();
    } catch (error) {
      const waitMs = error instanceof PassingFault && retries < maxRetries ? waitBefore(retries, error, random) : null;
      if (waitMs === null) throw error;
      await pause(waitMs, clock, signal);
    }
  }
}

/** Null where the service asks for a longer wait than is made. */
function waitBefore(retries: number, { retryAfterMs = 0 }: PassingFault, random: Random): number | null {
  if (retryAfterMs > WAIT_MS_MAX) return null;
  const share = Buffer.from(random.bytes(4)).readUInt32LE() / 2 ** 32;
  const waitMs = FIRST_WAIT_MS * 2 ** retries * (1 + JITTER * (2 * share - 1));
  return Math.min(WAIT_MS_MAX, Math.max(retryAfterMs, waitMs));
}

function pause(waitMs: number, clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => {
      cancel();
      reject(abortError(signal));
    };
    const cancel = clock.after(waitMs, () => {
      signal.removeEventListener('abort', onAbort);
      resolve();
    });
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
  });
}
