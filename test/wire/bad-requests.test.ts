import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { vectorToBytes } from '../../src/protocol/vector.ts';
import { openMemory, type MemoryFixture } from '../support/memory-fixture.ts';
import type { Refused, WireClient } from '../support/wire-client.ts';
import { ADMIN_KEY, settle, WireServer } from '../support/wire-server.ts';

// Section 6: the details of a BAD_REQUEST are `{fields: [{field, reason}]}`, whichever room of the server finds the fault.

const ID = '018f0000-0000-7000-8000-000000000001';
const TWO_KEY = { ...ADMIN_KEY, id: 'two', namespaces: ['a', 'b'] };
const DIMENSION = 1024;

let fixture: MemoryFixture;
let noL3: MemoryFixture;
let noLevel: MemoryFixture;
const clients = new Map<string, WireClient>();

beforeAll(async () => {
  fixture = await openMemory();
  noL3 = await openMemory({ settings: { l3Enabled: false } });
  noLevel = await openMemory({ settings: { l1Enabled: false, l2Enabled: false, l3Enabled: false } });
  for (const [name, { memory, clock }] of Object.entries({ fixture, noL3, noLevel })) {
    const server = new WireServer({ memory, clock, keys: [TWO_KEY] });
    clients.set(name, await server.client());
    clients.set(`${name} two`, await server.client({ keyId: 'two', secret: ADMIN_KEY.secret }));
  }
  await clients.get('noL3')!.request('context.store', { text: 'A note.', id: ID });
});

afterAll(() => Promise.all([fixture.close(), noL3.close(), noLevel.close()]));

function vector(fill: number, length = DIMENSION): Uint8Array {
  return vectorToBytes(new Float32Array(length).fill(fill));
}

const CASES: readonly (readonly [name: string, to: string, type: string, payload: object, field: string])[] = [
  ['a field of the schema', 'fixture', 'context.store', { text: 5 }, '/text'],
  [
    'a stored embedding of another size',
    'fixture',
    'context.store',
    { text: 'x', embedding: vector(1, 2) },
    '/embedding',
  ],
  ['a stored embedding of zeros', 'fixture', 'context.store', { text: 'x', embedding: vector(0) }, '/embedding'],
  [
    'a stored embedding of infinities',
    'fixture',
    'context.store',
    { text: 'x', embedding: vector(Infinity) },
    '/embedding',
  ],
  ['an asked embedding of another size', 'fixture', 'context.query', { embedding: vector(1, 2) }, '/embedding'],
  ['an asked embedding of NaN', 'fixture', 'context.query', { query: 'x', embedding: vector(NaN) }, '/embedding'],
  [
    'an unknown key of a filter',
    'fixture',
    'context.list',
    { filter: { must: [{ key: 'role', match: { value: 'x' } }] } },
    '/filter/must/0/key',
  ],
  ['a delete by a filter that restricts nothing', 'fixture', 'context.delete', { filter: {} }, '/filter'],
  ['a cursor that is none', 'fixture', 'context.list', { cursor: 'nonsense' }, '/cursor'],
  [
    'a cursor where nothing is stored',
    'fixture',
    'context.list',
    { cursor: 'nonsense', namespace: 'empty' },
    '/cursor',
  ],
  ['no namespace for a key of two', 'fixture two', 'context.get', { id: ID }, '/namespace'],
  [
    'no namespace in a batch',
    'fixture two',
    'context.store_batch',
    { contexts: [{ text: 'x' }] },
    '/contexts/0/namespace',
  ],
  ['a store into a level that is off', 'noL3', 'context.store', { text: 'x', level: 'long_term' }, '/level'],
  ['an update into a level that is off', 'noL3', 'context.update', { id: ID, level: 'long_term' }, '/level'],
  ['a query of a level that is off', 'noL3', 'context.query', { query: 'x', levels: ['long_term'] }, '/levels'],
  ['a store where every level is off', 'noLevel', 'context.store', { text: 'x' }, '/level'],
];

describe('the details of a BAD_REQUEST', () => {
  it.each(CASES)('name %s', async (_name, to, type, payload, field) => {
    const refused = (await clients
      .get(to)!
      .ask(type, payload)
      .catch((error: unknown) => error)) as Refused;
    expect(refused.payload).toMatchObject({ code: 'BAD_REQUEST', retryable: false });
    expect(refused.payload.details).toEqual({ fields: [{ field, reason: expect.stringMatching(/./) as string }] });
  });

  it('name the id of a request in flight', async () => {
    const server = new WireServer();
    const client = await server.client();
    server.memory.hold();
    const first = client.request('stats', {}, { id: 7 });
    client.send({ id: 7, type: 'stats', timestamp: server.clock.nowMs(), payload: {} });
    await expect(first).rejects.toMatchObject({
      payload: { code: 'BAD_REQUEST', details: { fields: [{ field: '/id' }] } },
    });
    server.memory.release();
  });

  it.each([
    ['no MessagePack', Buffer.from('c1', 'hex')],
    ['no map', Buffer.from('93010203', 'hex')],
    ['nothing', Buffer.alloc(0)],
  ])('name the whole of a body that is %s', async (_what, body) => {
    const client = await new WireServer().client();
    client.sendBody(body);
    expect(await client.nextError()).toMatchObject({ code: 'BAD_REQUEST', details: { fields: [{ field: '/' }] } });
  });

  it.each([
    ['a request', 'ping', {}],
    ['a request of an unknown type', 'pong', {}],
    ['a request whose payload is wrong', 'ping', { extra: 1 }],
  ])('name the id 0 of %s, which stands for the connection and ends it', async (_what, type, payload) => {
    const server = new WireServer();
    const client = await server.client();
    client.send({ id: 0, type, timestamp: server.clock.nowMs(), payload });
    const error = await client.nextError();
    expect(error).toMatchObject({ code: 'BAD_REQUEST', details: { fields: [{ field: '/id' }] } });
    await client.closed;
    await settle();
    expect(server.memory.calls).toEqual([]);
  });
});

describe('the sources', () => {
  it('make a BAD_REQUEST in one place, so that none can have other details', () => {
    const root = join(import.meta.dirname, '../../src');
    const makers = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter(
      (name) => name.endsWith('.ts') && /new CodedError\(\s*'BAD_REQUEST'/.test(readFileSync(join(root, name), 'utf8')),
    );
    expect(makers).toEqual(['base/errors.ts']);
  });
});
