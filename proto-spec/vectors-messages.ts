// What is said in the recorded conversation: each request and each reply at least once, in smallest and fullest forms.

import { FACTS } from './vectors-facts.ts';
import { SESSIONS } from './vectors-sessions.ts';

const AGENT = 'agent-1';
/** Made by the server for the first store; the others are the client's. */
const FIRST_ID = '018bcfe5-6802-7000-8000-000000000001';
const INVOICE_ID = '018bcfe5-6800-7000-8000-000000000002';
const BATCH_ID = '018bcfe5-6804-7000-8000-000000000003';
export const TWO_ID = '018bcfe5-6800-7000-8000-000000000004';
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

/** Told in `welcome`: so long the conversation rests before the server pings. */
export const HEARTBEAT_MS = 30_000;

/** What a client asks and what it is told; `refused`: with the error payload instead. */
export interface Exchange {
  readonly type: string;
  readonly payload: object;
  readonly reply?: object;
  readonly refused?: object;
  readonly name?: string;
  /** Fields of the envelope beside those that every request has. */
  readonly envelope?: object;
}

/** Requests of one group are sent in order before any of them is answered; `answered` is the order of the replies. */
export interface Group {
  readonly exchanges: readonly Exchange[];
  readonly answered?: readonly number[];
}

function shortContext(text: string, id: string, atMs: number): object {
  return {
    id,
    namespace: 'default',
    agent_id: AGENT,
    level: 'immediate',
    text,
    token_count: Math.ceil(text.length / 5),
    metadata: {},
    tags: [],
    version: 1,
    created_at: atMs,
    updated_at: atMs,
    recorded_at: atMs,
    valid_from: atMs,
    access_count: 0,
  };
}

function firstContext(nowMs: number): object {
  return shortContext('The invoice goes to Anna.', FIRST_ID, nowMs + 2);
}

const GREETING = 'Gr\u00fc\u00dfe, \u4f60\u597d, \u{1f600}';
const STORED_AT_MS = 1_699_999_999_000;

function invoiceContext(nowMs: number): object {
  return {
    id: INVOICE_ID,
    namespace: 'team:a',
    agent_id: 'agent-2',
    level: 'long_term',
    text: GREETING,
    token_count: 7,
    metadata: METADATA,
    tags: ['invoice', 'anna'],
    version: 1,
    created_at: STORED_AT_MS,
    updated_at: nowMs + 3,
    recorded_at: nowMs + 3,
    valid_from: STORED_AT_MS,
    access_count: 0,
    session_id: 'session-1',
    expires_at: nowMs + 3 + 3_600_000,
  };
}

const SCORES = { similarity: 0.75, lexical: 0.5, recency: 1, level: 1, frequency: 0 };
const RECEIPT = { id: INVOICE_ID, level: 'long_term', scores: SCORES, relevance_score: 0.875, token_count: 7 };
/** Of an answer: one that holds all words of its question, and one that holds none. */
const ANSWERED = { verdict: 'yes', coverage: 1, reason: 'in words' };
const UNANSWERED = { verdict: 'no', coverage: 0, reason: 'in words' };

const NOTHING_FOUND = {
  contexts: [],
  total_tokens: 0,
  retrieval_time_ms: 0.25,
  metadata: {
    level_distribution: { immediate: 0, short_term: 0, long_term: 0 },
    avg_relevance: 0,
    cache_hits: 0,
    total_searched: 0,
    allocations: { immediate: 2_400, short_term: 1_200, long_term: 400 },
    degraded: [],
    answerable: UNANSWERED,
  },
};

function stores(nowMs: number): Group[] {
  const stored = { id: FIRST_ID, level: 'immediate', token_count: 5, created_at: nowMs + 2, created: true };
  const inBatch = { level: 'immediate', token_count: 1, created_at: nowMs + 4, created: true };
  return [
    { exchanges: [{ type: 'context.store', payload: { text: 'The invoice goes to Anna.' }, reply: stored }] },
    {
      exchanges: [
        {
          type: 'context.store',
          payload: {
            text: GREETING,
            level: 'long_term',
            id: INVOICE_ID,
            namespace: 'team:a',
            agent_id: 'agent-2',
            session_id: 'session-1',
            metadata: METADATA,
            tags: ['invoice', 'anna'],
            ttl_ms: 3_600_000,
            created_at: STORED_AT_MS,
            embedding: VECTOR,
          },
          reply: { id: INVOICE_ID, level: 'long_term', token_count: 7, created_at: STORED_AT_MS, created: true },
        },
      ],
    },
    {
      exchanges: [
        {
          type: 'context.store_batch',
          payload: {
            contexts: [{ text: 'one' }, { text: 'two', id: TWO_ID, tags: [] }, { text: 'three', id: TWO_ID }],
          },
          reply: {
            results: [
              { id: BATCH_ID, ...inBatch },
              { id: TWO_ID, ...inBatch },
              { error: { code: 'CONFLICT', message: 'the id exists with another text' } },
            ],
          },
        },
      ],
    },
  ];
}

/** Three queries under way at once, answered in the order in which they are done. */
function queries(nowMs: number): Group {
  return {
    answered: [1, 0, 2],
    exchanges: [
      {
        type: 'context.query',
        payload: { query: 'Who gets the invoice?' },
        reply: {
          contexts: [{ ...firstContext(nowMs), relevance_score: 0.5, scores: { ...SCORES, similarity: 0.375 } }],
          total_tokens: 5,
          retrieval_time_ms: 1.5,
          metadata: {
            level_distribution: { immediate: 1, short_term: 0, long_term: 0 },
            avg_relevance: 0.5,
            cache_hits: 0,
            total_searched: 3,
            allocations: { immediate: 1_200, short_term: 1_600, long_term: 1_200 },
            degraded: [{ level: 'short_term', code: 'STORE_UNAVAILABLE' }],
            answerable: ANSWERED,
          },
        },
      },
      {
        type: 'context.query',
        payload: {
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
        reply: {
          contexts: [{ ...invoiceContext(nowMs), relevance_score: 0.875, scores: SCORES }],
          total_tokens: 7,
          retrieval_time_ms: 0.75,
          metadata: {
            level_distribution: { immediate: 0, short_term: 0, long_term: 1 },
            avg_relevance: 0.875,
            cache_hits: 1,
            total_searched: 1,
            allocations: { immediate: 500, short_term: 0, long_term: 0 },
            degraded: [],
            answerable: ANSWERED,
          },
          receipts: [{ ...RECEIPT, outcome: 'included' }],
        },
      },
      { type: 'context.query', payload: { embedding: VECTOR, priority: 'Recent' }, reply: NOTHING_FOUND },
    ],
  };
}

function changes(nowMs: number): Group[] {
  const changed = {
    ...invoiceContext(nowMs),
    level: 'short_term',
    text: 'changed',
    token_count: 1,
    metadata: { lang: 'en' },
    tags: ['paid'],
    version: 2,
    updated_at: nowMs + 10,
    access_count: 1,
    expires_at: nowMs + 10 + 60_000,
  };
  const first = { ...firstContext(nowMs), access_count: 1 };
  const paid = { ...first, metadata: { paid: true }, version: 2, updated_at: nowMs + 11 };
  const page = {
    namespace: 'team:a',
    levels: ['short_term'],
    agent_id: '*',
    session_id: 'session-1',
    filter: { must: [{ key: 'tags', match: { value: 'paid' } }] },
    limit: 1,
  };
  const exchanges: Exchange[] = [
    { type: 'context.get', payload: { id: FIRST_ID }, reply: { context: first } },
    {
      type: 'context.get',
      payload: { id: INVOICE_ID },
      refused: { code: 'NOT_FOUND', message: 'there is no such context in the namespace', retryable: false },
    },
    {
      type: 'context.update',
      payload: {
        id: INVOICE_ID,
        namespace: 'team:a',
        text: 'changed',
        metadata: { lang: 'en' },
        tags: ['paid'],
        level: 'short_term',
        ttl_ms: 60_000,
        if_version: 1,
      },
      reply: { context: changed },
    },
    {
      type: 'context.update',
      payload: { id: FIRST_ID, metadata: { paid: true } },
      reply: { context: paid },
    },
    {
      type: 'context.update',
      payload: { id: FIRST_ID, tags: [], if_version: 1 },
      refused: {
        code: 'CONFLICT',
        message: 'the context has another version',
        retryable: false,
        details: { version: 2 },
      },
    },
    {
      type: 'context.store',
      payload: {},
      refused: {
        code: 'BAD_REQUEST',
        message: 'the payload: /text is required',
        retryable: false,
        details: { fields: [{ field: '/text', reason: 'is required' }] },
      },
    },
    { type: 'context.list', payload: page, reply: { contexts: [changed], cursor: 'abc' } },
    { type: 'context.list', payload: { ...page, cursor: 'abc' }, reply: { contexts: [] } },
    {
      type: 'context.list',
      payload: {},
      reply: {
        contexts: [shortContext('two', TWO_ID, nowMs + 4), shortContext('one', BATCH_ID, nowMs + 4), paid],
      },
    },
  ];
  return exchanges.map((exchange) => ({ exchanges: [exchange] }));
}

const SNAPSHOT = {
  id: '20231114T221320Z-0a1b2c',
  label: 'before-upgrade',
  created_at: 1_700_000_000_000,
  contexts: 40_002,
  bytes: 31_457_280,
  sha256: 'ab'.repeat(32),
};

const ENDS: readonly Exchange[] = [
  { type: 'context.delete', payload: { id: FIRST_ID }, reply: { deleted: 1 } },
  { type: 'context.delete', payload: { filter: FILTER, namespace: 'team:a' }, reply: { deleted: 0 } },
  { type: 'level.clear', payload: { level: 'short_term', namespace: 'team:a' }, reply: { deleted: 1 } },
  {
    type: 'stats',
    payload: {},
    reply: {
      counts: { immediate: 2, short_term: 0, long_term: 40_000, total: 40_002 },
      cache: { embedding_entries: 4, embedding_hits: 10, embedding_misses: 4 },
      store: { driver: 'embedded', bytes: 65_536 },
      uptime_ms: 20,
    },
  },
  {
    type: 'stats',
    payload: { namespace: 'team:a' },
    reply: {
      counts: { immediate: 0, short_term: 0, long_term: 0, total: 0 },
      cache: { embedding_entries: 0, embedding_hits: 0, embedding_misses: 1 },
      store: { driver: 'embedded', bytes: 65_536 },
      uptime_ms: 21,
      namespace: 'team:a',
    },
  },
  {
    type: 'namespace.list',
    payload: {},
    reply: {
      namespaces: [
        { namespace: 'default', counts: { immediate: 2, short_term: 0, long_term: 39_999, total: 40_001 } },
        { namespace: 'team:a', counts: { immediate: 0, short_term: 1, long_term: 0, total: 1 } },
      ],
    },
  },
  { type: 'admin.gc', payload: {}, reply: { promoted: 2, deleted: 1 } },
  {
    type: 'admin.snapshot',
    payload: { label: 'before-upgrade' },
    reply: { snapshot: SNAPSHOT },
  },
  { type: 'admin.snapshots', payload: {}, reply: { snapshots: [SNAPSHOT] } },
  { type: 'admin.cache_clear', payload: {}, reply: { embeddings: 4 } },
  {
    type: 'admin.circuit_reset',
    payload: { backend: 'vector_db' },
    reply: { backend: 'vector_db', state: 'closed' },
  },
  {
    type: 'admin.circuit_reset',
    payload: { backend: 'summary' },
    refused: { code: 'NOT_FOUND', message: 'the server asks no backend named summary', retryable: false },
  },
  {
    type: 'context.store',
    payload: { text: 'once more', id: TWO_ID },
    refused: {
      code: 'OVERLOADED',
      message: 'too many calls wait for the store',
      retryable: true,
      retry_after_ms: 250,
    },
  },
  {
    type: 'context.get',
    payload: { id: BATCH_ID },
    name: 'an envelope with every field',
    envelope: { deadline_ms: 5_000, traceparent: `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01` },
    refused: {
      code: 'DEADLINE_EXCEEDED',
      message: 'the deadline passed before the work was done',
      retryable: true,
    },
  },
  { type: 'admin.slowlog', payload: { limit: 10, reset: true }, reply: { requests: [], threshold_ms: 0, total: 0 } },
  { type: 'admin.monitor', payload: { wait_ms: 0 }, reply: { requests: [], cursor: 31, lost: 0 } },
  { type: 'context.used', payload: { ids: [FIRST_ID, TWO_ID] }, reply: { counted: 1 } },
];

/** Section 8. */
function times(nowMs: number): Exchange[] {
  return [
    {
      type: 'context.store',
      payload: { text: 'moved to Porto', valid_from: STORED_AT_MS, valid_until: nowMs, supersedes: [INVOICE_ID] },
      refused: {
        code: 'NOT_FOUND',
        message: `there is no context ${INVOICE_ID} to be superseded: nothing was stored`,
        retryable: false,
      },
    },
    {
      type: 'context.list',
      payload: { as_of: nowMs + 5, known_at: nowMs + 9, include_past: true },
      reply: {
        contexts: [
          { ...shortContext('one', BATCH_ID, nowMs + 4), valid_until: nowMs + 5, superseded_by: TWO_ID },
          { ...firstContext(nowMs), supersedes: [BATCH_ID], valid_from: STORED_AT_MS },
        ],
      },
    },
    {
      type: 'context.query',
      payload: {
        query: 'Who gets the invoice?',
        max_tokens: 10,
        limit: 2,
        as_of: nowMs + 20,
        known_at: nowMs + 21,
        weights: { similarity: 1, recency: 0.5, frequency: 0 },
        explain: true,
      },
      name: 'a question as of a moment, with receipts of all kinds',
      reply: asked(nowMs),
    },
    {
      type: 'context.update',
      payload: { id: TWO_ID, valid_from: -1, valid_until: nowMs },
      reply: {
        context: { ...shortContext('two', TWO_ID, nowMs + 4), valid_from: -1, valid_until: nowMs, version: 2 },
      },
    },
  ];
}

function asked(nowMs: number): object {
  const outcomes = ['included', 'past', 'duplicate', 'over_budget', 'over_limit', 'below_threshold'];
  const ended = { valid_from: -1, valid_until: nowMs + 21, stated_until: nowMs + 90, superseded_by: TWO_ID };
  const context = { ...firstContext(nowMs), ...ended };
  return {
    contexts: [{ ...context, relevance_score: 0.5, scores: SCORES }],
    total_tokens: 5,
    retrieval_time_ms: 2,
    metadata: {
      level_distribution: { immediate: 1, short_term: 0, long_term: 0 },
      avg_relevance: 0.5,
      cache_hits: 0,
      total_searched: 9,
      below_threshold: true,
      allocations: { immediate: 3, short_term: 4, long_term: 3 },
      degraded: [],
      answerable: { verdict: 'weak', coverage: 0.75, reason: 'in words' },
    },
    receipts: outcomes.map((outcome, place) => ({ ...RECEIPT, relevance_score: 1 - place / 8, outcome })),
  };
}

export function groupsOf(nowMs: number): Group[] {
  const ping: Exchange = {
    type: 'ping',
    payload: {},
    name: 'ping of the worked example',
    reply: { server_time: nowMs + 1, uptime_ms: 1, healthy: true, active_connections: 1 },
  };
  const groups: Group[] = [
    { exchanges: [ping] },
    ...stores(nowMs),
    queries(nowMs),
    ...changes(nowMs),
    ...[...ENDS, ...SESSIONS, ...FACTS, ...times(nowMs)].map((exchange) => ({ exchanges: [exchange] })),
  ];
  const before = groups.reduce((count, { exchanges }) => count + exchanges.length, 0);
  return [...groups, { exchanges: [erasure(nowMs + before + 1)] }];
}

/** Of what one agent had. */
function erasure(atMs: number): Exchange {
  return {
    type: 'namespace.erase',
    payload: { namespace: 'team:a', agent_id: 'anna' },
    reply: {
      receipt: {
        ...{
          rows: 3,
          vectors: 5,
          postings: 17,
          supersessions: 1,
          sessions: 1,
          cards: 2,
          facts: 1,
          files: 'overwritten',
        },
        ...{ snapshots: [], summary_tasks: 0, cache_entries: 4, monitor_entries: 0, index_files: 1, blanked_pages: 9 },
        ...{ started_at: atMs, finished_at: atMs },
      },
    },
  };
}
