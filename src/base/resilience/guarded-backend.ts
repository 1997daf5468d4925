import type { Metrics } from '../metrics.ts';
import type { Bulkhead, Wait } from './bulkhead.ts';
import type { CircuitBreaker } from './circuit-breaker.ts';

/** The way of every request to one backend: so many at a time, a bounded number waiting, and none while its circuit is open. */
export class GuardedBackend {
  readonly #breaker: CircuitBreaker;
  readonly #bulkhead: Bulkhead;
  readonly #awaited: Bulkhead;

  /** `awaited`: of requests that somebody waits for (`isAwaited`), which then never wait behind the others. */
  constructor(breaker: CircuitBreaker, bulkhead: Bulkhead, metrics: Metrics, awaited = bulkhead) {
    this.#breaker = breaker;
    this.#bulkhead = bulkhead;
    this.#awaited = awaited;
    const lanes = [...new Set([bulkhead, awaited])];
    const sum = (figure: (lane: Bulkhead) => number) => () => lanes.reduce((total, lane) => total + figure(lane), 0);
    const labels = { backend: breaker.backend };
    metrics.gauge(
      'backend_requests_running',
      sum((lane) => lane.running),
      labels,
    );
    metrics.gauge(
      'backend_queue_length',
      sum((lane) => lane.queueLength),
      labels,
    );
    metrics.gauge(
      'backend_queue_bytes',
      sum((lane) => lane.queueBytes),
      labels,
    );
  }

  /**
   * What `attempt` brings when its turn has come. Without trying it, rejects with `OVERLOADED`, with the backend's code
   * while its circuit is open, or with the reason of the signal, which is that of `attempt`, too.
   */
  async run<T>(attempt: () => Promise<T>, wait: Wait & { readonly isAwaited?: boolean }): Promise<T> {
    const refusal = this.#breaker.refusalWhereOpen();
    if (refusal !== null) throw refusal;
    const lane = wait.isAwaited === true ? this.#awaited : this.#bulkhead;
    await lane.enter(wait);
    try {
      return await this.#breaker.run(attempt, wait.signal);
    } finally {
      this.#refuseWaiting();
      lane.leave();
    }
  }

  /** Nobody waits for a turn in which nothing would be tried. */
  #refuseWaiting(): void {
    if (this.#bulkhead.queueLength + this.#awaited.queueLength === 0) return;
    const refusal = this.#breaker.refusalWhereOpen();
    if (refusal === null) return;
    this.#bulkhead.refuseWaiting(refusal);
    this.#awaited.refuseWaiting(refusal);
  }
}
