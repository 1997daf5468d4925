import type { Metrics } from '../metrics.ts';
import type { Bulkhead, Wait } from './bulkhead.ts';
import type { CircuitBreaker } from './circuit-breaker.ts';

/** The way of every request to one backend: so many at a time, a bounded number waiting, and none while its circuit is open. */
export class GuardedBackend {
  readonly #breaker: CircuitBreaker;
  readonly #bulkhead: Bulkhead;

  constructor(breaker: CircuitBreaker, bulkhead: Bulkhead, metrics: Metrics) {
    this.#breaker = breaker;
    this.#bulkhead = bulkhead;
    const labels = { backend: breaker.backend };
    metrics.gauge('backend_requests_running', () => bulkhead.running, labels);
    metrics.gauge('backend_queue_length', () => bulkhead.queueLength, labels);
    metrics.gauge('backend_queue_bytes', () => bulkhead.queueBytes, labels);
  }

  /**
   * What `attempt` brings when its turn has come. Without trying it, rejects with `OVERLOADED`, with the backend's code
   * while its circuit is open, or with the reason of the signal, which is that of `attempt`, too.
   */
  async run<T>(attempt: () => Promise<T>, wait: Wait): Promise<T> {
    const refusal = this.#breaker.refusalWhereOpen();
    if (refusal !== null) throw refusal;
    await this.#bulkhead.enter(wait);
    try {
      return await this.#breaker.run(attempt, wait.signal);
    } finally {
      this.#refuseWaiting();
      this.#bulkhead.leave();
    }
  }

  /** Nobody waits for a turn in which nothing would be tried. */
  #refuseWaiting(): void {
    if (this.#bulkhead.queueLength === 0) return;
    const refusal = this.#breaker.refusalWhereOpen();
    if (refusal !== null) this.#bulkhead.refuseWaiting(refusal);
  }
}
