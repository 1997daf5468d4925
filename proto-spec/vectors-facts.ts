import type { Exchange } from './vectors-messages.ts';

const FACT_ID = '018bcfe5-6800-7000-8000-000000000007';
const NEXT_ID = '018bcfe5-6800-7000-8000-000000000008';
const OTHER_ID = '018bcfe5-6800-7000-8000-000000000009';
const SOURCE_ID = '018bcfe5-6802-7000-8000-000000000001';
const AT_MS = 1_699_999_999_700;

const FIRST = {
  id: FACT_ID,
  namespace: 'default',
  agent_id: 'agent-1',
  subject: 'Mara',
  predicate: 'lives in',
  object: 'Berlin',
  valid_from: -86_400_000,
  valid_until: AT_MS,
  stated_until: 1_800_000_000_000,
  superseded_by: NEXT_ID,
  recorded_at: AT_MS - 5,
  single_valued: false,
  source_ids: [SOURCE_ID],
  confidence: 0.75,
  metadata: { lang: 'de', list: [1, null] },
};
const NEXT = {
  id: NEXT_ID,
  namespace: 'default',
  agent_id: 'agent-1',
  subject: 'mara',
  predicate: 'lives in',
  object: 'Porto',
  valid_from: AT_MS,
  recorded_at: AT_MS,
  single_valued: true,
  source_ids: [],
  metadata: {},
};

/** Facts, as they are put and read. */
export const FACTS: readonly Exchange[] = [
  {
    type: 'fact.put',
    payload: {
      facts: [
        {
          subject: 'Mara',
          predicate: 'lives in',
          object: 'Berlin',
          id: FACT_ID,
          valid_from: -86_400_000,
          valid_until: 1_800_000_000_000,
          single_valued: false,
          source_ids: [SOURCE_ID],
          confidence: 0.75,
          metadata: { lang: 'de', list: [1, null] },
        },
        { subject: 'mara', predicate: 'lives in', object: 'Porto', id: NEXT_ID, single_valued: true },
      ],
      namespace: 'default',
      agent_id: 'agent-1',
    },
    reply: {
      facts: [
        { id: FACT_ID, created: true, superseded: [], conflicts: [OTHER_ID] },
        { id: NEXT_ID, created: false, superseded: [FACT_ID], conflicts: [] },
      ],
    },
  },
  {
    type: 'fact.put',
    payload: { facts: [{ subject: 'Mara', predicate: 'lives in', object: 'Rome', id: FACT_ID }] },
    refused: {
      code: 'CONFLICT',
      message: 'the id belongs to another fact',
      retryable: false,
      details: { field: '/facts/0/id' },
    },
  },
  {
    type: 'fact.list',
    payload: {
      subject: 'MARA',
      predicate: 'lives in',
      object: 'Berlin',
      as_of: AT_MS,
      known_at: AT_MS + 1,
      include_past: true,
      limit: 1,
    },
    reply: { facts: [FIRST], cursor: 'abc' },
  },
  { type: 'fact.list', payload: { agent_id: '*', cursor: 'abc' }, reply: { facts: [] } },
  {
    type: 'fact.around',
    payload: { entity: 'Mara', depth: 2, limit: 1 },
    reply: {
      facts: [{ ...NEXT, distance: 1 }],
      entities: [
        { name: 'mara', distance: 0 },
        { name: 'Porto', distance: 1 },
      ],
      truncated: true,
    },
  },
  {
    type: 'context.query',
    payload: { query: 'where does Mara live?', facts: true },
    name: 'a question for facts',
    reply: {
      contexts: [],
      total_tokens: 4,
      retrieval_time_ms: 0.25,
      metadata: {
        level_distribution: { immediate: 0, short_term: 0, long_term: 0 },
        avg_relevance: 0,
        cache_hits: 0,
        total_searched: 0,
        allocations: { immediate: 1_200, short_term: 1_600, long_term: 1_196 },
        degraded: [],
        answerable: { verdict: 'no', coverage: 0, reason: 'in words' },
      },
      facts: [{ ...NEXT, token_count: 4 }],
    },
  },
  { type: 'fact.delete', payload: { id: NEXT_ID }, reply: { deleted: 1 } },
  { type: 'fact.delete', payload: { id: NEXT_ID, agent_id: 'agent-1' }, reply: { deleted: 0 } },
  {
    type: 'fact.put',
    payload: { facts: [{ subject: ' ', predicate: 'knows', object: 'Anna', id: OTHER_ID }] },
    refused: {
      code: 'BAD_REQUEST',
      message: '/facts/0/subject must show something',
      retryable: false,
      details: { fields: [{ field: '/facts/0/subject', reason: 'must show something' }] },
    },
  },
  {
    type: 'fact.around',
    payload: { entity: 'nobody', as_of: -5, known_at: AT_MS, include_past: true, namespace: 'default', agent_id: '*' },
    reply: { facts: [], entities: [] },
  },
];
