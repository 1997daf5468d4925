import type { Clock } from '../../base/clock.ts';

export interface CheckResult {
  readonly isWell: boolean;
  /** Safe to show to anybody. */
  readonly reason?: string;
}

/** What a check may say of what is wrong; of any other error nobody is told the words: they may hold paths and addresses. */
export class Ailment extends Error {}

export interface ProbeOptions {
  readonly clock: Clock;
  /** In milliseconds; then it counts as failed, and `signal` aborts. */
  readonly timeLimitMs: number;
  /** Resolves where all is well. May hang. */
  readonly check: (signal: AbortSignal) => Promise<unknown>;
}

/** What has failed is looked at again soon: whoever waits for it to be well again does not wait for a cache. */
const FAILURE_KEPT_MS = 1_000;

/** A check that several callers share, and that never runs twice at a time, however long it hangs. */
export class Probe {
  readonly #options: ProbeOptions;
  #last: { readonly atMs: number; readonly result: CheckResult } | null = null;
  #running: Promise<CheckResult> | null = null;
  #waiting: Promise<CheckResult> | null = null;

  constructor(options: ProbeOptions) {
    this.#options = options;
  }

  /** The last result where it is younger than `maxAgeMs`, else that of a check made now. 0: made now in any case. */
  result(maxAgeMs: number): CheckResult | Promise<CheckResult> {
    const last = this.#last;
    if (last !== null) {
      const keptMs = last.result.isWell ? maxAgeMs : Math.min(maxAgeMs, FAILURE_KEPT_MS);
      if (this.#options.clock.monotonicMs() - last.atMs < keptMs) return last.result;
    }
    this.#waiting ??= this.#run().finally(() => (this.#waiting = null));
    return this.#waiting;
  }

  async #run(): Promise<CheckResult> {
    const { clock, timeLimitMs } = this.#options;
    const timeout = Promise.withResolvers<CheckResult>();
    const controller = new AbortController();
    const cancel = clock.after(timeLimitMs, () => {
      timeout.resolve(this.#late());
      controller.abort();
    });
    try {
      // One that still hangs is joined by no other: it is waited for again.
      this.#running ??= this.#check(controller.signal).finally(() => (this.#running = null));
      const result = await Promise.race([this.#running, timeout.promise]);
      this.#last = { atMs: clock.monotonicMs(), result };
      return result;
    } finally {
      cancel();
    }
  }

  async #check(signal: AbortSignal): Promise<CheckResult> {
    try {
      await this.#options.check(signal);
      return { isWell: true };
    } catch (error) {
      // Who joined it shortly before its end hears what those hear who waited for it all the time.
      if (signal.aborted) return this.#late();
      return { isWell: false, reason: error instanceof Ailment ? error.message : 'did not answer' };
    }
  }

  #late(): CheckResult {
    return { isWell: false, reason: `did not answer within ${this.#options.timeLimitMs} ms` };
  }
}
