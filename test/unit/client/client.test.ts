import { describe, expect, it } from 'vitest';
import { FakeClock } from '../../support/fake-clock.ts';
import { closeClients, failure, open } from './open-client.ts';
import { rest, ScriptedServer, SECRET } from './scripted-server.ts';

const ID = '018bcfe5-6800-7000-8000-000000000001';

closeClients();

describe('connecting', () => {
  it('authenticates and says who it is', async () => {
    const server = new ScriptedServer();
    const client = await open(server, {
      keyId: 'key-1',
      sender: 'agent-7',
      client: 'test/2',
      secret: new TextEncoder().encode(SECRET),
    });
    expect(server.peers[0]!.auth).toMatchObject({ key_id: 'key-1', sender: 'agent-7', client: 'test/2', protocol: 1 });
    expect(client.namespaces).toEqual(['*']);
  });

  it('rejects where the server does not know the key', async () => {
    const server = new ScriptedServer();
    const error = await failure(server.connect({ secret: 'x'.repeat(32) }));
    expect(error).toMatchObject({ code: 'AUTH_FAILED', retryable: false });
    await rest();
    expect(server.peers.length).toBe(1);
  });

  it('rejects a server that cannot sign welcome', async () => {
    const server = new ScriptedServer();
    server.welcomeSecret = 'y'.repeat(32);
    expect((await failure(server.connect())).message).toContain('could not prove');
  });

  it.each([
    ['another protocol', { protocol: 2 }, 'UNSUPPORTED_PROTOCOL'],
    ['a nonce that is too short', { server_nonce: Buffer.alloc(8) }, 'PROTOCOL_ERROR'],
    ['another message', { type: 'welcome' }, 'PROTOCOL_ERROR'],
    ['an error', { type: 'error', payload: { code: 'SHUTTING_DOWN', message: 'm', retryable: true } }, 'SHUTTING_DOWN'],
  ])('rejects a hello with %s', async (_what, hello, code) => {
    const server = new ScriptedServer();
    server.hello = hello;
    expect((await failure(server.connect())).code).toBe(code);
  });

  it('rejects where nobody answers', async () => {
    const server = new ScriptedServer();
    server.isDown = true;
    expect(await failure(server.connect())).toMatchObject({ code: 'CONNECTION_FAILED', retryable: true });
  });

  it('rejects where the handshake takes too long', async () => {
    const server = new ScriptedServer();
    server.hello = { padding: 'the server goes silent after it' };
    const clock = new FakeClock();
    server.refuseWith = null;
    const silent = new ScriptedServer();
    silent.openStream = () => {
      const stream = server.openStream();
      stream.pause = () => stream;
      stream.removeAllListeners('data');
      stream.on = () => stream;
      return stream;
    };
    const failing = failure(silent.connect({ connectTimeoutMs: 500 }, clock));
    await rest();
    clock.advance(500);
    expect((await failing).message).toContain('within 500 ms');
  });

  it('gives up when its signal fires', async () => {
    const server = new ScriptedServer();
    const controller = new AbortController();
    const failing = failure(server.connect({ signal: controller.signal }));
    controller.abort(new Error('changed my mind'));
    expect((await failing).code).toBe('ABORTED');
    expect((await failure(server.connect({ signal: AbortSignal.abort() }))).code).toBe('ABORTED');
  });

  it.each([
    ['a short secret', { secret: 'short' }],
    ['an empty pool', { pool: 0 }],
    ['a fraction in flight', { maxInFlight: 1.5 }],
  ])('refuses %s', async (_what, options) => {
    expect((await failure(new ScriptedServer().connect(options))).code).toBe('BAD_REQUEST');
  });
});

describe('requests', () => {
  it('carry what the methods are given', async () => {
    const server = new ScriptedServer();
    const client = await open(server, { namespace: 'team' });
    await client.store({ text: 'a', embedding: Float32Array.of(1, -1), session_id: undefined });
    await client.storeBatch({ contexts: [{ text: 'a' }, { text: 'b', namespace: 'own', id: ID }], namespace: 'batch' });
    await client.query({ embedding: [0.5], limit: 3 });
    await client.get({ id: ID });
    await client.update({ id: ID, tags: ['x'], namespace: 'own' });
    await client.delete({ id: ID });
    await client.clearLevel({ level: 'immediate' });
    await client.stats();
    await client.ping();
    await client.gc();
    await client.clearCache();
    await client.request('context.get', { id: ID });
    const sent = server.requests.map(({ type, payload }) => [type, payload]);
    const uuid = expect.stringMatching(
      /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    ) as string;
    const bytes = (hex: string): unknown =>
      expect.toSatisfy((value: Uint8Array) => Buffer.from(value).toString('hex') === hex);
    expect(sent).toEqual([
      ['context.store', { text: 'a', id: uuid, namespace: 'team', embedding: bytes('0000803f000080bf') }],
      [
        'context.store_batch',
        {
          contexts: [
            { text: 'a', id: uuid, namespace: 'batch' },
            { text: 'b', namespace: 'own', id: ID },
          ],
        },
      ],
      ['context.query', { embedding: bytes('0000003f'), limit: 3, namespace: 'team' }],
      ['context.get', { id: ID, namespace: 'team' }],
      ['context.update', { id: ID, tags: ['x'], namespace: 'own' }],
      ['context.delete', { id: ID, namespace: 'team' }],
      ['level.clear', { level: 'immediate', namespace: 'team' }],
      ['stats', { namespace: 'team' }],
      ['ping', {}],
      ['admin.gc', {}],
      ['admin.cache_clear', {}],
      ['context.get', { id: ID }],
    ]);
  });

  it('are pipelined, joined per tick, and matched to their replies in any order', async () => {
    const server = new ScriptedServer(() => undefined);
    const client = await open(server);
    const peer = server.peers[0]!;
    const chunksBefore = peer.chunks;
    const calls = Array.from({ length: 50 }, (_, i) => client.request('x.echo', { i }));
    await rest();
    expect(peer.requests.length).toBe(50);
    expect(peer.chunks).toBe(chunksBefore + 1);
    for (const request of peer.requests.toReversed()) peer.reply(request, request.payload);
    expect(await Promise.all(calls)).toEqual(Array.from({ length: 50 }, (_, i) => ({ i })));
  });

  it('tell the server what time is left and where they belong', async () => {
    const server = new ScriptedServer();
    const client = await open(server, { timeoutMs: 5_000 }, new FakeClock());
    await client.ping();
    await client.ping({ timeoutMs: 70, traceparent: '00-a-b-01' });
    await client.ping({ timeoutMs: Infinity });
    expect(server.requests.map(({ deadline_ms: deadlineMs, traceparent }) => [deadlineMs, traceparent])).toEqual([
      [5_000, undefined],
      [70, '00-a-b-01'],
      [undefined, undefined],
    ]);
  });

  it('that cannot be sent reject and leave the connection as it was', async () => {
    const server = new ScriptedServer();
    server.hello = { max_frame_bytes: 5_000 };
    const client = await open(server);
    expect((await failure(client.request('x', { a: NaN }))).code).toBe('BAD_REQUEST');
    expect((await failure(client.store({ text: 'a'.repeat(6_000) }))).code).toBe('PAYLOAD_TOO_LARGE');
    await client.store({ text: 'a'.repeat(4_000) });
    expect(server.peers.length).toBe(1);
  });

  it('wait while too many are in flight, and are refused when too many wait', async () => {
    const server = new ScriptedServer(() => undefined);
    const client = await open(server, { maxInFlight: 2, maxQueued: 3 });
    const calls = Array.from({ length: 5 }, () => client.ping());
    expect((await failure(client.ping())).code).toBe('QUEUE_FULL');
    await rest();
    const peer = server.peers[0]!;
    expect(peer.requests.length).toBe(2);
    server.script = (request) => peer.reply(request, {});
    for (const request of [...peer.requests]) peer.reply(request, {});
    expect((await Promise.all(calls)).length).toBe(5);
  });

  it('are spread over the pool, least in flight first', async () => {
    const server = new ScriptedServer(() => undefined);
    const client = await open(server, { pool: 3 });
    await rest();
    void Promise.allSettled(Array.from({ length: 9 }, () => client.ping()));
    await rest();
    expect(server.peers.map(({ requests }) => requests.length)).toEqual([3, 3, 3]);
  });
});

describe('errors', () => {
  it('carry code, details and the stack of the caller', async () => {
    const server = new ScriptedServer((request, peer) =>
      peer.refuse(request, 'BAD_REQUEST', { details: { fields: [{ field: '/text', reason: 'r' }] } }),
    );
    const client = await open(server);
    async function storeSomething(): Promise<unknown> {
      return client.store({ text: 'a' });
    }
    const error = await failure(storeSomething());
    expect(error).toMatchObject({
      name: 'ContextManagerError',
      code: 'BAD_REQUEST',
      retryable: false,
      details: { fields: [{ field: '/text', reason: 'r' }] },
    });
    expect(error.stack).toMatch(/^ContextManagerError: refused: BAD_REQUEST\n\s+at storeSomething .*client\.test\.ts/);
  });

  it('of a ping have the stack of whoever awaits it', async () => {
    const server = new ScriptedServer((request, peer) => peer.refuse(request, 'INTERNAL'));
    const client = await open(server);
    async function pingAndWait(): Promise<unknown> {
      return await client.ping();
    }
    expect((await failure(pingAndWait())).stack).toContain('pingAndWait');
  });

  it('of codes that this version does not know come through', async () => {
    const server = new ScriptedServer((request, peer) => peer.refuse(request, 'BRAND_NEW'));
    expect(await failure((await open(server)).ping())).toMatchObject({ code: 'BRAND_NEW', retryable: false });
  });
});

describe('time', () => {
  it('ends a call that gets no answer, and passes over the answer that comes late', async () => {
    const server = new ScriptedServer(() => undefined);
    const clock = new FakeClock();
    const client = await open(server, {}, clock);
    const slow = failure(client.update({ id: ID, tags: [] }, { timeoutMs: 200 }));
    const patient = client.request('x', {}, { timeoutMs: 900 });
    await rest();
    clock.advance(200);
    expect(await slow).toMatchObject({ code: 'TIMEOUT', retryable: false, details: { sent: true } });
    const peer = server.peers[0]!;
    for (const request of peer.requests) peer.reply(request, { late: true });
    expect(await patient).toEqual({ late: true });
  });

  it('covers waiting for a connection', async () => {
    const server = new ScriptedServer();
    const clock = new FakeClock();
    const client = await open(server, {}, clock);
    server.isDown = true;
    server.peers[0]!.cut();
    await rest();
    const waiting = failure(client.update({ id: ID, tags: [] }, { timeoutMs: 100 }));
    for (let i = 0; i < 20; i++) {
      clock.advance(5);
      await rest();
    }
    expect(await waiting).toMatchObject({ code: 'TIMEOUT', retryable: true, details: { sent: false } });
  });

  it('is over when the signal fires', async () => {
    const server = new ScriptedServer(() => undefined);
    const client = await open(server);
    const controller = new AbortController();
    const call = failure(client.query({ query: 'a' }, { signal: controller.signal }));
    await rest();
    controller.abort(new Error('enough'));
    const error = await call;
    expect(error.code).toBe('ABORTED');
    expect((error.cause as Error).message).toBe('enough');
    expect((await failure(client.query({ query: 'a' }, { signal: controller.signal }))).code).toBe('ABORTED');
    expect(server.requests.length).toBe(1);
  });
});

describe('list', () => {
  const page = (names: string[], cursor?: string): object => ({
    contexts: names.map((id) => ({ id })),
    ...(cursor === undefined ? {} : { cursor }),
  });
  const pages: Record<string, object> = { first: page(['a', 'b'], 'c1'), c1: page([], 'c2'), c2: page(['c']) };
  const script = new ScriptedServer((request, peer) =>
    peer.reply(request, pages[(request.payload['cursor'] as string | undefined) ?? 'first']!),
  );

  it('goes through all pages, and asks for none that is not wanted', async () => {
    const client = await open(script, { namespace: 'team' });
    const seen: string[] = [];
    for await (const { id } of client.list({ limit: 2 })) seen.push(id);
    expect(seen).toEqual(['a', 'b', 'c']);
    expect(script.requests.map(({ payload }) => payload)).toEqual([
      { limit: 2, namespace: 'team' },
      { limit: 2, namespace: 'team', cursor: 'c1' },
      { limit: 2, namespace: 'team', cursor: 'c2' },
    ]);
    for await (const { id } of client.list()) if (id === 'b') break;
    expect(script.requests.length).toBe(4);
  });

  it('gives one page', async () => {
    const client = await open(script);
    expect(await client.list({ cursor: 'c2' }).page()).toEqual(page(['c']));
  });
});

describe('close', () => {
  it('waits for calls under way, then takes no more', async () => {
    const server = new ScriptedServer(() => undefined);
    const client = await server.connect();
    const call = client.request('x', {});
    await rest();
    const closing = client.close();
    expect((await failure(client.ping())).code).toBe('CLOSED');
    const peer = server.peers[0]!;
    peer.reply(peer.requests[0]!, { done: true });
    expect(await call).toEqual({ done: true });
    await closing;
    await rest();
    expect(peer.ended || peer.stream.destroyed).toBe(true);
  });

  it('may be called by several, and none waits longer than for the calls', async () => {
    const server = new ScriptedServer(() => undefined);
    const clock = new FakeClock();
    const client = await server.connect({}, clock);
    const call = client.request('x', {});
    await rest();
    const closing = [client.close({ timeoutMs: 50 }), client.close()];
    const peer = server.peers[0]!;
    peer.reply(peer.requests[0]!, {});
    await call;
    await Promise.all(closing);
    await rest();
    expect(clock.pendingTimers).toBe(0);
  });

  it('ends the connection though the server reads nothing more', async () => {
    const server = new ScriptedServer(() => undefined);
    const clock = new FakeClock();
    const client = await server.connect({}, clock);
    const { stream, near } = server.peers[0]!;
    stream.pause();
    const calls = [1, 2].map(() => failure(client.request('x', { text: 'x'.repeat(1_000_000) })));
    await rest();
    await client.close({ timeoutMs: 0 });
    expect((await Promise.all(calls)).map(({ code }) => code)).toEqual(['CLOSED', 'CLOSED']);
    clock.advance(1_000);
    await rest();
    expect(near.destroyed).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });

  it('ends calls that take longer than it may wait', async () => {
    const server = new ScriptedServer(() => undefined);
    const clock = new FakeClock();
    const client = await server.connect({}, clock);
    const call = failure(client.ping());
    await rest();
    const closing = client.close({ timeoutMs: 50 });
    clock.advance(50);
    await closing;
    expect((await call).code).toBe('CLOSED');
    await rest();
    expect(clock.pendingTimers).toBe(0);
  });
});
