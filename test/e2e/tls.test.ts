import { createHash, X509Certificate } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect as connectSocket, type Socket } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect, type Client, type TlsOptions } from '../../clients/typescript/src/index.ts';
import { hashOfToken } from '../../src/fronts/gateway/tokens.ts';
import { type Certificate, makeAuthority, makeCertificate, makeClientCertificate } from '../support/certificates.ts';
import { freePort } from '../support/free-port.ts';
import { type CommandOutcome, runCommand } from './support/command-line.ts';
import { type ServerProcess, World } from './support/processes.ts';

const SECRETS = Object.fromEntries(
  ['open', 'bound', 'printed'].map((id) => [id, `secret of ${id}, long enough to be one`]),
) as Record<'open' | 'bound' | 'printed', string>;
const AGENT_URI = 'spiffe://example/agent-7';
const world = new World();
let folder: string;
let server: ServerProcess;
let gatewayPort: number;
let authority: Certificate;
let clientAuthority: Certificate;
let agent: Certificate;
let other: Certificate;

const inFolder = (name: string): string => join(folder, name);

function write(name: string, content: string): void {
  writeFileSync(inFolder(name), content);
  chmodSync(inFolder(name), 0o600);
}

const fingerprintOf = ({ cert }: Certificate): string =>
  createHash('sha256').update(new X509Certificate(cert).raw).digest('hex');

beforeAll(async () => {
  folder = world.folder();
  authority = await makeAuthority();
  clientAuthority = await makeAuthority();
  agent = await makeClientCertificate(clientAuthority, { commonName: 'agent 7', uri: AGENT_URI });
  other = await makeClientCertificate(clientAuthority, { commonName: 'agent 8' });
  const own = await makeCertificate(authority, { ip: '127.0.0.1' });
  write('server.crt', own.cert + authority.cert);
  write('server.key', own.key);
  write('clients.crt', clientAuthority.cert);
  write('ca.crt', authority.cert);
  gatewayPort = await freePort();
  mkdirSync(inFolder('config'));
  write(
    'config/default.toml',
    `
[tls]
cert = "server.crt"
key = "server.key"
client_ca = "clients.crt"
client_certificates = "optional"
[protocol]
auth_timeout_ms = 1500
[gateway]
enabled = true
port = ${gatewayPort}
[[gateway.tokens]]
token_hash = "${hashOfToken('cmg_bound')}"
key_id = "bound"
agent = "bot"
[[keys]]
id = "open"
secret = "${SECRETS.open}"
[[keys]]
id = "bound"
secret = "${SECRETS.bound}"
certificates = ["${AGENT_URI}"]
[[keys]]
id = "printed"
secret = "${SECRETS.printed}"
certificates = ["nobody", "sha256:${fingerprintOf(agent)}"]
`,
  );
  server = await world.serve(folder, { LOGGING__LEVEL: 'debug' });
});
afterAll(() => world.cleanUp());

type Key = keyof typeof SECRETS;

function dial(keyId: Key, tls: TlsOptions | false, connectTimeoutMs = 60_000): Promise<Client> {
  return connect({ host: '127.0.0.1', port: server.port, keyId, secret: SECRETS[keyId], tls, connectTimeoutMs });
}

const trusting = (): TlsOptions => ({ ca: authority.cert });
const showing = ({ cert, key }: Certificate): TlsOptions => ({ ...trusting(), cert, key });

async function outcome(keyId: Key, tls: TlsOptions | false): Promise<string> {
  try {
    const client = await dial(keyId, tls);
    await client.ping();
    await client.close();
    return 'let in';
  } catch (error) {
    return (error as { code: string }).code;
  }
}

interface Asked {
  readonly status: number;
  readonly body: string;
  readonly cookie?: string | undefined;
}

async function ask(
  port: number,
  path: string,
  shown: TlsOptions,
  { body, headers = {} }: { readonly body?: object; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<Asked> {
  const method = body === undefined ? 'GET' : 'POST';
  const type = body === undefined ? {} : { 'content-type': 'application/json' };
  const request = httpsRequest({
    ...(shown as ConnectionOptions),
    ...{ host: '127.0.0.1', port, path, method, agent: false, headers: { ...type, ...headers } },
  });
  request.end(body === undefined ? undefined : JSON.stringify(body));
  const [reply] = (await once(request, 'response')) as [IncomingMessage];
  return { status: reply.statusCode ?? 0, body: await text(reply), cookie: reply.headers['set-cookie']?.[0] };
}

describe('a server with a certificate', () => {
  it('serves clients that trust it, with long frames in both directions and many at once', async () => {
    const client = await dial('open', trusting());
    const long = 'a long text '.repeat(20_000);
    const stored = await Promise.all(
      Array.from({ length: 12 }, (_, i) => client.store({ text: `${i} ${long}`, level: 'long_term' })),
    );
    const found = await Promise.all(stored.map(({ id }) => client.get({ id })));
    expect(found.map(({ context }) => context.text.length)).toEqual(stored.map((_, i) => `${i} ${long}`.length));
    await client.close();
  });

  it('lets in by a key that asks for a certificate who shows it, by a name or by its hash, and nobody else', async () => {
    expect(await outcome('open', trusting())).toBe('let in');
    expect(await outcome('open', showing(other))).toBe('let in');
    const stranger = await makeClientCertificate(await makeAuthority(), { commonName: 'agent 7', uri: AGENT_URI });
    for (const key of ['bound', 'printed'] as const) {
      expect(await outcome(key, showing(agent))).toBe('let in');
      for (const wrong of [trusting(), showing(other), showing(stranger)])
        expect(await outcome(key, wrong)).toBe('AUTH_FAILED');
    }
  });

  it('asks for it at the gateway, too', async () => {
    const headers = { authorization: 'Bearer cmg_bound' };
    const asked = (shown: TlsOptions): Promise<Asked> =>
      ask(gatewayPort, '/v1/memory/ping', shown, { body: {}, headers });
    expect(await asked(showing(agent))).toMatchObject({ status: 200 });
    expect(await asked(trusting())).toMatchObject({ status: 401 });
    expect(await asked(showing(other))).toMatchObject({ status: 401 });
  });

  it('asks for it at the dashboard, at the login and after it, and sends its cookie by TLS alone', async () => {
    const body = { key_id: 'bound', secret: SECRETS.bound };
    const login = (shown: TlsOptions): Promise<Asked> => ask(server.httpPort, '/api/login', shown, { body });
    expect(await login(trusting())).toMatchObject({ status: 401 });
    const { status, cookie = '' } = await login(showing(agent));
    expect({ status, cookie }).toEqual({ status: 200, cookie: expect.stringMatching(/; Secure$/) as string });
    const headers = { cookie: cookie.split(';')[0] ?? '' };
    expect(await ask(server.httpPort, '/api/login', showing(agent), { headers })).toMatchObject({ status: 200 });
    expect(await ask(server.httpPort, '/api/login', trusting(), { headers })).toMatchObject({ status: 401 });
  });

  it('answers probes and metrics by TLS alone', async () => {
    expect(await ask(server.httpPort, '/health/readiness', trusting())).toMatchObject({ status: 200 });
    expect((await ask(server.httpPort, '/metrics', trusting())).body).toContain('context_manager_uptime_seconds');
    await expect(fetch(`http://127.0.0.1:${server.httpPort}/metrics`)).rejects.toThrow();
  });

  it('speaks nothing older than TLS 1.2, and nothing in the clear', async () => {
    const versionOf = async (options: ConnectionOptions): Promise<string | null> => {
      const socket = connectTls({ host: '127.0.0.1', port: server.port, ca: authority.cert, ...options });
      try {
        await once(socket, 'secureConnect');
        return socket.getProtocol();
      } catch (error) {
        return (error as { code: string }).code;
      } finally {
        socket.destroy();
      }
    };
    expect(await versionOf({})).toBe('TLSv1.3');
    expect(await versionOf({ maxVersion: 'TLSv1.2' })).toBe('TLSv1.2');
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const;
    expect(await versionOf(old)).toBe('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION');
    await expect(dial('open', false, 1_000)).rejects.toMatchObject({ code: 'CONNECTION_FAILED' });
  });

  it('ends who begins no handshake, or never ends one, and counts him as a connection of his address', async () => {
    const silent = connectSocket({ host: '127.0.0.1', port: server.port });
    const half = connectSocket({ host: '127.0.0.1', port: server.port });
    // The first bytes of a greeting of TLS that never goes on.
    half.write(Buffer.from('16030100c8010000c40303', 'hex'));
    const garbage = connectSocket({ host: '127.0.0.1', port: server.port });
    garbage.write('GET / HTTP/1.1\r\n\r\n');
    const ended = (socket: Socket): Promise<unknown> => once(socket.on('error', () => undefined).resume(), 'close');
    await Promise.all([silent, half, garbage].map(ended));
    expect(await outcome('open', trusting())).toBe('let in');
  });

  it('is reached by commands with what the local configuration says, and from elsewhere with options', async () => {
    write('open.secret', SECRETS.open);
    write('bound.secret', SECRETS.bound);
    write('agent.crt', agent.cert);
    write('agent.key', agent.key);
    const elsewhere = world.folder();
    const ping = (keyId: Key, args: readonly string[], from = folder): Promise<CommandOutcome> =>
      runCommand(server, from, ['ping', '--key-id', keyId, '--secret-file', inFolder(`${keyId}.secret`), ...args]);
    const there = ['--host', '127.0.0.1'];
    const trusted = [...there, '--tls-ca', inFolder('ca.crt')];
    const shown = [...trusted, '--tls-cert', inFolder('agent.crt'), '--tls-key', inFolder('agent.key')];
    expect(await ping('open', [])).toMatchObject({ code: 0, stderr: '' });
    expect(await ping('open', ['--no-tls'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/--tls/) as string,
    });
    expect(await ping('open', trusted, elsewhere)).toMatchObject({ code: 0 });
    expect(await ping('open', [...there, '--tls'], elsewhere)).toMatchObject({ code: 1 });
    expect(await ping('bound', [])).toMatchObject({ code: 1, stderr: expect.stringMatching(/AUTH_FAILED/) as string });
    expect(await ping('bound', shown, elsewhere)).toMatchObject({ code: 0 });
    expect(await ping('bound', shown.slice(0, -2), elsewhere)).toMatchObject({ code: 2 });
    expect(await ping('open', [...there, '--tls-ca', 'gone.crt'], elsewhere)).toMatchObject({ code: 1 });
  });

  it('is talked to by chat at the address that the local configuration says', async () => {
    write('chat.token', 'cmg_bound');
    // A process of its own: what it trusts beside the well-known authorities is told at its start.
    const variables = { NODE_EXTRA_CA_CERTS: inFolder('ca.crt') };
    const said = await world.run(['chat', '--token-file', 'chat.token', 'Hello'], folder, variables);
    // It got through to the door, which asks for a certificate besides the token.
    expect(said).toMatchObject({ code: 1, stderr: expect.stringMatching(/token is not valid/) as string });
    const unknown = await world.run(['chat', '--token-file', 'chat.token', 'Hello'], folder);
    expect(unknown).toMatchObject({ code: 1, stderr: expect.stringMatching(/certificate/) as string });
    const folderNamed = await world.run(['chat', '--token-file', '.', 'Hello'], folder);
    expect(folderNamed).toMatchObject({ code: 1, stderr: expect.stringMatching(/is a folder/) as string });
  });

  it('is examined by doctor', async () => {
    const environment = { SERVER__PORT: String(server.port), SERVER__HTTP_PORT: String(server.httpPort) };
    const { stdout } = await world.run(['doctor', '--json', '--key-id', 'open'], folder, environment);
    const { checks } = JSON.parse(stdout) as { checks: { name: string; ok: boolean; detail: string }[] };
    const found = new Map(checks.map(({ name, ok, detail }) => [name, `${ok ? 'ok' : 'failed'}: ${detail}`]));
    expect(found.get('tls')).toMatch(/^ok: for IP Address:127\.0\.0\.1, until 20.*client certificates are optional$/);
    expect(found.get('server')).toMatch(/^ok: answers/);
    expect(found.get('http')).toMatch(/^ok: the server is running/);
  });

  it('takes new files over at SIGHUP for who comes then, and keeps the old ones where those are broken', async () => {
    const shownAt = async (port: number): Promise<string> => {
      const socket = connectTls({ host: '127.0.0.1', port, ca: authority.cert });
      await once(socket, 'secureConnect');
      const { fingerprint256 } = socket.getPeerCertificate();
      socket.destroy();
      return fingerprint256;
    };
    const before = await dial('open', trusting());
    const first = await shownAt(server.port);
    const renewed = await makeCertificate(authority, { ip: '127.0.0.1' });
    write('server.crt', renewed.cert);
    server.kill('SIGHUP');
    // Certificate and key do not belong together yet: nothing changes.
    await expect.poll(() => reloadsOf('failed')).toBe(1);
    expect(await shownAt(server.port)).toBe(first);
    write('server.key', renewed.key);
    server.kill('SIGHUP');
    const { fingerprint256 } = new X509Certificate(renewed.cert);
    await expect.poll(() => shownAt(server.port)).toBe(fingerprint256);
    expect(await shownAt(server.httpPort)).toBe(fingerprint256);
    expect(await shownAt(gatewayPort)).toBe(fingerprint256);
    await before.ping();
    await before.close();
  });

  it('ends at once with handshakes under way', async () => {
    const silent = connectSocket({ host: '127.0.0.1', port: server.port });
    await once(silent, 'connect');
    expect(await server.end('SIGTERM')).toMatchObject({ code: 0 });
    silent.destroy();
  });
});

async function reloadsOf(name: string): Promise<number> {
  const { body } = await ask(server.httpPort, '/metrics', trusting());
  return Number(new RegExp(`^context_manager_reloads_total\\{outcome="${name}"\\} (\\d+)`, 'm').exec(body)?.[1] ?? 0);
}

async function firstWordsOf(shown: TlsOptions): Promise<string> {
  const options = { ...shown, host: '127.0.0.1', port: server.port } as ConnectionOptions;
  return text(connectTls(options));
}

describe('a server that demands certificates of its clients', () => {
  it('greets nobody without one, whatever his key, but answers probes', async () => {
    const own = world.folder();
    for (const name of ['server.crt', 'server.key', 'clients.crt'])
      writeFileSync(join(own, name), readFileSync(inFolder(name)), { mode: 0o600 });
    const variables = {
      TLS__CERT: 'server.crt',
      TLS__KEY: 'server.key',
      TLS__CLIENT_CA: 'clients.crt',
      SERVER__MAX_CONNECTIONS: '1',
    };
    server = await world.serve(own, { ...variables, PROTOCOL_SECRET: SECRETS.open });
    const dialed = (tls: TlsOptions): Promise<Client> =>
      connect({ host: '127.0.0.1', port: server.port, keyId: 'default', secret: SECRETS.open, tls });
    await expect(dialed(trusting())).rejects.toMatchObject({
      code: 'CONNECTION_FAILED',
      message: expect.stringContaining('without a certificate of the client') as string,
    });
    const stranger = await makeClientCertificate(await makeAuthority(), { commonName: 'agent 7' });
    await expect(dialed(showing(stranger))).rejects.toMatchObject({ code: 'CONNECTION_FAILED' });
    const client = await dialed(showing(agent));
    await client.ping();
    // One connection is all that it may have, and who comes then is told so by TLS.
    expect(await firstWordsOf(showing(agent))).toContain('OVERLOADED');
    await client.close();
    expect(await ask(server.httpPort, '/health/liveness', trusting())).toMatchObject({ status: 200 });
    await server.end('SIGTERM');
  });
});
