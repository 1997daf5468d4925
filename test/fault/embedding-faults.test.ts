// What an embedding service can do to a server: each row is a bad day, and after it all is well without a restart.

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { Client } from '../../clients/typescript/src/index.ts';
import { FaultProxy, httpAnswer, PASS, type Mood } from '../support/fault-proxy.ts';
import { ModelService } from '../support/model-service.ts';
import { cliVariables, type ServerProcess, World } from '../e2e/support/processes.ts';

const MODEL = 'letters-64';
/** Of a call. The service is given one second. */
const DEADLINE_MS = 4_000;
/** What a call may take beyond its deadline on a machine that is five times slower. */
const GRACE_MS = 5_000;
const UNAVAILABLE = /^(EMBEDDING_UNAVAILABLE|DEADLINE_EXCEEDED|TIMEOUT)$/;
const WRONG_DIMENSION = JSON.stringify({ data: [{ index: 0, embedding: Array.from({ length: 63 }, () => 1) }] });
const NO_NUMBERS = JSON.stringify({ data: [{ index: 0, embedding: Array.from({ length: 64 }, () => null) }] });

const ROWS: readonly (readonly [name: string, mood: Mood, retryable: boolean])[] = [
  ['refuses connections', { kind: 'refuse' }, true],
  ['hangs', { kind: 'hang' }, true],
  ['cuts its replies', { kind: 'cut', afterBytes: 120 }, true],
  ['cuts connections before it replies', { kind: 'cut', afterBytes: 0 }, true],
  ['answers 500', httpAnswer(500), true],
  ['answers 429', httpAnswer(429), true],
  ['answers 429 and asks for a minute', httpAnswer(429, '', ['retry-after: 60']), true],
  ['sends some bytes at a time', { kind: 'slow', pieceBytes: 2, pauseMs: 50 }, true],
  ['answers garbage', { kind: 'answer', bytes: '\u0000\u0001garbage\r\n\r\n' }, true],
  ['answers what is no JSON', httpAnswer(200, '<html>'), true],
  ['answers vectors of another length', httpAnswer(200, WRONG_DIMENSION), false],
  ['answers vectors without numbers', httpAnswer(200, NO_NUMBERS), true],
];

describe('an embedding service that', () => {
  const world = new World();
  const stored: string[] = [];
  let service: ModelService;
  let proxy: FaultProxy;
  let server: ServerProcess;
  let client: Client;
  beforeAll(async () => {
    service = await ModelService.start();
    const variables = service.variables(MODEL);
    const target = Number(new URL(variables['EMBEDDING__API_URL'] as string).port);
    proxy = await FaultProxy.start(() => target);
    server = await world.serve(world.folder(), {
      ...variables,
      EMBEDDING__API_URL: `http://127.0.0.1:${proxy.port}/v1`,
      EMBEDDING__TIMEOUT_SECS: '1',
      EMBEDDING__MAX_RETRIES: '1',
      EMBEDDING__CIRCUIT__TIMEOUT_SECS: '0.5',
    });
    client = await server.connect();
  });
  afterAll(async () => {
    await client.close({ timeoutMs: 0 });
    await world.cleanUp();
    await proxy.close();
    service.close();
  });

  afterEach(() => proxy.set(PASS));

  const store = async (text: string, timeoutMs = 30_000): Promise<void> => {
    const { id } = await client.store({ text }, { timeoutMs });
    stored.push(id);
  };
  const timed = async <T>(call: Promise<T>): Promise<{ outcome: PromiseSettledResult<T>; tookMs: number }> => {
    const startedMs = performance.now();
    const [outcome] = await Promise.allSettled([call]);
    return { outcome, tookMs: performance.now() - startedMs };
  };

  it.each(ROWS)(
    '%s: stores fail and store nothing, queries answer by words, all is well afterwards',
    async (name, mood, retryable) => {
      await store(`before it ${name}`);
      await proxy.set(mood);
      const [storing, asking] = await Promise.all([
        timed(client.store({ text: `while it ${name}` }, { timeoutMs: DEADLINE_MS })),
        timed(client.query({ query: `before it ${name}` }, { timeoutMs: DEADLINE_MS })),
      ]);
      // The last of the client's attempts may have had less than a second.
      expect(storing.outcome).toMatchObject({
        reason: { code: expect.stringMatching(UNAVAILABLE) as string, retryable },
      });
      expect(asking.outcome).toMatchObject({ status: 'fulfilled' });
      for (const { tookMs } of [storing, asking]) expect(tookMs).toBeLessThan(DEADLINE_MS + GRACE_MS);
      if (asking.outcome.status === 'fulfilled') {
        const { contexts, metadata } = asking.outcome.value;
        expect(contexts.map(({ text }) => text)).toContain(`before it ${name}`);
        expect(new Set(metadata.degraded.map(({ code }) => code))).toEqual(new Set(['EMBEDDING_UNAVAILABLE']));
      }
      await proxy.set(PASS);
      await store(`after it ${name}`);
      await expect
        .poll(async () => (await client.query({ query: `after it ${name} ?` })).metadata.degraded, { timeout: 30_000 })
        .toEqual([]);
      const listed: string[] = [];
      for await (const { id } of client.list({})) listed.push(id);
      expect(listed.toSorted()).toEqual(stored.toSorted());
    },
  );

  it('stays away is left alone, which is shown, and asked again when its circuit is reset', async () => {
    const patient = await world.serve(world.folder(), {
      ...service.variables(MODEL),
      EMBEDDING__API_URL: `http://127.0.0.1:${proxy.port}/v1`,
    });
    const other = await patient.connect();
    await proxy.set({ kind: 'refuse' });
    const failing = () => other.store({ text: 'refused' }, { timeoutMs: 300 }).catch((error: unknown) => error);
    const health = async () =>
      ((await (await fetch(`http://127.0.0.1:${patient.httpPort}/health`)).json()) as { components: unknown })
        .components;
    await expect
      .poll(async () => {
        await failing();
        return health();
      })
      .toMatchObject({ embedding: { status: 'unhealthy', state: 'open' }, vector_database: { status: 'healthy' } });
    expect(await failing()).toMatchObject({ code: 'EMBEDDING_UNAVAILABLE', retryable: true });
    await proxy.set(PASS);
    expect(await failing()).toMatchObject({ code: 'EMBEDDING_UNAVAILABLE' });
    const args = ['circuit', 'reset', 'embedding'];
    const { code, stdout } = await world.run(args, world.folder(), cliVariables(patient));
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'the circuit of embedding is closed\n' });
    await other.store({ text: 'taken at once' }, { timeoutMs: 30_000 });
    await expect(other.resetCircuit({ backend: 'vector_db' })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const none = await world.run(['circuit', 'reset', 'vector_db'], world.folder(), cliVariables(patient));
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('only over Qdrant') as string });
    await other.close();
  });

  it('did all that left no rejection that nobody handled', async () => {
    await client.close();
    const { code, stderr } = await server.end('SIGTERM');
    expect(stderr).not.toMatch(/unhandled|uncaught/i);
    expect(code).toBe(0);
  });
});
