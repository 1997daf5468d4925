import { encodeBody } from '../src/protocol/codec.ts';
import { encodeFrame } from '../src/protocol/frame.ts';

/** What must be refused, by the layer that refuses it. */

const ID = '018bcfe5-6800-7000-8000-000000000001';

interface RefusedFrame {
  readonly name: string;
  /** In which state of the connection; the limit is 4 KiB before authentication, else 10 MiB. */
  readonly stage: 'before_auth' | 'after_auth';
  readonly bytes: string;
  readonly code: 'BAD_FRAME' | 'FRAME_TOO_LARGE';
}

/** Bytes from the client that end the connection before any tag is looked at. */
export function refusedFrames(): RefusedFrame[] {
  const tag = '11'.repeat(32);
  const bad: [string, string][] = [
    ['length 0', '00000000'],
    ['nil instead of the array', '00000001c0'],
    ['a map instead of the array', '0000000180'],
    ['an array of one', '0000000291c0'],
    ['an array of three', '0000000593c0c400c0'],
    ['an array that claims 4 billion elements', '00000005ddffffffff'],
    ['a tag of 31 bytes', `0000002492c41f${'11'.repeat(31)}c400`],
    ['a tag of 33 bytes', `0000002692c421${'11'.repeat(33)}c400`],
    ['a tag that is a string', `0000002592d920${'61'.repeat(32)}c400`],
    ['a body that is not bin', `0000002492c420${tag}80`],
    ['a body that is missing', `0000002392c420${tag}`],
    ['a body that ends before its length', `0000002692c420${tag}c40280`],
    ['a body that claims 4 GiB', `0000002892c420${tag}c6ffffffff`],
    ['bytes after the body inside the frame', `0000002792c420${tag}c40180c0`],
  ];
  const refused = bad.map(([name, bytes]): RefusedFrame => ({ name, stage: 'after_auth', bytes, code: 'BAD_FRAME' }));
  return [
    ...refused,
    { name: 'length 0', stage: 'before_auth', bytes: '00000000', code: 'BAD_FRAME' },
    {
      name: 'HTTP',
      stage: 'before_auth',
      bytes: Buffer.from('GET / HTTP/1.1\r\n').toString('hex'),
      code: 'FRAME_TOO_LARGE',
    },
    { name: 'one byte over 4 KiB', stage: 'before_auth', bytes: '00001001', code: 'FRAME_TOO_LARGE' },
    { name: 'one byte over 10 MiB', stage: 'after_auth', bytes: '00a00001', code: 'FRAME_TOO_LARGE' },
    { name: '4 GiB', stage: 'after_auth', bytes: 'ffffffff', code: 'FRAME_TOO_LARGE' },
    {
      name: 'a body where auth is due, with a tag of 31 bytes',
      stage: 'before_auth',
      bytes: frameWithShortTag(),
      code: 'BAD_FRAME',
    },
  ];
}

function frameWithShortTag(): string {
  const whole = encodeFrame(Buffer.alloc(32, 0x11), Buffer.from('80', 'hex'));
  const bytes = Buffer.concat([whole.subarray(0, 6), Buffer.from([31]), whole.subarray(8)]);
  bytes.writeUInt32BE(bytes.length - 4);
  return bytes.toString('hex');
}

interface RefusedAuth {
  readonly name: string;
  /** Fields of `auth` that differ from a good one. */
  readonly change: object;
  /** Added to the right `timestamp`. */
  readonly timestamp_offset_ms?: number;
  /** Hex; the secret that made the tag, where it is not the key's. */
  readonly secret?: string;
  readonly code: 'AUTH_FAILED' | 'UNSUPPORTED_PROTOCOL' | 'TIMESTAMP_OUT_OF_RANGE' | 'BAD_REQUEST';
}

/** Answers to hello that end the connection; to be built from the nonce at hand. */
export function refusedAuths(): RefusedAuth[] {
  return [
    { name: 'a protocol of the future', change: { protocol: 2 }, code: 'UNSUPPORTED_PROTOCOL' },
    { name: 'an unknown key', change: { key_id: 'nobody' }, code: 'AUTH_FAILED' },
    { name: 'another secret', change: {}, secret: 'ff'.repeat(32), code: 'AUTH_FAILED' },
    { name: 'an unknown field', change: { extra: 1 }, code: 'BAD_REQUEST' },
    {
      name: 'an unknown field, under another secret',
      change: { extra: 1 },
      secret: 'ff'.repeat(32),
      code: 'AUTH_FAILED',
    },
    { name: 'an empty sender', change: { sender: '' }, code: 'BAD_REQUEST' },
    {
      name: 'an empty sender, under another secret',
      change: { sender: '' },
      secret: 'ff'.repeat(32),
      code: 'AUTH_FAILED',
    },
    { name: 'a protocol that is not a number', change: { protocol: 'one' }, code: 'BAD_REQUEST' },
    { name: 'a key_id that is not a string', change: { key_id: 7 }, code: 'AUTH_FAILED' },
    { name: 'another type', change: { type: 'ping' }, code: 'AUTH_FAILED' },
    {
      name: 'a protocol of the future, under another secret',
      change: { protocol: 2 },
      secret: 'ff'.repeat(32),
      code: 'UNSUPPORTED_PROTOCOL',
    },
    { name: 'ten minutes ago', change: {}, timestamp_offset_ms: -600_000, code: 'TIMESTAMP_OUT_OF_RANGE' },
    { name: 'two minutes ahead', change: {}, timestamp_offset_ms: 120_000, code: 'TIMESTAMP_OUT_OF_RANGE' },
  ];
}

interface RefusedBody {
  readonly name: string;
  readonly body: Buffer;
  readonly code: 'BAD_REQUEST';
  /** The `id` that the error reply carries: the request's where it can be read before the fault. */
  readonly reply_id: number;
}

/** Bodies of client frames with a right tag. The connection lives on where the reply has an id. */
export function refusedBodies(): RefusedBody[] {
  const head = '84a2696405a474797065a470696e67a974696d657374616d70cf0000018bcfe56800a77061796c6f6164';
  const inPayload: [string, string][] = [
    ['33 levels of nesting', `81a161${'91'.repeat(30)}91c0`],
    ['a nested array that claims 4 billion elements', '81a161ddffffffff'],
    ['a map that claims 4 billion entries', 'dfffffffff'],
    ['an ext type', '81a161d40100'],
    ['a timestamp extension', '81a161d6ff00000000'],
    ['the unused byte 0xc1', '81a161c1'],
    ['an integer as key', '8101c0'],
    ['nil as key', '81c0c0'],
    ['bin as key', '81c40161c0'],
    ['a repeated key', '82a161c0a161c0'],
    ['the key __proto__', '81a95f5f70726f746f5f5f80'],
    ['a uint64 of 2^53 + 1', '81a161cf0020000000000001'],
    ['the largest uint64', '81a161cfffffffffffffffff'],
    ['the largest int64', '81a161d37fffffffffffffff'],
    ['an int64 of -(2^63 - 1)', '81a161d38000000000000001'],
    ['NaN', '81a161cb7ff8000000000000'],
    ['infinity', '81a161caff800000'],
    ['text that is not UTF-8', '81a161a2c328'],
    ['a surrogate in UTF-8', '81a161a3eda080'],
    ['an end before the last value', '81a161'],
    ['bytes after the envelope', '80c0'],
  ];
  const refused = inPayload.map(
    ([name, payload]): RefusedBody => ({
      name,
      body: Buffer.from(head + payload, 'hex'),
      code: 'BAD_REQUEST',
      reply_id: 5,
    }),
  );
  const whole: [string, string | object, number][] = [
    ['an empty body', '', 0],
    ['an array', '90', 0],
    ['a string', 'a161', 0],
    ['an envelope without type', { id: 6, timestamp: 1, payload: {} }, 6],
    ['an envelope without id', { type: 'ping', timestamp: 1, payload: {} }, 0],
    ['an envelope with the id of the connection', { id: 0, type: 'ping', timestamp: 1, payload: {} }, 0],
    [
      'an envelope with the largest id, and a field too many',
      { id: 2 ** 32 - 1, type: 'ping', timestamp: 1, payload: {}, extra: 1 },
      2 ** 32 - 1,
    ],
    ['an envelope with an id beyond 32 bits', { id: 2 ** 32, type: 'ping', timestamp: 1, payload: {} }, 0],
    ['an envelope without payload', { id: 7, type: 'ping', timestamp: 1 }, 7],
    ['an envelope whose payload is an array', { id: 7, type: 'ping', timestamp: 1, payload: [] }, 7],
    ['an envelope whose payload is bin', { id: 7, type: 'ping', timestamp: 1, payload: new Uint8Array(0) }, 7],
    ['an envelope with an unknown field', { id: 8, type: 'ping', timestamp: 1, payload: {}, extra: 1 }, 8],
    ['an envelope whose timestamp is negative', { id: 9, type: 'ping', timestamp: -1, payload: {} }, 9],
    ['an envelope whose timestamp is a fraction', { id: 9, type: 'ping', timestamp: 1.5, payload: {} }, 9],
  ];
  const wholes = whole.map(
    ([name, value, replyId]): RefusedBody => ({
      name,
      body: typeof value === 'string' ? Buffer.from(value, 'hex') : encodeBody(value),
      code: 'BAD_REQUEST',
      reply_id: replyId,
    }),
  );
  return [...refused, ...wholes];
}

interface AcceptedBody {
  readonly name: string;
  readonly body: Buffer;
  /** `metadata.n` of the context that the body stores, exactly. */
  readonly n: number;
}

/** Bodies of client frames that store a context whose metadata hold an integer of 64 bits. */
export function acceptedBodies(): AcceptedBody[] {
  const rows: [string, string, number][] = [
    ['2^53', 'cf0020000000000000', 2 ** 53],
    ['2^53 + 2', 'cf0020000000000002', 2 ** 53 + 2],
    ['2^60', 'cf1000000000000000', 2 ** 60],
    ['2^64 - 2^11', 'cffffffffffffff800', 2 ** 64 - 2 ** 11],
    ['-2^53', 'd3ffe0000000000000', -(2 ** 53)],
    ['-2^63', 'd38000000000000000', -(2 ** 63)],
    ['1 as a uint64', 'cf0000000000000001', 1],
  ];
  const head = encodeBody({
    id: 5,
    type: 'context.store',
    timestamp: 1_700_000_000_000,
    payload: { text: 'a', metadata: { n: 0 } },
  });
  return rows.map(([name, integer, n]) => ({
    name,
    body: Buffer.concat([head.subarray(0, -1), Buffer.from(integer, 'hex')]),
    n,
  }));
}

interface PayloadVector {
  readonly name: string;
  readonly type: string;
  /** `{"$bin": hex}` is bin, `{"$repeat": [text, count]}` a text, `{"$list": [item, count]}` an array. */
  readonly payload: object;
  readonly code?: 'BAD_REQUEST' | 'PAYLOAD_TOO_LARGE';
  /** What `details.fields` names, among others. */
  readonly field?: string;
}

const repeat = (text: string, count: number): object => ({ $repeat: [text, count] });
const list = (item: unknown, count: number): object => ({ $list: [item, count] });
const condition = { key: 'tags', match: { value: 'a' } };

/** Payloads that break their schema. */
export function refusedPayloads(): PayloadVector[] {
  const rows: [string, string, object, string, ('BAD_REQUEST' | 'PAYLOAD_TOO_LARGE')?][] = [
    ['an unknown field', 'ping', { extra: 1 }, '/extra'],
    ['no text', 'context.store', {}, '/text'],
    ['an empty text', 'context.store', { text: '' }, '/text'],
    ['a text of one character too many', 'context.store', { text: repeat('a', 262_145) }, '/text', 'PAYLOAD_TOO_LARGE'],
    ['a text that is bin', 'context.store', { text: { $bin: '61' } }, '/text'],
    ['an unknown level', 'context.store', { text: 'a', level: 'L1' }, '/level'],
    ['an id that is no UUID', 'context.store', { text: 'a', id: 'x' }, '/id'],
    ['an empty namespace', 'context.store', { text: 'a', namespace: '' }, '/namespace'],
    ['a namespace with a space', 'context.store', { text: 'a', namespace: 'a b' }, '/namespace'],
    ['a namespace of 129 characters', 'context.store', { text: 'a', namespace: repeat('a', 129) }, '/namespace'],
    ['every agent in a store', 'context.store', { text: 'a', agent_id: '*' }, '/agent_id'],
    ['an agent of 257 characters', 'context.store', { text: 'a', agent_id: repeat('a', 257) }, '/agent_id'],
    ['an empty session', 'context.store', { text: 'a', session_id: '' }, '/session_id'],
    ['metadata that is an array', 'context.store', { text: 'a', metadata: [] }, '/metadata'],
    ['metadata with NUL in a name', 'context.update', { id: ID, metadata: { a: [{ 'b\0c': 1 }] } }, '/metadata'],
    ['metadata with bin', 'context.store', { text: 'a', metadata: { a: [{ $bin: '00' }] } }, '/metadata'],
    [
      'metadata of 65,537 bytes',
      'context.store',
      { text: 'a', metadata: { a: repeat('a', 65_531) } },
      '/metadata',
      'PAYLOAD_TOO_LARGE',
    ],
    ['65 tags', 'context.store', { text: 'a', tags: list('a', 65) }, '/tags'],
    ['a tag of 129 characters', 'context.store', { text: 'a', tags: [repeat('a', 129)] }, '/tags/0'],
    ['a lifetime of 0', 'context.store', { text: 'a', ttl_ms: 0 }, '/ttl_ms'],
    ['a lifetime that is a fraction', 'context.store', { text: 'a', ttl_ms: 1.5 }, '/ttl_ms'],
    ['a time before 1970', 'context.store', { text: 'a', created_at: -1 }, '/created_at'],
    ['an embedding of 5 bytes', 'context.store', { text: 'a', embedding: { $bin: '0000000000' } }, '/embedding'],
    ['an embedding as an array', 'context.store', { text: 'a', embedding: [0, 0] }, '/embedding'],
    ['an empty batch', 'context.store_batch', { contexts: [] }, '/contexts'],
    ['a batch of 1,001', 'context.store_batch', { contexts: list({ text: 'a' }, 1_001) }, '/contexts'],
    ['a fault inside a batch', 'context.store_batch', { contexts: [{ text: 'a' }, { text: '' }] }, '/contexts/1/text'],
    ['neither query nor embedding', 'context.query', {}, '/'],
    ['max_tokens of 0', 'context.query', { query: 'a', max_tokens: 0 }, '/max_tokens'],
    ['max_tokens over 1,000,000', 'context.query', { query: 'a', max_tokens: 1_000_001 }, '/max_tokens'],
    ['a limit of 1,001', 'context.query', { query: 'a', limit: 1_001 }, '/limit'],
    ['no levels', 'context.query', { query: 'a', levels: [] }, '/levels'],
    ['a level twice', 'context.query', { query: 'a', levels: ['immediate', 'immediate'] }, '/levels'],
    ['a threshold over 1', 'context.query', { query: 'a', relevance_threshold: 1.1 }, '/relevance_threshold'],
    ['an unknown strategy', 'context.query', { query: 'a', priority: 'balanced' }, '/priority'],
    ['shares that are all zero', 'context.query', { query: 'a', priority: [0, 0, 0] }, '/priority'],
    ['a negative share', 'context.query', { query: 'a', priority: [1, -1, 1] }, '/priority'],
    [
      'a filter on an unknown field',
      'context.query',
      { query: 'a', filter: { must: [{ key: 'text', match: { value: 'a' } }] } },
      '/filter/must/0/key',
    ],
    [
      'a filter on a path with NUL',
      'context.list',
      { filter: { must_not: [{ is_empty: { key: 'metadata.a\0b' } }] } },
      '/filter/must_not/0/is_empty/key',
    ],
    [
      'an unknown field in a nested filter',
      'context.list',
      { filter: { should: [{ must: [condition, { key: 'role', range: { gt: 1 } }] }] } },
      '/filter/should/0/must/1/key',
    ],
    ['a filter with an unknown clause', 'context.query', { query: 'a', filter: { all: [] } }, '/filter/all'],
    [
      'a condition with two tests',
      'context.query',
      { query: 'a', filter: { must: [{ key: 'tags', match: { value: 'a', any: ['b'] } }] } },
      '/filter/must/0',
    ],
    [
      'an empty range',
      'context.query',
      { query: 'a', filter: { must: [{ key: 'created_at', range: {} }] } },
      '/filter/must/0',
    ],
    [
      '257 conditions',
      'context.query',
      { query: 'a', filter: { must: list(condition, 128), should: list(condition, 129) } },
      '/filter',
    ],
    ['a get without id', 'context.get', {}, '/id'],
    ['an update of nothing', 'context.update', { id: ID }, '/'],
    ['a version of 0', 'context.update', { id: ID, tags: [], if_version: 0 }, '/if_version'],
    ['a delete of nothing', 'context.delete', {}, '/'],
    ['a delete by id and filter', 'context.delete', { id: ID, filter: { must: [condition] } }, '/'],
    ['a delete by an empty filter', 'context.delete', { filter: {} }, '/filter'],
    [
      'a delete by a filter that holds an empty one',
      'context.delete',
      { filter: { must: [{ should: [] }] } },
      '/filter',
    ],
    [
      'a delete of all but any of nothing',
      'context.delete',
      { filter: { must_not: [{ key: 'tags', match: { any: [] } }] } },
      '/filter',
    ],
    [
      'a delete of all that has what every context has',
      'context.delete',
      { filter: { must_not: [{ is_empty: { key: 'created_at' } }] } },
      '/filter',
    ],
    ['an empty cursor', 'context.list', { cursor: '' }, '/cursor'],
    ['a clear without level', 'level.clear', {}, '/level'],
    ['an unknown field in stats', 'stats', { all: true }, '/all'],
  ];
  return rows.map(([name, type, payload, field, code]) => ({
    name,
    type,
    payload,
    code: code ?? 'BAD_REQUEST',
    field,
  }));
}

/** Payloads at their limits. */
export function acceptedPayloads(): PayloadVector[] {
  return [
    {
      name: 'a text of 262,144 characters outside the basic plane',
      type: 'context.store',
      payload: { text: repeat('\u{1f600}', 262_144) },
    },
    {
      name: 'metadata of 65,536 bytes',
      type: 'context.store',
      payload: { text: 'a', metadata: { a: repeat('a', 65_530) } },
    },
    {
      name: '64 tags of 128 characters',
      type: 'context.store',
      payload: { text: 'a', tags: list(repeat('a', 128), 64) },
    },
    { name: 'an id in upper case', type: 'context.get', payload: { id: ID.toUpperCase() } },
    { name: '256 conditions', type: 'context.query', payload: { query: 'a', filter: { must: list(condition, 256) } } },
    { name: 'a batch of 1,000', type: 'context.store_batch', payload: { contexts: list({ text: 'a' }, 1_000) } },
    { name: 'every agent in a query', type: 'context.query', payload: { query: 'a', agent_id: '*' } },
    { name: 'an empty filter in a list', type: 'context.list', payload: { filter: {} } },
    {
      name: 'any of nothing in a delete',
      type: 'context.delete',
      payload: { filter: { must: [{ key: 'tags', match: { any: [] } }] } },
    },
    {
      name: 'a path of quoted names',
      type: 'context.list',
      payload: { filter: { must: [{ is_empty: { key: 'metadata."a.b"."[0]".c d' } }] } },
    },
    { name: 'a NUL in a value of metadata', type: 'context.store', payload: { text: 'a', metadata: { a: 'b\0c' } } },
  ];
}
