import { createClient } from '@redis/client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLog } from '../../../src/base/log.ts';
import { noMetrics } from '../../../src/base/metrics.ts';
import { systemRandom } from '../../../src/base/random.ts';
import { connectRedis, type RedisConnection } from '../../../src/base/redis-connection.ts';
import { SharedRates } from '../../../src/base/shared-rates.ts';
import type { TokenBucket } from '../../../src/base/token-bucket.ts';
import { FaultProxy, PASS } from '../../support/fault-proxy.ts';
import { hasRedis, NEEDS_REDIS, startRedis, type RedisServer } from '../../support/redis-server.ts';
import { testBreaker } from '../../support/test-breaker.ts';

/** What comes back in the time of a test is nothing beside a burst. */
const SLOW = { perSecond: 0.001, burst: 10 };

function takeAll(bucket: TokenBucket, atMost = 100): number {
  let taken = 0;
  while (taken < atMost && bucket.take() === 0) taken++;
  return taken;
}

describe.skipIf(!hasRedis)(`buckets that servers share ${NEEDS_REDIS}`, () => {
  let redis: RedisServer;
  let admin: ReturnType<typeof createClient>;
  let proxy: FaultProxy;
  const opened: SharedRates[] = [];
  let settled: string[];
  beforeAll(async () => {
    redis = await startRedis();
    admin = createClient({ url: redis.url });
    await admin.connect();
    proxy = await FaultProxy.start(() => redis.port);
  });
  beforeEach(async () => {
    settled = [];
    await admin.flushAll();
  });
  afterEach(async () => {
    await proxy.set(PASS);
    for (const rates of opened.splice(0)) await rates.close();
  });
  afterAll(async () => {
    await proxy.close();
    admin.destroy();
    await redis.stop();
  });

  async function open(port = redis.port, change?: (connection: RedisConnection) => Partial<RedisConnection>) {
    const connection = await connectRedis({ url: `redis://127.0.0.1:${port}`, log: silentLog, without: 'alone' });
    const rates = new SharedRates({
      connection: { ...connection, ...change?.(connection) },
      breaker: testBreaker({ failureThreshold: 3, timeoutMs: 200 }, { clock: systemClock }),
      clock: systemClock,
      random: systemRandom,
      metrics: { ...noMetrics, count: (_name, labels) => void settled.push(labels?.['outcome'] ?? '') },
    });
    opened.push(rates);
    await expect
      .poll(
        () =>
          rates.ping().then(
            () => true,
            () => false,
          ),
        { timeout: 20_000 },
      )
      .toBe(true);
    return rates;
  }

  const settlements = (count: number, outcome = 'ok'): Promise<void> =>
    expect
      .poll(() => settled.filter((one) => one === outcome).length, { timeout: 20_000 })
      .toBeGreaterThanOrEqual(count);

  it('are empty for all when one has taken all, and full for who has another name or limit', async () => {
    const [one, other] = [(await open()).bucket('key a', SLOW), (await open()).bucket('key a', SLOW)];
    expect(takeAll(one)).toBe(10);
    await settlements(1);
    // Its own is full until it has heard of the other's.
    expect(other.take()).toBe(0);
    await settlements(2);
    expect(other.take()).toBeGreaterThan(500_000);
    const rates = opened[1]!;
    expect(takeAll(rates.bucket('key b', SLOW))).toBe(10);
    expect(takeAll(rates.bucket('key a', { ...SLOW, burst: 11 }))).toBe(11);
  });

  it('pay back what was taken by several at once', async () => {
    const limit = { perSecond: 1, burst: 10 };
    const [one, other] = [(await open()).bucket('key a', limit), (await open()).bucket('key a', limit)];
    expect(takeAll(one) + takeAll(other)).toBeGreaterThanOrEqual(20);
    await settlements(2);
    // Ten too many, and one more: who told of his last knows of all.
    const waitMs = Math.max(one.take(), other.take());
    expect(waitMs).toBeGreaterThan(5_000);
    expect(waitMs).toBeLessThanOrEqual(13_000);
  });

  it('stand in Redis under names that tell nothing, and go by themselves', async () => {
    const bucket = (await open()).bucket('address 192.0.2.7', { perSecond: 10, burst: 5 });
    bucket.take();
    await settlements(1);
    const keys = await admin.keys('*');
    expect(keys).toEqual([expect.stringMatching(/^context_manager:rate:[\w-]{22}$/)]);
    const ttlMs = await admin.pTTL(keys[0] ?? '');
    expect(ttlMs).toBeGreaterThan(0);
    expect(ttlMs).toBeLessThanOrEqual(1_100);
  });

  it('go on alone where Redis is away, and are shared again when it is back', async () => {
    const bucket = (await open(proxy.port)).bucket('key a', SLOW);
    const other = (await open()).bucket('key a', SLOW);
    await proxy.set({ kind: 'hang' });
    expect(bucket.take()).toBe(0);
    await settlements(1, 'failed');
    expect(takeAll(bucket)).toBe(9);
    await proxy.set({ kind: 'refuse' });
    await proxy.set(PASS);
    takeAll(other);
    await expect
      .poll(
        () =>
          opened[0]!.ping().then(
            () => true,
            () => false,
          ),
        { timeout: 20_000 },
      )
      .toBe(true);
    // Redis knows nothing of the ten: they are not given back by that.
    expect(bucket.take()).toBeGreaterThan(500_000);
    const fresh = opened[0]!.bucket('key a', SLOW);
    await expect.poll(() => fresh.take(), { timeout: 20_000, interval: 100 }).toBeGreaterThan(500_000);
  });

  it('take no reply for theirs that belongs to something else, and connect anew', async () => {
    let reconnected = 0;
    const rates = await open(redis.port, (connection) => ({
      evaluate: async (script, keys, args) => {
        const reply = (await connection.evaluate(script, keys, args)) as string[];
        return ['of another command', ...reply.slice(1)];
      },
      reconnect: () => void reconnected++,
    }));
    const bucket = rates.bucket('key a', SLOW);
    expect(takeAll(bucket)).toBe(10);
    await settlements(1, 'failed');
    expect(reconnected).toBeGreaterThanOrEqual(1);
  });

  it.each([
    ['a list', (key: string) => admin.rPush(key, 'x')],
    ['a text', (key: string) => admin.set(key, 'nonsense')],
    ['infinity', (key: string) => admin.set(key, '1e308')],
  ])('are kept where %s stands under their name', async (_what, write) => {
    const rates = await open();
    const bucket = rates.bucket('key a', SLOW);
    bucket.take();
    await settlements(1);
    const [key = ''] = await admin.keys('*');
    await admin.del(key);
    await write(key);
    bucket.take();
    await settlements(2);
    expect(settled).not.toContain('failed');
    expect(Number(await admin.get(key))).toBeLessThan(Date.now() + 16 * 10 * 1_000_000 + 60_000);
  });

  it('are settled some hundreds at a time, however many there are', async () => {
    const rates = await open();
    for (let n = 0; n < 1_200; n++) rates.bucket(`address ${n}`, SLOW).take();
    await settlements(3);
    await expect.poll(() => admin.dbSize(), { timeout: 20_000 }).toBe(1_200);
  });
});
