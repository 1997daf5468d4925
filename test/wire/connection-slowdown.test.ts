import { describe, expect, it } from 'vitest';
import { Refused, type WireClient } from '../support/wire-client.ts';
import { ADMIN, settle, WireServer } from '../support/wire-server.ts';

const ADDRESS = '192.0.2.7';
const WRONG = { keyId: 'admin', secret: Buffer.alloc(32, 7) };
const UNKNOWN = { keyId: 'nobody', secret: Buffer.alloc(32, 7) };

/** Sends what fails, and gives what tells whether it was answered. */
async function fail(server: WireServer, who = WRONG): Promise<{ client: WireClient; answered: () => boolean }> {
  const client = server.stranger(ADDRESS);
  let isAnswered = false;
  void client.authenticate(who).catch((error: unknown) => (isAnswered = error instanceof Refused));
  await settle();
  return { client, answered: () => isAnswered };
}

async function slowed(failures = 5): Promise<WireServer> {
  const server = new WireServer();
  for (let i = 0; i < failures; i++) expect((await fail(server)).answered()).toBe(true);
  return server;
}

describe('an address that goes on failing to authenticate', () => {
  it.each([
    ['a wrong secret', WRONG],
    ['an unknown key', UNKNOWN],
  ])('is answered late, with %s', async (_what, who) => {
    const server = await slowed();
    const { client, answered } = await fail(server, who);
    expect(answered()).toBe(false);
    server.clock.advance(249);
    await settle();
    expect(answered()).toBe(false);
    server.clock.advance(1);
    await client.closed;
    expect(answered()).toBe(true);
    expect(server.counted.get('auth_delayed_total')).toBe(1);
    const lines = server.logged.filter(({ message }) => message === 'authentication failed');
    expect(lines.at(-1)?.fields).toMatchObject({ address: ADDRESS, key: who.keyId, delay_ms: 250 });
  });

  it('keeps nobody waiting who succeeds there, or fails elsewhere', async () => {
    const server = await slowed();
    const waiting = await fail(server);
    const client = server.stranger(ADDRESS);
    await client.authenticate(ADMIN);
    expect(await client.request('ping', {})).toMatchObject({ healthy: true });
    await expect(server.stranger('192.0.2.8').authenticate(WRONG)).rejects.toBeInstanceOf(Refused);
    expect(waiting.answered()).toBe(false);
  });

  it('never waits longer than the handshake may take', async () => {
    const server = await slowed();
    for (let i = 0; i < 10; i++) await fail(server);
    const { client, answered } = await fail(server);
    server.clock.advance(4_999);
    await settle();
    expect(answered()).toBe(false);
    server.clock.advance(1);
    await client.closed;
    expect(answered()).toBe(true);
    await settle();
    server.clock.advance(2_000);
    await settle();
    expect(server.handler.activeConnections).toBe(0);
  });

  it('is not read from while it waits, and told at once when the server ends', async () => {
    const server = await slowed();
    const { client, answered } = await fail(server);
    const received = server.counted.get('bytes_received_total');
    client.sendBytes(Buffer.alloc(4096));
    await settle();
    expect([answered(), server.counted.get('bytes_received_total')]).toEqual([false, received]);
    const stopped = server.handler.stop(1_000);
    await client.closed;
    expect(answered()).toBe(true);
    server.clock.advance(2_000);
    await stopped;
  });

  it('leaves no timer behind where it goes away meanwhile', async () => {
    const server = await slowed();
    await settle();
    server.clock.advance(2_000);
    await settle();
    const idleTimers = server.clock.pendingTimers;
    const { client } = await fail(server);
    client.duplex.destroy();
    await settle();
    server.clock.advance(10_000);
    await settle();
    expect([server.clock.pendingTimers, server.handler.activeConnections]).toEqual([idleTimers, 0]);
  });
});
