import type { Clock } from './clock.ts';
import { CodedError } from './errors.ts';
import { networkOf } from './network.ts';

/** Of one network; whoever sits behind the same router mistypes now and then, too. */
const OF_NETWORK_MAX = 8;
/** Each is a timer and, while somebody waits for it, a connection. */
const ALL_MAX = 4096;

/**
 * Refusals that are told late. A network has few of them at a time, and while it has no place for one more its secrets are
 * not tried: else it could guess as fast as it asks. To hang up frees no place.
 */
export class LateRefusals {
  readonly #clock: Clock;
  /** When each is told, on the monotonic clock, by network: the one first that is told first. */
  readonly #untilMs = new Map<string, number[]>();
  #count = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** To be called before a secret is tried; throws `RATE_LIMITED`. `address` as the system tells it. */
  admit(address: string): void {
    const untilMs = this.#untilMs.get(networkOf(address)) ?? [];
    if (untilMs.length < OF_NETWORK_MAX && this.#count < ALL_MAX) return;
    const retryAfterMs =
      untilMs[0] === undefined ? 1000 : Math.max(1, Math.ceil(untilMs[0] - this.#clock.monotonicMs()));
    throw new CodedError('RATE_LIMITED', 'too many logins have failed', { retryAfterMs });
  }

  /** Resolves when the refusal is to be told. */
  wait(address: string, delayMs: number): Promise<void> {
    if (delayMs === 0) return Promise.resolve();
    const network = networkOf(address);
    const told = Promise.withResolvers<void>();
    const untilMs = this.#clock.monotonicMs() + delayMs;
    this.#untilMs.set(
      network,
      [...(this.#untilMs.get(network) ?? []), untilMs].sort((one, other) => one - other),
    );
    this.#count += 1;
    this.#clock.after(delayMs, () => {
      this.#free(network, untilMs);
      told.resolve();
    });
    return told.promise;
  }

  #free(network: string, untilMs: number): void {
    const left = this.#untilMs.get(network) ?? [];
    left.splice(left.indexOf(untilMs), 1);
    if (left.length === 0) this.#untilMs.delete(network);
    this.#count -= 1;
  }
}
