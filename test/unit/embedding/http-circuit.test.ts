import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { systemRandom } from '../../../src/base/random.ts';
import { Circuits } from '../../../src/base/resilience/circuits.ts';
import { defaultSettings } from '../../../src/config/settings.ts';
import { openEmbedding, type OpenedProvider } from '../../../src/drivers.ts';
import { createMetricsRegistry, type MetricsRegistry } from '../../../src/fronts/http/metrics.ts';
import { FakeClock } from '../../support/fake-clock.ts';

/** None of them is a default. */
const CIRCUIT = { failureThreshold: 3, successThreshold: 1, timeoutSecs: 20, windowSecs: 3600 };
const REFUSED = { code: 'EMBEDDING_UNAVAILABLE', retryable: true };
const DIMENSION = 64;

describe('the circuit of an embedding service', () => {
  let server: Server;
  let requests: number;
  /** What the service answers: vectors, an error, or nothing. */
  let mood: number | 'silent';
  let clock: FakeClock;
  let metrics: MetricsRegistry;
  let apiUrl: string;
  beforeEach(async () => {
    requests = 0;
    mood = 200;
    clock = new FakeClock();
    metrics = createMetricsRegistry();
    server = createServer((request, response) => {
      requests++;
      request.resume();
      if (mood === 'silent') return;
      const embedding = Array.from({ length: DIMENSION }, () => 1);
      response.writeHead(mood).end(JSON.stringify({ data: [{ index: 0, embedding }] }));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  });
  afterEach(() => {
    metrics.close();
    server.closeAllConnections();
    server.close();
  });

  const open = (maxRetries: number): Promise<OpenedProvider> => {
    const { embedding, vectorDb } = defaultSettings();
    const own = { provider: 'http', apiUrl, model: 'test', maxRetries, circuit: CIRCUIT } as const;
    const settings = { embedding: { ...embedding, ...own }, vectorDb: { ...vectorDb, vectorSize: DIMENSION } };
    return openEmbedding(settings, {
      clock,
      random: systemRandom,
      log: silentLog,
      metrics,
      circuits: new Circuits(),
      fetch,
    });
  };
  const embed = (provider: OpenedProvider, signal?: AbortSignal) => {
    const embedding = provider.embed(['a text'], 'query', signal);
    // The window in which calls find each other.
    clock.advance(2);
    return embedding;
  };
  const state = async () => /^context_manager_circuit_state\{backend="embedding"\} (\d)$/m.exec(await metrics.render());
  const failTimes = async (provider: OpenedProvider, times: number): Promise<void> => {
    for (let i = 0; i < times; i++) await expect(embed(provider)).rejects.toMatchObject(REFUSED);
  };

  it.each([500, 503, 429, 408])(
    'opens where it answers %i, sends nothing while it is open, and recovers by itself',
    async (status) => {
      const provider = await open(0);
      mood = status;
      await failTimes(provider, 3);
      expect((await state())?.[1]).toBe('2');
      mood = 200;
      await expect(embed(provider)).rejects.toMatchObject({ ...REFUSED, retryAfterMs: 19_998 });
      await failTimes(provider, 10);
      expect(requests).toBe(3);
      clock.advance(20_000);
      expect((await state())?.[1]).toBe('1');
      expect(await embed(provider)).toEqual([expect.any(Float32Array)]);
      expect((await state())?.[1]).toBe('0');
    },
  );

  it('does not open for texts that it refuses, nor for settings that are wrong', async () => {
    const provider = await open(0);
    for (mood of [400, 413, 422, 401, 404]) {
      for (let i = 0; i < 4; i++) await embed(provider).catch(() => undefined);
    }
    expect((await state())?.[1]).toBe('0');
    expect(requests).toBe(20);
  });

  it('counts each attempt of a call, and ends its attempts when it opens', async () => {
    mood = 500;
    const embedding = embed(await open(10));
    let isOver = false;
    void embedding.catch(() => undefined).finally(() => (isOver = true));
    await expect
      .poll(() => {
        clock.advance(500);
        return isOver;
      })
      .toBe(true);
    await expect(embedding).rejects.toMatchObject(REFUSED);
    await expect(embedding).rejects.toThrow('left alone');
    expect(requests).toBe(3);
  });

  it('counts nobody who stops waiting, and tries again after a probe whose caller did', async () => {
    const provider = await open(0);
    const giveUp = async (): Promise<void> => {
      const before = requests;
      const controller = new AbortController();
      const embedding = embed(provider, controller.signal);
      await expect.poll(() => requests).toBe(before + 1);
      controller.abort();
      await expect(embedding).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    };
    mood = 'silent';
    for (let i = 0; i < 4; i++) await giveUp();
    expect((await state())?.[1]).toBe('0');
    mood = 500;
    await failTimes(provider, 3);
    clock.advance(20_000);
    mood = 'silent';
    await giveUp();
    mood = 200;
    await expect.poll(() => embed(provider).catch(() => 'not yet')).toEqual([expect.any(Float32Array)]);
    expect((await state())?.[1]).toBe('0');
  });
});
