import { request, type IncomingMessage } from 'node:http';
import { connect, createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Clock } from '../../../../src/base/clock.ts';
import { systemClock } from '../../../../src/base/clock.ts';
import { CodedError, StartupError } from '../../../../src/base/errors.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { Circuits } from '../../../../src/base/resilience/circuits.ts';
import { PassingFault } from '../../../../src/base/resilience/passing-fault.ts';
import { encryptionOf, type JobState } from '../../../../src/fronts/http/components.ts';
import { createHealth, type Health, type RunningSources } from '../../../../src/fronts/http/health.ts';
import { startHttpListener, type HttpListener } from '../../../../src/fronts/http/http.ts';
import { createMetricsRegistry } from '../../../../src/fronts/http/metrics.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { testBreaker } from '../../../support/test-breaker.ts';

const open: { close(): unknown }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

interface World {
  starting?: boolean;
  storeAnswers?: () => Promise<unknown>;
  embedderAnswers?: (signal: AbortSignal) => Promise<unknown>;
  isEmbedderDispensable?: boolean;
  sharedCacheAnswers?: () => Promise<unknown>;
  eventLoopDelaySeconds?: number;
  jobs?: readonly JobState[];
  circuits?: Circuits;
  clock?: Clock;
}

async function start(world: World = {}): Promise<{ url: string; health: Health; listener: HttpListener }> {
  const metrics = createMetricsRegistry();
  const { clock = systemClock, sharedCacheAnswers } = world;
  const health = createHealth({
    eventLoopDelaySeconds: () => world.eventLoopDelaySeconds ?? 0,
    circuits: world.circuits ?? new Circuits(),
    clock,
    version: '1.2.3',
  });
  if (world.starting !== true) {
    health.embedding({
      embedderAnswers: world.embedderAnswers ?? (() => Promise.resolve([])),
      isDispensable: world.isEmbedderDispensable ?? false,
      sharedCacheAnswers,
    });
    health.running(runningOf(world));
  }
  const allowedHosts = ['memory.example'];
  const at = { host: '127.0.0.1', port: 0, allowedHosts };
  const listener = await startHttpListener({ ...at, health, metrics, clock, log: silentLog });
  open.push(metrics, listener);
  return { url: `http://127.0.0.1:${listener.port}`, health, listener };
}

function runningOf(world: World): RunningSources {
  return {
    storeAnswers: world.storeAnswers ?? (() => Promise.resolve(true)),
    cacheEntries: () => 7,
    jobs: () => world.jobs ?? [],
    backlog: () => ({ pending: 0, refused: 0 }),
  };
}

async function ask(url: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(url);
  return { status: response.status, body: await response.json() };
}

/** A clock that stands until it is moved; its timers run when it is. */
function standingClock(): Clock & { move(ms: number): void } {
  let nowMs = 0;
  const timers: { atMs: number; task: () => void }[] = [];
  return {
    nowMs: () => nowMs,
    monotonicMs: () => nowMs,
    after(delayMs, task) {
      const timer = { atMs: nowMs + delayMs, task };
      timers.push(timer);
      return () => void timers.splice(timers.indexOf(timer), 1);
    },
    every: () => () => undefined,
    move(ms) {
      nowMs += ms;
      for (const timer of [...timers]) if (timer.atMs <= nowMs) timer.task();
    },
  };
}

describe('health', () => {
  it('is well where store and embedder answer', async () => {
    const { url } = await start();
    const { status, body } = await ask(`${url}/health`);
    expect(status).toBe(200);
    expect(body).toEqual({
      status: 'healthy',
      phase: 'running',
      version: '1.2.3',
      uptime_ms: expect.any(Number) as number,
      components: {
        embedding: { status: 'healthy' },
        vector_database: { status: 'healthy' },
        cache: { status: 'healthy', entries: 7 },
        disk: { status: 'healthy' },
        event_loop: { status: 'healthy', delay_p99_ms: 0 },
        jobs: { status: 'healthy', failing: 0 },
        threads: { status: 'healthy', failing: 0 },
        embedding_backlog: { status: 'healthy', pending: 0, refused: 0 },
      },
    });
    for (const path of ['liveness', 'live'])
      expect(await ask(`${url}/health/${path}`)).toEqual({ status: 200, body: { status: 'alive' } });
    for (const path of ['readiness', 'ready'])
      expect(await ask(`${url}/health/${path}`)).toEqual({ status: 200, body: { ready: true } });
  });

  it('names what fails, without its words, and stays alive', async () => {
    const { url } = await start({
      storeAnswers: () => Promise.reject(new Error('key hunter3 refused')),
      embedderAnswers: () => Promise.reject(new Error('token hunter2 refused')),
    });
    const { status, body } = await ask(`${url}/health`);
    expect(status).toBe(503);
    expect(body).toMatchObject({
      status: 'unhealthy',
      components: { vector_database: { status: 'unhealthy' }, embedding: { status: 'unhealthy' } },
    });
    expect(JSON.stringify(body)).not.toContain('hunter');
    expect(await ask(`${url}/health/readiness`)).toEqual({
      status: 503,
      body: { ready: false, reason: 'the store did not answer' },
    });
    expect((await ask(`${url}/health/liveness`)).status).toBe(200);
  });

  it.each([
    ['the store takes no writes: the disk failed', 'the store takes no writes: the disk failed'],
    ['Qdrant is not there', 'the store did not answer: Qdrant is not there'],
  ])('says why the store is not ready in the words that clients get: %s', async (message, reason) => {
    const { url } = await start({ storeAnswers: () => Promise.reject(new CodedError('STORE_UNAVAILABLE', message)) });
    expect(await ask(`${url}/health/ready`)).toEqual({ status: 503, body: { ready: false, reason } });
  });

  it.each([
    [
      { keyId: null, resealing: null },
      { status: 'healthy', mode: 'off' },
    ],
    [
      { keyId: '01234567', resealing: { done: 3, total: 9 } },
      { status: 'degraded', mode: 'aes-256-gcm', key_id: '01234567', resealed: 3, of: 9 },
    ],
  ])('tells whether what is stored is sealed, and how far: %j', (state, component) => {
    expect(encryptionOf(state)).toMatchObject(component);
  });

  it('tells of each backend how it is, and how its circuit stands where it has one', async () => {
    const clock = new FakeClock();
    const breaker = testBreaker({ failureThreshold: 1, timeoutMs: 60_000 }, { clock });
    const circuits = new Circuits();
    circuits.add(breaker);
    const { url } = await start({ circuits });
    const components = async () => ((await ask(`${url}/health`)).body as { components: unknown }).components;
    expect(await components()).toMatchObject({
      embedding: { status: 'healthy' },
      vector_database: { status: 'healthy', state: 'closed' },
    });
    await breaker.run(() => Promise.reject(new PassingFault('STORE_UNAVAILABLE', 'down'))).catch(() => undefined);
    expect(await components()).toMatchObject({ vector_database: { status: 'unhealthy', state: 'open' } });
    clock.advance(60_000);
    expect(await components()).toMatchObject({ vector_database: { status: 'degraded', state: 'half_open' } });
  });

  it('calls a backend unhealthy that does not answer', async () => {
    const { url } = await start({ embedderAnswers: () => Promise.reject(new Error('down')) });
    expect((await ask(`${url}/health`)).body).toMatchObject({
      status: 'unhealthy',
      components: {
        embedding: { status: 'unhealthy', reason: 'did not answer' },
        vector_database: { status: 'healthy' },
      },
    });
  });

  it('is ready without the embedder: what is stored can be listed and read', async () => {
    const { url } = await start({ embedderAnswers: () => Promise.reject(new Error('down')) });
    expect((await ask(`${url}/health/readiness`)).status).toBe(200);
  });

  it('is not ready before the store is open', async () => {
    const { url, health } = await start({ starting: true });
    expect(await ask(`${url}/health/readiness`)).toEqual({
      status: 503,
      body: { ready: false, reason: 'the store is not open yet' },
    });
    const notOpen = { status: 'unhealthy', reason: 'is not open yet' };
    expect((await ask(`${url}/health`)).body).toMatchObject({
      status: 'unhealthy',
      phase: 'starting',
      components: { embedding: notOpen, vector_database: notOpen },
    });
    expect((await ask(`${url}/health/liveness`)).status).toBe(200);
    health.embedding({ embedderAnswers: () => Promise.resolve(), isDispensable: false });
    expect((await ask(`${url}/health`)).body).toMatchObject({ components: { embedding: { status: 'healthy' } } });
    health.running(runningOf({}));
    expect((await ask(`${url}/health/readiness`)).status).toBe(200);
  });

  it('does not wait for a store that hangs', async () => {
    const clock = standingClock();
    const { url } = await start({ storeAnswers: () => new Promise(() => undefined), clock });
    const pending = ask(`${url}/health/readiness`);
    // The probe's timer exists once the request has arrived.
    while (!(await settled(pending))) clock.move(1000);
    expect(await pending).toEqual({
      status: 503,
      body: { ready: false, reason: 'the store did not answer within 1000 ms' },
    });
  });

  it('asks the store once a second at most', async () => {
    let asked = 0;
    const clock = standingClock();
    const storeAnswers = (): Promise<number> => Promise.resolve(++asked);
    const { url } = await start({ storeAnswers, clock });
    await Promise.all(Array.from({ length: 10 }, () => ask(`${url}/health/readiness`)));
    expect(asked).toBe(1);
    clock.move(1000);
    await ask(`${url}/health/readiness`);
    expect(asked).toBe(2);
  });

  it('keeps what it found for 30 s, or a second where something failed', async () => {
    let asked = 0;
    let isWell = true;
    const clock = standingClock();
    const storeAnswers = () => (asked++, isWell ? Promise.resolve() : Promise.reject(new Error('down')));
    const { url } = await start({ storeAnswers, clock });
    const statusAfter = async (ms: number): Promise<unknown> => {
      clock.move(ms);
      return ((await ask(`${url}/health`)).body as { status: unknown }).status;
    };
    expect(await statusAfter(0)).toBe('healthy');
    isWell = false;
    expect(await statusAfter(29_999)).toBe('healthy');
    expect(asked).toBe(1);
    expect(await statusAfter(1)).toBe('unhealthy');
    isWell = true;
    expect(await statusAfter(999)).toBe('unhealthy');
    expect(await statusAfter(1)).toBe('healthy');
    expect(asked).toBe(3);
  });

  it('shows what a probe of readiness has found since', async () => {
    const clock = standingClock();
    let isWell = true;
    const { url } = await start({
      storeAnswers: () => (isWell ? Promise.resolve() : Promise.reject(new Error('down'))),
      clock,
    });
    await ask(`${url}/health`);
    isWell = false;
    clock.move(1_000);
    expect((await ask(`${url}/health/ready`)).status).toBe(503);
    expect((await ask(`${url}/health`)).body).toMatchObject({ status: 'unhealthy' });
  });

  it('checks at once where it is asked to, but not as often as a stranger likes', async () => {
    let asked = 0;
    const clock = standingClock();
    const { url } = await start({ embedderAnswers: () => Promise.resolve(asked++), clock });
    for (let turn = 1; turn <= 5; turn++) {
      expect((await ask(`${url}/health?fresh=1`)).status).toBe(200);
      expect(asked).toBe(turn);
    }
    const refused = await fetch(`${url}/health?fresh=1`);
    expect(refused.status).toBe(429);
    expect(refused.headers.get('retry-after')).toBe('1');
    expect(await refused.json()).toMatchObject({ retry_after_ms: 1_000 });
    expect((await ask(`${url}/health`)).status).toBe(200);
    expect(asked).toBe(5);
    clock.move(1_000);
    expect((await ask(`${url}/health?fresh=1`)).status).toBe(200);
  });

  it('never asks twice at a time where something hangs, and tells it to stop', async () => {
    let running = 0;
    let most = 0;
    const clock = standingClock();
    const embedderAnswers = async (signal: AbortSignal): Promise<void> => {
      most = Math.max(most, ++running);
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
      // It does not come back at once.
      await new Promise((resolve) => setTimeout(resolve, 20));
      running--;
      throw new Error('given up');
    };
    const { url } = await start({ embedderAnswers, clock });
    for (let turn = 0; turn < 3; turn++) {
      const pending = Promise.all([ask(`${url}/health`), ask(`${url}/health?fresh=1`)]);
      while (!(await settled(pending))) clock.move(1_000);
      for (const { body } of await pending)
        expect(body).toMatchObject({ components: { embedding: { status: 'unhealthy' } } });
    }
    expect(most).toBe(1);
  });

  it('is degraded, and serves, without what it can do without', async () => {
    const fails = (): Promise<never> => Promise.reject(new Error('down'));
    const failing: JobState = { name: 'expiry_sweep', lastOutcome: 'failed' };
    const worlds: [string, World][] = [
      ['embedding', { embedderAnswers: fails, isEmbedderDispensable: true }],
      ['cache', { sharedCacheAnswers: fails }],
      ['event_loop', { eventLoopDelaySeconds: 0.3 }],
      ['jobs', { jobs: [failing, { name: 'access_flush', lastOutcome: 'ok' }] }],
    ];
    for (const [component, world] of worlds) {
      const { url } = await start(world);
      const { status, body } = await ask(`${url}/health`);
      expect(status, component).toBe(200);
      expect(body).toMatchObject({ status: 'degraded', components: { [component]: { status: 'degraded' } } });
      expect((await ask(`${url}/health/ready`)).status).toBe(200);
    }
    const { url } = await start({ eventLoopDelaySeconds: 1 });
    expect((await ask(`${url}/health`)).body).toMatchObject({
      status: 'degraded',
      components: { event_loop: { status: 'unhealthy', delay_p99_ms: 1_000 } },
    });
  });

  it('is not ready while the server goes away', async () => {
    const { url, health } = await start();
    health.stopping();
    expect(await ask(`${url}/health/readiness`)).toEqual({
      status: 503,
      body: { ready: false, reason: 'the server is shutting down' },
    });
    expect((await ask(`${url}/health`)).body).toMatchObject({ phase: 'draining' });
    expect((await ask(`${url}/health`)).status).toBe(503);
    expect((await ask(`${url}/health/live`)).status).toBe(200);
  });
});

async function settled(promise: Promise<unknown>): Promise<boolean> {
  const pause = new Promise((resolve) => setTimeout(() => resolve('pending'), 5));
  return (await Promise.race([promise, pause])) !== 'pending';
}

describe('the listener', () => {
  it('gives the metrics in text', async () => {
    const { url } = await start();
    const response = await fetch(`${url}/metrics`);
    expect(response.headers.get('content-type')).toContain('text/plain');
    expect(await response.text()).toContain('# TYPE context_manager_requests_total counter');
  });

  it('answers 404 to anything else and takes no bodies of size', async () => {
    const { url } = await start();
    expect((await ask(`${url}/nothing`)).status).toBe(404);
    const posted = await fetch(`${url}/health`, {
      method: 'POST',
      body: 'x'.repeat(10_000),
      headers: { 'content-type': 'text/plain' },
    });
    expect(posted.status).toBeGreaterThanOrEqual(400);
    expect((await ask(`${url}/health`)).status).toBe(200);
  });

  it('takes no more connections of one address than it may', async () => {
    const { listener } = await start();
    let closed = 0;
    const sockets = Array.from({ length: 300 }, () => connect(listener.port, '127.0.0.1').resume());
    for (const socket of sockets) {
      socket.on('error', () => undefined).on('close', () => closed++);
      open.push({ close: () => socket.destroy() });
    }
    await vi.waitFor(() => expect(closed).toBe(44), { timeout: 5000 });
  });

  it('says which port is in use', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    open.push({ close: () => new Promise((resolve) => holder.close(resolve)) });
    const { port } = holder.address() as AddressInfo;
    const health = createHealth({
      eventLoopDelaySeconds: () => 0,
      circuits: new Circuits(),
      clock: systemClock,
      version: '',
    });
    const failure = await startHttpListener({
      host: '127.0.0.1',
      port,
      health,
      metrics: { render: () => Promise.resolve(''), contentType: 'text/plain' },
      clock: systemClock,
      log: silentLog,
    }).then(
      () => undefined,
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(StartupError);
    expect((failure as StartupError).message).toBe(`the HTTP port 127.0.0.1:${port} is in use`);
    expect((failure as StartupError).remedy).toContain('server.http_port');
  });
});

describe('what a browser is told and asked', () => {
  const PATHS = ['/health', '/health/live', '/health/ready', '/metrics', '/nothing'];

  it('comes with headers that keep every answer to itself, and allows no other site to read it', async () => {
    const { url } = await start();
    for (const path of PATHS)
      for (const method of ['GET', 'OPTIONS', 'POST', 'TRACE']) {
        const { headers } = await new Promise<IncomingMessage>((resolve, reject) => {
          const origin = { origin: 'http://evil.example', 'access-control-request-method': 'GET' };
          const asked = request(url + path, { method, headers: origin, agent: false }, resolve);
          asked.once('error', reject).end();
        });
        const seen = [
          headers['x-content-type-options'],
          headers['cache-control'],
          headers['cross-origin-resource-policy'],
        ];
        expect([method, path, ...seen]).toEqual([method, path, 'nosniff', 'no-store', 'same-origin']);
        expect(headers['content-security-policy']).toContain("frame-ancestors 'none'");
        expect(Object.keys(headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
      }
  });

  it('is refused on the loopback address under a name that somebody else has pointed here', async () => {
    const { url, listener } = await start();
    const statusUnder = (host: string, path: string): Promise<number> =>
      new Promise((resolve, reject) => {
        const asked = request(url + path, { headers: { host }, agent: false }, ({ statusCode = 0 }) =>
          resolve(statusCode),
        );
        asked.once('error', reject).end();
      });
    for (const path of PATHS) {
      for (const host of [
        'evil.example',
        `evil.example:${listener.port}`,
        'localhost.evil.example',
        '203.0.113.7',
        'a b',
      ])
        expect([path, host, await statusUnder(host, path)]).toEqual([path, host, 403]);
      for (const host of ['localhost', `127.0.0.1:${listener.port}`, '[::1]', 'memory.example'])
        expect([path, host, await statusUnder(host, path)]).toEqual([path, host, path === '/nothing' ? 404 : 200]);
    }
  });
});
