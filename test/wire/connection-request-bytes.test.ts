import { describe, expect, it } from 'vitest';
import { encodeBody } from '../../src/protocol/codec.ts';
import { encodeFrame } from '../../src/protocol/frame.ts';
import { DEFAULTS } from '../support/settings.ts';
import type { WireClient } from '../support/wire-client.ts';
import { settle, WireServer } from '../support/wire-server.ts';

const NOW = 1_700_000_000_000;
const KIB = 1024;
const MIB = 1024 * KIB;
/** What a connection may hold whatever the others hold, and what its last chunk may add before it is paused. */
const CHUNK_BYTES = 64 * KIB;

function store(client: WireClient, bytes: number): Promise<unknown> {
  return client.request('context.store', { text: 'x'.repeat(bytes) });
}

/** The bytes of a whole request of about `bytes`, made of as many texts as it needs. */
function frameOf(client: WireClient, bytes: number, id = 900): Buffer {
  const texts = Array.from({ length: Math.ceil(bytes / 200_000) }, () => ({
    text: 'x'.repeat(Math.min(bytes, 200_000)),
  }));
  const body = encodeBody({ id, type: 'context.store_batch', timestamp: NOW, payload: { contexts: texts } });
  return encodeFrame(client.outgoing!.sign(body), body);
}

/** As a socket brings them. */
function sendInPieces(client: WireClient, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) client.sendBytes(bytes.subarray(at, at + CHUNK_BYTES));
}

/** The first `bytes` of a frame that claims to be `length` bytes long. */
function startOf(length: number, bytes: number): Buffer {
  const start = Buffer.alloc(bytes, 0x61);
  start.writeUInt32BE(length);
  return start;
}

const clientsOf = (server: WireServer, count: number): Promise<WireClient[]> =>
  Promise.all(Array.from({ length: count }, () => server.client()));
const running = (server: WireServer): number => server.gauges.get('request_bytes_running')!();
const coming = (server: WireServer): number => server.gauges.get('request_bytes_coming')!();

describe('requests of one connection', () => {
  it('are worked on up to max_request_bytes at a time; the others stay unread, and get their turn', async () => {
    const server = new WireServer({ limits: { maxRequestBytes: 100 * KIB } });
    const client = await server.client();
    server.memory.hold();
    const replies = Array.from({ length: 10 }, () => store(client, 40 * KIB));
    await settle();
    expect(server.memory.calls).toHaveLength(3);
    expect(client.duplex.writableLength).toBeGreaterThan(0);
    server.memory.release();
    await Promise.all(replies);
    expect(running(server)).toBe(0);
    expect(coming(server)).toBe(0);
  });

  it('that are larger than all the room are worked on one at a time', async () => {
    const server = new WireServer({ limits: { maxRequestBytes: 4 * KIB, maxRequestBytesTotal: 16 * KIB } });
    const client = await server.client();
    for (let round = 0; round < 3; round++) {
      server.memory.hold();
      const before = server.memory.calls.length;
      const replies = [store(client, 200 * KIB), store(client, 200 * KIB)];
      await settle();
      expect(server.memory.calls.length).toBe(before + 1);
      server.memory.release();
      await Promise.all(replies);
    }
  });

  it('weigh something for each value, which is small on the wire', async () => {
    const server = new WireServer({ limits: { maxRequestBytes: 200 * KIB } });
    const client = await server.client();
    server.memory.hold();
    const metadata = { numbers: new Array<number>(10_000).fill(1) };
    const replies = Array.from({ length: 10 }, () => client.request('context.store', { text: 'x', metadata }));
    await settle();
    expect(server.memory.calls.length).toBeLessThanOrEqual(2);
    server.memory.release();
    await Promise.all(replies);
  });

  it('weigh something for each context of a batch, whose vector is longer than its text', async () => {
    const server = new WireServer({ limits: { maxRequestBytes: 3 * MIB } });
    const client = await server.client();
    server.memory.hold();
    const contexts = Array.from({ length: 1_000 }, () => ({ text: 'x' }));
    const replies = Array.from({ length: 10 }, () => client.request('context.store_batch', { contexts }));
    await settle();
    expect(server.memory.calls).toHaveLength(2);
    expect(running(server)).toBeGreaterThan(2 * 1_000 * (DEFAULTS.vectorDb.vectorSize + 1_024));
    server.memory.release();
    await Promise.all(replies);
    expect(running(server)).toBe(0);
  });

  it('count until they are done, though their client is gone', async () => {
    const server = new WireServer({ limits: { maxRequestBytesTotal: 200 * KIB } });
    const [gone, other] = await clientsOf(server, 2);
    server.memory.hold();
    for (let n = 0; n < 3; n++) store(gone!, 60 * KIB).catch(() => {});
    await settle();
    gone!.duplex.destroy();
    await settle();
    const waiting = store(other!, 60 * KIB);
    await settle();
    expect(running(server)).toBeGreaterThan(100 * KIB);
    expect(server.memory.calls).toHaveLength(2);
    server.memory.release();
    await waiting;
    await settle();
    expect(running(server)).toBe(0);
  });
});

describe('requests of all connections', () => {
  it('are worked on up to half of max_request_bytes_total, in turn, while short ones go on', async () => {
    const server = new WireServer({ limits: { maxRequestBytesTotal: 200 * KIB } });
    const clients = await clientsOf(server, 5);
    const other = await server.client();
    server.memory.hold();
    const order: number[] = [];
    const replies = clients.flatMap((client, place) =>
      [1, 2].map(() => store(client, 60 * KIB).then(() => order.push(place))),
    );
    await settle();
    expect(server.memory.calls).toHaveLength(2);
    expect((await other.request('ping', {})).healthy).toBe(true);
    const short = other.request('context.store', { text: 'short' });
    await settle();
    expect(server.memory.calls).toHaveLength(3);
    server.memory.release();
    await Promise.all([...replies, short]);
    expect(order).toHaveLength(10);
    expect(running(server)).toBe(0);
    expect(coming(server)).toBe(0);
  });

  it('wait for their turn as batches, however short these are', async () => {
    const server = new WireServer({ limits: { maxRequestBytesTotal: 4 * MIB } });
    const clients = await clientsOf(server, 20);
    server.memory.hold();
    const contexts = Array.from({ length: 400 }, () => ({ text: 'x' }));
    expect(encodeBody({ contexts }).length).toBeLessThan(3.5 * KIB);
    const replies = clients.map((client) => client.request('context.store_batch', { contexts }));
    await settle();
    expect(server.memory.calls).toHaveLength(3);
    server.memory.release();
    await Promise.all(replies);
    expect(running(server)).toBe(0);
  });

  it('that wait past their deadline are told so, and not started', async () => {
    const server = new WireServer({ limits: { maxRequestBytesTotal: 100 * KIB } });
    const [first, second] = await clientsOf(server, 2);
    server.memory.hold();
    const reply = store(first!, 60 * KIB);
    const late = second!.request('context.store', { text: 'x'.repeat(20 * KIB) }, { deadline_ms: 100 });
    late.catch(() => {});
    await settle();
    server.clock.advance(200);
    server.memory.release();
    await reply;
    await expect(late).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(server.memory.calls).toHaveLength(1);
  });
});

describe('frames that are not complete', () => {
  it('take the memory of what has come, whatever length they claim', async () => {
    const server = new WireServer();
    const clients = await clientsOf(server, 50);
    for (const client of clients) client.sendBytes(startOf(8 * MIB, 10 * KIB));
    await settle();
    expect(coming(server)).toBeLessThan(50 * 20 * KIB);
    expect(coming(server)).toBeGreaterThan(50 * 6 * KIB);
  });

  it('are bounded all together, and keep no short request waiting', async () => {
    const limits = { maxRequestBytesTotal: 4 * MIB };
    const server = new WireServer({ limits });
    const attackers = await clientsOf(server, 30);
    const [honest] = await clientsOf(server, 1);
    for (const client of attackers) sendInPieces(client, startOf(4 * MIB, 3 * MIB));
    await settle(200);
    // A quarter of the bound, one frame that is let through, and what had come of the others when it was reached.
    const most = limits.maxRequestBytesTotal / 4 + 4 * MIB + attackers.length * CHUNK_BYTES;
    expect(coming(server)).toBeLessThanOrEqual(most);
    await Promise.all([store(honest!, 200), store(honest!, 250 * KIB), honest!.request('ping', {})]);
    expect(server.handler.activeConnections).toBe(31);
    for (const client of attackers) client.duplex.destroy();
    await settle();
    expect(coming(server)).toBe(0);
  });

  it('are closed where they stand still while others wait for their room', async () => {
    const server = new WireServer({ limits: { maxRequestBytesTotal: 2 * MIB } });
    const attackers = await clientsOf(server, 20);
    const [honest] = await clientsOf(server, 1);
    for (const client of attackers) sendInPieces(client, startOf(1.5 * MIB, 1 * MIB));
    await settle(200);
    const reply = honest!.replyTo(900);
    sendInPieces(honest!, frameOf(honest!, 1.5 * MIB));
    let answered = false;
    const done = reply.then(() => (answered = true));
    let steps = 0;
    while (!answered) {
      expect(++steps).toBeLessThan(400);
      server.clock.advance(500);
      await settle(10);
    }
    await done;
    const closed = server.logged.filter(({ fields }) => fields['code'] === 'OVERLOADED');
    expect(closed.length).toBeGreaterThan(0);
    expect(await attackers.find(({ unread }) => unread.length > 0)!.nextError()).toMatchObject({
      code: 'OVERLOADED',
      retryable: true,
    });
  });

  it('stand still as long as they like where nobody waits for their room', async () => {
    const server = new WireServer({ limits: { maxRequestBytesTotal: 64 * MIB } });
    const clients = await clientsOf(server, 3);
    const frames = clients.map((client) => frameOf(client, 1 * MIB));
    clients.forEach((client, place) => client.sendBytes(frames[place]!.subarray(0, 500_000)));
    await settle();
    server.clock.advance(60_000);
    await settle();
    const replies = clients.map((client) => client.replyTo(900));
    clients.forEach((client, place) => client.sendBytes(frames[place]!.subarray(500_000)));
    expect(await Promise.all(replies)).toHaveLength(3);
  });

  it('that come to an end get through, however many come at once and however small the room', async () => {
    const server = new WireServer({ limits: { maxRequestBytesTotal: 64 * KIB, maxRequestBytes: 4 * KIB } });
    const clients = await clientsOf(server, 20);
    const replies = clients.map((client) => client.replyTo(900));
    const frames = clients.map((client) => frameOf(client, 1 * MIB));
    for (let at = 0; at < frames[0]!.length; at += 100_000) {
      clients.forEach((client, place) => client.sendBytes(frames[place]!.subarray(at, at + 100_000)));
      await settle(3);
    }
    expect(await Promise.all(replies)).toHaveLength(20);
    expect(coming(server)).toBe(0);
    expect(running(server)).toBe(0);
  });
});
