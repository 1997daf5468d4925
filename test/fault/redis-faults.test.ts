// What Redis can do to a server: each row is a bad day, on which nobody misses it, and after it all is well without a restart.

import { createClient } from '@redis/client';
import { describe, it, type TestContext } from 'vitest';
import type { HealthReport } from '../../src/fronts/http/health.ts';
import { World } from '../e2e/support/processes.ts';
import { FaultProxy, httpAnswer, type Mood, PASS } from '../support/fault-proxy.ts';
import { ModelService } from '../support/model-service.ts';
import { hasRedis, NEEDS_REDIS, startRedis } from '../support/redis-server.ts';

const DIMENSION = 64;
const MODEL = `letters-${DIMENSION}`;
/** Of a call; long enough for a machine that is five times slower, as calls must succeed. */
const DEADLINE_MS = 15_000;

const ROWS: readonly (readonly [name: string, mood: Mood])[] = [
  ['refuses connections', { kind: 'refuse' }],
  ['hangs', { kind: 'hang' }],
  // A vector is longer than what else comes.
  ['cuts its replies', { kind: 'cut', afterBytes: 220, sparesShorter: true }],
  ['cuts connections before it replies', { kind: 'cut', afterBytes: 0 }],
  ['sends some bytes at a time', { kind: 'slow', pieceBytes: 2, pauseMs: 50 }],
  ['answers garbage', { kind: 'answer', bytes: '\u0000\u0001garbage\r\n\r\n' }],
  ['answers errors', { kind: 'answer', bytes: '-ERR of the test\r\n' }],
  ['answers in HTTP', httpAnswer(500)],
];

/** A server that asks a Redis of its own over a proxy, and a client. Each test has one: most of each is waiting for a circuit. */
async function createRig({ expect, onTestFinished }: TestContext) {
  const world = new World();
  onTestFinished(() => world.cleanUp());
  const service = await ModelService.start();
  onTestFinished(() => service.close());
  const redis = await startRedis();
  onTestFinished(() => redis.stop());
  const admin = createClient({ url: redis.url });
  await admin.connect();
  onTestFinished(() => admin.destroy());
  const proxy = await FaultProxy.start(() => redis.port);
  onTestFinished(() => proxy.close());
  const server = await world.serve(world.folder(), {
    ...service.variables(MODEL),
    EMBEDDING__REDIS_URL: `redis://127.0.0.1:${proxy.port}`,
    // Nothing in memory: every text is asked of Redis.
    EMBEDDING__CACHE_SIZE: '0',
  });
  const client = await server.connect();
  const stored: string[] = [];

  const store = async (text: string): Promise<void> => {
    stored.push((await client.store({ text }, { timeoutMs: DEADLINE_MS })).id);
  };
  /** Finds by vectors, and says so. */
  const find = async (text: string): Promise<void> => {
    const { contexts, metadata } = await client.query({ query: text }, { timeoutMs: DEADLINE_MS });
    expect(contexts[0]?.text).toBe(text);
    expect(metadata.degraded).toEqual([]);
  };
  const health = async (): Promise<unknown> => {
    const response = await fetch(`http://127.0.0.1:${server.httpPort}/health?fresh=1`);
    const { components } = (await response.json()) as Partial<HealthReport>;
    return { code: response.status, cache: components?.['cache']?.status };
  };
  const embedded = (): readonly string[] => service.textsOf(MODEL);
  const isCached = async (text: string): Promise<void> => {
    const asked = () => embedded().filter((each) => each === text).length;
    await expect
      .poll(async () => {
        const before = asked();
        await find(text);
        return asked() - before;
      })
      .toBe(0);
  };
  const isWell = async (text: string): Promise<void> => {
    await isCached(text);
    await expect.poll(health).toEqual({ code: 200, cache: 'healthy' });
    const listed: string[] = [];
    for await (const { id } of client.list({})) listed.push(id);
    expect(listed.toSorted()).toEqual(stored.toSorted());
  };
  /** All that left no rejection that nobody handled. */
  const end = async (): Promise<void> => {
    await client.close();
    const { code, stderr } = await server.end('SIGTERM');
    expect(stderr).not.toMatch(/unhandled|uncaught/i);
    expect(code).toBe(0);
  };
  return { admin, proxy, store, find, health, embedded, isCached, isWell, end };
}

describe.skipIf(!hasRedis).concurrent(`a Redis ${NEEDS_REDIS} that`, () => {
  describe.each(ROWS)('%s', (name, mood) => {
    it('lets stores and queries succeed by the model, and afterwards vectors are shared again', async (context) => {
      const { proxy, store, find, health, isCached, isWell, end } = await createRig(context);
      await store(`before it ${name}`);
      await isCached(`before it ${name}`);
      await proxy.set(mood);
      await Promise.all([store(`while it ${name}`), find(`before it ${name}`)]);
      await context.expect
        .poll(async () => {
          await find(`before it ${name}`);
          return health();
        })
        .toEqual({ code: 200, cache: 'degraded' });
      await proxy.set(PASS);
      // Before its circuit is closed again, which the next line waits for.
      await store(`after it ${name}`);
      await isWell(`after it ${name}`);
      await find(`while it ${name}`);
      await end();
    });
  });

  describe.each([
    ['of another length', (values: readonly Buffer[]) => values.map((value) => value.subarray(4))],
    ['of each other', (values: readonly Buffer[]) => values.map((_, i) => values.at(i - 1) as Buffer)],
    ['that are none', (values: readonly Buffer[]) => values.map(() => Buffer.from('garbage'))],
  ])('gives vectors %s', (name, spoil) => {
    it('is not believed, and they are written anew', async (context) => {
      const { admin, store, find, embedded, isCached, isWell, end } = await createRig(context);
      const texts = ['xylophone', 'mumbling'].map((text) => `${text} ${name}`);
      for (const text of texts) await store(text);
      for (const text of texts) await isCached(text);
      const keys = await admin.keys('*');
      const raw = admin.withTypeMapping({ 36: Buffer });
      const values = (await raw.mGet(keys)) as unknown as Buffer[];
      for (const [i, value] of spoil(values).entries()) await admin.set(keys[i] as string, value);
      for (const text of texts) {
        const before = embedded().length;
        await find(text);
        context.expect(embedded().slice(before)).toEqual([text]);
      }
      for (const text of texts) await isWell(text);
      await end();
    });
  });

  describe.each([
    ['garbage', '\u0000\u0001garbage\r\n', ['jackdaw', 'vermilion', 'quince']],
    ['a reply to nothing', '+OK\r\n', ['bulkhead', 'zeppelin', 'ottoman']],
  ])('sends %s between its replies', (_, bytes, texts) => {
    it('is asked anew over another connection', async (context) => {
      const { proxy, store, find, isCached, isWell, end } = await createRig(context);
      for (const text of texts) await store(text);
      for (const text of texts) await isCached(text);
      // Beside commands under way, where it is taken for one's reply.
      const finding = Promise.all(texts.map(find));
      proxy.inject(bytes);
      await finding;
      proxy.inject(bytes);
      await Promise.all(texts.map(find));
      for (const text of texts) await isWell(text);
      await end();
    });
  });
});
