import { beforeEach, describe, expect, it } from 'vitest';
import { CodedError } from '../../../../src/base/errors.ts';
import { silentLog } from '../../../../src/base/log.ts';
import type { ContextRecord } from '../../../../src/base/context.ts';
import { NamespaceSet } from '../../../../src/base/namespace-set.ts';
import { PassingFault } from '../../../../src/base/resilience/passing-fault.ts';
import { Circuits } from '../../../../src/base/resilience/circuits.ts';
import type { HandlerCall, Handlers, Services } from '../../../../src/api/handlers/handler.ts';
import { HANDLERS } from '../../../../src/api/handlers/handlers.ts';
import { RequestMonitor } from '../../../../src/api/request-monitor.ts';
import { SlowRequests } from '../../../../src/api/slow-requests.ts';
import type { CallOptions } from '../../../../src/hirag/types.ts';
import { decodeReplyBody, encodeBody } from '../../../../src/protocol/codec.ts';
import type { ReplyPayloads, RequestType } from '../../../../src/protocol/messages.generated.ts';
import { MESSAGES } from '../../../../src/protocol/message-table.ts';
import { createValidators } from '../../../../src/protocol/messages.ts';
import { vectorToBytes } from '../../../../src/protocol/vector.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { MemoryDouble } from '../../../support/memory-double.ts';
import { SnapshotsDouble } from '../../../support/snapshots-double.ts';
import { testBreaker } from '../../../support/test-breaker.ts';

const ID = '018f0000-0000-7000-8000-000000000001';
const VECTOR = Float32Array.of(0.5, -0.5, 0.5, -0.5);
const validators = createValidators();

let logged: unknown[];
let memory: MemoryDouble;
let services: Services;
let options: CallOptions;

beforeEach(() => {
  const clock = new FakeClock();
  memory = new MemoryDouble();
  logged = [];
  const log = { ...silentLog, error: (fields: object, message: string) => void logged.push({ ...fields, message }) };
  services = {
    memory,
    jobs: { expirySweep: () => memory.gc() },
    snapshots: new SnapshotsDouble(),
    circuits: new Circuits(),
    clock,
    startedMs: clock.monotonicMs(),
    healthy: () => true,
    activeConnections: () => 7,
    slow: new SlowRequests(250),
    monitor: new RequestMonitor(clock),
    replyBytesMax: 1_000_000,
    listBytesMax: 300_000,
    log,
  };
  options = {};
  clock.advance(1_234);
});

const EVERY = new NamespaceSet(['*']);

/** Runs a handler, and holds what it answers against the schema of its reply, as a client would see it. */
async function run<T extends RequestType>(type: T, payload: Parameters<Handlers[T]>[0]): Promise<ReplyPayloads[T]> {
  const call: HandlerCall = {
    origin: { door: 'socket', connection: 6, request: 5 },
    sender: 'sender',
    namespaces: EVERY,
    mayRead: true,
    options,
  };
  const reply = await HANDLERS[type](payload as never, call, services);
  return validators.reply(type, decodeReplyBody(encodeBody(reply)));
}

function lastInput(): unknown {
  return memory.calls.at(-1)?.input;
}

const full = {
  namespace: 'n',
  text: 'hello world',
  level: 'long_term',
  id: ID,
  agent_id: 'agent',
  session_id: 'session',
  metadata: { depth: { nested: [1, null, true] } },
  tags: ['a', 'b'],
  ttl_ms: 60_000,
  created_at: 1_600_000_000_000,
  embedding: vectorToBytes(VECTOR),
} as const;

it('has a handler for every request of the protocol', () => {
  expect(Object.keys(HANDLERS).sort()).toEqual(MESSAGES.map(({ type }) => type).sort());
});

describe('context.store', () => {
  it('hands every field down', async () => {
    const reply = await run('context.store', full);
    expect(lastInput()).toEqual({
      namespace: 'n',
      agentId: 'agent',
      sessionId: 'session',
      text: 'hello world',
      level: 'long_term',
      id: ID,
      metadata: full.metadata,
      tags: ['a', 'b'],
      ttlMs: 60_000,
      createdAtMs: 1_600_000_000_000,
      embedding: VECTOR,
    });
    expect(reply).toEqual({ id: ID, level: 'long_term', token_count: 3, created_at: 1_600_000_000_000, created: true });
  });

  it('leaves out what was not given, and takes the sender for the agent', async () => {
    await run('context.store', { namespace: 'n', text: 'x' });
    expect(lastInput()).toEqual({ namespace: 'n', agentId: 'sender', text: 'x' });
  });

  it('reads an embedding wherever its bytes lie', async () => {
    const padded = new Uint8Array(17);
    padded.set(full.embedding, 1);
    await run('context.store', { namespace: 'n', text: 'x', embedding: padded.subarray(1) });
    const { embedding } = lastInput() as { embedding: Float32Array };
    padded.fill(0);
    expect(embedding).toEqual(VECTOR);
  });

  it('passes the refusal of an embedding of another dimension on', async () => {
    const embedding = vectorToBytes(Float32Array.of(1, 2));
    await expect(run('context.store', { namespace: 'n', text: 'x', embedding })).rejects.toMatchObject({
      code: 'BAD_REQUEST',
    });
  });

  it('says that a repeated store created nothing, and that another text conflicts', async () => {
    await run('context.store', full);
    expect((await run('context.store', full)).created).toBe(false);
    await expect(run('context.store', { ...full, text: 'other' })).rejects.toMatchObject({ code: 'CONFLICT' });
  });
});

describe('context.store_batch', () => {
  it('gives one outcome or error for each context, in order', async () => {
    await run('context.store', full);
    const other = { namespace: 'm', text: 'y' };
    const { results } = await run('context.store_batch', { contexts: [{ ...full, text: 'another' }, other, full] });
    expect(results).toEqual([
      { error: { code: 'CONFLICT', message: 'the id exists with another text' } },
      {
        id: expect.any(String) as unknown,
        level: 'immediate',
        token_count: 1,
        created_at: 1_700_000_000_000,
        created: true,
      },
      { id: ID, level: 'long_term', token_count: 3, created_at: 1_600_000_000_000, created: false },
    ]);
  });

  it('tells nothing of a defect that hit one context, but logs it', async () => {
    const defect = new TypeError('internals');
    memory.storeBatch = () => Promise.resolve([defect]);
    const { results } = await run('context.store_batch', { contexts: [{ namespace: 'n', text: 'x' }] });
    expect(results).toEqual([{ error: { code: 'INTERNAL', message: 'internal error' } }]);
    expect(logged).toEqual([
      {
        door: 'socket',
        connection: 6,
        request: 5,
        code: 'INTERNAL',
        error: defect,
        message: 'a context of a batch failed',
      },
    ]);
  });
});

describe('an answer too long for a frame', () => {
  it('passes over what does not fit, tries the next, and says so', async () => {
    for (const [index, length] of [400_000, 500_000, 300_000, 200_000, 90_000].entries()) {
      await memory.store({
        namespace: 'n',
        agentId: 'sender',
        text: `${index}`.repeat(length),
        ...(index === 3 && { level: 'long_term' }),
      });
    }
    const reply = await run('context.query', { namespace: 'n', embedding: full.embedding, explain: true });
    expect(reply.contexts.map(({ text }) => text[0])).toEqual(['0', '1', '4']);
    expect(encodeBody(reply).length).toBeLessThan(1_000_000);
    expect(reply.total_tokens).toBe(reply.contexts.reduce((sum, context) => sum + context.token_count, 0));
    expect(reply.metadata).toMatchObject({
      level_distribution: { immediate: 3, short_term: 0, long_term: 0 },
      avg_relevance: 0.5,
    });
    expect(reply.receipts!.map(({ outcome }) => outcome)).toEqual([
      'included',
      'included',
      'over_budget',
      'over_budget',
      'included',
    ]);
  });

  it('is left as it is where it fits', async () => {
    for (let n = 0; n < 9; n++) await memory.store({ namespace: 'n', agentId: 'sender', text: 'x'.repeat(110_000) });
    expect((await run('context.query', { namespace: 'n', embedding: full.embedding })).contexts).toHaveLength(9);
  });
});

describe('context.query', () => {
  it('hands every field down', async () => {
    const filter = { must: [{ key: 'tags', match: { value: 'a' } }] };
    const given = { levels: ['immediate', 'long_term'], limit: 5, priority: [1, 2, 3], explain: true } as const;
    await run('context.query', {
      namespace: 'n',
      query: 'hello',
      agent_id: 'agent',
      session_id: 'session',
      max_tokens: 100,
      relevance_threshold: 0.25,
      filter,
      embedding: full.embedding,
      ...given,
    });
    expect(lastInput()).toEqual({
      namespace: 'n',
      query: 'hello',
      agentId: 'agent',
      sessionId: 'session',
      maxTokens: 100,
      relevanceThreshold: 0.25,
      filter,
      embedding: VECTOR,
      ...given,
    });
  });

  it('sees the sender where no agent is named, and every agent for *', async () => {
    await run('context.query', { namespace: 'n', query: 'x' });
    expect(lastInput()).toEqual({ namespace: 'n', agentId: 'sender', query: 'x' });
    await run('context.query', { namespace: 'n', query: 'x', agent_id: '*' });
    expect(lastInput()).toEqual({ namespace: 'n', query: 'x' });
  });

  it('answers in the shape of section 5', async () => {
    await run('context.store', full);
    const reply = await run('context.query', { namespace: 'n', query: 'hello', agent_id: 'agent', explain: true });
    const scores = { similarity: 1, lexical: 1, recency: 1, level: 1, frequency: 0 };
    expect(reply).toEqual({
      contexts: [
        {
          id: ID,
          namespace: 'n',
          agent_id: 'agent',
          session_id: 'session',
          level: 'long_term',
          text: 'hello world',
          token_count: 3,
          metadata: full.metadata,
          tags: ['a', 'b'],
          version: 1,
          created_at: 1_600_000_000_000,
          updated_at: 1_600_000_000_000,
          recorded_at: 1_600_000_000_000,
          valid_from: 1_600_000_000_000,
          expires_at: 1_600_000_060_000,
          access_count: 0,
          relevance_score: 0.5,
          scores,
        },
      ],
      total_tokens: 1,
      retrieval_time_ms: 0.5,
      metadata: {
        level_distribution: { immediate: 1, short_term: 0, long_term: 0 },
        avg_relevance: 0.5,
        cache_hits: 0,
        total_searched: 1,
        allocations: { immediate: 1200, short_term: 1600, long_term: 1200 },
        answerable: { verdict: 'weak', coverage: 0.5, reason: 'a double' },
        degraded: [],
      },
      receipts: [{ id: ID, level: 'long_term', scores, relevance_score: 0.5, token_count: 3, outcome: 'included' }],
    });
  });

  it('names the levels that failed, and gives no receipts unasked', async () => {
    const query = memory.query.bind(memory);
    memory.query = async (input) => ({
      ...(await query(input)),
      degraded: [{ level: 'long_term', code: 'STORE_UNAVAILABLE' }],
    });
    const reply = await run('context.query', { namespace: 'n', query: 'x' });
    expect(reply.metadata.degraded).toEqual([{ level: 'long_term', code: 'STORE_UNAVAILABLE' }]);
    expect(reply).not.toHaveProperty('receipts');
  });

  it('hands the deadline down', async () => {
    options = { signal: AbortSignal.abort(new CodedError('DEADLINE_EXCEEDED', 'late')) };
    memory.hold();
    await expect(run('context.query', { namespace: 'n', query: 'x' })).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
    });
    await expect(run('context.store', { namespace: 'n', text: 'x' })).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
    });
    await expect(run('context.store_batch', { contexts: [{ namespace: 'n', text: 'x' }] })).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
    });
    await expect(run('context.update', { namespace: 'n', id: ID, text: 'x' })).rejects.toMatchObject({
      code: 'DEADLINE_EXCEEDED',
    });
  });
});

describe('single contexts', () => {
  it('gets one, without what it does not have', async () => {
    await run('context.store', { namespace: 'n', id: ID, text: 'x' });
    const { context } = await run('context.get', { namespace: 'n', id: ID });
    expect(context).not.toHaveProperty('session_id');
    expect(context).not.toHaveProperty('expires_at');
    expect(context).toMatchObject({ id: ID, agent_id: 'sender', version: 1 });
    await expect(run('context.get', { namespace: 'other', id: ID })).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('says where the level, not the client, gave the lifetime', async () => {
    await run('context.store', { namespace: 'n', id: ID, text: 'x', ttl_ms: 1000 });
    const { context } = await run('context.get', { namespace: 'n', id: ID });
    expect(context).toMatchObject({ expires_at: expect.any(Number) as number });
    expect(context).not.toHaveProperty('expires_by');
    const get = memory.get.bind(memory);
    memory.get = async (...args) => ({ ...(await get(...args)), expirySetBy: 'level' });
    expect((await run('context.get', { namespace: 'n', id: ID })).context.expires_by).toBe('level');
  });

  it('updates what is given', async () => {
    await run('context.store', full);
    const changes = { text: 'new', metadata: {}, tags: [], level: 'short_term' } as const;
    const { context } = await run('context.update', { namespace: 'n', id: ID, ...changes, ttl_ms: 5, if_version: 1 });
    expect(lastInput()).toEqual({ namespace: 'n', id: ID, ...changes, ttlMs: 5, ifVersion: 1 });
    expect(context).toMatchObject({ ...changes, version: 2 });
    await expect(run('context.update', { namespace: 'n', id: ID, text: 'y', if_version: 1 })).rejects.toMatchObject({
      code: 'CONFLICT',
    });
  });

  it('deletes by id or by filter, and counts what was there', async () => {
    await run('context.store', full);
    expect(await run('context.delete', { namespace: 'n', id: ID })).toEqual({ deleted: 1 });
    expect(await run('context.delete', { namespace: 'n', id: ID })).toEqual({ deleted: 0 });
    const filter = { must: [{ is_empty: { key: 'session_id' } }] };
    await run('context.delete', { namespace: 'n', filter });
    expect(lastInput()).toEqual({ namespace: 'n', target: { filter } });
  });
});

describe('context.list', () => {
  it('hands every field down', async () => {
    const given = { levels: ['short_term'], limit: 3, cursor: '0' } as const;
    await run('context.list', { namespace: 'n', agent_id: 'agent', session_id: 'session', filter: {}, ...given });
    expect(lastInput()).toEqual({
      namespace: 'n',
      agentId: 'agent',
      sessionId: 'session',
      filter: {},
      bytesMax: 300_000,
      ...given,
    });
  });

  it('gives a cursor only where there is more', async () => {
    for (let n = 0; n < 3; n++) await run('context.store', { namespace: 'n', text: `x${n}` });
    const first = await run('context.list', { namespace: 'n', limit: 2 });
    expect(first.contexts).toHaveLength(2);
    const last = await run('context.list', { namespace: 'n', limit: 2, cursor: first.cursor! });
    expect(last.contexts).toHaveLength(1);
    expect(last).not.toHaveProperty('cursor');
  });
});

describe('levels, figures and administration', () => {
  it('clears a level', async () => {
    await run('context.store', full);
    expect(await run('level.clear', { namespace: 'n', level: 'immediate' })).toEqual({ deleted: 0 });
    expect(await run('level.clear', { namespace: 'n', level: 'long_term' })).toEqual({ deleted: 1 });
  });

  it('counts by level, with a total', async () => {
    await run('context.store', full);
    expect(await run('stats', { namespace: 'n' })).toEqual({
      counts: { immediate: 0, short_term: 0, long_term: 1, total: 1 },
      cache: { embedding_entries: 1, embedding_hits: 2, embedding_misses: 3 },
      store: { driver: 'double' },
      uptime_ms: 1_234,
      namespace: 'n',
    });
    expect(await run('stats', {})).not.toHaveProperty('namespace');
  });

  it('names the namespaces of the key, with totals, and all of them or none', async () => {
    await run('context.store', full);
    await run('context.store', { ...full, namespace: 'm', level: 'immediate' });
    const counts = { immediate: 0, short_term: 0, long_term: 1, total: 1 };
    const list = (...namespaces: string[]): unknown =>
      HANDLERS['namespace.list'](
        {},
        {
          origin: { door: 'socket', request: 5 },
          sender: 's',
          namespaces: new NamespaceSet(namespaces),
          mayRead: true,
          options,
        },
        services,
      );
    expect(await list('*')).toEqual({
      namespaces: [
        { namespace: 'm', counts: { ...counts, immediate: 1, long_term: 0 } },
        { namespace: 'n', counts },
      ],
    });
    expect(await list('o', 'n')).toEqual({
      namespaces: [
        { namespace: 'n', counts },
        { namespace: 'o', counts: { ...counts, long_term: 0, total: 0 } },
      ],
    });
    expect(validators.reply('namespace.list', decodeReplyBody(encodeBody((await list('*')) as object)))).toBeDefined();
    expect(await list('n:*', 'o')).toEqual({
      namespaces: [{ namespace: 'o', counts: { ...counts, long_term: 0, total: 0 } }],
    });
    await run('context.store', { ...full, namespace: 'n:b' });
    await run('context.store', { ...full, namespace: 'n:a' });
    expect(await list('n:*', 'o', 'n:b')).toMatchObject({
      namespaces: [{ namespace: 'n:a' }, { namespace: 'n:b' }, { namespace: 'o' }],
    });
    await run('level.clear', { level: 'long_term', namespace: 'n:a' });
    await run('level.clear', { level: 'long_term', namespace: 'n:b' });
    services = { ...services, replyBytesMax: 100 };
    await expect(list('*')).rejects.toMatchObject({ code: 'PAYLOAD_TOO_LARGE', details: { namespaces: 2 } });
    expect(await list('n')).toEqual({ namespaces: [{ namespace: 'n', counts }] });
  });

  it('collects garbage and clears caches', async () => {
    expect(await run('admin.gc', {})).toEqual({ promoted: 1, deleted: 2 });
    expect(await run('admin.cache_clear', {})).toEqual({ embeddings: 3 });
  });

  it('closes the circuit of a backend, and knows none of one that is not asked', async () => {
    const breaker = testBreaker({ failureThreshold: 1 });
    services.circuits.add(breaker);
    const failing = breaker.run(() => Promise.reject(new PassingFault('STORE_UNAVAILABLE', 'it is down')));
    await expect(failing).rejects.toThrow('it is down');
    expect(breaker.state).toBe('open');
    for (const backend of ['embedding', 'summary'] as const) {
      await expect(run('admin.circuit_reset', { backend })).rejects.toMatchObject({ code: 'NOT_FOUND' });
    }
    expect(breaker.state).toBe('open');
    expect(await run('admin.circuit_reset', { backend: 'vector_db' })).toEqual({
      backend: 'vector_db',
      state: 'closed',
    });
    expect(breaker.state).toBe('closed');
  });

  it('answers ping without a promise where the health is known, and with one where it is not', async () => {
    const call: HandlerCall = {
      origin: { door: 'socket', connection: 6, request: 5 },
      sender: 'sender',
      namespaces: EVERY,
      mayRead: true,
      options,
    };
    const pong = { server_time: 1_700_000_001_234, uptime_ms: 1_234, healthy: true, active_connections: 7 };
    expect(HANDLERS.ping({}, call, services)).toEqual(pong);
    const unknown = HANDLERS.ping({}, call, { ...services, healthy: () => Promise.resolve(false) });
    expect(unknown).toBeInstanceOf(Promise);
    expect(await unknown).toEqual({ ...pong, healthy: false });
  });
});

it('never gives out more of a record than section 5 lists', async () => {
  await run('context.store', full);
  const [place, record] = [...memory.records][0]!;
  memory.records.set(place, { ...record, internal: 'rowid 5' } as ContextRecord);
  expect(JSON.stringify(await run('context.get', { namespace: 'n', id: ID }))).not.toMatch(
    /rowid|expiryAction|expiry_action/,
  );
});
