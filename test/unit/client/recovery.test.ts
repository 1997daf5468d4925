import { describe, expect, it } from 'vitest';
import type { Client } from '../../../clients/typescript/src/index.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { closeClients, failure, open } from './open-client.ts';
import { rest, ScriptedServer } from './scripted-server.ts';

const ID = '018bcfe5-6800-7000-8000-000000000001';
const HEARTBEAT_MS = 1_000;

/** Lets time pass in steps, so that reconnects and retries find their turn. */
async function pass(clock: FakeClock, durationMs: number, stepMs = 10): Promise<void> {
  for (let passedMs = 0; passedMs < durationMs; passedMs += stepMs) {
    clock.advance(stepMs);
    await rest();
  }
}

closeClients();

describe('a lost connection', () => {
  /** Cuts the connection at the first request and answers all later ones. */
  function cutsOnce(): ScriptedServer {
    const server = new ScriptedServer((request, peer) => {
      if (peer.number === 0) peer.cut();
      else peer.reply(request, { deleted: 0, contexts: [] });
    });
    return server;
  }

  it.each<[string, (client: Client) => Promise<unknown>]>([
    ['a store', (client) => client.store({ text: 'a' })],
    ['a batch', (client) => client.storeBatch({ contexts: [{ text: 'a' }, { text: 'b' }] })],
    ['a query', (client) => client.query({ query: 'a' })],
    ['a get', (client) => client.get({ id: ID })],
    ['a page', (client) => client.list().page()],
    ['stats', (client) => client.stats()],
    ['a ping', (client) => client.ping()],
    ['a delete by id', (client) => client.delete({ id: ID })],
  ])('is made up for, and %s is made again as it was', async (_what, call) => {
    const server = cutsOnce();
    await call(await open(server));
    expect(server.peers.length).toBe(2);
    const [first, second] = server.requests;
    expect(second!.type).toBe(first!.type);
    expect(second!.payload).toEqual(first!.payload);
  });

  it.each<[string, (client: Client) => Promise<unknown>]>([
    ['an update', (client) => client.update({ id: ID, tags: [] })],
    ['a delete by filter', (client) => client.delete({ filter: { must: [{ key: 'tags', match: { value: 'a' } }] } })],
    ['a clear', (client) => client.clearLevel({ level: 'immediate' })],
    ['a sweep', (client) => client.gc()],
    ['a raw store without id', (client) => client.request('context.store', { text: 'a' })],
    ['the slow log, to be forgotten,', (client) => client.slowlog({ reset: true })],
  ])('rejects %s that may have been done', async (_what, call) => {
    const server = cutsOnce();
    const error = await failure(call(await open(server)));
    expect(error).toMatchObject({ code: 'CONNECTION_LOST', retryable: false, details: { sent: true } });
    expect(server.requests.length).toBe(1);
  });

  it('does not hurt an update that never left', async () => {
    const server = new ScriptedServer();
    const client = await open(server);
    const update = client.update({ id: ID, tags: [] });
    // Before the tick is over nothing has been written.
    server.peers[0]!.near.destroy();
    await update;
    expect(server.peers.map(({ requests }) => requests.length)).toEqual([0, 1]);
  });

  it('that cannot be made up for fails the calls when their time is over', async () => {
    const server = cutsOnce();
    const clock = new FakeClock();
    const client = await open(server, { timeoutMs: 300 }, clock);
    const call = failure(client.store({ text: 'a' }));
    server.isDown = true;
    await pass(clock, 310);
    const error = await call;
    expect(['TIMEOUT', 'CONNECTION_LOST']).toContain(error.code);
    expect(error.retryable).toBe(true);
    server.isDown = false;
    const later = client.ping({ timeoutMs: 1_000 });
    await pass(clock, 100);
    expect(await later).toBeDefined();
  });

  it('is reported to waiting calls at once where the server refuses the client', async () => {
    const server = new ScriptedServer();
    const client = await open(server);
    server.refuseWith = 'AUTH_FAILED';
    server.peers[0]!.cut();
    await rest();
    expect((await failure(client.ping())).code).toBe('AUTH_FAILED');
  });

  it('is tried again ever more slowly', async () => {
    const server = new ScriptedServer();
    const clock = new FakeClock();
    const attempts: number[] = [];
    const openStream = server.openStream.bind(server);
    server.openStream = () => {
      attempts.push(clock.monotonicMs());
      return openStream();
    };
    await open(server, { backoff: { minMs: 10, maxMs: 200 } }, clock);
    server.isDown = true;
    server.peers[0]!.cut();
    await rest();
    await pass(clock, 1_000, 5);
    const pauses = attempts.slice(1).map((atMs, i) => atMs - attempts[i]!);
    expect(pauses.length).toBeGreaterThan(5);
    expect(pauses.length).toBeLessThan(16);
    expect(Math.max(...pauses)).toBeLessThanOrEqual(210);
    expect(pauses.at(-1)).toBeGreaterThan(pauses[0]!);
  });

  it('follows a frame whose tag does not verify', async () => {
    const server = new ScriptedServer((request, peer) => {
      if (peer.number > 0) return peer.reply(request, { from: peer.number });
      const write = peer.stream.write.bind(peer.stream);
      peer.stream.write = (chunk: Buffer) => {
        chunk[chunk.length - 1]! ^= 1;
        return write(chunk);
      };
      return peer.reply(request, { from: 0, x: 'y' });
    });
    expect(await (await open(server)).query({ query: 'a' })).toEqual({ from: 1 });
  });

  it('follows a connection-level error, which is the cause that is told', async () => {
    const server = new ScriptedServer((_request, peer) => peer.refuse({ id: 0 }, 'SLOW_CONSUMER'));
    const error = await failure((await open(server)).gc());
    expect(error.code).toBe('CONNECTION_LOST');
    expect(error.cause).toMatchObject({ code: 'SLOW_CONSUMER' });
  });
});

describe('a retryable error', () => {
  it('is waited out as the server asks, whatever the request, since nothing was done', async () => {
    let refusals = 2;
    const server = new ScriptedServer((request, peer) => {
      if (refusals-- > 0) peer.refuse(request, 'RATE_LIMITED', { retryable: true, retry_after_ms: 200 });
      else peer.reply(request, { done: true });
    });
    const clock = new FakeClock();
    const client = await open(server, {}, clock);
    const call = client.update({ id: ID, tags: [] });
    await rest();
    await pass(clock, 190);
    expect(server.requests.length).toBe(1);
    await pass(clock, 20);
    expect(server.requests.length).toBe(2);
    await pass(clock, 210);
    expect(await call).toEqual({ done: true });
    expect(server.requests.length).toBe(3);
    expect(server.requests[2]!.deadline_ms).toBeLessThan(server.requests[0]!.deadline_ms! - 390);
  });

  it('is given to the caller where no time is left for another attempt', async () => {
    const server = new ScriptedServer((request, peer) =>
      peer.refuse(request, 'OVERLOADED', { retryable: true, retry_after_ms: 5_000 }),
    );
    const error = await failure((await open(server, { timeoutMs: 1_000 })).query({ query: 'a' }));
    expect(error).toMatchObject({ code: 'OVERLOADED', retryable: true, retryAfterMs: 5_000 });
    expect(server.requests.length).toBe(1);
  });

  it('that says the time is over is not waited out', async () => {
    const server = new ScriptedServer((request, peer) =>
      peer.refuse(request, 'DEADLINE_EXCEEDED', { retryable: true }),
    );
    expect((await failure((await open(server)).query({ query: 'a' }))).code).toBe('DEADLINE_EXCEEDED');
  });

  it('can be aborted and closed while it is waited out', async () => {
    const server = new ScriptedServer((request, peer) =>
      peer.refuse(request, 'OVERLOADED', { retryable: true, retry_after_ms: 1_000 }),
    );
    const clock = new FakeClock();
    const client = await open(server, {}, clock);
    const controller = new AbortController();
    const [one, other] = [
      failure(client.query({ query: 'a' }, { signal: controller.signal })),
      failure(client.query({ query: 'b' })),
    ];
    await rest();
    controller.abort();
    expect((await one).code).toBe('ABORTED');
    await client.close({ timeoutMs: 0 });
    expect((await other).code).toBe('CLOSED');
    expect(clock.pendingTimers).toBe(0);
  });
});

describe('goaway', () => {
  it('lets what is in flight finish and takes new calls elsewhere', async () => {
    const server = new ScriptedServer((request, peer) => {
      if (peer.number > 0) peer.reply(request, { from: peer.number });
    });
    const client = await open(server);
    const old = client.gc();
    await rest();
    const first = server.peers[0]!;
    first.send({ type: 'goaway', deadline_ms: 1_000, timestamp: Date.now() });
    await rest();
    expect(await client.request('x', {})).toEqual({ from: 1 });
    first.reply(first.requests[0]!, { from: 0 });
    expect(await old).toEqual({ from: 0 });
    await rest();
    expect(first.ended || first.stream.destroyed).toBe(true);
    expect(first.requests.length).toBe(1);
  });

  it('moves a call that the server refused because it is shutting down', async () => {
    const server = new ScriptedServer((request, peer) => {
      if (peer.number > 0) return peer.reply(request, { from: peer.number });
      peer.send({ type: 'goaway', deadline_ms: 1_000, timestamp: Date.now() });
      return peer.refuse(request, 'SHUTTING_DOWN', { retryable: true });
    });
    expect(await (await open(server)).gc()).toEqual({ from: 1 });
  });
});

describe('heartbeats', () => {
  it('are answered', async () => {
    const server = new ScriptedServer();
    await open(server);
    server.peers[0]!.send({ id: 0, type: 'ping', timestamp: Date.now(), payload: {} });
    await rest();
    expect(server.pongs).toBe(1);
  });

  it('are sent in silence, and keep a quiet connection', async () => {
    const server = new ScriptedServer();
    const clock = new FakeClock();
    await open(server, {}, clock);
    await pass(clock, 10 * HEARTBEAT_MS, HEARTBEAT_MS / 4);
    expect(server.requests.every(({ type }) => type === 'ping')).toBe(true);
    expect(server.requests.length).toBeGreaterThanOrEqual(4);
    expect(server.peers.length).toBe(1);
  });

  it('that go unanswered three times end the connection, and the next one takes over', async () => {
    const server = new ScriptedServer((request, peer) => {
      if (peer.number > 0) peer.reply(request, { from: peer.number });
    });
    const clock = new FakeClock();
    const client = await open(server, {}, clock);
    const call = client.query({ query: 'a' });
    await pass(clock, 3.5 * HEARTBEAT_MS, HEARTBEAT_MS / 4);
    expect(await call).toEqual({ from: 1 });
  });

  it('do not hide a frame that does not end: the next connection takes over', async () => {
    const length = Buffer.from([0, 0x10, 0, 0]);
    const server = new ScriptedServer((request, peer) => {
      if (peer.number > 0) return peer.reply(request, { from: peer.number });
      if (request.type === 'context.query') peer.stream.write(length);
      peer.reply(request, {});
    });
    const clock = new FakeClock();
    const client = await open(server, {}, clock);
    const call = client.query({ query: 'a' });
    await rest();
    // Bytes keep coming, as parts of the frame that the length told of.
    const stop = clock.every(HEARTBEAT_MS / 2, () => server.peers[0]!.stream.write('a reply'));
    await pass(clock, 4.5 * HEARTBEAT_MS, HEARTBEAT_MS / 4);
    stop();
    expect(await call).toEqual({ from: 1 });
  });

  it('let a frame come that is long and slow', async () => {
    const server = new ScriptedServer((_, peer) => void peer.stream.write(Buffer.from([0, 0x10, 0, 0])));
    const clock = new FakeClock();
    const client = await open(server, {}, clock);
    const call = client.query({ query: 'a' }, { timeoutMs: 60_000 });
    await rest();
    const stop = clock.every(HEARTBEAT_MS / 2, () => server.peers[0]!.stream.write(Buffer.alloc(2_048)));
    await pass(clock, 20 * HEARTBEAT_MS, HEARTBEAT_MS / 4);
    stop();
    expect(server.peers).toHaveLength(1);
    await client.close({ timeoutMs: 0 });
    await expect(call).rejects.toMatchObject({ code: 'CLOSED' });
  });
});
