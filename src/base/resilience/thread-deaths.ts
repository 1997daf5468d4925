import type { Clock } from '../clock.ts';
import type { Metrics } from '../metrics.ts';

/** Threads that serve many requests. One that is started for a single request, as to read a document, fails that one alone. */
export type ServingThread = 'store' | 'embedding';

export const DEATHS_MAX = 3;
export const DEATHS_WINDOW_MS = 60_000;

/** Threads that ended by themselves: each is started again, and one that goes on dying is nothing to send requests to. */
export class ThreadDeaths {
  readonly #clock: Clock;
  readonly #metrics: Metrics;
  /** When, in the clock's steady time; of each thread the last ones alone. */
  readonly #diedAtMs = new Map<ServingThread, readonly number[]>();

  constructor(clock: Clock, metrics: Metrics) {
    this.#clock = clock;
    this.#metrics = metrics;
  }

  died(thread: ServingThread): void {
    this.#metrics.count('thread_deaths_total', { thread });
    const before = this.#diedAtMs.get(thread) ?? [];
    this.#diedAtMs.set(thread, [...before, this.#clock.monotonicMs()].slice(-DEATHS_MAX));
  }

  /** Those that died `DEATHS_MAX` times within the last minute. */
  get failing(): ServingThread[] {
    const sinceMs = this.#clock.monotonicMs() - DEATHS_WINDOW_MS;
    return [...this.#diedAtMs].flatMap(([thread, times]) =>
      times.filter((atMs) => atMs > sinceMs).length >= DEATHS_MAX ? [thread] : [],
    );
  }
}
