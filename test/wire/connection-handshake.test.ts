import { describe, expect, it } from 'vitest';
import { encodeBody } from '../../src/protocol/codec.ts';
import { authTag } from '../../src/protocol/proof.ts';
import type { KeyConfig } from '../../src/api/key-ring.ts';
import { Refused } from '../support/wire-client.ts';
import { ADMIN, settle, WireServer } from '../support/wire-server.ts';

const SECRETS = ['old secret of thirty-two bytes or more', 'new secret of thirty-two bytes or more'].map((text) =>
  Buffer.from(text),
);
const NOW = 1_700_000_000_000;

/** The whole of what a stranger is told. */
const AUTH_FAILED = { code: 'AUTH_FAILED', message: 'authentication failed', retryable: false };

function rotated(changes: Partial<KeyConfig> = {}): KeyConfig[] {
  return SECRETS.map((secret, index) => ({
    id: 'rotated',
    secret,
    scopes: index === 0 ? ['read'] : ['read', 'write'],
    namespaces: ['a'],
    ...changes,
  }));
}

async function refusal(attempt: Promise<unknown>): Promise<Refused> {
  const outcome = await attempt.then(
    () => new Error('not refused'),
    (error: unknown) => error,
  );
  if (outcome instanceof Refused) return outcome;
  throw outcome as Error;
}

describe('handshake', () => {
  it('says hello with what section 2 lists, and a nonce of its own for every connection', async () => {
    const server = new WireServer();
    const first = await server.stranger().readHello();
    const second = await server.stranger().readHello();
    expect(first).toEqual({
      type: 'hello',
      protocol: 1,
      server: 'context-manager/0.0.0',
      server_nonce: expect.any(Uint8Array) as unknown,
      timestamp: NOW,
      max_frame_bytes: 10_485_760,
    });
    expect((first['server_nonce'] as Uint8Array).length).toBe(32);
    expect(first['server_nonce']).not.toEqual(second['server_nonce']);
  });

  it('welcomes under the server-to-client key, with scopes, namespaces and heartbeat', async () => {
    const server = new WireServer({ limits: { heartbeatMs: 7_000 } });
    const client = await server.client();
    expect(client.welcome).toEqual({
      type: 'welcome',
      session: expect.stringMatching(/^[0-9a-f-]{36}$/) as unknown,
      scopes: ['read', 'write', 'admin'],
      namespaces: ['*'],
      heartbeat_ms: 7_000,
      timestamp: NOW,
    });
    expect(client.incoming!.count).toBe(1);
  });

  it('answers a request that was sent right behind auth, before welcome was read', async () => {
    const client = new WireServer().stranger();
    await client.readHello();
    client.sendAuth(ADMIN);
    const reply = client.request('ping', {});
    expect((await client.next())['type']).toBe('welcome');
    expect((await reply).healthy).toBe(true);
  });

  it('accepts either secret of a key that is being rotated, each with its own rights', async () => {
    const server = new WireServer({ keys: rotated() });
    const old = await server.client({ keyId: 'rotated', secret: SECRETS[0]! });
    const young = await server.client({ keyId: 'rotated', secret: SECRETS[1]! });
    expect(old.welcome['scopes']).toEqual(['read']);
    expect(young.welcome['scopes']).toEqual(['read', 'write']);
  });

  it('gives an unknown key, a wrong tag, a nil tag and an expired key the same reply, and closes', async () => {
    const server = new WireServer({ keys: rotated({ notAfterMs: NOW }) });
    const attempts = [
      { keyId: 'nobody', secret: ADMIN.secret },
      { keyId: 'admin', secret: SECRETS[0]! },
      { keyId: 'rotated', secret: SECRETS[0]! },
      { keyId: 'rotated', secret: SECRETS[1]! },
    ].map(async (credentials) => {
      const client = server.stranger();
      const { payload } = await refusal(client.authenticate(credentials));
      await client.closed;
      return payload;
    });
    const untagged = server.stranger();
    await untagged.readHello();
    untagged.sendBody(authBody());
    const expected = { code: 'AUTH_FAILED', message: 'authentication failed', retryable: false };
    expect([...(await Promise.all(attempts)), await untagged.nextError()]).toEqual(
      Array.from({ length: 5 }, () => expected),
    );
    expect(server.counted.get('auth_failures_total AUTH_FAILED')).toBe(5);
  });

  it('sends refusals before authentication with tag nil and id 0', async () => {
    const client = new WireServer().stranger();
    await client.readHello();
    client.sendAuth({ keyId: 'nobody', secret: ADMIN.secret });
    // The client verifies every tagged frame: with no keys in common, a tag would have ended it.
    client.incoming = null;
    expect((await client.nextError()).code).toBe('AUTH_FAILED');
  });

  it('refuses another protocol version whatever else the message says', async () => {
    const client = new WireServer().stranger();
    const refused = await refusal(client.authenticate(ADMIN, { protocol: 2, novelty: true }));
    expect(refused.payload).toMatchObject({ code: 'UNSUPPORTED_PROTOCOL', details: { supported: [1] } });
    await client.closed;
  });

  it.each([
    ['sender', ''],
    ['sender', '*'],
    ['client_nonce', new Uint8Array(31)],
    ['timestamp', 'now'],
    ['client', undefined],
    ['protocol', 'one'],
    ['extra', 1],
  ])('refuses an auth whose %s is %o with BAD_REQUEST, and closes', async (field, value) => {
    const client = new WireServer().stranger();
    expect((await refusal(client.authenticate(ADMIN, { [field]: value }))).code).toBe('BAD_REQUEST');
    await client.closed;
  });

  it.each([
    ['key_id', undefined],
    ['key_id', 7],
    ['key_id', ''],
    ['type', 'hello'],
  ])('takes an auth whose %s is %o for one without a known key', async (field, value) => {
    const client = new WireServer().stranger();
    expect((await refusal(client.authenticate(ADMIN, { [field]: value }))).payload).toEqual(AUTH_FAILED);
    await client.closed;
  });

  it.each([
    ['an unknown field', { extra: 1 }],
    ['a missing field', { client: undefined }],
    ['a bad timestamp', { timestamp: 'now' }],
  ])('tells a stranger nothing about %s', async (_what, changes) => {
    const client = new WireServer().stranger();
    const refused = await refusal(client.authenticate({ ...ADMIN, secret: SECRETS[0]! }, changes));
    expect(refused.payload).toEqual(AUTH_FAILED);
  });

  it.each(['c1', '', '81a161', '90', '81c0c0'])(
    'takes a body that cannot be read (%s) for a wrong tag',
    async (bytes) => {
      const client = new WireServer().stranger();
      await client.readHello();
      const body = Buffer.from(bytes, 'hex');
      client.sendFrame(authTag(ADMIN.secret, client.hello['server_nonce'] as Uint8Array, body), body);
      expect(await client.nextError()).toEqual(AUTH_FAILED);
      await client.closed;
    },
  );

  it.each([
    ['too old', -300_001],
    ['too far ahead', 30_001],
  ])('refuses a timestamp that is %s, and tells its own time', async (_what, offsetMs) => {
    const client = new WireServer().stranger();
    const { payload } = await refusal(client.authenticate(ADMIN, { timestamp: NOW + offsetMs }));
    expect(payload).toMatchObject({ code: 'TIMESTAMP_OUT_OF_RANGE', details: { server_time: NOW } });
    await client.closed;
  });

  it.each([-300_000, 30_000])('accepts a timestamp at the edge of the window (%i ms)', async (offsetMs) => {
    const client = new WireServer().stranger();
    expect((await client.authenticate(ADMIN, { timestamp: NOW + offsetMs }))['type']).toBe('welcome');
  });

  it('tells a wrong tag nothing about the clock', async () => {
    const client = new WireServer().stranger();
    const refused = await refusal(client.authenticate({ ...ADMIN, secret: SECRETS[0]! }, { timestamp: 0 }));
    expect(refused.code).toBe('AUTH_FAILED');
  });

  it('accepts nothing but auth, not even a request that is tagged like one', async () => {
    const server = new WireServer();
    const client = server.stranger();
    await client.readHello();
    const body = encodeBody({ id: 1, type: 'ping', timestamp: NOW, payload: {} });
    client.sendFrame(authTag(ADMIN.secret, client.hello['server_nonce'] as Uint8Array, body), body);
    expect((await client.nextError()).code).toBe('AUTH_FAILED');
    await client.closed;
  });

  it('takes a second auth for a request without an id, and closes', async () => {
    const client = await new WireServer().client();
    client.send({ type: 'auth', protocol: 1 });
    expect((await client.nextError()).code).toBe('BAD_REQUEST');
    await client.closed;
  });

  it('does not take an auth that was meant for another connection', async () => {
    const server = new WireServer();
    const [first, second] = [server.stranger(), server.stranger()];
    await first.readHello();
    await second.readHello();
    second.hello = first.hello;
    second.sendAuth(ADMIN);
    expect((await second.nextError()).code).toBe('AUTH_FAILED');
  });

  it('closes with AUTH_TIMEOUT when nobody authenticates in time, however much is sent', async () => {
    const server = new WireServer();
    const client = server.stranger();
    await client.readHello();
    client.sendBytes(Uint8Array.of(0, 0, 1, 0, 0x92));
    server.clock.advance(4_900);
    await settle();
    expect(client.unread).toEqual([]);
    client.sendBytes(Uint8Array.of(0xc0));
    server.clock.advance(600);
    expect((await client.nextError()).code).toBe('AUTH_TIMEOUT');
    await client.closed;
  });

  it('leaves nothing behind when strangers come and go', async () => {
    const server = new WireServer();
    const idleTimers = server.clock.pendingTimers;
    const clients = Array.from({ length: 20 }, () => server.stranger());
    await Promise.all(clients.map((client) => client.readHello()));
    expect(server.handler.activeConnections).toBe(20);
    await Promise.all(clients.map((client) => client.close()));
    await settle();
    expect(server.handler.activeConnections).toBe(0);
    expect(server.clock.pendingTimers).toBe(idleTimers);
  });

  it('logs a refusal with the key id that was claimed, and without the sender or a secret', async () => {
    const server = new WireServer();
    const client = server.stranger();
    await refusal(client.authenticate({ keyId: 'stolen-key', secret: SECRETS[0]!, sender: 'mallory' }));
    const text = JSON.stringify(server.logged);
    expect(server.logged).toContainEqual({
      level: 'warn',
      fields: { connection: 1, key: 'stolen-key', code: 'AUTH_FAILED', reason: 'authentication failed' },
      message: 'authentication failed',
    });
    expect(text).not.toMatch(/mallory|secret of/);
  });
});

function authBody(): Uint8Array {
  const client = { key_id: 'admin', sender: 'agent-1', client_nonce: new Uint8Array(32), client: 'x/1' };
  return encodeBody({ type: 'auth', protocol: 1, timestamp: NOW, ...client });
}
