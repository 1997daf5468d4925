import { afterEach, describe, expect, it } from 'vitest';
import { connectWith } from '../../../clients/typescript/src/connect-with.ts';
import { connect, ContextManagerError, type Client } from '../../../clients/typescript/src/index.ts';
import { systemRandom } from '../../../src/base/random.ts';
import { ADMIN, WireServer } from '../../support/wire-server.ts';
import { ScriptedServer, SECRET } from './scripted-server.ts';

// Whoever has no type checker learns from the error what to change.

const ID = '018bcfe5-6800-7000-8000-000000000001';
const RIGHT = { host: '127.0.0.1', port: 1, keyId: 'default', secret: SECRET };
const clients: Client[] = [];

/** A client over the server's own gate and schemas. */
async function client(): Promise<Client> {
  const server = new WireServer();
  const made = await connectWith(
    { ...RIGHT, keyId: ADMIN.keyId, secret: ADMIN.secret },
    { openStream: () => server.open(), clock: server.clock, random: systemRandom },
  );
  clients.push(made);
  return made;
}

afterEach(async () => {
  await Promise.all(clients.splice(0).map((made) => made.close({ timeoutMs: 0 })));
});

/** The error of a call, which must reject and not throw. */
async function refused(call: () => unknown): Promise<ContextManagerError> {
  const error: unknown = await (call() as Promise<unknown>).then(
    () => new Error('it was not refused'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof ContextManagerError)) throw error;
  expect(error).toMatchObject({ code: 'BAD_REQUEST', retryable: false });
  return error;
}

function fieldsOf(error: ContextManagerError): string[] {
  return (error.details!['fields'] as { field: string }[]).map(({ field }) => field);
}

describe('connect', () => {
  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a list', [RIGHT]],
  ])('says what it takes where it is given %s', async (_what, options) => {
    expect((await refused(() => connect(options as never))).message).toContain('host, port, keyId, secret');
  });

  it('says how a URL is written where it is given another text', async () => {
    expect((await refused(() => connect('127.0.0.1:7420'))).message).toContain(
      'context-manager://key:secret@host:port',
    );
  });

  it('names all that is missing', async () => {
    const error = await refused(() => connect({} as never));
    expect(fieldsOf(error)).toEqual(['/host', '/port', '/keyId', '/secret']);
    expect(error.message).toMatch(/^connect: host must be .*; port must .*; keyId must .*; secret must /);
  });

  it.each<[string, object]>([
    ['/host', { host: '' }],
    ['/host', { host: 5 }],
    ['/host', { host: '127.0.0.1:7420' }],
    ['/host', { host: 'http://memory.internal' }],
    ['/host', { host: '[::1]' }],
    ['/host', { host: 'memory.internal/path' }],
    ['/port', { port: 0 }],
    ['/port', { port: 65_536 }],
    ['/port', { port: -1 }],
    ['/port', { port: '7420' }],
    ['/port', { port: NaN }],
    ['/keyId', { keyId: undefined }],
    ['/keyId', { keyId: '' }],
    ['/keyId', { keyId: 7 }],
    ['/secret', { secret: undefined }],
    ['/secret', { secret: 'short' }],
    ['/secret', { secret: new Uint8Array(31) }],
    ['/secret', { secret: 32 }],
    ['/sender', { sender: '' }],
    ['/namespace', { namespace: 5 }],
    ['/pool', { pool: 0 }],
    ['/pool', { pool: Infinity }],
    ['/pool', { pool: 1_001 }],
    ['/timeoutMs', { timeoutMs: -1 }],
    ['/timeoutMs', { timeoutMs: 0 }],
    ['/timeoutMs', { timeoutMs: NaN }],
    ['/timeoutMs', { timeoutMs: '5000' }],
    ['/timeoutMs', { timeoutMs: null }],
    ['/connectTimeoutMs', { connectTimeoutMs: -5 }],
    ['/maxInFlight', { maxInFlight: 1.5 }],
    ['/maxInFlight', { maxInFlight: -256 }],
    ['/maxQueued', { maxQueued: -1 }],
    ['/backoff', { backoff: 100 }],
    ['/backoff', { backoff: {} }],
    ['/backoff', { backoff: { minMs: -1, maxMs: 5 } }],
    ['/backoff', { backoff: { minMs: 10, maxMs: 5 } }],
    ['/client', { client: '' }],
    ['/tls', { tls: 'yes' }],
    ['/tls', { tls: null }],
    ['/tls/ca', { tls: { ca: 5 } }],
    ['/tls/ca', { tls: { ca: [''] } }],
    ['/tls/cert', { tls: { cert: ['a'] } }],
    ['/tls/serverName', { tls: { serverName: '' } }],
    ['/tls/servername', { tls: { servername: 'a' } }],
    ['/tls/rejectUnauthorized', { tls: { rejectUnauthorized: 0 } }],
    ['/timeout', { timeout: 5_000 }],
    ['/timeoutMs', { timeoutMs: 5_000n }],
    ['/timeoutMs', { timeoutMs: new Date() }],
    ['/secret', { secret: Promise.resolve(SECRET) }],
    ['/secret', { secret: null }],
    ['/tls', { tls: { ca: 'no certificate', cert: 'none', key: 'none' } }],
    ['/signal', { signal: 1_000 }],
  ])('names %s of %o', async (field, change) => {
    expect(fieldsOf(await refused(() => connect({ ...RIGHT, ...change })))).toEqual([field]);
  });

  it.each<[string, object, string]>([
    ['nothing', { keyId: undefined }, 'keyId must be a text that is not empty (given: nothing)'],
    ['a text', { port: '7420' }, 'port must be an integer from 1 to 65535 (given: a text)'],
    ['a number', { timeoutMs: -1 }, 'timeoutMs must be a number of milliseconds, at least 1 (given: -1)'],
    ['a bigint', { pool: 2n }, 'pool must be an integer from 1 to 1000 (given: a bigint)'],
    ['a Date', { timeoutMs: new Date() }, 'timeoutMs must be a number of milliseconds, at least 1 (given: a Date)'],
    ['a Promise', { secret: Promise.resolve(SECRET) }, 'secret must be a text or a Uint8Array (given: a Promise)'],
    ['a short secret', { secret: 'abc' }, 'secret must be at least 32 bytes (given: 3)'],
  ])('says what it was given: %s', async (_what, change, words) => {
    const { message } = await refused(() => connect({ ...RIGHT, ...change }));
    expect(message).toBe(`connect: ${words}`);
  });

  it('says which options there are', async () => {
    const error = await refused(() => connect({ ...RIGHT, key_id: 'default' } as never));
    expect(error.message).toMatch(/^connect: key_id is no option: there are .*keyId, secret, /);
    const call = await refused(async () => (await client()).ping({ timeout: 5 } as never));
    expect(call.message).toBe('ping: timeout is no option: there are timeoutMs, signal, traceparent');
  });

  it('takes other options behind a URL, and nothing else', async () => {
    const url = 'context-manager://127.0.0.1:1';
    const error = await connect(url, { secret: SECRET }).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'CONNECTION_FAILED', details: { address: '127.0.0.1:1' } });
    expect(fieldsOf(await refused(() => connect(url, { secret: SECRET, sender: '' })))).toEqual(['/sender']);
    expect(fieldsOf(await refused(() => connect(url, 'agent-1' as never)))).toEqual(['/options']);
    expect(fieldsOf(await refused(() => connect({ ...RIGHT }, { sender: 'a' })))).toEqual(['/url']);
  });

  it.each<[string, object]>([
    ['an IPv6 address', { host: 'fe80::1%eth0' }],
    ['certificates as bytes and as a list', { tls: { ca: [Buffer.from('a'), 'b'], cert: Buffer.from('c'), key: 'd' } }],
    ['an endless time', { timeoutMs: Infinity, connectTimeoutMs: Infinity }],
    ['no bound on what waits', { maxQueued: Infinity, maxInFlight: Infinity }],
    ['no queue', { maxQueued: 0 }],
    ['undefined for what may be left out', { sender: undefined, tls: undefined, backoff: undefined }],
    ['a secret of bytes', { secret: Buffer.from(SECRET) }],
  ])('takes %s', async (_what, change) => {
    const made = await new ScriptedServer().connect(change);
    await made.close({ timeoutMs: 0 });
  });
});

describe('calls', () => {
  it.each<[string, (made: Client) => unknown]>([
    ['a store of nothing', (made) => made.store(undefined as never)],
    ['a store of a text alone', (made) => made.store('a note' as never)],
    ['a store of a list', (made) => made.store([{ text: 'a' }] as never)],
    ['a batch that is a list', (made) => made.storeBatch([{ text: 'a' }] as never)],
    ['a query that is a text', (made) => made.query('what?' as never)],
    ['a get by a text', (made) => made.get(ID as never)],
    ['a list of null', (made) => made.list(null as never).page()],
    ['a request without payload', (made) => made.request('ping', undefined as never)],
  ])('say that the payload must be a map: %s', async (_what, call) => {
    const made = await client();
    const error = await refused(() => call(made));
    expect(fieldsOf(error)).toEqual(['/']);
    expect(error.message).toMatch(/the payload must be a map \(given: /);
  });

  it.each<[string, object | null | number]>([
    ['/options/timeoutMs', { timeoutMs: -1 }],
    ['/options/timeoutMs', { timeoutMs: NaN }],
    ['/options/timeoutMs', { timeoutMs: '1' }],
    ['/options/signal', { signal: {} }],
    ['/options/traceparent', { traceparent: 5 }],
    ['/options/timeout', { timeout: 5_000 }],
    ['/options', null],
    ['/options', new Date()],
    ['/options', 5_000],
  ])('name %s of %o', async (field, options) => {
    const made = await client();
    for (const call of [
      () => made.ping(options as never),
      () => made.store({ text: 'x' }, options as never),
      () => made.list({}, options as never).page(),
      () => made.request('stats', {}, options as never),
    ])
      expect(fieldsOf(await refused(call))).toEqual([field]);
    expect(await made.ping()).toMatchObject({ healthy: true });
  });

  it.each<[string, string, (made: Client) => unknown]>([
    ['a Date', '/created_at', (made) => made.store({ text: 'x', created_at: new Date() as never })],
    [
      'a Date in metadata',
      '/metadata/when',
      (made) => made.store({ text: 'x', metadata: { when: new Date() as never } }),
    ],
    ['a bigint', '/ttl_ms', (made) => made.store({ text: 'x', ttl_ms: 5n as never })],
    [
      'a bigint in a batch',
      '/contexts/1/metadata/n/0',
      (made) => made.storeBatch({ contexts: [{ text: 'x' }, { text: 'y', metadata: { n: [1n] as never } }] }),
    ],
    ['NaN', '/limit', (made) => made.query({ query: 'x', limit: NaN })],
    ['a function', '/filter/must/0', (made) => made.list({ filter: { must: [(() => 1) as never] } }).page()],
    ['a Map for a payload', '/', (made) => made.request('stats', new Map() as never)],
    ['a negative lifetime', '/ttl_ms', (made) => made.store({ text: 'x', ttl_ms: -1 })],
    ['a lifetime of nothing', '/ttl_ms', (made) => made.update({ id: ID, ttl_ms: 0 })],
    ['a time before 1970', '/created_at', (made) => made.store({ text: 'x', created_at: -1 })],
    ['a negative limit', '/limit', (made) => made.list({ limit: -5 }).page()],
    ['a negative budget', '/max_tokens', (made) => made.query({ query: 'x', max_tokens: -1 })],
    ['no text', '/text', (made) => made.store({} as never)],
    ['a batch without contexts', '/contexts', (made) => made.storeBatch({} as never)],
    ['a batch of null', '/contexts/0', (made) => made.storeBatch({ contexts: [null] as never })],
    ['an embedding of words', '/embedding', (made) => made.query({ embedding: ['a'] as never })],
  ])('name the place of %s', async (_what, field, call) => {
    const made = await client();
    const error = await refused(() => call(made));
    expect(fieldsOf(error)).toContain(field);
    expect(error.message).toContain(field === '/' ? 'the payload' : field);
  });

  it.each([{ timeoutMs: -1 }, { timeoutMs: NaN }, null, 5])('of close name what is wrong with %o', async (options) => {
    const made = await client();
    await refused(() => made.close(options as never));
    expect(await made.ping()).toMatchObject({ healthy: true });
  });

  it('take an endless and an enormous time', async () => {
    const made = await client();
    for (const timeoutMs of [Infinity, 1e300, Number.MAX_SAFE_INTEGER])
      expect(await made.ping({ timeoutMs })).toMatchObject({ healthy: true });
  });
});
