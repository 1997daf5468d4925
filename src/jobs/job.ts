import { abortError } from '../base/abort.ts';
import type { Clock } from '../base/clock.ts';
import { toCodedError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Metrics } from '../base/metrics.ts';
import type { Schedule } from './schedule.ts';

export interface JobSpec<T> {
  /** For log and metrics: in snake_case, and never made of what a client sent. */
  readonly name: string;
  readonly schedule: Schedule;
  /**
   * One run. `signal` aborts when the server goes away: what is left to do then waits for the next start. An error
   * is counted and logged, and the next turn tries again.
   */
  readonly run: (signal: AbortSignal) => Promise<T>;
}

export interface JobDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** Work that runs by schedule or by hand, one run at a time. */
export class Job<T> {
  readonly name: string;
  readonly schedule: Schedule;
  readonly #run: JobSpec<T>['run'];
  readonly #deps: JobDeps;
  readonly #signal: AbortSignal;
  #running: Promise<T> | null = null;
  #lastOutcome: 'ok' | 'failed' | null = null;
  #lastStartedAtMs: number | null = null;
  #lastDurationMs: number | null = null;
  /** What the last run failed with; null: it did not. */
  #failure: string | null = null;

  constructor({ name, schedule, run }: JobSpec<T>, deps: JobDeps, signal: AbortSignal) {
    this.name = name;
    this.schedule = schedule;
    this.#run = run;
    this.#deps = deps;
    this.#signal = signal;
  }

  /** Null: no run has ended yet. */
  get lastOutcome(): 'ok' | 'failed' | null {
    return this.#lastOutcome;
  }

  get isRunning(): boolean {
    return this.#running !== null;
  }

  /** In milliseconds since the epoch; null: no run has begun yet. */
  get lastStartedAtMs(): number | null {
    return this.#lastStartedAtMs;
  }

  /** Of the last run that ended; null: none has yet. */
  get lastDurationMs(): number | null {
    return this.#lastDurationMs;
  }

  /** By hand: what a run brings, the one under way where there is one. Rejects with what it fails with. */
  run(): Promise<T> {
    if (this.#signal.aborted && this.#running === null) return Promise.reject(abortError(this.#signal));
    this.#running ??= this.#runOnce().finally(() => (this.#running = null));
    return this.#running;
  }

  /** By schedule: left out, and counted, where the run before is not done. */
  turn(): void {
    if (this.#running === null) this.run().catch(() => undefined);
    else this.#count('skipped');
  }

  /** Resolves when nothing runs. */
  async idle(): Promise<void> {
    await this.#running?.catch(() => undefined);
  }

  async #runOnce(): Promise<T> {
    const { clock, log, metrics } = this.#deps;
    const startedMs = clock.monotonicMs();
    this.#lastStartedAtMs = clock.nowMs();
    try {
      const outcome = await this.#run(this.#signal);
      this.#count('ok');
      if (this.#failure !== null) log.info({ job: this.name }, 'job succeeds again');
      this.#failure = null;
      return outcome;
    } catch (error) {
      this.#count('failed');
      this.#logFailure(error);
      throw error;
    } finally {
      this.#lastDurationMs = clock.monotonicMs() - startedMs;
      metrics.observe('job_duration_seconds', this.#lastDurationMs / 1000, { job: this.name });
    }
  }

  /** A job that fails the same way at every turn is told once, and again when it succeeds. */
  #logFailure(reason: unknown): void {
    const { log } = this.#deps;
    const error = toCodedError(reason);
    const failure = error.code === 'INTERNAL' ? String(error.cause) : error.code;
    const isKnown = failure === this.#failure;
    this.#failure = failure;
    if (isKnown) return;
    const fields = { job: this.name, code: error.code };
    if (error.code === 'INTERNAL') log.error({ ...fields, error: error.cause ?? error }, 'job failed');
    else log.warn({ ...fields, reason: error.message }, 'job failed, trying again at its next turn');
  }

  #count(outcome: 'ok' | 'failed' | 'skipped'): void {
    if (outcome !== 'skipped') this.#lastOutcome = outcome;
    this.#deps.metrics.count('jobs_total', { job: this.name, outcome });
  }
}
