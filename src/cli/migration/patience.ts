import { CodedError } from '../../base/errors.ts';
import type { Clock } from '../../base/clock.ts';
import type { StoreDriver } from '../../store/driver.ts';
import { CommandError } from '../terminal/command-error.ts';

export interface PatienceDeps {
  /** How long a store that fails is tried again, in milliseconds. */
  readonly giveUpMs: number;
  readonly clock: Clock;
  /** Resolves after so long, keeping the process alive; rejects where the signal ends it. */
  readonly sleep: (durationMs: number, signal: AbortSignal) => Promise<void>;
  readonly signal: AbortSignal;
}

const FIRST_WAIT_MS = 250;
const WAIT_MS_MAX = 15_000;

/** Tries again what fails for a passing reason, for a while. */
export class Patience {
  readonly #deps: PatienceDeps;

  constructor(deps: PatienceDeps) {
    this.#deps = deps;
  }

  get signal(): AbortSignal {
    return this.#deps.signal;
  }

  /** What `attempt` brings; it is told how many came before it. Rejects with what `of` the stores said last, and what to do. */
  async with<T>(of: string, attempt: (failed: number) => Promise<T>): Promise<T> {
    const { clock, giveUpMs, sleep, signal } = this.#deps;
    const startedMs = clock.monotonicMs();
    for (let failed = 0; ; failed++) {
      if (signal.aborted) throw signal.reason;
      try {
        return await attempt(failed);
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        if (!(error instanceof CodedError) || !mayPass(error)) throw error;
        const leftMs = startedMs + giveUpMs - clock.monotonicMs();
        if (!error.retryable || leftMs <= 0) throw gaveUp(of, error);
        const askedMs = Math.max(FIRST_WAIT_MS * 2 ** failed, error.retryAfterMs ?? 0);
        await sleep(Math.min(askedMs, WAIT_MS_MAX, Math.max(leftMs, FIRST_WAIT_MS)), signal).catch(() => undefined);
      }
    }
  }
}

/** The calls of a copy, each with patience; `apply` alone tells who called what a failure may have left half done. */
export function patientReads(
  of: string,
  driver: StoreDriver,
  patience: Patience,
): Pick<StoreDriver, 'scan' | 'counts'> {
  return {
    scan: (requests, signal) => patience.with(of, () => driver.scan(requests, signal)),
    counts: (request) => patience.with(of, () => driver.counts(request)),
  };
}

/** What the store refuses about one context is told of that context. */
function mayPass({ code }: CodedError): boolean {
  return code !== 'BAD_REQUEST' && code !== 'PAYLOAD_TOO_LARGE';
}

function gaveUp(of: string, error: CodedError): CommandError {
  const { message } = error;
  let { cause } = error;
  while (cause instanceof CodedError) ({ cause } = cause);
  const reason = typeof cause === 'string' && cause !== '' ? `: ${cause}` : '';
  return new CommandError(
    `the ${of} failed: ${message}${reason}`,
    'What was copied stays. Mend it, and run the same command again to go on.',
  );
}
