import { describe, expect, it } from 'vitest';
import type { WireClient } from '../support/wire-client.ts';
import { settle, WireServer } from '../support/wire-server.ts';

const NOW = 1_700_000_000_000;
const KIB = 1024;
const MIB = 1024 * KIB;
/** What lies in a stream and is not counted. */
const STREAM_BYTES = 64 * KIB;

const unread = (server: WireServer): number => server.gauges.get('reply_bytes')!();
const closed = (server: WireServer): number =>
  server.logged.filter(({ fields }) => fields['code'] === 'SLOW_CONSUMER').length;

function clientsOf(server: WireServer, count: number): Promise<WireClient[]> {
  return Promise.all(Array.from({ length: count }, () => server.client()));
}

/** Asks for `count` replies of some 200 KiB each, and reads none. */
function askUnread(client: WireClient, count: number): void {
  client.duplex.pause();
  for (let id = 100; id < 100 + count; id++)
    client.send({ id, type: 'context.list', timestamp: NOW, payload: { limit: 3 } });
}

async function serverWithTexts(maxBufferedBytesTotal: number): Promise<WireServer> {
  const server = new WireServer({ limits: { maxBufferedBytesTotal } });
  const client = await server.client();
  for (let n = 0; n < 4; n++) await client.request('context.store', { text: 'x'.repeat(50 * KIB) });
  await client.close();
  return server;
}

describe('replies of all connections', () => {
  it('are bounded together, and short requests of others go on', async () => {
    const server = await serverWithTexts(2 * MIB);
    const clients = await clientsOf(server, 40);
    const other = await server.client();
    for (const client of clients) askUnread(client, 10);
    await settle(100);
    // The bound, and one reply that was let through below it.
    expect(unread(server)).toBeGreaterThan(1.5 * MIB);
    expect(unread(server)).toBeLessThan(2.5 * MIB);
    expect((await other.request('ping', {})).active_connections).toBe(41);
    expect(await other.request('context.store', { text: 'short' })).toMatchObject({ created: true });
    for (const client of clients) client.duplex.destroy(new Error('cut'));
    await settle();
    expect(unread(server)).toBe(0);
  });

  it('get through as they are read, each connection in turn', async () => {
    const server = await serverWithTexts(300 * KIB);
    const clients = await clientsOf(server, 10);
    const replies = clients.flatMap((client) =>
      Array.from({ length: 5 }, () => client.request('context.list', { limit: 3 })),
    );
    expect(await Promise.all(replies)).toHaveLength(50);
    await settle();
    server.clock.advance(500);
    expect(unread(server)).toBe(0);
  });

  it('that are expected count while they are built', async () => {
    const server = await serverWithTexts(400 * KIB);
    const clients = await clientsOf(server, 10);
    const before = server.memory.calls.length;
    server.memory.hold();
    const replies = clients.map((client) => client.request('context.list', { limit: 3 }));
    await settle();
    expect(server.memory.calls.length - before).toBe(3);
    server.memory.release();
    await Promise.all(replies);
  });

  it('that nobody reads while others wait for their room end their connections, and only then', async () => {
    const server = await serverWithTexts(1 * MIB);
    const clients = await clientsOf(server, 20);
    for (const client of clients) askUnread(client, 2);
    await settle(100);
    const [reader, slow] = await clientsOf(server, 2);
    const reply = reader!.request('context.list', { limit: 3 });
    let answered = false;
    void reply.then(() => (answered = true));
    for (let steps = 0; !answered; steps++) {
      expect(steps).toBeLessThan(60);
      server.clock.advance(500);
      await settle(10);
    }
    expect(closed(server)).toBeGreaterThan(0);
    for (const client of clients) client.duplex.destroy(new Error('cut'));
    await settle();
    const before = closed(server);
    askUnread(slow!, 2);
    for (let steps = 0; steps < 40; steps++) {
      server.clock.advance(500);
      await settle(5);
    }
    expect(closed(server)).toBe(before);
    expect(unread(server)).toBeGreaterThan(200 * KIB - STREAM_BYTES);
  });
});
