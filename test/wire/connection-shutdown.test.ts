import { describe, expect, it } from 'vitest';
import { settle, WireServer } from '../support/wire-server.ts';

const NOW = 1_700_000_000_000;

describe('shutdown', () => {
  it('says goaway, refuses new requests, finishes what is in flight, closes when the client has', async () => {
    const server = new WireServer();
    const client = await server.client();
    server.memory.hold();
    const running = client.request('context.store', { text: 'kept' });
    await settle();
    const stopped = server.handler.stop(5_000);
    expect(await client.next()).toEqual({ type: 'goaway', deadline_ms: 5_000, timestamp: NOW });
    expect(await client.next()).toEqual({ id: 0, type: 'ping', timestamp: NOW, payload: {} });
    await expect(client.request('ping', {})).rejects.toMatchObject({
      payload: { code: 'SHUTTING_DOWN', retryable: true },
    });
    client.duplex.end();
    await settle();
    server.memory.release();
    expect((await running).created).toBe(true);
    await client.closed;
    await stopped;
    expect(server.handler.activeConnections).toBe(0);
    expect(server.clock.pendingTimers).toBe(0);
  });

  it('answers what was on its way, however much later it comes', async () => {
    const server = new WireServer();
    const clients = await Promise.all([server.client(), server.client(), server.client()]);
    void server.handler.stop(5_000);
    for (let round = 0; round < 5; round++) {
      server.clock.advance(900);
      const replies = clients.flatMap((client) => [1, 2, 3].map(() => client.request('context.list', {})));
      for (const reply of await Promise.allSettled(replies))
        expect(reply).toMatchObject({ status: 'rejected', reason: { code: 'SHUTTING_DOWN' } });
    }
  });

  it('closes by itself where the client has answered the ping behind goaway and is quiet', async () => {
    const server = new WireServer();
    const client = await server.client();
    const stopped = server.handler.stop(60_000);
    server.clock.advance(10_000);
    await settle();
    expect(server.handler.activeConnections).toBe(1);
    client.send({ id: 0, type: 'result', timestamp: server.clock.nowMs(), payload: {} });
    for (let round = 0; round < 4; round++) {
      server.clock.advance(400);
      await expect(client.request('ping', {})).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
    }
    server.clock.advance(1_000);
    await client.closed;
    client.duplex.end();
    await stopped;
    expect(client.duplex.readableEnded).toBe(true);
  });

  it('does not close while it still works for a client that is quiet', async () => {
    const server = new WireServer();
    const client = await server.client();
    server.memory.hold();
    const running = client.request('context.store', { text: 'kept' });
    await settle();
    const stopped = server.handler.stop(60_000);
    client.send({ id: 0, type: 'result', timestamp: server.clock.nowMs(), payload: {} });
    server.clock.advance(20_000);
    await settle();
    server.memory.release();
    expect((await running).created).toBe(true);
    server.clock.advance(1_000);
    await client.closed;
    client.duplex.end();
    await stopped;
  });

  it('tells idle connections and strangers, and ends with the last of them', async () => {
    const server = new WireServer();
    const [client, stranger] = [await server.client(), server.stranger()];
    await stranger.readHello();
    const stopped = server.handler.stop(5_000);
    expect((await client.next())['type']).toBe('goaway');
    expect(await stranger.nextError()).toMatchObject({ code: 'SHUTTING_DOWN', retryable: true });
    await Promise.all([client.close(), stranger.close()]);
    await stopped;
    expect(server.handler.activeConnections).toBe(0);
  });

  it('cuts off at the deadline what does not end by itself', async () => {
    const server = new WireServer();
    const client = await server.client();
    server.memory.hold();
    client.request('stats', {}).catch(() => {});
    await settle();
    let stopped = false;
    const stopping = server.handler.stop(5_000).then(() => (stopped = true));
    server.clock.advance(4_999);
    await settle();
    expect(stopped).toBe(false);
    server.clock.advance(1);
    await stopping;
    await client.closed;
    expect(server.handler.activeConnections).toBe(0);
    server.memory.release();
    await settle();
    expect(server.gauges.get('requests_in_flight')!()).toBe(0);
  });

  it('cuts off at the deadline a client that does not hear', async () => {
    const server = new WireServer();
    const client = await server.client();
    const stopped = server.handler.stop(5_000);
    server.clock.advance(4_999);
    await settle();
    expect(server.handler.activeConnections).toBe(1);
    server.clock.advance(1);
    await stopped;
    await client.closed;
  });

  it('answers requests that waited in the queue of their connection with SHUTTING_DOWN', async () => {
    const server = new WireServer({ limits: { maxInFlight: 1 } });
    const client = await server.client();
    server.memory.hold();
    const [first, second] = [client.request('stats', {}), client.request('stats', {})];
    second.catch(() => {});
    await settle();
    void server.handler.stop(5_000);
    server.memory.release();
    expect((await first).counts.total).toBe(0);
    await expect(second).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
  });

  it('ends at once with no connection, twice as well as once, and takes nobody on afterwards', async () => {
    const server = new WireServer();
    await server.handler.stop(5_000);
    await server.handler.stop(5_000);
    const late = server.stranger();
    await late.readHello();
    expect((await late.nextError()).code).toBe('SHUTTING_DOWN');
  });

  it('gives a slow reader the replies it waits for', async () => {
    const server = new WireServer();
    const client = await server.client();
    await client.request('context.store', { text: 'x'.repeat(200_000) });
    client.duplex.pause();
    const reply = client.request('context.list', {});
    await settle();
    const stopped = server.handler.stop(60_000);
    server.clock.advance(30_000);
    await settle();
    client.duplex.resume();
    expect((await reply).contexts).toHaveLength(1);
    client.duplex.end();
    await stopped;
  });
});
