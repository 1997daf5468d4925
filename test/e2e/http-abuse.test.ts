import { connect, type AddressInfo, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createWebServer } from '../../src/base/web-server.ts';
import { silentLog, type Log } from '../../src/base/log.ts';
import { GatewayWorld, TOKEN } from '../support/gateway/gateway-world.ts';

let world: GatewayWorld;
const errors: string[] = [];
beforeAll(async () => {
  const log: Log = { ...silentLog, error: (_fields, message) => void errors.push(message), child: () => log };
  world = await GatewayWorld.open({ log });
});
afterAll(() => world.close());

const KIB = 1024;
type Door = 'http' | 'gateway';
const portOf = (door: Door): number => (door === 'http' ? world.server.httpPort : (world.server.gatewayPort ?? 0));

/** All that is said until the connection is closed; `bytes` are sent one piece after the other. */
function talk(port: number, ...pieces: readonly (string | Buffer)[]): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', () => {});
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
    for (const piece of pieces) socket.write(piece);
  });
}

function head(target: string, headers: Readonly<Record<string, string>> = {}, method = 'GET'): string {
  const lines = Object.entries({ host: 'localhost', connection: 'close', ...headers });
  return `${method} ${target} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
}

const statusOf = (answer: string): number => Number(/^HTTP\/1\.1 (\d{3}) /.exec(answer)?.[1] ?? 0);
const BEARER = { authorization: `Bearer ${TOKEN}` };

const TRICKS = [
  '/assets/../../package.json',
  '/assets/../../../../../../../etc/passwd',
  '/assets/%2e%2e/%2e%2e/package.json',
  '/assets/..%2f..%2fpackage.json',
  '/assets/%252e%252e%252fpackage.json',
  '/assets/..\\..\\package.json',
  '/assets/..%5c..%5cpackage.json',
  '/assets/%c0%ae%c0%ae/package.json',
  '/assets/index.js%00.css',
  '/assets/%00',
  '/assets//etc/passwd',
  '//etc/passwd',
  '/assets/%',
  '/assets/%zz',
  '/..',
  '/./../api/keys',
  '/api/%2e%2e/api/keys',
  '/api//keys',
  '/API/keys',
  '/api/keys/',
  '/api/keys;x=1',
  '/api/keys%20',
  '/openapi.json/../v1/memory/stats',
  '/openapi.json/%2e%2e/v1/memory/stats',
  '/v1/memory/%73tats',
  '/v1%2fmemory%2fstats',
  '//v1/memory/stats',
  '/v1/memory/../../stats',
  'http://evil.example.com/stats',
  'http://evil.example.com/api/keys',
  'http://localhost/../stats',
  'evil.example.com:443',
];

describe.each(['http', 'gateway'] as const)('the listener %s', (door) => {
  it.each(TRICKS)('gives away nothing for %s', async (target) => {
    for (const method of ['GET', 'POST', 'HEAD', 'OPTIONS', 'PUT']) {
      const answer = await talk(portOf(door), head(target, { 'content-length': '0' }, method));
      expect(answer).not.toMatch(/"dependencies"|root:|"contexts"|"scopes"/);
      expect([0, 400, 401, 403, 404, 405]).toContain(statusOf(answer));
    }
  });

  it('takes headers of so many bytes, and reads no further', async () => {
    const long = await talk(portOf(door), head('/health/live', { ...BEARER, 'x-long': 'a'.repeat(64 * KIB) }));
    expect(statusOf(long)).toBe(431);
    const many = Object.fromEntries(Array.from({ length: 3_000 }, (_, i) => [`x-${i}`, '']));
    expect([400, 431]).toContain(statusOf(await talk(portOf(door), head('/health/live', { ...BEARER, ...many }))));
  });

  it.each([
    ['two lengths', 'content-length: 5\r\ncontent-length: 6\r\n\r\nhello'],
    ['a length and chunks', 'content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a length that is none', 'content-length: -1\r\n\r\n'],
    ['a chunk that is none', 'transfer-encoding: chunked\r\n\r\nzz\r\n'],
    ['a line folded', 'x-a: b\r\n c\r\n\r\n'],
    ['a NUL in a header', 'x-a: \0\r\n\r\n'],
    ['a bare line feed', 'x-a: b\nx-c: d\r\n\r\n'],
  ])('refuses %s, and closes', async (_, rest) => {
    const answer = await talk(portOf(door), `POST /v1/memory/ping HTTP/1.1\r\nhost: localhost\r\n${rest}`, head('/'));
    expect(answer.match(/HTTP\/1\.1 \d{3}/g)?.length ?? 0).toBeLessThanOrEqual(2);
    expect([0, 400, 401, 404]).toContain(statusOf(answer));
  });

  it('answers others while many say nothing, or half a request', async () => {
    const silent = Array.from({ length: 200 }, (_, i) => {
      const socket = connect({ port: portOf(door), host: '127.0.0.1' });
      socket.on('error', () => {});
      if (i % 2 === 0) socket.write('POST /v1/memory/ping HTTP/1.1\r\nhost: localhost\r\nx-slow: ');
      return socket;
    });
    await Promise.all(silent.map((socket) => new Promise((resolve) => socket.once('connect', resolve))));
    const path = door === 'http' ? '/health/live' : '/stats';
    expect(statusOf(await talk(portOf(door), head(path, BEARER)))).toBe(200);
    for (const socket of silent) socket.destroy();
  });
});

describe('the gateway', () => {
  it('takes a client that hangs up in its body for no defect', async () => {
    const socket = connect({ port: portOf('gateway'), host: '127.0.0.1' });
    socket.on('error', () => {});
    socket.write(head('/v1/memory/ping', { ...BEARER, 'content-length': '50' }, 'POST'));
    while ((await world.metric('gateway_requests_in_flight')) === 0)
      await new Promise((resolve) => setTimeout(resolve, 5));
    socket.write('{"a":', () => socket.resetAndDestroy());
    while ((await world.metric('gateway_requests_in_flight')) > 0)
      await new Promise((resolve) => setTimeout(resolve, 5));
    expect(errors).toEqual([]);
  });

  it.each(['/v1/memory/ping', '/v1/chat/completions', '/ingest', '/reset', '/mcp'])(
    'has an end for JSON that is nested without one: %s',
    async (path) => {
      for (const [open, close] of [
        ['[', ']'],
        ['{"a":', '}'],
      ] as const) {
        const body = `{"model":"m","a":${open.repeat(100_000)}1${close.repeat(100_000)}}`;
        const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
        const answer = await world.ask(path, { method: 'POST', body, headers });
        expect([path, answer.status, await answer.json()]).toMatchObject([
          path,
          400,
          { error: expect.anything() as unknown },
        ]);
      }
    },
  );

  it('counts the values of a long body before anything looks at them', async () => {
    const numbers = `[${'0,'.repeat(300_000)}0]`;
    for (const [path, body] of [
      [
        '/mcp',
        `{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"remember","arguments":{"tags":${numbers}}}}`,
      ],
      ['/v1/memory/context.store', `{"text":"x","metadata":{"a":${numbers}}}`],
      ['/v1/chat/completions', `{"model":"m","messages":[],"a":${numbers}}`],
    ] as const) {
      const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };
      const answer = await world.ask(path, { method: 'POST', body, headers });
      expect([path, answer.status, await answer.text()]).toEqual([
        path,
        400,
        expect.stringContaining('values') as unknown,
      ]);
    }
  });

  it('inflates nothing: a body that says it is packed is taken as it is', async () => {
    const headers = { 'content-type': 'application/json', 'content-encoding': 'gzip' };
    const answer = await world.ask('/v1/memory/ping', { method: 'POST', body: Buffer.alloc(64, 0x1f), headers });
    expect(answer.status).toBe(400);
  });

  it('can be asked under no foreign name by a page, where no token is asked for', async () => {
    const headers = { ...BEARER, accept: 'application/json, text/event-stream', 'content-length': '0' };
    for (const host of ['evil.example.com', 'localhost.evil.example.com', '169.254.169.254'])
      expect([host, statusOf(await talk(portOf('gateway'), head('/mcp', { ...headers, host }, 'POST')))]).toEqual([
        host,
        403,
      ]);
    const answer = await talk(
      portOf('gateway'),
      head('/stats', { host: 'evil.example.com', origin: 'http://evil.example.com' }),
    );
    expect(statusOf(answer)).toBe(401);
    expect(answer.toLowerCase()).not.toContain('access-control-allow');
  });
});

describe('a web server', () => {
  const servers: Server[] = [];
  afterAll(() => servers.forEach((server) => server.close()));

  it('ends a connection whose request does not come to its end, at its headers or at its body', async () => {
    const times = { requestTimeoutMs: 300, headersTimeoutMs: 200, checkedEveryMs: 50 };
    const server = createWebServer(
      (request, response) => request.on('end', () => response.end()).resume(),
      times,
      null,
    );
    servers.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const slowly = (begin: string): Promise<string> =>
      new Promise((resolve) => {
        const chunks: Buffer[] = [];
        const socket = connect({ port, host: '127.0.0.1' });
        socket.write(begin);
        const drip = setInterval(() => socket.write('a'), 20);
        socket.on('data', (chunk) => chunks.push(chunk));
        socket.on('error', () => {});
        socket.on('close', () => {
          clearInterval(drip);
          resolve(Buffer.concat(chunks).toString('latin1'));
        });
      });
    expect(statusOf(await slowly('GET / HTTP/1.1\r\nhost: a\r\nx-slow: '))).toBe(408);
    expect(statusOf(await slowly('POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 100000\r\n\r\n'))).toBe(408);
  });
});
