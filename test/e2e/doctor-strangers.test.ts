import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, describe, expect, it } from 'vitest';
import { makeAuthority, makeCertificate } from '../support/certificates.ts';
import { hasRedis, NEEDS_REDIS, startRedis } from '../support/redis-server.ts';
import { cliVariables, World } from './support/processes.ts';

const world = new World();
const closing: (() => unknown)[] = [];
afterAll(async () => {
  for (const close of closing) await close();
  await world.cleanUp();
});

async function listening(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const sockets = new Set<{ destroy(): void }>();
  server.on('connection', (socket) => sockets.add(socket));
  closing.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Each gives the port that it takes. */
const STRANGERS = {
  http: () => listening(createHttpServer((_request, reply) => void reply.end('<h1>Welcome</h1>'))),
  tls: async () => {
    const { cert, key } = await makeCertificate(await makeAuthority(), { ip: '127.0.0.1' });
    return listening(createTlsServer({ cert, key }).on('tlsClientError', () => undefined));
  },
  redis: async () => {
    const redis = await startRedis();
    closing.push(() => redis.stop());
    return redis.port;
  },
  'redis with a password': async () => {
    const redis = await startRedis('hunter2');
    closing.push(() => redis.stop());
    return redis.port;
  },
  silent: () => listening(createServer(() => undefined)),
  closing: () => listening(createServer((socket) => socket.destroy())),
  ssh: () => listening(createServer((socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n'))),
};
type Stranger = keyof typeof STRANGERS;

type Row = readonly [Stranger, RegExp];
const possible = (rows: readonly Row[]): readonly Row[] =>
  rows.filter(([stranger]) => hasRedis || !stranger.startsWith('redis'));

interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  readonly remedy?: string;
}

async function examine(folder: string, variables: Record<string, string>): Promise<readonly Check[]> {
  const { stdout } = await world.run(['doctor', '--json'], folder, variables);
  return (JSON.parse(stdout) as { checks: Check[] }).checks;
}

const failed = (checks: readonly Check[]): Check[] => checks.filter(({ ok }) => !ok);
const SECRET = { PROTOCOL_SECRET: 'a secret that is long enough to be one' };

// Side by side: most of it is waiting for strangers who say nothing.
describe.concurrent(`doctor, of a Redis, too ${NEEDS_REDIS}`, () => {
  it.each(
    possible([
      ['http', /answers, but in HTTP/],
      ['tls', /answers, but in TLS/],
      ['redis', /answers, but as a Redis/],
      ['redis with a password', /answers, but as a Redis/],
      ['silent', /takes connections and says nothing/],
      ['closing', /closes connections without a word/],
      ['ssh', /is not a context-manager server/],
    ]),
  )('tells a stranger on the port of the server in one line: %s', async (stranger, line) => {
    const port = await STRANGERS[stranger]();
    const checks = await examine(world.folder(), { ...SECRET, SERVER__PORT: String(port), SERVER__HTTP_PORT: '0' });
    const [only, ...others] = failed(checks);
    expect(others).toEqual([]);
    expect(only).toMatchObject({
      name: 'server',
      detail: expect.stringMatching(line) as string,
      remedy: expect.stringContaining('check --host and --port') as string,
    });
    expect(only?.detail).toContain(`127.0.0.1:${port}`);
  });

  it.each(
    possible([
      ['http', /something that speaks HTTP/],
      ['tls', /something that speaks TLS/],
      ['redis', /a Redis/],
      ['silent', /says nothing/],
      ['ssh', /something else that answers/],
    ]),
  )('tells a stranger on the port of health and metrics: %s', async (stranger, line) => {
    const port = await STRANGERS[stranger]();
    const folder = world.folder();
    const server = await world.serve(folder);
    const up = await examine(folder, { ...cliVariables(server), SERVER__HTTP_PORT: String(port) });
    expect(failed(up)).toMatchObject([
      {
        name: 'http',
        detail: expect.stringMatching(
          new RegExp(`^http://127\\.0\\.0\\.1:${port}/health is answered by .*${line.source}`),
        ) as string,
        remedy: expect.stringContaining('server.http_port') as string,
      },
    ]);
    await server.end('SIGTERM');
    const down = await examine(folder, { SERVER__PORT: String(server.port), SERVER__HTTP_PORT: String(port) });
    expect(failed(down).map(({ name }) => name)).toEqual(['server', 'http port']);
    expect(failed(down)[1]?.detail).toMatch(new RegExp(`^127\\.0\\.0\\.1:${port} is in use by .*${line.source}`));
  });

  it('tells the two ports of a server from each other', async () => {
    const folder = world.folder();
    const server = await world.serve(folder);
    const [port, httpPort] = [String(server.port), String(server.httpPort)];
    const swapped = await examine(folder, { SERVER__PORT: httpPort, SERVER__HTTP_PORT: port });
    expect(failed(swapped)).toMatchObject([
      { name: 'server', detail: expect.stringContaining('that of health and metrics') as string },
    ]);
    const http = await examine(folder, { ...cliVariables(server), SERVER__HTTP_PORT: port });
    expect(failed(http)).toMatchObject([
      { name: 'http', detail: expect.stringContaining('at the port for clients') as string },
    ]);
  });

  it('tells how far the clock is off where the server refuses it', async () => {
    const folder = world.folder();
    const server = await world.serve(folder);
    const shifted = (ms: number): Record<string, string> => ({
      ...cliVariables(server),
      SERVER__HTTP_PORT: String(server.httpPort),
      NODE_OPTIONS: `--import "data:text/javascript,const now=Date.now;Date.now=()=>now()+${ms}"`,
    });
    for (const [ms, line] of [
      [2 * 3_600_000, /^(2 h|120 min).* ahead of the server, which refuses/],
      [-2 * 3_600_000, /^(2 h|120 min|119 min|1 h).* behind the server, which refuses/],
    ] as const) {
      const checks = await examine(folder, shifted(ms));
      expect(failed(checks)).toMatchObject([
        {
          name: 'clock',
          detail: expect.stringMatching(line) as string,
          remedy: expect.stringContaining('NTP') as string,
        },
        { name: 'server', detail: 'not checked: see clock' },
      ]);
    }
  });
});
