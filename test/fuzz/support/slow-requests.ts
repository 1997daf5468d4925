import { CREDENTIALS, START_MS, TOKEN, type FuzzWorld } from './fuzz-world.ts';
import { LONG_TEXTS } from './long-texts.ts';
import type { SentRequest } from './request-holds.ts';

/** A request that is as large as one may be, made when it is sent. */
export interface SlowRequest {
  readonly name: string;
  readonly make: () => SentRequest;
}

const TEXT_UNITS = 262_144;
const BODY_BYTES = 16 * 1024 * 1024 - 1024;
const FRAME_BYTES = 10 * 1024 * 1024 - 1024;

/** Of every kind, at the limits of its size, number and depth. */
export function slowRequests({ server }: FuzzWorld): SlowRequest[] {
  const wire = (type: string, payload: unknown): SentRequest => ({
    port: server.port,
    credentials: CREDENTIALS,
    nowMs: START_MS,
    type,
    payload,
  });
  const http = (path: string, body: string): SentRequest => ({
    port: server.gatewayPort ?? 0,
    path,
    headers: {
      authorization: `Bearer ${TOKEN}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: Buffer.from(body),
  });
  const all: SlowRequest[] = [];
  for (const [name, make] of Object.entries(LONG_TEXTS)) {
    const text = (): string => make(TEXT_UNITS);
    const four = (): object[] => Array.from({ length: 4 }, () => ({ role: 'user', content: text() }));
    all.push(
      { name: `context.store: ${name}`, make: () => wire('context.store', { text: text() }) },
      {
        name: `context.query: ${name}`,
        make: () => wire('context.query', { query: text(), limit: 1000, max_tokens: 1e6 }),
      },
      {
        name: `session.append of 4: ${name}`,
        make: () => wire('session.append', { session_id: name, messages: four() }),
      },
      {
        name: `session.window: ${name}`,
        make: () => wire('session.window', { session_id: name, query: text(), max_tokens: 1e6 }),
      },
      { name: `mcp remember: ${name}`, make: () => http('/mcp', tool('remember', { text: text() })) },
      {
        name: `ingest of 2 MiB: ${name}`,
        make: () => http('/ingest', JSON.stringify({ text: text().repeat(8), document_id: name })),
      },
    );
  }
  all.push(...batches(wire), ...batchesOverHttp(http));
  for (const [name, body] of Object.entries(JSON_BODIES)) {
    all.push(
      { name: `chat of 16 MiB: ${name}`, make: () => http('/v1/chat/completions', body()) },
      { name: `memory of 16 MiB: ${name}`, make: () => http('/v1/memory/context.store', body()) },
    );
  }
  all.push({
    name: 'ingest of 16 MiB: base64',
    make: () =>
      http('/ingest', JSON.stringify({ base64: Buffer.alloc((BODY_BYTES / 4) * 3 - 99, 'a b. ').toString('base64') })),
  });
  all.push({
    name: 'mcp of 2 MiB: numbers',
    make: () => http('/mcp', tool('remember', { text: 'x', tags: Array(900_000).fill(0) })),
  });
  return all;
}

function tool(name: string, given: object): string {
  return JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params: { name, arguments: given } });
}

function batches(wire: (type: string, payload: unknown) => SentRequest): SlowRequest[] {
  const long = (units: number, count: number): object[] =>
    Array.from({ length: count }, (_, n) => ({ text: `${n} `.padEnd(units, 'The fox jumps. ') }));
  const names = Array.from({ length: 100 }, (_, n) => ({
    subject: `${'\u0301'.repeat(250)}${n}`,
    predicate: 'p'.repeat(250),
    object: 'ﬃ'.repeat(250),
  }));
  const conditions = Array.from({ length: 255 }, (_, n) => ({
    key: `metadata.a.b.d${n}`,
    match: { value: 'x'.repeat(1000) },
  }));
  const any = Array.from({ length: 4 }, (_, n) => ({
    key: 'tags',
    match: { any: Array.from({ length: 1000 }, (_value, m) => `${n} ${m}`.padEnd(500, 'v')) },
  }));
  return [
    {
      name: 'context.store_batch: 1,000 texts',
      make: () => wire('context.store_batch', { contexts: long(FRAME_BYTES / 1000 - 20, 1000) }),
    },
    {
      name: 'context.store_batch: the longest texts',
      make: () => wire('context.store_batch', { contexts: long(TEXT_UNITS, 39) }),
    },
    {
      name: 'context.store_batch: tags and metadata',
      make: () => wire('context.store_batch', { contexts: Array(1000).fill(FULL) }),
    },
    {
      name: 'context.store_batch: one fault at its end',
      make: () => wire('context.store_batch', { contexts: [...(Array(999).fill(FULL) as object[]), { text: 1 }] }),
    },
    {
      name: 'context.store_batch: long lists',
      make: () => wire('context.store_batch', { contexts: Array(4).fill(DEEP_LIST) }),
    },
    {
      name: 'context.store: a list of lists',
      make: () => wire('context.store', { text: 'x', metadata: { list: Array(262_000).fill([]) } }),
    },
    {
      name: 'context.store: too long a text',
      make: () => wire('context.store', { text: 'я'.repeat(FRAME_BYTES / 2 - 100) }),
    },
    {
      name: 'context.store: many maps',
      make: () =>
        wire('context.store', { text: 'x', metadata: { list: Array.from({ length: 1300 }, () => FULL.metadata) } }),
    },
    {
      name: 'session.append: many fields',
      make: () =>
        wire('session.append', {
          session_id: 's',
          messages: Array.from({ length: 100 }, () => ({ role: 'user', content: 'x', metadata: FULL.metadata })),
        }),
    },
    {
      name: 'context.query: as much as may be',
      make: () =>
        wire('context.query', {
          query: 'fox jumps',
          limit: 1000,
          max_tokens: 1e6,
          relevance_threshold: 0,
          explain: true,
        }),
    },
    { name: 'context.list: as many as may be', make: () => wire('context.list', { limit: 1000 }) },
    {
      name: 'context.list: filter of 255 conditions',
      make: () => wire('context.list', { filter: { must_not: conditions } }),
    },
    {
      name: 'context.query: filter of 4,000 values',
      make: () => wire('context.query', { query: 'fox', filter: { must_not: any } }),
    },
    { name: 'fact.put: 100 facts', make: () => wire('fact.put', { facts: names }) },
    { name: 'fact.list', make: () => wire('fact.list', { subject: '\u0301'.repeat(250), limit: 1000 }) },
  ];
}

/** A tag and a metadata field more than this, and a request has more values than it may have. */
const FULL = {
  text: 'x',
  tags: Array.from({ length: 64 }, (_, n) => `t${n}`),
  metadata: Object.fromEntries(Array.from({ length: 190 }, (_, n) => [`k${n}`, n])),
};
const DEEP_LIST = { text: 'x', metadata: { list: Array(64_000).fill(0) } };

function batchesOverHttp(http: (path: string, body: string) => SentRequest): SlowRequest[] {
  const post = (contexts: readonly object[]) => () =>
    http('/v1/memory/context.store_batch', JSON.stringify({ contexts }));
  return [
    { name: 'memory of a batch: tags and metadata', make: post(Array(1000).fill(FULL) as object[]) },
    {
      name: 'memory of a batch: one fault at its end',
      make: post([...(Array(999).fill(FULL) as object[]), { text: 1 }]),
    },
    { name: 'memory of a batch: long lists', make: post(Array(4).fill(DEEP_LIST) as object[]) },
  ];
}

const filled = (begin: string, unit: string, end: string): string =>
  begin + unit.repeat(Math.floor((BODY_BYTES - begin.length - end.length) / Buffer.byteLength(unit))) + end;
const said = (content: string): string => `{"model":"m","messages":[{"role":"user","content":${content}}]}`;
const BESIDE = '"messages":[{"role":"user","content":"x"}]}';
const text = (unit: string): string => {
  const [begin = '', end = ''] = said('"…"').split('…');
  return filled(begin, unit, end);
};

const JSON_BODIES: Readonly<Record<string, () => string>> = {
  'a picture': () =>
    filled(
      '{"model":"m","messages":[{"role":"user","content":[{"type":"image_url","image_url":{"url":"data:',
      'A',
      '"}}]}]}',
    ),
  words: () => text('The fox. '),
  ideographs: () => text('漢'),
  escapes: () => text('\\n'),
  backslashes: () => text('\\\\'),
  quotes: () => text('\\"'),
  'characters by number': () => text('\\u00e9'),
  messages: () =>
    filled('{"model":"m","messages":[', '{"role":"user","content":"hello there"},', '{"role":"user","content":"x"}]}'),
  'long messages': () =>
    filled(
      '{"model":"m","messages":[',
      `{"role":"user","content":"${'hello. '.repeat(150)}"},`,
      '{"role":"user","content":"x"}]}',
    ),
  parts: () =>
    filled(
      '{"model":"m","messages":[{"role":"user","content":[',
      '{"type":"text","text":"hello there, and more of it"},',
      '{"type":"text","text":"x"}]}]}',
    ),
  numbers: () => filled('{"model":"m","x":[', '0,', `0],${BESIDE}`),
  maps: () => filled('{"model":"m","x":[', '{},', `0],${BESIDE}`),
  keys: () => `{"model":"m","x":{${Array.from({ length: 1_000_000 }, (_, n) => `"k${n}":0`).join(',')}},${BESIDE}`,
  depth: () => `{"model":"m","x":${'['.repeat(5_000_000)}${']'.repeat(5_000_000)},${BESIDE}`,
  blanks: () => filled('{"model":"m",', ' ', BESIDE),
  'no JSON': () => filled('', '[', ''),
};
