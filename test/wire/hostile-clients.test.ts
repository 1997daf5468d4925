import { describe, expect, it } from 'vitest';
import { ADMIN, settle, WireServer } from '../support/wire-server.ts';
import { Refused, type WireClient } from '../support/wire-client.ts';

const HOUR_MS = 3_600_000;
const SECOND_MS = 1_000;

/** Right answers to one that is nobody's fault. */
async function mustBeServed(client: WireClient, text: string): Promise<void> {
  const { id } = await client.request('context.store', { text });
  expect((await client.request('context.get', { id })).context.text).toBe(text);
}

async function codeOf(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(
    () => 'done',
    (error: unknown) => (error instanceof Refused ? error.code : String(error)),
  );
}

describe('others have their answers', () => {
  it('while a thousand begin a handshake and leave it, of whom nothing is left after its deadline', async () => {
    const server = new WireServer();
    const bystander = await server.client();
    const idleTimers = server.clock.pendingTimers;
    const strangers = Array.from({ length: 1_000 }, () => server.stranger());
    await Promise.all(strangers.map((stranger) => stranger.readHello()));
    for (const stranger of strangers) stranger.sendBytes(Uint8Array.of(0, 0, 1, 0, 0x92));
    await mustBeServed(bystander, 'beside a thousand');
    for (let seconds = 0; seconds < 10; seconds++) {
      server.clock.advance(SECOND_MS);
      await settle();
      await mustBeServed(bystander, `second ${seconds}`);
    }
    expect(server.handler.activeConnections).toBe(1);
    expect(server.counted.get('connections_refused_total')).toBeUndefined();
    expect(server.clock.pendingTimers).toBe(idleTimers);
    expect(await codeOf(strangers[0]!.nextError().then(({ code }) => Promise.reject(new Error(code))))).toContain(
      'AUTH_TIMEOUT',
    );
  });

  it('while one sends a byte a second: into the handshake, which ends all the same, and into a frame', async () => {
    const server = new WireServer();
    const [bystander, slow, stranger] = [await server.client(), await server.client(), server.stranger()];
    await stranger.readHello();
    stranger.sendBytes(Uint8Array.of(0, 0, 1, 0));
    slow.sendBytes(Uint8Array.of(0, 0x10, 0, 0));
    for (let seconds = 0; seconds < 120; seconds++) {
      for (const client of [slow, stranger]) if (!client.duplex.destroyed) client.sendBytes(Uint8Array.of(0));
      server.clock.advance(SECOND_MS);
      await settle(4);
      if (seconds % 10 === 0) await mustBeServed(bystander, `second ${seconds}`);
    }
    // The frame holds no more than has come of it, and ends with whoever sends it.
    expect(server.handler.activeConnections).toBe(2);
    await slow.close();
    await settle();
    expect(server.handler.activeConnections).toBe(1);
  });

  it('while others come and go, two thousand of them', async () => {
    const server = new WireServer();
    const bystander = await server.client();
    for (let wave = 0; wave < 20; wave++) {
      const strangers = Array.from({ length: 100 }, () => server.stranger());
      await Promise.all(strangers.map((stranger) => stranger.readHello()));
      await mustBeServed(bystander, `wave ${wave}`);
      await Promise.all(strangers.map((stranger) => stranger.close()));
      await settle();
      expect(server.handler.activeConnections).toBe(1);
    }
  });
});

describe('a clock that jumps by an hour', () => {
  it.each([HOUR_MS, -HOUR_MS])(
    'of the server (%d ms) ends no connection, and refuses what bears the other time',
    async (jumpMs) => {
      const server = new WireServer();
      const client = await server.client();
      const beforeMs = server.clock.nowMs();
      server.clock.setWallClock(beforeMs + jumpMs);
      const stale = await client.ask('ping', {}, { timestamp: beforeMs }).catch((error: unknown) => error);
      expect(stale).toMatchObject({ code: 'TIMESTAMP_OUT_OF_RANGE' });
      expect((stale as Refused).payload.details).toMatchObject({ server_time: beforeMs + jumpMs });
      // With the right time all goes on, on the same connection; heartbeats and deadlines go by the time that has passed.
      expect((await client.request('ping', {})).active_connections).toBe(1);
      server.clock.advance(SECOND_MS);
      await settle();
      expect(client.unread).toEqual([]);
      expect((await client.request('ping', {}, { deadline_ms: 5 })).uptime_ms).toBe(SECOND_MS);
    },
  );

  it.each([HOUR_MS, -HOUR_MS])(
    'while a handshake is under way (%d ms) leaves it the time that it has',
    async (jumpMs) => {
      const server = new WireServer();
      const [stranger, silent] = [server.stranger(), server.stranger()];
      await Promise.all([stranger.readHello(), silent.readHello()]);
      server.clock.setWallClock(server.clock.nowMs() + jumpMs);
      server.clock.advance(4_000);
      await settle();
      expect(server.handler.activeConnections).toBe(2);
      stranger.sendAuth(ADMIN);
      expect((await stranger.next())['type']).toBe('welcome');
      server.clock.advance(1_500);
      expect((await silent.nextError()).code).toBe('AUTH_TIMEOUT');
    },
  );

  it.each([HOUR_MS, -HOUR_MS])(
    'of a client (%d ms) shuts out that client alone, and tells it the time',
    async (jumpMs) => {
      const server = new WireServer();
      const [bystander, stranger] = [await server.client(), server.stranger()];
      const timestamp = server.clock.nowMs() + jumpMs;
      const refused = await stranger.authenticate(ADMIN, { timestamp }).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: 'TIMESTAMP_OUT_OF_RANGE' });
      expect((refused as Refused).payload.details).toMatchObject({ server_time: server.clock.nowMs() });
      await mustBeServed(bystander, 'whose clock is right');
      // A connection that was made before goes on, and what it sends is refused one by one.
      expect(await codeOf(bystander.ask('ping', {}, { timestamp }))).toBe('TIMESTAMP_OUT_OF_RANGE');
      await mustBeServed(bystander, 'whose clock is right again');
    },
  );

  it('gives a key no more answers than its rate', async () => {
    const secret = 'a secret of thirty-two bytes or more';
    const limited = {
      id: 'slow',
      secret,
      scopes: ['read'] as const,
      namespaces: ['a'],
      rateLimit: { perSecond: 1, burst: 3 },
    };
    const server = new WireServer({ keys: [{ ...limited, scopes: ['read'] }] });
    const client = await server.client({ keyId: 'slow', secret });
    for (let count = 0; count < 3; count++) expect(await codeOf(client.request('ping', {}))).toBe('done');
    server.clock.setWallClock(server.clock.nowMs() + HOUR_MS);
    expect(await codeOf(client.request('ping', {}))).toBe('RATE_LIMITED');
    server.clock.setWallClock(server.clock.nowMs() - 2 * HOUR_MS);
    server.clock.advance(SECOND_MS);
    expect(await codeOf(client.request('ping', {}))).toBe('done');
  });
});
