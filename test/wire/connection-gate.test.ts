import { describe, expect, it } from 'vitest';
import { CodedError } from '../../src/base/errors.ts';
import { encodeBody } from '../../src/protocol/codec.ts';
import { encodeFrame } from '../../src/protocol/frame.ts';
import type { KeyConfig } from '../../src/api/key-ring.ts';
import { DECLARED } from '../support/declared-messages.ts';
import type { Credentials, WireClient } from '../support/wire-client.ts';
import { settle, WireServer } from '../support/wire-server.ts';

const NOW = 1_700_000_000_000;
const UUID = '018f0000-0000-7000-8000-000000000001';

function key(id: string, rights: Partial<KeyConfig>): KeyConfig & Credentials {
  const secret = Buffer.from(`${id} `.repeat(32));
  return { id, keyId: id, secret, scopes: ['read', 'write', 'admin'], namespaces: ['a'], ...rights };
}

async function codeOf(reply: Promise<unknown>): Promise<string> {
  return reply.then(
    () => 'ok',
    (error: unknown) => (error as { code?: string }).code ?? String(error),
  );
}

describe('types, schemas and timestamps', () => {
  it.each(['context.explode', 'admin.reboot', '__proto__', 'PING'])('answers %s with UNKNOWN_TYPE', async (type) => {
    const client = await new WireServer().client();
    expect(await codeOf(client.ask(type, {}))).toBe('UNKNOWN_TYPE');
  });

  it('names every field that breaks the schema, and why, without its value', async () => {
    const client = await new WireServer().client();
    const error: unknown = await client
      .ask('context.store', { text: '', level: 'attic', colour: 'red' })
      .catch((reason: unknown) => reason);
    const { details, code } = (
      error as { payload: { code: string; details: { fields: { field: string; reason: string }[] } } }
    ).payload;
    expect(code).toBe('BAD_REQUEST');
    expect(details.fields.map(({ field }) => field).sort()).toEqual(['/colour', '/level', '/text']);
    expect(JSON.stringify(details)).not.toMatch(/attic|red"/);
  });

  it('says of a list that names a level twice that it does', async () => {
    const client = await new WireServer().client();
    const asked = client.ask('context.list', { levels: ['immediate', 'immediate'] });
    await expect(asked).rejects.toMatchObject({
      payload: { details: { fields: [{ field: '/levels', reason: 'must hold no item twice' }] } },
    });
  });

  it.each([
    [NOW - 300_001, 'TIMESTAMP_OUT_OF_RANGE'],
    [NOW - 300_000, 'ok'],
    [NOW + 30_000, 'ok'],
    [NOW + 30_001, 'TIMESTAMP_OUT_OF_RANGE'],
  ])('answers the timestamp %i with %s, and goes on', async (timestamp, code) => {
    const client = await new WireServer().client();
    expect(await codeOf(client.ask('ping', {}, { timestamp }))).toBe(code);
    expect(await codeOf(client.ask('ping', {}))).toBe('ok');
  });

  it('refuses a request whose id is in flight, and answers the first', async () => {
    const server = new WireServer();
    const client = await server.client();
    server.memory.hold();
    client.send({ id: 5, type: 'stats', timestamp: NOW, payload: {} });
    client.send({ id: 5, type: 'stats', timestamp: NOW, payload: {} });
    expect(await client.next()).toMatchObject({ id: 5, type: 'error', payload: { code: 'BAD_REQUEST' } });
    server.memory.release();
    expect(await client.next()).toMatchObject({ id: 5, type: 'result' });
    expect(await codeOf(client.ask('ping', {}, { id: 5 }))).toBe('ok');
  });
});

describe('scopes', () => {
  const reader = key('reader', { scopes: ['read'] });
  const writer = key('writer', { scopes: ['write'] });
  const admin = key('admin-only', { scopes: ['admin'], namespaces: ['*'] });

  it.each(DECLARED)('let $type through for a key with its scope alone', async ({ type, scope, examples }) => {
    const server = new WireServer({ keys: [reader, writer, admin] });
    for (const credentials of [reader, writer, admin]) {
      const client = await server.client(credentials);
      const before = server.memory.calls.length;
      const code = await codeOf(client.ask(type, examples[0]!));
      const allowed = scope === 'any' || credentials.scopes.includes(scope);
      expect([credentials.id, code === 'FORBIDDEN']).toEqual([credentials.id, !allowed]);
      if (!allowed) expect(server.memory.calls.length).toBe(before);
    }
  });

  it('says FORBIDDEN before it looks at the payload', async () => {
    const server = new WireServer({ keys: [reader] });
    const client = await server.client(reader);
    expect(await codeOf(client.ask('level.clear', {}))).toBe('FORBIDDEN');
  });
});

describe('namespaces', () => {
  const several = key('several', { namespaces: ['a', 'b'] });
  const one = key('one', { namespaces: ['a'] });
  const all = key('all', { namespaces: ['*'] });

  it.each<[string, KeyConfig & Credentials, string | undefined, string]>([
    ['the one literal name', one, undefined, 'a'],
    ['default for *', all, undefined, 'default'],
    ['the one named', several, 'b', 'b'],
  ])('resolves to %s', async (_what, credentials, named, expected) => {
    const server = new WireServer({ keys: [one, several, all] });
    const client = await server.client(credentials);
    await client.request('context.store', { text: 'x', ...(named !== undefined && { namespace: named }) });
    await client.request('context.store_batch', {
      contexts: [{ text: 'y', ...(named !== undefined && { namespace: named }) }],
    });
    expect([...server.memory.records.values()].map((record) => record.namespace)).toEqual([expected, expected]);
  });

  it('asks a key with several namespaces to name one', async () => {
    const server = new WireServer({ keys: [several] });
    const client = await server.client(several);
    for (const [type, payload] of [
      ['context.store', { text: 'x' }],
      ['context.query', { query: 'x' }],
      ['stats', {}],
    ] as const) {
      await expect(client.ask(type, payload)).rejects.toMatchObject({
        payload: { code: 'BAD_REQUEST', details: { fields: [{ field: '/namespace' }] } },
      });
    }
    await expect(
      client.ask('context.store_batch', { contexts: [{ text: 'x', namespace: 'a' }, { text: 'y' }] }),
    ).rejects.toMatchObject({
      payload: { code: 'BAD_REQUEST', details: { fields: [{ field: '/contexts/1/namespace' }] } },
    });
    expect(server.memory.calls).toEqual([]);
  });

  it('says the same of a namespace that exists and of one that does not', async () => {
    const server = new WireServer({ keys: [one, all] });
    await (await server.client(all)).request('context.store', { text: 'x', namespace: 'there' });
    const client = await server.client(one);
    const answers = await Promise.all(
      ['there', 'nowhere'].map((namespace) =>
        client.ask('context.query', { query: 'x', namespace }).catch((error: unknown) => error),
      ),
    );
    expect((answers[0] as { payload: unknown }).payload).toEqual((answers[1] as { payload: unknown }).payload);
    expect(answers[0]).toMatchObject({ code: 'FORBIDDEN' });
  });

  it('stores nothing of a batch of which one context is forbidden', async () => {
    const server = new WireServer({ keys: [one] });
    const client = await server.client(one);
    const contexts = [{ text: 'mine' }, { text: 'not mine', namespace: 'b' }];
    expect(await codeOf(client.ask('context.store_batch', { contexts }))).toBe('FORBIDDEN');
    expect(server.memory.records.size).toBe(0);
  });

  it('counts all namespaces in stats for a key that sees all, else the one', async () => {
    const server = new WireServer({ keys: [one, all] });
    const [clientOne, clientAll] = [await server.client(one), await server.client(all)];
    await clientOne.request('context.store', { text: 'x' });
    await clientAll.request('context.store', { text: 'y' });
    expect(await clientAll.request('stats', {})).toMatchObject({ counts: { total: 2 } });
    expect(await clientAll.request('stats', {})).not.toHaveProperty('namespace');
    expect(await clientAll.request('stats', { namespace: 'a' })).toMatchObject({
      counts: { total: 1 },
      namespace: 'a',
    });
    expect(await clientOne.request('stats', {})).toMatchObject({ counts: { total: 1 }, namespace: 'a' });
  });

  it('keeps what acts on the whole server for keys that see all of it', async () => {
    const server = new WireServer({ keys: [one, all] });
    const [clientOne, clientAll] = [await server.client(one), await server.client(all)];
    for (const { type, examples } of DECLARED.filter(({ namespace }) => namespace === 'server')) {
      expect([type, await codeOf(clientOne.ask(type, examples[0]!))]).toEqual([type, 'FORBIDDEN']);
      expect([type, await codeOf(clientAll.ask(type, examples[0]!))]).toEqual([type, 'ok']);
    }
  });
});

describe('rates, deadlines and load', () => {
  it('takes no request of a key from the moment on at which it expires', async () => {
    const brief = key('brief', { notAfterMs: NOW + 100 });
    const server = new WireServer({ keys: [brief] });
    const client = await server.client(brief);
    server.clock.advance(99);
    expect(await codeOf(client.request('context.store', { text: 'in time' }))).toBe('ok');
    server.clock.advance(1);
    client.request('context.store', { text: 'too late' }).catch(() => {});
    expect((await client.nextError()).code).toBe('AUTH_FAILED');
    await client.closed;
    expect([...server.memory.records.values()].map(({ text }) => text)).toEqual(['in time']);
  });

  it('lets a burst through, then refuses with a time, over all connections of the key', async () => {
    const limited = key('limited', { rateLimit: { perSecond: 2, burst: 3 } });
    const server = new WireServer({ keys: [limited] });
    const clients = [await server.client(limited), await server.client(limited)];
    const codes = [];
    for (let n = 0; n < 4; n++) codes.push(await codeOf(clients[n % 2]!.request('ping', {})));
    expect(codes).toEqual(['ok', 'ok', 'ok', 'RATE_LIMITED']);
    await expect(clients[0]!.request('ping', {})).rejects.toMatchObject({
      payload: { retryable: true, retry_after_ms: 500 },
    });
    server.clock.advance(500);
    expect(await codeOf(clients[1]!.request('ping', {}))).toBe('ok');
    expect(await codeOf((await server.client()).request('ping', {}))).toBe('ok');
    expect(server.counted.get('requests_total ping RATE_LIMITED')).toBe(2);
  });

  it('drops work whose deadline passed before it was started', async () => {
    const server = new WireServer({ limits: { maxInFlight: 1 } });
    const client = await server.client();
    server.memory.hold();
    const [first, waiting] = [client.replyTo(1), client.replyTo(2)];
    const bodies = [
      { id: 1, type: 'stats', timestamp: NOW, payload: {} },
      { id: 2, type: 'context.store', timestamp: NOW, payload: { text: 'x' }, deadline_ms: 100 },
    ].map((envelope) => encodeBody(envelope));
    client.sendBytes(Buffer.concat(bodies.map((body) => encodeFrame(client.outgoing!.sign(body), body))));
    await settle();
    server.clock.advance(100);
    server.memory.release();
    await first;
    await expect(waiting).rejects.toMatchObject({ payload: { code: 'DEADLINE_EXCEEDED', retryable: true } });
    expect(server.memory.calls.map(({ method }) => method)).toEqual(['stats']);
  });

  it('drops at once what may take no time at all', async () => {
    const client = await new WireServer().client();
    expect(await codeOf(client.request('ping', {}, { deadline_ms: 0 }))).toBe('DEADLINE_EXCEEDED');
    expect(await codeOf(client.request('ping', {}, { deadline_ms: 1 }))).toBe('ok');
  });

  it('hands the deadline down, and leaves no timer behind', async () => {
    const server = new WireServer();
    const client = await server.client();
    const idleTimers = server.clock.pendingTimers;
    server.memory.hold();
    const late = client.request('context.query', { query: 'x' }, { deadline_ms: 100 });
    const patient = client.request('context.query', { query: 'x' });
    await settle();
    expect(server.clock.pendingTimers).toBe(idleTimers + 1);
    server.clock.advance(100);
    expect(await codeOf(late)).toBe('DEADLINE_EXCEEDED');
    server.memory.release();
    expect(await codeOf(patient)).toBe('ok');
    expect(server.clock.pendingTimers).toBe(idleTimers);
  });

  it('stops work that waits when its client is gone', async () => {
    const server = new WireServer();
    const client = await server.client();
    server.memory.hold();
    client.request('context.query', { query: 'x' }, { deadline_ms: 60_000 }).catch(() => {});
    await settle();
    expect(server.gauges.get('requests_in_flight')!()).toBe(1);
    client.duplex.destroy(new Error('gone'));
    await settle();
    expect(server.gauges.get('requests_in_flight')!()).toBe(0);
    expect(server.handler.activeConnections).toBe(0);
  });

  it('refuses with OVERLOADED past the bound of all connections, but still answers pings', async () => {
    const server = new WireServer({ limits: { maxInFlightTotal: 2 } });
    const clients = [await server.client(), await server.client()];
    server.memory.hold();
    const running = clients.map((client) => client.request('stats', {}));
    await settle();
    await expect(clients[0]!.request('stats', {})).rejects.toMatchObject({
      payload: { code: 'OVERLOADED', retryable: true, retry_after_ms: expect.any(Number) as unknown },
    });
    expect(await codeOf(clients[1]!.request('ping', {}))).toBe('ok');
    expect(server.counted.get('requests_total stats OVERLOADED')).toBe(1);
    server.memory.release();
    await Promise.all(running);
    expect(await codeOf(clients[0]!.request('stats', {}))).toBe('ok');
  });
});

describe('the trace of a request', () => {
  const good = `00-${'0a'.repeat(16)}-${'0b'.repeat(8)}-01`;
  const bad = [
    'my secret',
    good.toUpperCase(),
    `ff${good.slice(2)}`,
    `00-${'0'.repeat(32)}-${'0b'.repeat(8)}-01`,
    `${good}-more`,
    `${good}\n`,
  ];

  it('stands in the log line of its failure, whether it was refused or failed at work', async () => {
    const server = new WireServer();
    const client = await server.client();
    server.memory.failure = new CodedError('STORE_UNAVAILABLE', 'down');
    await codeOf(client.ask('context.query', { query: 'x' }, { traceparent: good }));
    await codeOf(client.ask('context.query', {}, { traceparent: good }));
    await codeOf(client.ask('ping', {}, { traceparent: good }));
    expect(
      server.logged.filter(({ fields }) => fields['trace_id'] === '0a'.repeat(16)).map(({ fields }) => fields['code']),
    ).toEqual(['STORE_UNAVAILABLE', 'BAD_REQUEST']);
  });

  it.each(bad)('is left out where it has not the shape: %j', async (traceparent) => {
    const server = new WireServer();
    const client = await server.client();
    expect(await codeOf(client.ask('context.explode', {}, { traceparent }))).toBe('UNKNOWN_TYPE');
    const lines = server.logged.filter(({ fields }) => fields['code'] === 'UNKNOWN_TYPE');
    expect(lines).toHaveLength(1);
    expect(lines[0]?.fields).not.toHaveProperty('trace_id');
  });
});

describe('failures', () => {
  const failing = async (error: Error): Promise<{ server: WireServer; client: WireClient; refused: unknown }> => {
    const server = new WireServer();
    const client = await server.client();
    server.memory.failure = error;
    const refused: unknown = await client.request('stats', {}, { id: 77 }).catch((reason: unknown) => reason);
    return { server, client, refused };
  };

  it('tells a coded error as it is', async () => {
    const { refused, server } = await failing(
      new CodedError('STORE_UNAVAILABLE', 'the store does not answer', { cause: new Error('disk gone') }),
    );
    expect(refused).toMatchObject({
      payload: { code: 'STORE_UNAVAILABLE', message: 'the store does not answer', retryable: true },
    });
    expect(server.logged.filter((line) => line.level === 'warn')).toEqual([
      {
        level: 'warn',
        fields: {
          door: 'socket',
          connection: 1,
          request: 77,
          type: 'stats',
          code: 'STORE_UNAVAILABLE',
          reason: 'the store does not answer: disk gone',
        },
        message: 'request failed',
      },
    ]);
  });

  it('tells nothing of a defect, but logs it with connection, request and stack', async () => {
    const defect = new TypeError('cannot read /etc/passwd of undefined');
    const { refused, server, client } = await failing(defect);
    expect((refused as { payload: unknown }).payload).toEqual({
      code: 'INTERNAL',
      message: 'internal error',
      retryable: false,
    });
    expect(server.logged.filter((line) => line.level === 'error')).toEqual([
      {
        level: 'error',
        fields: { door: 'socket', connection: 1, request: 77, type: 'stats', code: 'INTERNAL', error: defect },
        message: 'request failed',
      },
    ]);
    server.memory.failure = null;
    expect(await codeOf(client.request('stats', {}))).toBe('ok');
  });

  it('takes a reply that cannot be encoded for a defect', async () => {
    const server = new WireServer();
    const client = await server.client();
    await client.request('context.store', { id: UUID, text: 'x' });
    const [place, record] = [...server.memory.records][0]!;
    server.memory.records.set(place, { ...record, metadata: { score: NaN } });
    expect(await codeOf(client.request('context.get', { id: UUID }))).toBe('INTERNAL');
    expect(await codeOf(client.request('ping', {}))).toBe('ok');
  });

  it('turns a reply longer than a frame into PAYLOAD_TOO_LARGE', async () => {
    const server = new WireServer({ limits: { maxFrameBytes: 4_200 } });
    const client = await server.client();
    for (let n = 0; n < 2; n++) await client.request('context.store', { text: 'x'.repeat(2_000) });
    await expect(client.request('context.list', {})).rejects.toMatchObject({
      payload: { code: 'PAYLOAD_TOO_LARGE', details: { max_frame_bytes: 4_200 } },
    });
    expect((await client.request('context.list', { limit: 1 })).contexts).toHaveLength(1);
  });

  it('names 50,000 namespaces with the longest names in one reply, and says so where a frame holds fewer than there are', async () => {
    const counts = { immediate: 1_000, short_term: 0, long_term: 70_000 };
    const names = Array.from({ length: 50_000 }, (_, n) => `${n}`.padStart(128, 'n'));
    for (const maxFrameBytes of [10_485_760, 9_000_000, 4_200]) {
      const server = new WireServer({ limits: { maxFrameBytes } });
      server.memory.namespaces = () => Promise.resolve(names.map((namespace) => ({ namespace, counts })));
      const client = await server.client();
      const listed = client.request('namespace.list', {});
      if (maxFrameBytes === 10_485_760) expect((await listed).namespaces).toHaveLength(50_000);
      else await expect(listed).rejects.toMatchObject({ payload: { code: 'PAYLOAD_TOO_LARGE' } });
      expect(await codeOf(client.request('ping', {}))).toBe('ok');
    }
  });

  it('counts every request once, by type and outcome, and nothing of what a client makes up', async () => {
    const server = new WireServer();
    const client = await server.client();
    await client.request('ping', {});
    await codeOf(client.ask('made.up', {}));
    await codeOf(client.ask('context.store', {}));
    await codeOf(client.ask('context.get', { id: UUID }));
    const counted = [...server.counted].filter(([name]) => name.startsWith('requests_total'));
    expect(counted.sort()).toEqual([
      ['requests_total context.get NOT_FOUND', 1],
      ['requests_total context.store BAD_REQUEST', 1],
      ['requests_total ping ok', 1],
      ['requests_total unknown UNKNOWN_TYPE', 1],
    ]);
  });
});
