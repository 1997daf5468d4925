import { request, type ClientRequest, type IncomingMessage } from 'node:http';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { Browser } from './support/browser.ts';
import { World, type ServerProcess } from './support/processes.ts';

const world = new World();
afterAll(() => world.cleanUp());

const SECRET = 'secret of the one key that there is!!';
const KEY = { KEYS__0__ID: 'mara', KEYS__0__SECRET: SECRET, KEYS__0__NAMESPACES: '["home"]' };

interface Stream {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  /** Resolves with the next event's data; rejects where the stream is over. */
  next(): Promise<Record<string, unknown>>;
  /** Resolves when the server has ended it. */
  untilEnd(): Promise<void>;
  readonly asked: ClientRequest;
}

async function watch(server: ServerProcess, headers: Record<string, string> = {}): Promise<Stream> {
  const asked = request({ host: '127.0.0.1', port: server.httpPort, path: '/api/live', headers, agent: false });
  const answered = Promise.withResolvers<IncomingMessage>();
  asked.once('response', answered.resolve);
  asked.on('error', answered.reject);
  asked.end();
  const incoming = await answered.promise;
  const lines = linesOf(incoming);
  return {
    status: incoming.statusCode ?? 0,
    headers: incoming.headers,
    asked,
    async untilEnd() {
      while ((await lines.next()).done !== true);
    },
    async next() {
      let line = '';
      while (!line.startsWith('data: ')) {
        const { value, done } = await lines.next();
        if (done === true) throw new Error('the stream is over');
        line = value;
      }
      return JSON.parse(line.slice('data: '.length)) as Record<string, unknown>;
    },
  };
}

async function* linesOf(incoming: IncomingMessage): AsyncGenerator<string, void> {
  let text = '';
  for await (const chunk of incoming) {
    text += (chunk as Buffer).toString('utf8');
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    yield* lines;
  }
}

const served = (): Promise<ServerProcess> => world.serve(world.folder(), KEY);

/** A browser that has logged in, and its cookie as a header. */
async function loggedIn(server: ServerProcess): Promise<{ browser: Browser; headers: { cookie: string } }> {
  const browser = new Browser(server);
  const login = await browser.login('mara', SECRET);
  const [cookie = ''] = login.headers['set-cookie']![0]!.split(';');
  return { browser, headers: { cookie } };
}

describe('figures', () => {
  it('come once a second to all who watch, with what happened in between, and end at once with the server', async () => {
    const server = await served();
    const { headers: login } = await loggedIn(server);
    const streams = [await watch(server, login), await watch(server, login)];
    for (const { status, headers } of streams) {
      expect(status).toBe(200);
      expect(headers).toMatchObject({
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
      });
      expect(headers['content-security-policy']).toBeDefined();
    }
    const [one, other] = streams as [Stream, Stream];
    const client = await server.connect({ keyId: 'mara', secret: SECRET });
    await client.store({ text: 'the harbour' });
    await expect(client.get({ id: '018f0000-0000-7000-8000-000000000000' })).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    const both = { requests: { total: 2, in_flight: 0 }, connections: 1 };
    await expect.poll(() => one.next()).toMatchObject(both);
    await expect.poll(() => other.next()).toMatchObject(both);
    const figures = await other.next();
    expect(figures).toMatchObject({
      phase: 'running',
      connections: 1,
      circuits: [],
      recent_errors: [{ code: 'NOT_FOUND', type: 'context.get' }],
    });
    expect(JSON.stringify(figures)).not.toMatch(/mara|home|harbour/);
    const secondAt = (await other.next())['at'] as number;
    expect(secondAt).toBeGreaterThan(figures['at'] as number);
    await client.close();
    server.kill('SIGTERM');
    // Both wait for their end before the process', and so before its deadline for those that do not end by themselves.
    await Promise.all(streams.map((stream) => stream.untilEnd()));
    expect((await server.ended).code).toBe(0);
  });

  it('are what an overview says once', async () => {
    const server = await served();
    const client = await server.connect({ keyId: 'mara', secret: SECRET });
    await client.store({ text: 'the harbour' });
    const { browser } = await loggedIn(server);
    const { status, body } = await browser.ask('/api/overview');
    expect(status).toBe(200);
    const number = expect.any(Number) as number;
    expect(body).toEqual({
      at: number,
      version: expect.any(String) as string,
      uptime_ms: number,
      phase: 'running',
      status: expect.stringMatching(/^(healthy|degraded)$/) as string,
      components: expect.arrayContaining([{ name: 'vector_database', status: 'healthy' }]) as object[],
      requests: { total: 1, per_second: number, failed_per_second: 0, in_flight: 0 },
      latency_ms: { p50: number, p95: number, p99: number },
      types: [{ type: 'context.store', per_second: number, p50_ms: number, p95_ms: number }],
      levels: [
        { level: 'immediate', contexts: 1, capacity: null, each: { of: 'session', contexts: 50 } },
        { level: 'short_term', contexts: 0, capacity: null, each: { of: 'agent', contexts: 200 } },
        { level: 'long_term', contexts: 0, capacity: null, each: null },
      ],
      cache: { hit_rate: number, entries: number },
      circuits: [],
      connections: 1,
      event_loop_delay_ms: number,
      memory_bytes: number,
      disk: { database_bytes: number, log_bytes: number, index_bytes: number, free_bytes: number },
      jobs: expect.arrayContaining([
        {
          name: 'expiry_sweep',
          schedule: 'every 300 s',
          running: false,
          last_outcome: null,
          last_started_at: null,
          last_duration_ms: null,
          next_at: number,
        },
      ]) as object[],
      recent_errors: [],
    });
    await client.close();
    await server.end('SIGTERM');
  });

  it('go to a bounded number, and to the next one when one has gone', async () => {
    const server = await served();
    const { browser, headers } = await loggedIn(server);
    const streams = await Promise.all(Array.from({ length: 32 }, () => watch(server, headers)));
    expect(streams.map(({ status }) => status)).toEqual(Array<number>(32).fill(200));
    const tooMany = await browser.ask('/api/live');
    expect(tooMany).toMatchObject({ status: 503, body: { error: { code: 'OVERLOADED', retry_after_ms: 5000 } } });
    streams[0]!.asked.destroy();
    await vi.waitFor(async () => expect((await watch(server, headers)).status).toBe(200), { timeout: 60_000 });
    await server.end('SIGTERM');
  });

  it('of a login end with it', async () => {
    const server = await served();
    const { browser, headers } = await loggedIn(server);
    const stream = await watch(server, headers);
    expect(stream.status).toBe(200);
    await stream.next();
    await browser.ask('/api/logout', { method: 'POST' });
    await stream.untilEnd();
    await server.end('SIGTERM');
  });
});
