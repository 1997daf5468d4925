import { describe, expect, it } from 'vitest';
import type { KeyConfig } from '../../src/api/key-ring.ts';
import { WireClient } from '../support/wire-client.ts';
import { ADMIN, settle, WireServer } from '../support/wire-server.ts';

const NOW = 1_700_000_000_000;
const BEAT = 10_000;

describe('heartbeats', () => {
  it('pings after a heartbeat of silence, and every heartbeat while it lasts', async () => {
    const server = new WireServer({ limits: { heartbeatMs: BEAT } });
    const client = await server.client();
    server.clock.advance(BEAT - 1_000);
    await settle();
    expect(client.unread).toEqual([]);
    server.clock.advance(1_500);
    expect(await client.next()).toEqual({ id: 0, type: 'ping', timestamp: expect.any(Number) as unknown, payload: {} });
    server.clock.advance(BEAT);
    expect((await client.next())['type']).toBe('ping');
  });

  it('closes after three heartbeats without a byte', async () => {
    const server = new WireServer({ limits: { heartbeatMs: BEAT } });
    const client = await server.client();
    server.clock.advance(3 * BEAT + 500);
    await client.closed;
    expect(client.unread.map((message) => message['type'])).toEqual(['ping', 'ping']);
    server.clock.advance(2_000);
    await settle();
    expect(server.handler.activeConnections).toBe(0);
  });

  it.each<[string, (client: WireClient) => void]>([
    ['answers to the pings', (client) => client.send({ id: 0, type: 'result', timestamp: NOW, payload: {} })],
    ['answers without a payload', (client) => client.send({ id: 0, type: 'result' })],
    [
      'refusals of the pings',
      (client) => client.send({ id: 0, type: 'error', timestamp: NOW, payload: { code: 'UNKNOWN_TYPE' } }),
    ],
    ['pings of its own', (client) => void client.ask('ping', {}, { timestamp: NOW }).catch(() => {})],
    ['part of a frame', (client) => client.sendBytes(Buffer.of(0))],
  ])('keeps a client that sends %s', async (_what, signOfLife) => {
    const server = new WireServer({ limits: { heartbeatMs: BEAT } });
    const client = await server.client();
    for (let beat = 0; beat < 3; beat++) {
      server.clock.advance(2 * BEAT);
      await settle();
      signOfLife(client);
      await settle();
    }
    expect(server.handler.activeConnections).toBe(1);
    expect(client.unread.filter((message) => message['type'] === 'error')).toEqual([]);
  });

  it('does not take a client for silent that it does not listen to', async () => {
    const server = new WireServer({ limits: { heartbeatMs: BEAT, maxInFlight: 1 } });
    const client = await server.client();
    server.memory.hold();
    const replies = [client.request('stats', {}), client.request('ping', {})];
    await settle();
    server.clock.advance(10 * BEAT);
    await settle();
    server.memory.release();
    await Promise.all(replies);
    server.clock.advance(BEAT - 1_000);
    await settle();
    expect(server.handler.activeConnections).toBe(1);
  });

  it('pings many idle connections in slices, with one timer for all', async () => {
    const server = new WireServer({ limits: { heartbeatMs: BEAT } });
    const idleTimers = server.clock.pendingTimers;
    const clients = await Promise.all(Array.from({ length: 200 }, () => server.client()));
    expect(server.clock.pendingTimers).toBe(idleTimers);
    server.clock.advance(BEAT);
    await settle();
    const pinged = (): number => clients.filter((client) => client.unread.length > 0).length;
    expect(pinged()).toBe(64);
    server.clock.advance(4);
    await settle();
    expect(pinged()).toBe(64);
    server.clock.advance(11);
    await settle();
    expect(pinged()).toBe(200);
  });
});

describe('keys that expire', () => {
  it('closes connections of a key when it expires', async () => {
    const secret = Buffer.from('a secret that is valid for a minute only');
    const key: KeyConfig = { id: 'brief', secret, scopes: ['read'], namespaces: ['a'], notAfterMs: NOW + 60_000 };
    const server = new WireServer({ keys: [key], limits: { heartbeatMs: 1_000_000 } });
    const [client, other] = [await server.client({ keyId: 'brief', secret }), await server.client()];
    server.clock.advance(59_000);
    expect((await client.request('ping', {})).healthy).toBe(true);
    server.clock.advance(1_500);
    expect((await client.nextError()).code).toBe('AUTH_FAILED');
    await client.closed;
    expect((await other.request('ping', {})).healthy).toBe(true);
  });
});

describe('health', () => {
  it('tells in ping whether the store answers, at most a second old', async () => {
    const server = new WireServer();
    const client = await WireClient.over(server.open(), ADMIN, () => server.clock.nowMs());
    expect(await client.request('ping', {})).toEqual({
      server_time: NOW,
      uptime_ms: 0,
      healthy: true,
      active_connections: 1,
    });
    server.memory.answers = false;
    expect((await client.request('ping', {})).healthy).toBe(true);
    server.clock.advance(6_000);
    expect(await client.request('ping', {})).toEqual({
      server_time: NOW + 6_000,
      uptime_ms: 6_000,
      healthy: false,
      active_connections: 1,
    });
  });
});
