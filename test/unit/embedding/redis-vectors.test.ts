import { createClient } from '@redis/client';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { systemClock, type Clock } from '../../../src/base/clock.ts';
import { type Log, silentLog } from '../../../src/base/log.ts';
import { noMetrics, type Metrics } from '../../../src/base/metrics.ts';
import { withCache, type CachedEmbeddingProvider } from '../../../src/embedding/cache.ts';
import { onlyVectors, type EmbeddingKind, type EmbeddingProvider } from '../../../src/embedding/provider.ts';
import { connectRedis } from '../../../src/base/redis-connection.ts';
import { RedisVectors, type RedisVectorsOptions } from '../../../src/embedding/redis-vectors.ts';
import { hasRedis, NEEDS_REDIS, startRedis, type RedisServer } from '../../support/redis-server.ts';
import { testBreaker } from '../../support/test-breaker.ts';

const DIMENSION = 4;
/** For hangs alone. */
const PATIENT_MS = 60_000;
const NEVER = new AbortController().signal;

/** Anyone's model; it knows how often it was asked. */
class Model implements EmbeddingProvider {
  readonly id = 'model';
  readonly dimension = DIMENSION;
  readonly kind = 'semantic' as const;
  readonly asked: string[] = [];

  embed(texts: readonly string[]): Promise<Float32Array[]> {
    this.asked.push(...texts);
    return Promise.resolve(texts.map((text) => Float32Array.of(text.length, 1, 0, 0)));
  }
}

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

interface Shared {
  readonly vectors: RedisVectors;
  readonly counted: Record<string, number>;
}

async function shared(url: string, options: Partial<RedisVectorsOptions> = {}, log: Log = silentLog): Promise<Shared> {
  const counted: Record<string, number> = {};
  const metrics: Metrics = {
    ...noMetrics,
    count(_name, labels, by = 1) {
      const outcome = labels?.['outcome'] ?? '';
      counted[outcome] = (counted[outcome] ?? 0) + by;
    },
  };
  const vectors = new RedisVectors({
    connection: await connectRedis({ url, log, without: 'texts are embedded without the shared cache' }),
    model: 'model',
    dimension: DIMENSION,
    ttlMs: PATIENT_MS,
    breaker: testBreaker(),
    clock: systemClock,
    metrics,
    timeLimitMs: PATIENT_MS,
    ...options,
  });
  open.push(vectors);
  return { vectors, counted };
}

async function answering(url: string, options: Partial<RedisVectorsOptions> = {}, log?: Log): Promise<Shared> {
  const made = await shared(url, options, log);
  await expect
    .poll(() =>
      made.vectors.ping().then(
        () => true,
        () => false,
      ),
    )
    .toBe(true);
  return made;
}

/** A server with a memory of its own before the shared one. */
async function server(url: string, model: EmbeddingProvider, options: Partial<RedisVectorsOptions> = {}) {
  const { vectors, counted } = await answering(url, options);
  const cache = withCache(model, { maxEntries: 100, ttlMs: PATIENT_MS }, systemClock, noMetrics, vectors);
  return { cache, counted, vectors };
}

function embed(cache: CachedEmbeddingProvider, namespace: string, texts: readonly string[], kind: EmbeddingKind) {
  return cache
    .embed(
      texts.map((text) => ({ namespace, text })),
      kind,
    )
    .then(onlyVectors);
}

describe.skipIf(!hasRedis)(`vectors in Redis ${NEEDS_REDIS}`, () => {
  let redis: RedisServer;
  let client: ReturnType<typeof createClient>;
  beforeAll(async () => {
    redis = await startRedis();
    client = createClient({ url: redis.url });
    await client.connect();
  });
  afterAll(async () => {
    client.destroy();
    await redis.stop();
  });
  beforeEach(async () => void (await client.flushAll()));

  const keys = async (count: number): Promise<string[]> => {
    await expect.poll(() => client.dbSize()).toBe(count);
    return client.keys('*');
  };

  it('are found by every server, and embedded once', async () => {
    const model = new Model();
    const [one, other] = [await server(redis.url, model), await server(redis.url, model)];
    const stored = await embed(one.cache, 'n', ['a', 'bb'], 'passage');
    await keys(2);
    expect(await embed(other.cache, 'n', ['bb', 'ccc', 'a'], 'passage')).toEqual([
      stored[1],
      expect.any(Float32Array),
      stored[0],
    ]);
    expect(model.asked).toEqual(['a', 'bb', 'ccc']);
    expect(other.counted).toMatchObject({ hit: 2, miss: 1 });
    // What came from there is in memory from then on.
    await embed(other.cache, 'n', ['a'], 'passage');
    expect(other.counted).toMatchObject({ hit: 2 });
  });

  it('are apart by kind, namespace, model and dimension', async () => {
    const model = new Model();
    await embed((await server(redis.url, model)).cache, 'n', ['a'], 'passage');
    await keys(1);
    await embed((await server(redis.url, model)).cache, 'n', ['a'], 'query');
    await embed((await server(redis.url, model)).cache, 'm', ['a'], 'passage');
    await embed((await server(redis.url, model, { model: 'another' })).cache, 'n', ['a'], 'passage');
    const wide = await shared(redis.url, { dimension: 8 });
    expect(await wide.vectors.get(['n passage a'], NEVER)).toEqual([undefined]);
    expect(model.asked).toEqual(['a', 'a', 'a', 'a']);
    await keys(4);
  });

  it('stand there without a text or a name, and for their time', async () => {
    const { cache } = await server(redis.url, new Model(), { ttlMs: 50_000 });
    await embed(cache, 'secret-namespace', ['hunter2', `hunter2${' long'.repeat(1000)}`], 'passage');
    for (const key of await keys(2)) {
      expect(key).toMatch(/^context_manager:embedding(:[\w-]{22}){2}:[\w-]{43}$/);
      expect(await client.strLen(key)).toBe(DIMENSION * 4 + 16);
      expect(await client.pTTL(key)).toBeGreaterThan(0);
      expect(await client.pTTL(key)).toBeLessThanOrEqual(50_000);
    }
  });

  it('that nobody can have written are ignored and written anew', async () => {
    const model = new Model();
    const good = await embed((await server(redis.url, model)).cache, 'n', ['a'], 'passage');
    const [key] = await keys(1);
    const sealed = (...numbers: readonly number[]): Buffer =>
      Buffer.concat([floats(...numbers), Buffer.from((key as string).slice(-16))]);
    const foreign: Buffer[] = [
      Buffer.alloc(0),
      Buffer.from('text'),
      Buffer.alloc(DIMENSION * 4 + 1, 1),
      Buffer.alloc(DIMENSION * 4),
      sealed(Number.NaN, 1, 0, 0),
      sealed(Infinity, 1, 0, 0),
      sealed(3, 4, 0, 0),
      sealed(1, 0, 0),
      // A vector, without its key or with that of another.
      floats(1, 0, 0, 0),
      Buffer.concat([floats(1, 0, 0, 0), Buffer.alloc(16, 'x')]),
    ];
    for (const value of foreign) {
      await client.set(key as string, value);
      const { cache, counted } = await server(redis.url, model);
      expect(await embed(cache, 'n', ['a'], 'passage')).toEqual(good);
      expect(counted).toMatchObject({ foreign: 1, miss: 1 });
      await expect.poll(() => client.pTTL(key as string)).toBeGreaterThan(0);
    }
    // Neither is a value of another type, which Redis takes for none.
    await client.del(key as string);
    await client.lPush(key as string, 'x');
    expect(await embed((await server(redis.url, model)).cache, 'n', ['a'], 'passage')).toEqual(good);
  });

  it('go in and out by the hundreds, in order', async () => {
    const model = new Model();
    const texts = Array.from({ length: 500 }, (_, i) => 'x'.repeat(i + 1));
    const stored = await embed((await server(redis.url, model)).cache, 'n', texts, 'passage');
    await keys(500);
    const { cache, counted } = await server(redis.url, model);
    expect(await embed(cache, 'n', texts.toReversed(), 'passage')).toEqual(stored.toReversed());
    expect(counted).toEqual({ hit: 500 });
  });

  it('are cleared with the memory, those of this model and nothing else', async () => {
    const { cache } = await server(redis.url, new Model());
    await embed(cache, 'n', ['a', 'b'], 'passage');
    await embed((await server(redis.url, new Model(), { model: 'another' })).cache, 'n', ['a'], 'passage');
    await client.set('of another program', '1');
    await keys(4);
    expect(await cache.clear()).toBe(2);
    expect((await keys(2)).filter((key) => key === 'of another program')).toHaveLength(1);
  });

  it('are done without while Redis is away, and used again when it is back', async () => {
    const own = await startRedis('hunter2');
    open.push({ close: () => own.stop() });
    const log = new Lines();
    const url = own.url.replace('redis://', 'redis://:hunter2@');
    const { vectors, counted } = await answering(url, {}, log);
    const model = new Model();
    const cache = withCache(model, { maxEntries: 0, ttlMs: 1 }, systemClock, noMetrics, vectors);
    await embed(cache, 'n', ['a'], 'passage');
    await expect.poll(() => vectors.get(['n passage a'], NEVER)).toEqual([expect.any(Float32Array)]);
    await own.stop();
    await expect
      .poll(() =>
        vectors.ping().then(
          () => true,
          () => false,
        ),
      )
      .toBe(false);
    await embed(cache, 'n', ['a'], 'passage');
    await embed(cache, 'n', ['a'], 'passage');
    expect(model.asked).toEqual(['a', 'a', 'a']);
    expect(counted).toMatchObject({ skipped: 2 });
    await expect(cache.clear()).rejects.toMatchObject({ code: 'EMBEDDING_UNAVAILABLE' });
    await own.start();
    await expect
      .poll(() =>
        vectors.ping().then(
          () => true,
          () => false,
        ),
      )
      .toBe(true);
    await embed(cache, 'n', ['a'], 'passage');
    await expect.poll(() => vectors.get(['n passage a'], NEVER)).toEqual([expect.any(Float32Array)]);
    expect(log.lines.filter(({ message }) => message.startsWith('Redis is away'))).toHaveLength(1);
    expect(log.lines.filter(({ message }) => message === 'Redis answers again')).toHaveLength(1);
    expect(JSON.stringify(log.lines)).not.toContain('hunter2');
  });

  it('are done without where the password is wrong, which is said without it', async () => {
    const own = await startRedis('right');
    open.push({ close: () => own.stop() });
    const log = new Lines();
    const { vectors } = await shared(own.url.replace('redis://', 'redis://:hunter2@'), {}, log);
    await expect.poll(() => log.lines.length).toBe(1);
    expect(log.lines[0]).toMatchObject({ fields: { reason: 'WRONGPASS' } });
    expect(await vectors.get(['n passage a'], NEVER)).toEqual([undefined]);
    expect(JSON.stringify(log.lines)).not.toContain('hunter2');
  });
});

describe('a Redis that takes connections and says nothing', () => {
  let silent: Server;
  const sockets: Socket[] = [];
  let url = '';
  beforeAll(async () => {
    silent = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
    await once(silent, 'listening');
    url = `redis://127.0.0.1:${(silent.address() as AddressInfo).port}`;
  });
  afterAll(() => {
    for (const socket of sockets) socket.destroy();
    silent.close();
  });

  it('is passed over', async () => {
    const { vectors, counted } = await shared(url);
    expect(await vectors.get(['n passage a', 'n passage b'], NEVER)).toEqual([undefined, undefined]);
    vectors.put(['n passage a'], [Float32Array.of(1, 0, 0, 0)]);
    expect(counted).toMatchObject({ skipped: 2 });
  });
});

describe('a Redis whose answers do not come', () => {
  const hanging = {
    getAll: () => new Promise<never>(() => undefined),
    set: () => new Promise<never>(() => undefined),
    dropAll: () => new Promise<never>(() => undefined),
    ping: () => new Promise<never>(() => undefined),
    close: () => Promise.resolve(),
  };

  it('is waited for until the time limit, thrice, and then not asked', async () => {
    const timers: (() => void)[] = [];
    const clock: Clock = {
      ...systemClock,
      after(_ms, task) {
        timers.push(task);
        return () => undefined;
      },
    };
    const breaker = testBreaker({ failureThreshold: 3 });
    const { vectors, counted } = await shared('redis://127.0.0.1:1', { connection: hanging, clock, breaker });
    for (let i = 0; i < 3; i++) {
      const got = vectors.get(['n passage a'], NEVER);
      await expect.poll(() => timers.length).toBe(i + 1);
      timers[i]?.();
      expect(await got).toEqual([undefined]);
    }
    expect(await vectors.get(['n passage a'], NEVER)).toEqual([undefined]);
    expect(timers).toHaveLength(3);
    expect(counted).toEqual({ skipped: 4 });
  });

  it('holds no request up that is over, which counts neither for nor against it', async () => {
    const breaker = testBreaker({ failureThreshold: 1 });
    const { vectors } = await shared('redis://127.0.0.1:1', { connection: hanging, breaker });
    const gone = new AbortController();
    const got = vectors.get(['n passage a'], gone.signal);
    gone.abort();
    expect(await got).toEqual([undefined]);
    expect(breaker.state).toBe('closed');
  });

  it('is given only so many bytes to keep at a time', async () => {
    let sets = 0;
    const connection = { ...hanging, set: () => (sets++, new Promise<never>(() => undefined)) };
    const { vectors } = await shared('redis://127.0.0.1:1', { connection, dimension: 8192 });
    const vector = new Float32Array(8192);
    for (let i = 0; i < 1000; i++) vectors.put([`n passage ${i}`], [vector]);
    expect(sets).toBe(512);
  });
});

function floats(...numbers: readonly number[]): Buffer {
  const bytes = Buffer.alloc(numbers.length * 4);
  numbers.forEach((number, i) => bytes.writeFloatLE(number, i * 4));
  return bytes;
}

class Lines implements Log {
  readonly lines: { fields: object; message: string }[] = [];
  readonly #add = (fields: object, message: string): void => void this.lines.push({ fields, message });
  readonly debug = this.#add;
  readonly info = this.#add;
  readonly warn = this.#add;
  readonly error = this.#add;
  child(): Log {
    return this;
  }
}
