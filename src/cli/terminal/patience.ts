import { setTimeout as sleep } from 'node:timers/promises';
import { Option } from 'commander';
import { type Clock, systemClock } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import { parseSeconds } from './option-parsers.ts';

interface Ending {
  readonly signal: AbortSignal;
  /** What `with` rejects with: `of` did not get better in time, or cannot. */
  readonly gaveUp: (of: string, error: CodedError) => Error;
  /** Told before each wait. */
  readonly onWait?: (error: CodedError) => void;
}

export interface PatienceDeps extends Ending {
  /** How long what fails is tried again, in milliseconds. */
  readonly giveUpMs: number;
  readonly clock: Clock;
  /** Resolves after so long, keeping the process alive; rejects where the signal ends it. */
  readonly sleep: (durationMs: number, signal: AbortSignal) => Promise<void>;
}

const FIRST_WAIT_MS = 250;
const WAIT_MS_MAX = 15_000;

/** `--patience <seconds>` */
export function patienceOption(description: string, defaultSeconds: number): Option {
  return new Option('--patience <seconds>', description).argParser(parseSeconds).default(defaultSeconds);
}

/** Tries again what fails for a passing reason, for a while. */
export class Patience {
  readonly #deps: PatienceDeps;

  constructor(deps: PatienceDeps) {
    this.#deps = deps;
  }

  /** By the clock on the wall. */
  static ofSeconds(seconds: number, ending: Ending): Patience {
    return new Patience({
      ...ending,
      giveUpMs: seconds * 1000,
      clock: systemClock,
      sleep: (durationMs, signal) => sleep(durationMs, undefined, { signal }),
    });
  }

  get signal(): AbortSignal {
    return this.#deps.signal;
  }

  /** What `attempt` brings; it is told how many came before it. What is wrong with what was asked is told as it is. */
  async with<T>(of: string, attempt: (failed: number) => Promise<T>): Promise<T> {
    const { clock, giveUpMs, sleep, signal, gaveUp, onWait } = this.#deps;
    const startedMs = clock.monotonicMs();
    for (let failed = 0; ; failed++) {
      if (signal.aborted) throw signal.reason;
      try {
        return await attempt(failed);
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        if (!(error instanceof CodedError) || isOfRequest(error)) throw error;
        const leftMs = startedMs + giveUpMs - clock.monotonicMs();
        if (!error.retryable || leftMs <= 0) throw gaveUp(of, error);
        onWait?.(error);
        const askedMs = Math.max(FIRST_WAIT_MS * 2 ** failed, error.retryAfterMs ?? 0);
        await sleep(Math.min(askedMs, WAIT_MS_MAX, Math.max(leftMs, FIRST_WAIT_MS)), signal).catch(() => undefined);
      }
    }
  }
}

function isOfRequest({ code }: CodedError): boolean {
  return code === 'BAD_REQUEST' || code === 'PAYLOAD_TOO_LARGE';
}

/** Why it failed, with what the backend itself has said. */
export function failureText(error: CodedError): string {
  let { cause } = error;
  while (cause instanceof CodedError) ({ cause } = cause);
  return typeof cause === 'string' && cause !== '' ? `${error.message}: ${cause}` : error.message;
}
