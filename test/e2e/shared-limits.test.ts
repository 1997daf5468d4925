import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { Client } from '../../clients/typescript/src/index.ts';
import type { HealthReport } from '../../src/fronts/http/health.ts';
import { FaultProxy, PASS } from '../support/fault-proxy.ts';
import { hasRedis, NEEDS_REDIS, startRedis, type RedisServer } from '../support/redis-server.ts';
import { World, type ServerProcess } from './support/processes.ts';

const world = new World();
const running: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  for (const one of running.splice(0)) await one.stop();
});
afterAll(() => world.cleanUp());

const SECRET = 'one secret, the same on every server';

/** What comes back in the time of a test is nothing beside the burst. */
function settings(url: string): Record<string, string> {
  return {
    PROTOCOL_SECRET: SECRET,
    RATE_LIMIT__ENABLED: 'true',
    RATE_LIMIT__REQUESTS_PER_MINUTE: '0.6',
    RATE_LIMIT__BURST_SIZE: '40',
    RATE_LIMIT__REDIS_URL: url,
  };
}

async function redisServer(password?: string): Promise<RedisServer> {
  const redis = await startRedis(password);
  running.push(redis);
  return redis;
}

async function client(server: ServerProcess): Promise<Client> {
  const connected = await server.connect({ secret: SECRET });
  running.push({ stop: () => connected.close({ timeoutMs: 0 }) });
  return connected;
}

async function outcomeOf(asker: Client): Promise<string> {
  // A refused request is tried again by the client until its time is over, which is at once.
  return asker.ping({ timeoutMs: 5_000 }).then(
    () => 'ok',
    (error: unknown) => (error as { code: string }).code,
  );
}

/** How many get through before one is refused; with a pause behind each, in which servers hear of each other. */
async function passing(asker: Client, atMost: number): Promise<number> {
  for (let passed = 0; passed < atMost; passed++) {
    if ((await outcomeOf(asker)) !== 'ok') return passed;
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  return atMost;
}

async function health(server: ServerProcess): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${server.httpPort}/health?fresh=1`);
  const { components } = (await response.json()) as Partial<HealthReport>;
  return { code: response.status, rate_limit: components?.['rate_limit']?.status };
}

const WELL = { code: 200, rate_limit: 'healthy' };
const ALONE = { code: 200, rate_limit: 'degraded' };

describe.skipIf(!hasRedis)(`a limit that servers share over Redis ${NEEDS_REDIS}`, () => {
  it('is one for both, and each counts for itself when Redis dies, until it is back', {
    timeout: 240_000,
  }, async () => {
    const redis = await redisServer('hunter2');
    const variables = settings(redis.url.replace('redis://', 'redis://:hunter2@'));
    const [one, other] = [await world.serve(world.folder(), variables), await world.serve(world.folder(), variables)];
    for (const server of [one, other]) await expect.poll(() => health(server), { timeout: 20_000 }).toEqual(WELL);
    const [first, second] = [await client(one), await client(other)];
    expect(await passing(first, 40)).toBe(40);
    expect(await outcomeOf(first)).toBe('RATE_LIMITED');
    // The other's own would let forty through.
    expect(await passing(second, 40)).toBeLessThan(20);

    await redis.stop();
    await expect.poll(() => health(one), { timeout: 20_000 }).toEqual(ALONE);
    const third = await world.serve(world.folder(), variables);
    const late = await client(third);
    expect(await passing(late, 40)).toBe(40);
    expect(await outcomeOf(late)).toBe('RATE_LIMITED');
    await redis.start();
    await expect.poll(() => health(third), { timeout: 60_000 }).toEqual(WELL);
    // Redis has forgotten all: what the server took while it was alone counts all the same.
    expect(await outcomeOf(late)).toBe('RATE_LIMITED');
    for (const server of [one, other, third]) {
      const { code, stderr } = await server.end('SIGTERM');
      expect(code).toBe(0);
      expect(stderr).not.toContain('hunter2');
    }
  });

  it('keeps nobody waiting for a Redis that hangs', { timeout: 240_000 }, async () => {
    const redis = await redisServer();
    const proxy = await FaultProxy.start(() => redis.port);
    running.push({ stop: () => proxy.close() });
    const server = await world.serve(world.folder(), settings(`redis://127.0.0.1:${proxy.port}`));
    await expect.poll(() => health(server), { timeout: 20_000 }).toEqual(WELL);
    const asker = await client(server);
    expect(await outcomeOf(asker)).toBe('ok');
    await proxy.set({ kind: 'hang' });
    const rest = await Promise.all(Array.from({ length: 39 }, () => outcomeOf(asker)));
    expect(new Set(rest)).toEqual(new Set(['ok']));
    expect(await outcomeOf(asker)).toBe('RATE_LIMITED');
    await expect.poll(() => health(server), { timeout: 20_000 }).toEqual(ALONE);
    const metrics = async () => (await fetch(`http://127.0.0.1:${server.httpPort}/metrics`)).text();
    await expect.poll(metrics).toMatch(/rate_limit_settlements_total\{outcome="failed"\} \d/);
    await proxy.set(PASS);
    await expect.poll(() => health(server), { timeout: 60_000 }).toEqual(WELL);
    const { stderr } = await server.end('SIGTERM');
    expect(stderr.split('Redis is away: each server counts requests for itself')).toHaveLength(2);
  });
});
