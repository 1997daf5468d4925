import type { Clock } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import { Ring } from '../base/ring.ts';
import type { MonitoredRequest } from '../protocol/messages.generated.ts';

export interface Poll {
  /** What the poll before gave; undefined: from now on. */
  readonly cursor: number | undefined;
  /** How long to wait for the first one, in milliseconds. */
  readonly waitMs: number;
  readonly limit: number;
  /** Ends the wait. */
  readonly signal: AbortSignal | undefined;
}

export interface Polled {
  readonly requests: readonly MonitoredRequest[];
  /** Of the next poll. */
  readonly cursor: number;
  /** Requests since the poll before that nobody will see: too many came, or nobody was watching. */
  readonly lost: number;
}

interface Kept {
  /** Of all requests, in their order. */
  readonly number: number;
  readonly request: MonitoredRequest;
}

/** Each takes less than 4 KiB: what it says of its payload is bounded. */
const KEPT_MAX = 1024;
/** Nobody has polled for so long: nobody watches. */
const WATCHED_MS = 10_000;
const WAITING_MAX = 16;
/** After the first one for which somebody waited: others come with it. */
const GATHER_MS = 50;
const RETRY_MS = 1_000;

/**
 * Shows requests as they are answered to whoever polls for them. While nobody does, a request costs one addition, and
 * none is kept.
 */
export class RequestMonitor {
  readonly #clock: Clock;
  readonly #ring = new Ring<Kept>(KEPT_MAX);
  readonly #waiting = new Set<() => void>();
  #next = 0;
  /** On the monotonic clock; null: nobody watches. */
  #watchedUntilMs: number | null = null;
  #isGathering = false;
  #isClosed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A request was answered. True: somebody watches, and it is to be noted. */
  count(): boolean {
    this.#next += 1;
    if (this.#watchedUntilMs === null) return false;
    if (this.#waiting.size > 0 || this.#clock.monotonicMs() < this.#watchedUntilMs) return true;
    this.#watchedUntilMs = null;
    this.#ring.clear();
    return false;
  }

  /** The one that was counted last. */
  note(request: MonitoredRequest): void {
    this.#ring.push({ number: this.#next - 1, request });
    if (this.#waiting.size === 0 || this.#isGathering) return;
    this.#isGathering = true;
    this.#clock.after(GATHER_MS, () => this.#wakeAll());
  }

  /** At once where there is something to tell, or nothing to wait for. Throws `OVERLOADED` where very many wait. */
  poll(poll: Poll): Polled | Promise<Polled> {
    const { waitMs, signal } = poll;
    const from = Math.min(poll.cursor ?? this.#next, this.#next);
    this.#watch();
    const now = this.#since(from, poll.limit);
    if (now.requests.length > 0 || now.lost > 0 || waitMs === 0 || this.#isClosed || signal?.aborted) return now;
    if (this.#waiting.size >= WAITING_MAX)
      throw new CodedError('OVERLOADED', 'as many watch as may', { retryAfterMs: RETRY_MS });
    return this.#wait(waitMs, signal).then(() => {
      this.#watch();
      return this.#since(from, poll.limit);
    });
  }

  /** Keeps nothing of what was asked in a namespace, or in several with it: how many there were. */
  forget(namespace: string): number {
    const kept = this.#ring.all;
    const left = kept.filter(({ request }) => !request.namespaces.includes(namespace));
    this.#ring.clear();
    for (const one of left) this.#ring.push(one);
    return kept.length - left.length;
  }

  /** Whoever waits is told what there is; nobody waits any more. */
  close(): void {
    this.#isClosed = true;
    this.#wakeAll();
  }

  #watch(): void {
    this.#watchedUntilMs = this.#clock.monotonicMs() + WATCHED_MS;
  }

  #since(from: number, limit: number): Polled {
    const kept = this.#ring.all.filter(({ number }) => number >= from);
    const told = kept.slice(0, limit);
    const cursor = told.length < kept.length ? (told.at(-1)?.number ?? from) + 1 : this.#next;
    return { requests: told.map(({ request }) => request), cursor, lost: cursor - from - told.length };
  }

  async #wait(waitMs: number, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#clock.after(waitMs, resolve);
    signal?.addEventListener('abort', () => resolve(), { once: true });
    this.#waiting.add(resolve);
    await promise;
    this.#waiting.delete(resolve);
    cancel();
  }

  #wakeAll(): void {
    this.#isGathering = false;
    for (const wake of this.#waiting) wake();
  }
}
