import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../../../src/base/clock.ts';
import { systemClock } from '../../../../src/base/clock.ts';
import { StartupError } from '../../../../src/base/errors.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { Circuits } from '../../../../src/base/resilience/circuits.ts';
import { PassingFault } from '../../../../src/base/resilience/passing-fault.ts';
import { createHealth, type Health } from '../../../../src/fronts/http/health.ts';
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
  storeAnswers?: () => Promise<boolean>;
  embedderAnswers?: () => Promise<unknown>;
  circuits?: Circuits;
  clock?: Clock;
}

async function start(world: World = {}): Promise<{ url: string; health: Health; listener: HttpListener }> {
  const metrics = createMetricsRegistry();
  const health = createHealth({
    circuits: world.circuits ?? new Circuits(),
    clock: world.clock ?? systemClock,
    version: '1.2.3',
  });
  if (world.starting !== true) health.embedding(world.embedderAnswers ?? (() => Promise.resolve([])));
  if (world.starting !== true) health.running(world.storeAnswers ?? (() => Promise.resolve(true)));
  const listener = await startHttpListener({ host: '127.0.0.1', port: 0, health, metrics, log: silentLog });
  open.push(metrics, listener);
  return { url: `http://127.0.0.1:${listener.port}`, health, listener };
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
    expect(body).toMatchObject({
      status: 'ok',
      version: '1.2.3',
      checks: { store: { status: 'ok' }, embedder: { status: 'ok' } },
    });
    expect((await ask(`${url}/health/liveness`)).status).toBe(200);
    expect(await ask(`${url}/health/readiness`)).toEqual({ status: 200, body: { ready: true } });
  });

  it('names what fails, without its words, and stays alive', async () => {
    const { url } = await start({
      storeAnswers: () => Promise.resolve(false),
      embedderAnswers: () => Promise.reject(new Error('token hunter2 refused')),
    });
    const { status, body } = await ask(`${url}/health`);
    expect(status).toBe(503);
    expect(body).toMatchObject({
      status: 'failed',
      checks: { store: { status: 'failed' }, embedder: { status: 'failed' } },
    });
    expect(JSON.stringify(body)).not.toContain('hunter2');
    expect(await ask(`${url}/health/readiness`)).toEqual({
      status: 503,
      body: { ready: false, reason: 'the store did not answer' },
    });
    expect((await ask(`${url}/health/liveness`)).status).toBe(200);
  });

  it('tells of each backend how it is, and how its circuit stands where it has one', async () => {
    const clock = new FakeClock();
    const breaker = testBreaker({ failureThreshold: 1, timeoutMs: 60_000 }, { clock });
    const circuits = new Circuits();
    circuits.add(breaker);
    const { url } = await start({ circuits });
    const components = async () => ((await ask(`${url}/health`)).body as { components: unknown }).components;
    expect(await components()).toEqual({
      embedding: { status: 'healthy' },
      vector_db: { status: 'healthy', state: 'closed' },
    });
    await breaker.run(() => Promise.reject(new PassingFault('STORE_UNAVAILABLE', 'down'))).catch(() => undefined);
    expect(await components()).toMatchObject({ vector_db: { status: 'unhealthy', state: 'open' } });
    clock.advance(60_000);
    expect(await components()).toMatchObject({ vector_db: { status: 'degraded', state: 'half_open' } });
  });

  it('calls a backend unhealthy that does not answer', async () => {
    const { url } = await start({ embedderAnswers: () => Promise.reject(new Error('down')) });
    expect((await ask(`${url}/health`)).body).toMatchObject({
      components: { embedding: { status: 'unhealthy', reason: 'did not answer' }, vector_db: { status: 'healthy' } },
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
    expect((await ask(`${url}/health`)).body).toMatchObject({ status: 'starting' });
    expect((await ask(`${url}/health/liveness`)).status).toBe(200);
    health.running(() => Promise.resolve(true));
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
    const storeAnswers = (): Promise<boolean> => Promise.resolve(++asked > 0);
    const { url } = await start({ storeAnswers, clock });
    await Promise.all(Array.from({ length: 10 }, () => ask(`${url}/health/readiness`)));
    expect(asked).toBe(1);
    clock.move(1000);
    await ask(`${url}/health/readiness`);
    expect(asked).toBe(2);
  });

  it('is not ready while the server goes away', async () => {
    const { url, health } = await start();
    health.stopping();
    expect(await ask(`${url}/health/readiness`)).toEqual({
      status: 503,
      body: { ready: false, reason: 'the server is shutting down' },
    });
    expect((await ask(`${url}/health`)).body).toMatchObject({ status: 'stopping' });
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

  it('says which port is in use', async () => {
    const holder = createServer().listen(0, '127.0.0.1');
    await once(holder, 'listening');
    open.push({ close: () => new Promise((resolve) => holder.close(resolve)) });
    const { port } = holder.address() as AddressInfo;
    const health = createHealth({ circuits: new Circuits(), clock: systemClock, version: '' });
    const failure = await startHttpListener({
      host: '127.0.0.1',
      port,
      health,
      metrics: { render: () => Promise.resolve(''), contentType: 'text/plain' },
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
