// Of one's own: cockatiel reads the time from `Date.now`, lets several probes through at once, and opens after failures in a
// row or by their share, not by how many came within a time.

import type { Clock } from '../clock.ts';
import { CodedError, type ErrorCode } from '../errors.ts';
import type { Log } from '../log.ts';
import type { Metrics } from '../metrics.ts';
import { PassingFault } from './passing-fault.ts';

export interface CircuitRules {
  /** Failures within the window that open the circuit, whatever succeeded between them. */
  readonly failureThreshold: number;
  /** In milliseconds. */
  readonly windowMs: number;
  /** How long it stays open, in milliseconds. */
  readonly timeoutMs: number;
  /** Probes that must succeed, one after the other, before it is closed. */
  readonly successThreshold: number;
}

export interface Backend {
  /** As its section of the settings is called. */
  readonly name: 'embedding' | 'embedding_cache' | 'vector_db' | 'summary' | 'rate_limit';
  /** As clients are told. */
  readonly title: string;
  /** Of whoever is refused; a retryable one. */
  readonly code: ErrorCode;
}

export interface CircuitParts {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

export type CircuitState = 'closed' | 'half_open' | 'open';

const GAUGE_VALUES: Readonly<Record<CircuitState, number>> = { closed: 0, half_open: 1, open: 2 };
/** For whoever comes while a probe is out. */
const PROBE_RETRY_MS = 1_000;

type Verdict = 'failed' | 'alive' | 'unknown';

/** Leaves a backend alone that goes on failing, and tries it with one call at a time before all may use it again. */
export class CircuitBreaker {
  readonly #backend: Backend;
  readonly #rules: CircuitRules;
  readonly #clock: Clock;
  readonly #log: Log;
  #state: CircuitState = 'closed';
  /** Counts the changes of state: what began before the last one says nothing of now. */
  #era = 0;
  /** When each failure was, on the monotonic clock; fewer than `failureThreshold`. */
  #failuresMs: number[] = [];
  #openedMs = 0;
  #successes = 0;
  #isProbing = false;

  constructor(backend: Backend, rules: CircuitRules, { clock, log, metrics }: CircuitParts) {
    this.#backend = backend;
    this.#rules = rules;
    this.#clock = clock;
    this.#log = log;
    metrics.gauge('circuit_state', () => GAUGE_VALUES[this.state], { backend: backend.name });
  }

  /** Its name. */
  get backend(): Backend['name'] {
    return this.#backend.name;
  }

  get state(): CircuitState {
    if (this.#state === 'open' && this.#leftMs() <= 0) {
      this.#change('half_open');
      this.#log.info({ backend: this.#backend.name }, 'circuit half-open: one call at a time tries the backend');
    }
    return this.#state;
  }

  /**
   * What `attempt` brings. Without trying it, rejects with the backend's code while the circuit is open, or half-open with
   * a probe out. `signal` is that of `attempt`: what its caller ends counts neither for nor against the backend.
   */
  async run<T>(attempt: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const era = this.#enter();
    try {
      const answer = await attempt();
      this.#judge(era, 'alive');
      return answer;
    } catch (error) {
      this.#judge(era, verdictOf(error, signal), error);
      throw error;
    }
  }

  /** What whoever comes now is told; null: the circuit is not open. */
  refusalWhereOpen(): CodedError | null {
    return this.state === 'open' ? this.#refusal(Math.ceil(this.#leftMs())) : null;
  }

  /** Lets all pass again and forgets every failure, also of what is under way. */
  reset(): void {
    const before = this.state;
    this.#change('closed');
    this.#log.info({ backend: this.#backend.name, before }, 'circuit closed: it was reset by hand');
  }

  #enter(): number {
    const refusal = this.refusalWhereOpen();
    if (refusal !== null) throw refusal;
    if (this.#state === 'half_open') {
      if (this.#isProbing) throw this.#refusal(PROBE_RETRY_MS);
      this.#isProbing = true;
    }
    return this.#era;
  }

  #judge(era: number, verdict: Verdict, error?: unknown): void {
    if (era !== this.#era) return;
    this.#isProbing = false;
    if (verdict === 'failed') this.#failed(error);
    else if (verdict === 'alive') this.#succeeded();
  }

  #failed(error: unknown): void {
    const nowMs = this.#clock.monotonicMs();
    if (this.#state === 'closed') {
      const { windowMs, failureThreshold } = this.#rules;
      this.#failuresMs = [...this.#failuresMs.filter((atMs) => nowMs - atMs < windowMs), nowMs];
      if (this.#failuresMs.length < failureThreshold) return;
    }
    this.#openedMs = nowMs;
    this.#change('open');
    const fields = { backend: this.#backend.name, timeout_ms: this.#rules.timeoutMs, err: error };
    this.#log.warn(fields, 'circuit open: the backend goes on failing and is left alone');
  }

  #succeeded(): void {
    if (this.#state === 'closed') return;
    this.#successes++;
    if (this.#successes < this.#rules.successThreshold) return;
    this.#change('closed');
    this.#log.info({ backend: this.#backend.name }, 'circuit closed: the backend answers again');
  }

  #change(state: CircuitState): void {
    this.#state = state;
    this.#era++;
    this.#failuresMs = [];
    this.#successes = 0;
    this.#isProbing = false;
  }

  #leftMs(): number {
    return this.#openedMs + this.#rules.timeoutMs - this.#clock.monotonicMs();
  }

  #refusal(retryAfterMs: number): CodedError {
    const { code, title } = this.#backend;
    // No PassingFault: an attempt that was not made is none to repeat.
    return new CodedError(code, `${title} failed too often and is left alone for a while`, { retryAfterMs });
  }
}

/** A backend that refuses what it was asked is alive; of anything else that goes wrong, nothing is known. */
function verdictOf(error: unknown, signal: AbortSignal | undefined): Verdict {
  if (error instanceof PassingFault) return 'failed';
  if (signal?.aborted) return 'unknown';
  return error instanceof CodedError && !error.retryable ? 'alive' : 'unknown';
}
