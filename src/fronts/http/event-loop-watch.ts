import { monitorEventLoopDelay } from 'node:perf_hooks';

const SAMPLE_MS = 10;
/** Two sets are kept, so that any number of readers see each delay, and see it for a while. */
const PERCENTILE = 99;

/** How late the event loop comes to its timers. */
export class EventLoopWatch {
  readonly #histogram = monitorEventLoopDelay({ resolution: SAMPLE_MS });
  #beforeSeconds = 0;

  constructor() {
    this.#histogram.enable();
  }

  /** The 99th percentile since the call of `turn` before the last, beyond the sampling interval, which Node counts in. */
  get p99Seconds(): number {
    return Math.max(this.#beforeSeconds, this.#currentSeconds());
  }

  /** Begins a new set of samples; to be called every so often. */
  turn(): void {
    this.#beforeSeconds = this.#currentSeconds();
    this.#histogram.reset();
  }

  stop(): void {
    this.#histogram.disable();
  }

  #currentSeconds(): number {
    const delayMs = this.#histogram.percentile(PERCENTILE) / 1e6 - SAMPLE_MS;
    return Number.isFinite(delayMs) ? Math.max(0, delayMs) / 1000 : 0;
  }
}
