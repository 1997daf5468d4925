import { describe, expect, it } from 'vitest';
import { encodeBody } from '../../src/protocol/codec.ts';
import { encodeFrame } from '../../src/protocol/frame.ts';
import type { RequestType } from '../../src/protocol/messages.generated.ts';
import type { WireClient } from '../support/wire-client.ts';
import { ADMIN, settle, WireServer } from '../support/wire-server.ts';

const NOW = 1_700_000_000_000;

/** Frames of many requests as one piece, as a busy socket brings them. */
function frames(
  client: WireClient,
  requests: readonly { id: number; type: RequestType; payload: object }[],
): Uint8Array {
  return Buffer.concat(
    requests.map((request) => {
      const body = encodeBody({ ...request, timestamp: NOW });
      return encodeFrame(client.outgoing!.sign(body), body);
    }),
  );
}

function range(count: number, from = 1): number[] {
  return Array.from({ length: count }, (_, index) => from + index);
}

describe('pipelining', () => {
  it('answers in completion order, under the ids of the requests', async () => {
    const server = new WireServer();
    const client = await server.client();
    server.memory.hold();
    client.sendBytes(
      frames(client, [
        { id: 1, type: 'stats', payload: {} },
        { id: 2, type: 'ping', payload: {} },
        { id: 3, type: 'admin.cache_clear', payload: {} },
      ]),
    );
    expect((await client.next())['id']).toBe(3);
    expect((await client.next())['id']).toBe(2);
    server.memory.release();
    expect((await client.next())['id']).toBe(1);
  });

  it('writes the replies of one tick together', async () => {
    const server = new WireServer();
    const client = await server.client();
    await client.request('ping', {});
    let chunks = 0;
    client.duplex.on('data', () => (chunks += 1));
    const replies = range(100, 1000).map((id) => client.replyTo(id));
    client.sendBytes(
      frames(
        client,
        range(100, 1000).map((id) => ({ id, type: 'ping', payload: {} })),
      ),
    );
    await Promise.all(replies);
    expect(chunks).toBe(1);
    const stored = range(50).map(() => client.request('context.store', { text: 'x' }));
    await Promise.all(stored);
    expect(chunks).toBeLessThan(10);
  });

  it('runs max_in_flight requests at a time, leaves the others unread, and takes them up again', async () => {
    const server = new WireServer({ limits: { maxInFlight: 4 } });
    const client = await server.client();
    server.memory.hold();
    const ids = range(10);
    const replies = ids.map((id) => client.replyTo(id));
    client.sendBytes(
      frames(
        client,
        ids.map((id) => ({ id, type: 'context.list', payload: {} })),
      ),
    );
    const later = range(10).map(() => client.request('context.list', {}, { id: 100 + replies.length }));
    later.forEach((reply) => void reply.catch(() => {}));
    await settle();
    expect(server.memory.calls).toHaveLength(4);
    expect(server.gauges.get('requests_in_flight')!()).toBe(4);
    server.memory.release();
    await Promise.all(replies);
    await settle();
    expect(server.memory.calls.length).toBeGreaterThanOrEqual(10);
    expect((await client.request('ping', {})).healthy).toBe(true);
  });

  it('stops only the connection that has too much in flight', async () => {
    const server = new WireServer({ limits: { maxInFlight: 1 } });
    const [busy, other] = [await server.client(), await server.client()];
    server.memory.hold();
    const replies = [busy.request('stats', {}), busy.request('ping', {})];
    await settle();
    expect((await other.request('ping', {})).active_connections).toBe(2);
    server.memory.release();
    await Promise.all(replies);
  });
});

describe('room for replies', () => {
  it('starts no more requests than their replies have room for, and gets through all of them', async () => {
    const server = new WireServer({ limits: { replyRoomBytes: 4 * 1024 * 1024 } });
    const client = await server.client();
    server.memory.hold();
    const ids = range(100);
    const replies = ids.map((id) => client.replyTo(id));
    client.sendBytes(
      frames(
        client,
        ids.map((id) => ({ id, type: 'context.list', payload: {} })),
      ),
    );
    await settle();
    expect(server.memory.calls).toHaveLength(5);
    server.memory.release();
    await Promise.all(replies);
    expect(server.memory.calls).toHaveLength(100);
  });

  it('keeps short requests going by the hundred', async () => {
    const server = new WireServer();
    const client = await server.client();
    server.memory.hold();
    const replies = range(256).map((id) => client.replyTo(id));
    client.sendBytes(
      frames(
        client,
        range(256).map((id) => ({ id, type: 'context.store', payload: { text: 'x' } })),
      ),
    );
    await settle();
    expect(server.memory.calls).toHaveLength(256);
    server.memory.release();
    await Promise.all(replies);
  });

  it('tells a request that waited for room past its deadline so, and does not start it', async () => {
    const server = new WireServer({ limits: { replyRoomBytes: 1024 * 1024 } });
    const client = await server.client();
    server.memory.hold();
    const first = range(2).map((id) => client.replyTo(id));
    const late = client.replyTo(50);
    late.catch(() => {});
    const lists = [1, 2, 50].map((id) => ({
      id,
      type: 'context.list' as const,
      payload: {},
      ...(id === 50 && { deadline_ms: 100 }),
    }));
    client.sendBytes(frames(client, lists));
    await settle();
    server.clock.advance(200);
    server.memory.release();
    await Promise.all(first);
    await expect(late).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(server.memory.calls).toHaveLength(2);
  });

  it('never takes a client that reads for one that does not', async () => {
    const server = new WireServer({ limits: { maxBufferedBytes: 1_000_000, highWaterBytes: 100_000 } });
    const client = await server.client();
    for (let n = 0; n < 5; n++) await client.request('context.store', { text: 'x'.repeat(50_000) });
    const ids = range(256, 100);
    const replies = ids.map((id) => client.replyTo(id));
    client.sendBytes(
      frames(
        client,
        ids.map((id) => ({ id, type: 'context.list', payload: {} })),
      ),
    );
    expect(await Promise.all(replies)).toHaveLength(256);
  });
});

describe('clients that do not read', () => {
  it('are not read from either, and get every reply when they do read', async () => {
    const server = new WireServer({ limits: { highWaterBytes: 100_000, maxInFlight: 8 } });
    const client = await server.client();
    await client.request('context.store', { text: 'x'.repeat(20_000) });
    client.duplex.pause();
    const replies = range(200, 10).map((id) => client.replyTo(id));
    for (const id of range(200, 10)) client.sendBytes(frames(client, [{ id, type: 'context.list', payload: {} }]));
    await settle(50);
    const started = server.memory.calls.length;
    expect(started).toBeLessThan(60);
    await settle(50);
    expect(server.memory.calls.length).toBe(started);
    client.duplex.resume();
    await Promise.all(replies);
    expect(server.memory.calls.filter(({ method }) => method === 'list')).toHaveLength(200);
  });

  it('are closed with SLOW_CONSUMER past max_buffered_bytes, without harm to others', async () => {
    const server = new WireServer({ limits: { maxBufferedBytes: 1_000_000, maxInFlight: 256 } });
    const [client, bystander] = [await server.client(), await server.client()];
    await client.request('context.store', { text: 'x'.repeat(50_000) });
    client.duplex.pause();
    server.memory.hold();
    // Their replies are longer than anybody would expect of so few tokens.
    for (const id of range(60, 10))
      client.send({ id, type: 'context.query', timestamp: NOW, payload: { query: 'x', max_tokens: 1, limit: 1 } });
    await settle();
    server.memory.release();
    await settle();
    expect(server.logged).toContainEqual({
      level: 'info',
      fields: { connection: 1, code: 'SLOW_CONSUMER', reason: 'the client does not read its replies' },
      message: 'connection refused',
    });
    expect((await bystander.request('ping', {})).active_connections).toBe(2);
    client.duplex.resume();
    let last = await client.next();
    while (last['type'] === 'result') last = await client.next();
    expect(last).toMatchObject({ id: 0, type: 'error', payload: { code: 'SLOW_CONSUMER' } });
  });

  it('are cut off when they do not even read that', async () => {
    const server = new WireServer({ limits: { maxBufferedBytes: 200_000, closeGraceMs: 2_000 } });
    const client = await server.client();
    await client.request('context.store', { text: 'x'.repeat(50_000) });
    client.duplex.pause();
    server.memory.hold();
    for (const id of range(20, 10))
      client.send({ id, type: 'context.query', timestamp: NOW, payload: { query: 'x', max_tokens: 1, limit: 1 } });
    await settle();
    server.memory.release();
    await settle();
    expect(server.handler.activeConnections).toBe(1);
    server.clock.advance(2_000);
    await settle();
    expect(server.handler.activeConnections).toBe(0);
  });

  it('are closed soon where their requests wait, however small the bound on what they leave unread', async () => {
    for (const maxBufferedBytes of [65_536, 64 * 1024 * 1024]) {
      const server = new WireServer({ limits: { maxBufferedBytes } });
      const client = await server.client();
      await client.request('context.store', { text: 'x'.repeat(50_000) });
      client.duplex.pause();
      for (const id of range(200, 10)) client.send({ id, type: 'context.list', timestamp: NOW, payload: {} });
      await settle(50);
      server.clock.advance(9_000);
      await settle();
      expect(server.logged.map(({ fields }) => fields['code'])).not.toContain('SLOW_CONSUMER');
      server.clock.advance(2_000);
      await settle();
      expect(server.logged.map(({ fields }) => fields['code'])).toContain('SLOW_CONSUMER');
    }
  });

  it('are closed when they take nothing for three heartbeats, but not while they take something', async () => {
    const server = new WireServer({ limits: { highWaterBytes: 70_000, heartbeatMs: 1_000, maxInFlight: 8 } });
    const client = await server.client();
    await client.request('context.store', { text: 'x'.repeat(50_000) });
    client.duplex.pause();
    for (const id of range(30, 10)) client.send({ id, type: 'context.list', timestamp: NOW, payload: {} });
    await settle();
    for (let beat = 0; beat < 6; beat++) {
      server.clock.advance(1_000);
      client.duplex.read(60_000);
      await settle();
    }
    expect(server.handler.activeConnections).toBe(1);
    server.clock.advance(3_500);
    await settle();
    expect(server.logged.map(({ fields }) => fields['code'])).toContain('SLOW_CONSUMER');
  });
});

describe('ends', () => {
  it('answers what a client asked before it closed its side', async () => {
    const server = new WireServer();
    const client = await server.client();
    server.memory.hold();
    const replies = [client.request('stats', {}), client.request('ping', {})];
    client.duplex.end();
    await settle();
    server.memory.release();
    await Promise.all(replies);
    await client.closed;
    await settle();
    expect(server.handler.activeConnections).toBe(0);
  });

  it('survives a stream that breaks at any point', async () => {
    const server = new WireServer();
    for (const moment of ['hello', 'auth', 'request']) {
      const client = server.stranger();
      await client.readHello();
      if (moment !== 'hello') {
        client.sendAuth(ADMIN);
        await client.next();
      }
      if (moment === 'request') client.request('stats', {}).catch(() => {});
      client.duplex.destroy(new Error('cut'));
      await settle();
    }
    expect(server.handler.activeConnections).toBe(0);
    expect(server.gauges.get('requests_in_flight')!()).toBe(0);
  });

  it('cuts a connection off whose client does not close after an error', async () => {
    const server = new WireServer({ limits: { closeGraceMs: 1_500 } });
    const client = await server.client();
    client.sendBytes(Buffer.alloc(4));
    expect((await client.nextError()).code).toBe('BAD_FRAME');
    await client.closed;
    await settle();
    expect(server.handler.activeConnections).toBe(1);
    server.clock.advance(1_500);
    await settle();
    expect(server.handler.activeConnections).toBe(0);
  });
});
