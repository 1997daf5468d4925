// What becomes of an error in the store's thread: a line in the log, and what the caller is told.

import type { Clock } from '../../base/clock.ts';
import { isDamage, toStoreError } from './database/sqlite-errors.ts';
import type { WireCall, WireError } from './border/messages.ts';
import type { WorkerLog } from './border/worker-log.ts';

const UNAVAILABLE_LOG_INTERVAL_MS = 1_000;

export class CallFailures {
  readonly #log: WorkerLog;
  readonly #clock: Clock;
  #damage: Error | null = null;
  #unavailableCalls = 0;
  #nextUnavailableLogMs = -Infinity;

  constructor(log: WorkerLog, clock: Clock) {
    this.#log = log;
    this.#clock = clock;
  }

  /** The last sign that the database is damaged: other pages may still be read, but who asks for its health is to know. */
  get damage(): Error | null {
    return this.#damage;
  }

  /** Logged here, where its cause is known. */
  told(call: WireCall['kind'], error: unknown): WireError {
    if (isDamage(error)) this.#damage = error;
    const { code, message, details, retryAfterMs } = toStoreError(error);
    if (code === 'INTERNAL') this.#log.error({ err: error, call }, 'a store call failed');
    else if (code === 'STORE_UNAVAILABLE') this.#logUnavailable(error);
    return { code, message, details, retryAfterMs };
  }

  /** A full disk fails every write that arrives: one line a second tells as much as a thousand. */
  #logUnavailable(error: unknown): void {
    this.#unavailableCalls++;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs < this.#nextUnavailableLogMs) return;
    this.#log.error({ err: error, calls: this.#unavailableCalls }, 'store calls failed');
    this.#unavailableCalls = 0;
    this.#nextUnavailableLogMs = nowMs + UNAVAILABLE_LOG_INTERVAL_MS;
  }
}
