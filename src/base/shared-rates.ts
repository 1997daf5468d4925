import { createHash } from 'node:crypto';
import type { Clock } from './clock.ts';
import type { Metrics } from './metrics.ts';
import { uuidV4, type Random } from './random.ts';
import type { RedisConnection } from './redis-connection.ts';
import type { CircuitBreaker } from './resilience/circuit-breaker.ts';
import { inTime } from './resilience/in-time.ts';
import { PassingFault } from './resilience/passing-fault.ts';
import { TokenBucket, type RateLimit } from './token-bucket.ts';

export interface SharedRatesOptions {
  readonly connection: Pick<RedisConnection, 'evaluate' | 'reconnect' | 'ping' | 'close'>;
  readonly breaker: CircuitBreaker;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
}

interface Shared {
  readonly name: string;
  readonly bucket: TokenBucket;
}

/** How often what was taken is told, at most. */
const INTERVAL_MS = 50;
/** Longer than a network takes; the buckets of this server go on meanwhile. */
const TIME_LIMIT_MS = 250;
/** Buckets told of at a time: the script holds Redis up while it goes through them. */
const BATCH_MAX = 500;
const PREFIX = 'context_manager:rate';

/**
 * GCRA: a key holds the moment, in milliseconds of Redis' clock, at which its bucket is full again. What several servers took at once
 * may carry it past an empty bucket, and is waited for before anybody takes more, up to 16 bursts. The first value that comes
 * back is the first that was sent: a reply to something else is told by it.
 */
const SETTLE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local reply = { ARGV[1] }
for i, key in ipairs(KEYS) do
  local interval, burst, taken = tonumber(ARGV[3 * i - 1]), tonumber(ARGV[3 * i]), tonumber(ARGV[3 * i + 1])
  local full = tonumber(redis.pcall('GET', key) or 0) or 0
  full = math.min(math.max(full, now) + taken * interval, now + 16 * burst * interval)
  redis.call('SET', key, string.format('%.3f', full), 'PX', math.ceil(full - now) + 1000)
  reply[i + 1] = string.format('%.6f', burst - (full - now) / interval)
end
return reply`;

/**
 * Token buckets that several servers share over Redis. Each server takes from its own, at once; what it took it tells Redis a
 * moment later, and learns what is left for all. No request waits for Redis: where it is away each server counts for itself.
 */
export class SharedRates {
  readonly #options: SharedRatesOptions;
  /** Those of which something was taken that Redis does not know. */
  readonly #touched = new Set<Shared>();
  #isSettling = false;
  #cancelTimer: (() => void) | null = null;
  #settledAtMs = -Infinity;

  constructor(options: SharedRatesOptions) {
    this.#options = options;
  }

  /** A bucket that all servers share which make one of this name and limit. */
  readonly bucket = (name: string, limit: RateLimit): TokenBucket => {
    const bucket = new TokenBucket(limit, this.#options.clock);
    const shared: Shared = { name, bucket };
    bucket.share(() => this.#onTaken(shared));
    return bucket;
  };

  /** Rejects where nothing answers; where something does again, the circuit is closed by it. */
  async ping(): Promise<void> {
    const { breaker, connection } = this.#options;
    await breaker.run(() => this.#inTime(connection.ping()));
  }

  async close(): Promise<void> {
    this.#cancelTimer?.();
    this.#touched.clear();
    await this.#options.connection.close();
  }

  #onTaken(shared: Shared): void {
    this.#touched.add(shared);
    this.#schedule();
  }

  /** The first after a pause is told at once. */
  #schedule(): void {
    if (this.#isSettling || this.#cancelTimer !== null) return;
    const { clock } = this.#options;
    const waitMs = Math.max(0, this.#settledAtMs + INTERVAL_MS - clock.monotonicMs());
    this.#cancelTimer = clock.after(waitMs, () => {
      this.#cancelTimer = null;
      void this.#settle();
    });
  }

  async #settle(): Promise<void> {
    const { breaker, clock, metrics } = this.#options;
    const batch = [...this.#touched].slice(0, BATCH_MAX);
    for (const shared of batch) this.#touched.delete(shared);
    this.#isSettling = true;
    this.#settledAtMs = clock.monotonicMs();
    try {
      const taken = batch.map(({ bucket }) => bucket.settle());
      const left = await breaker.run(() => this.#tell(batch, taken));
      batch.forEach(({ bucket }, place) => bucket.adopt(left[place] as number));
      metrics.count('rate_limit_settlements_total', { outcome: 'ok' });
    } catch {
      // What was taken each server has counted for itself, and Redis never will.
      for (const { bucket } of batch) bucket.alone();
      metrics.count('rate_limit_settlements_total', { outcome: 'failed' });
    } finally {
      this.#isSettling = false;
      if (this.#touched.size > 0) this.#schedule();
    }
  }

  /** What is left in each for all, in order. */
  async #tell(batch: readonly Shared[], taken: readonly number[]): Promise<number[]> {
    const { connection, random } = this.#options;
    const nonce = uuidV4(random);
    const figures = batch.flatMap(({ bucket: { limit } }, place) => [
      String(1000 / limit.perSecond),
      String(limit.burst),
      String(taken[place]),
    ]);
    const work = connection.evaluate(SETTLE, batch.map(keyOf), [nonce, ...figures]);
    const reply = await this.#inTime(work);
    const left = Array.isArray(reply) ? reply.slice(1).map(Number) : [];
    if (Array.isArray(reply) && reply[0] === nonce && left.length === batch.length && left.every(Number.isFinite))
      return left;
    // Of another command: so would be all that follow.
    connection.reconnect();
    throw failing('Redis answered something else');
  }

  #inTime<T>(work: Promise<T>): Promise<T> {
    return inTime(work, {
      clock: this.#options.clock,
      limitMs: TIME_LIMIT_MS,
      late: () => failing('Redis did not answer in time'),
      failed: (cause) => failing('Redis failed', cause),
    });
  }
}

/** A hash, so that no name and no address stands there as it is; with the limit, so that servers of two configurations do not mix. */
function keyOf({ name, bucket: { limit } }: Shared): string {
  const said = JSON.stringify([name, limit.perSecond, limit.burst]);
  return `${PREFIX}:${createHash('sha256').update(said).digest('base64url').slice(0, 22)}`;
}

function failing(message: string, cause?: unknown): PassingFault {
  return new PassingFault('OVERLOADED', message, { cause });
}
