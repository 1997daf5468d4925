import type { Clock } from './clock.ts';
import { LineRate } from './line-rate.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import { networkOf } from './network.ts';
import { recentEntries } from './recent-entries.ts';

export interface SlowdownRules {
  /** Failures of one address that are answered at once: so many in a row, and so many a minute in the long run. */
  readonly perMinute: number;
  /** The longest that the answer to one more waits, in milliseconds; 0: none waits. */
  readonly delayMsMax: number;
}

interface Known {
  /** Of late: each is forgotten after a while. */
  failures: number;
  atMs: number;
  isSlow: boolean;
}

/** Addresses that are remembered; the one that has not failed for longest is forgotten first. */
const KNOWN_MAX = 100_000;
const MINUTE_MS = 60_000;
const FIRST_DELAY_MS = 250;

/**
 * Slows down who goes on failing to authenticate, at whichever door: the answers to his failures come later and later, and
 * at once again after a quiet time. Who succeeds from the same address waits for nothing.
 */
export class FailedLogins {
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #rate: LineRate;
  readonly #known = recentEntries<Known>(KNOWN_MAX);
  #rules: SlowdownRules;

  constructor(rules: SlowdownRules, parts: { readonly clock: Clock; readonly log: Log; readonly metrics: Metrics }) {
    this.#rules = rules;
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#metrics = parts.metrics;
    this.#rate = new LineRate(parts.clock);
  }

  /** From the next failure on. */
  set rules(rules: SlowdownRules) {
    this.#rules = rules;
  }

  /**
   * Notes a failure, whatever the reason, and gives how long its answer is to wait, in milliseconds. `address` as the system
   * tells it.
   */
  note(address: string): number {
    const { perMinute, delayMsMax } = this.#rules;
    const known = this.#count(networkOf(address));
    const excess = Math.ceil(known.failures - perMinute);
    const isSlow = excess > 0 && delayMsMax > 0;
    if (isSlow && !known.isSlow) this.#tell(address);
    known.isSlow = isSlow;
    if (!isSlow) return 0;
    this.#metrics.count('auth_delayed_total');
    return Math.min(delayMsMax, FIRST_DELAY_MS * 2 ** (excess - 1));
  }

  #count(network: string): Known {
    const { perMinute, delayMsMax } = this.#rules;
    const nowMs = this.#clock.monotonicMs();
    let known = this.#known.get(network);
    if (known === undefined) this.#known.set(network, (known = { failures: 0, atMs: nowMs, isSlow: false }));
    const left = known.failures - ((nowMs - known.atMs) * perMinute) / MINUTE_MS;
    // More than make the longest delay would only keep it from being forgotten.
    const doublings = Math.max(0, Math.ceil(Math.log2(delayMsMax / FIRST_DELAY_MS)));
    known.failures = Math.min(perMinute + 1 + doublings, Math.max(0, left) + 1);
    known.atMs = nowMs;
    return known;
  }

  #tell(address: string): void {
    const passed = this.#rate.pass('slowed');
    if (passed === null) return;
    this.#log.warn(
      { address, ...passed },
      'an address goes on failing to authenticate: its failures are answered late',
    );
  }
}
