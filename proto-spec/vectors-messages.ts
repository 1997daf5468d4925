/** Messages of the recorded conversation: each request and each reply at least once, smallest and fullest forms. */
export interface NamedMessage {
  readonly name: string;
  readonly value: object;
}

const ID = '018bcfe5-6800-7000-8000-000000000001';
const OTHER_ID = '018bcfe5-6800-7000-8000-000000000002';
const VECTOR = Buffer.from(new Uint8Array([0, 0, 0, 63, 0, 0, 0, 191, 0, 0, 0, 63, 0, 0, 0, 63]));
const FILTER = {
  must: [
    { key: 'tags', match: { value: 'invoice' } },
    { key: 'metadata.amount', range: { gte: 10, lt: 99.5 } },
  ],
  should: [
    { key: 'metadata.lang', match: { any: ['de', 'en'] } },
    { must: [{ key: 'created_at', range: { gt: 1_600_000_000_000 } }] },
  ],
  must_not: [{ is_empty: { key: 'session_id' } }],
};
const METADATA = {
  lang: 'de',
  amount: 42.5,
  nested: { list: [1, 'two', null, true] },
  large: 9_007_199_254_740_991,
  negative: -5,
};

/** Payloads by request type; the first of each type is its smallest. */
const REQUESTS: readonly (readonly [type: string, payload: object])[] = [
  ['ping', {}],
  ['context.store', { text: 'The invoice goes to Anna.' }],
  [
    'context.store',
    {
      text: 'Gr\u00fc\u00dfe, \u4f60\u597d, \u{1f600}',
      level: 'long_term',
      id: ID,
      namespace: 'team:a',
      agent_id: 'agent-2',
      session_id: 'session-1',
      metadata: METADATA,
      tags: ['invoice', 'anna'],
      ttl_ms: 3_600_000,
      created_at: 1_699_999_999_000,
      embedding: VECTOR,
    },
  ],
  ['context.store_batch', { contexts: [{ text: 'one' }, { text: 'two', id: OTHER_ID, tags: [] }] }],
  ['context.query', { query: 'Who gets the invoice?' }],
  [
    'context.query',
    {
      query: 'Who gets the invoice?',
      embedding: VECTOR,
      max_tokens: 500,
      limit: 10,
      levels: ['immediate', 'long_term'],
      namespace: 'team:a',
      agent_id: '*',
      session_id: 'session-1',
      filter: FILTER,
      relevance_threshold: 0.25,
      priority: [1, 2.5, 0],
      explain: true,
    },
  ],
  ['context.query', { embedding: VECTOR, priority: 'Recent' }],
  ['context.get', { id: ID }],
  ['context.update', { id: ID, metadata: {} }],
  [
    'context.update',
    {
      id: ID,
      namespace: 'team:a',
      text: 'changed',
      metadata: { lang: 'en' },
      tags: ['paid'],
      level: 'short_term',
      ttl_ms: 1,
      if_version: 1,
    },
  ],
  ['context.delete', { id: ID }],
  ['context.delete', { filter: FILTER, namespace: 'team:a' }],
  ['context.list', {}],
  [
    'context.list',
    {
      namespace: 'team:a',
      levels: ['short_term'],
      agent_id: '*',
      session_id: 'session-1',
      filter: {},
      limit: 1_000,
      cursor: 'abc',
    },
  ],
  ['level.clear', { level: 'immediate', namespace: 'team:a' }],
  ['stats', {}],
  ['stats', { namespace: 'team:a' }],
  ['admin.gc', {}],
  ['admin.cache_clear', {}],
];

export function requests(nowMs: number): NamedMessage[] {
  const messages = REQUESTS.map(([type, payload], i) => ({
    name: i === 0 ? 'ping of the worked example' : `${type} (${Object.keys(payload).length} fields)`,
    value: { id: i + 1, type, timestamp: nowMs + i + 1, payload },
  }));
  const full = {
    id: 0xffff_ffff,
    type: 'ping',
    timestamp: nowMs,
    payload: {},
    deadline_ms: 5_000,
    traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`,
  };
  return [...messages, { name: 'an envelope with every field', value: full }];
}

const SMALL_CONTEXT = {
  id: ID,
  namespace: 'team:a',
  agent_id: 'agent-2',
  level: 'long_term',
  text: 'The invoice goes to Anna.',
  token_count: 6,
  metadata: METADATA,
  tags: ['invoice', 'anna'],
  version: 1,
  created_at: 1_699_999_999_000,
  updated_at: 1_699_999_999_000,
  access_count: 3,
};
const CONTEXT = { ...SMALL_CONTEXT, session_id: 'session-1', expires_at: 1_700_003_599_000 };
const STORED = { id: ID, level: 'immediate', token_count: 6, created_at: 1_699_999_999_000, created: true };
const SCORES = { similarity: 0.75, lexical: 0.5, recency: 1, level: 1, frequency: 0 };
const RECEIPT = { id: ID, level: 'long_term', scores: SCORES, relevance_score: 0.875, token_count: 6 };

const REPLIES: readonly (readonly [type: string, payload: object])[] = [
  ['ping', { server_time: 1_700_000_000_000, uptime_ms: 12_345, healthy: true, active_connections: 1 }],
  ['context.store', STORED],
  [
    'context.store_batch',
    {
      results: [
        { ...STORED, created: false },
        { error: { code: 'CONFLICT', message: 'the id exists with another text' } },
      ],
    },
  ],
  [
    'context.query',
    {
      contexts: [{ ...CONTEXT, relevance_score: 0.875, scores: SCORES }],
      total_tokens: 6,
      retrieval_time_ms: 1.5,
      metadata: {
        level_distribution: { immediate: 0, short_term: 0, long_term: 1 },
        avg_relevance: 0.875,
        cache_hits: 1,
        total_searched: 2,
        allocations: { immediate: 150, short_term: 200, long_term: 150 },
        degraded: [{ level: 'short_term', code: 'STORE_UNAVAILABLE' }],
      },
      receipts: [
        { ...RECEIPT, outcome: 'included' },
        { ...RECEIPT, id: OTHER_ID, relevance_score: 0.125, outcome: 'below_threshold' },
      ],
    },
  ],
  ['context.get', { context: SMALL_CONTEXT }],
  ['context.update', { context: { ...CONTEXT, version: 2 } }],
  ['context.delete', { deleted: 1 }],
  ['context.list', { contexts: [CONTEXT, SMALL_CONTEXT], cursor: 'abc' }],
  ['level.clear', { deleted: 40_000 }],
  [
    'stats',
    {
      counts: { immediate: 1, short_term: 2, long_term: 3, total: 6 },
      cache: { embedding_entries: 4, embedding_hits: 10, embedding_misses: 4 },
      store: { driver: 'embedded', bytes: 65_536 },
      uptime_ms: 12_345,
      namespace: 'team:a',
    },
  ],
  ['admin.gc', { promoted: 2, deleted: 1 }],
  ['admin.cache_clear', { embeddings: 4 }],
];

const ERRORS: readonly object[] = [
  {
    code: 'BAD_REQUEST',
    message: 'the payload: /text is required',
    retryable: false,
    details: { fields: [{ field: '/text', reason: 'is required' }] },
  },
  { code: 'RATE_LIMITED', message: 'the key is over its rate', retryable: true, retry_after_ms: 250 },
];

export function replies(nowMs: number): NamedMessage[] {
  const results = REPLIES.map(([type, payload], i) => ({
    name: `reply to ${type}`,
    value: { id: i + 1, type: 'result', timestamp: nowMs + i, payload },
  }));
  const errors = ERRORS.map((payload, i) => ({
    name: `error ${(payload as { code: string }).code}`,
    value: { id: 100 + i, type: 'error', timestamp: nowMs, payload },
  }));
  return [...results, ...errors];
}
