import type { Exchange } from './vectors-messages.ts';

const MESSAGE_ID = '018bcfe5-6800-7000-8000-000000000005';
const CALL_ID = '018bcfe5-6800-7000-8000-000000000006';
const CALLS = [{ id: 'call-1', type: 'function', function: { name: 'find', arguments: '{"q":"invoice"}' } }];
const AT_MS = 1_699_999_999_500;
const FILL = {
  live_tokens: 20,
  live_messages: 2,
  max_tokens: 4_096,
  pressure: 0.0048828125,
  archived_messages: 3,
  cards: 1,
  offloading: false,
};
const STATE = { goals: [{ text: 'pay the invoice', status: 'open' }], facts: [] };
const SESSION = {
  session_id: 'session-1',
  agent_id: 'agent-1',
  max_tokens: 4_096,
  offload_at: 0.75,
  relieve_to: 0.5,
  rearm_at: 0.625,
  header: 'You keep the books.',
  state: STATE,
  window: FILL,
  created_at: AT_MS,
  used_at: AT_MS + 10,
};
const CARD = {
  card_id: '0-0123456789ab',
  summary: '[Summary of 3 earlier messages, 2023-11-14]\nuser: The invoice goes to Anna.',
  first_at: AT_MS - 30,
  last_at: AT_MS - 10,
  message_count: 3,
  token_count: 20,
  original_tokens: 60,
};

const RECALLED_ID = '018bcfe5-6800-7000-8000-00000000000a';
const TOOL_RESULT = {
  role: 'tool',
  content: 'found it',
  id: '018bcfe5-6800-7000-8000-00000000000b',
  name: 'find',
  tool_call_id: 'call-1',
  metadata: { took_ms: 5 },
};
const EMPTY_WINDOW = {
  messages: [],
  tokens: { header: 0, cards: 0, memory: 0, messages: 0, total: 0 },
  window: { ...FILL, live_tokens: 0, live_messages: 0, pressure: 0 },
  recalled: [],
  degraded: [],
};

function receipt(id: string, level: string, score: number, outcome: string): object {
  const scores = { similarity: score, lexical: 0.5, recency: 1, level: 0.5, frequency: 0 };
  return { id, level, scores, relevance_score: score, token_count: 7, outcome };
}

/** A session, as its client appends to it and reads it. */
export const SESSIONS: readonly Exchange[] = [
  {
    type: 'session.append',
    payload: {
      session_id: 'session-1',
      messages: [
        { role: 'user', content: [{ type: 'text', text: 'Which invoice?' }, { type: 'image_url' }], id: MESSAGE_ID },
        { role: 'assistant', content: null, id: CALL_ID, tool_calls: CALLS, created_at: AT_MS, tags: ['t'] },
      ],
    },
    reply: {
      messages: [
        { id: MESSAGE_ID, token_count: 4, created: true },
        { id: CALL_ID, token_count: 16, created: false },
      ],
      window: FILL,
      guards: { echo: { of: MESSAGE_ID, similarity: 1, run: 5 }, boredom: { run: 5 } },
    },
  },
  {
    type: 'session.append',
    payload: { session_id: 'session-1', messages: [{ role: 'user', content: 'No, another one', id: MESSAGE_ID }] },
    refused: {
      code: 'CONFLICT',
      message: 'a context with this id and another content exists; nothing was stored',
      retryable: false,
    },
  },
  {
    type: 'session.window',
    payload: {
      session_id: 'session-1',
      query: 'Who gets the invoice?',
      max_tokens: 2_048,
      recall: { max_tokens: 512, relevance_threshold: 0.25, sessions: 'own' },
    },
    reply: {
      messages: [
        { role: 'system', content: 'You keep the books.', kind: 'header', token_count: 5 },
        { role: 'user', content: CARD.summary, kind: 'card', token_count: 20, card_id: CARD.card_id },
        { role: 'user', content: 'Which invoice?', kind: 'message', token_count: 4, id: MESSAGE_ID },
        { role: 'assistant', content: null, tool_calls: CALLS, kind: 'message', token_count: 16, id: CALL_ID },
      ],
      tokens: { header: 5, cards: 20, memory: 0, messages: 20, total: 45 },
      window: FILL,
      recalled: [],
      degraded: [{ level: 'long_term', code: 'STORE_UNAVAILABLE' }],
    },
  },
  {
    type: 'session.configure',
    payload: {
      session_id: 'session-1',
      offload_at: 0.75,
      relieve_to: 0.5,
      rearm_at: 0.625,
      header: 'You keep the books.',
    },
    reply: { session: SESSION },
  },
  {
    type: 'session.get',
    payload: { session_id: 'session-1' },
    reply: {
      session: {
        ...SESSION,
        live: [
          { id: MESSAGE_ID, role: 'user', token_count: 4 },
          { id: CALL_ID, role: 'assistant', token_count: 16 },
        ],
        cards: [CARD],
      },
      cursor: '1',
    },
  },
  { type: 'session.list', payload: { agent_id: '*', limit: 1 }, reply: { sessions: [SESSION], cursor: 'e30' } },
  {
    type: 'session.expand',
    payload: { session_id: 'session-1', card_id: CARD.card_id },
    reply: {
      messages: [
        {
          id: MESSAGE_ID,
          role: 'user',
          content: 'The invoice goes to Anna.',
          created_at: AT_MS - 30,
          token_count: 7,
          metadata: { lang: 'en' },
          tags: [],
        },
      ],
    },
  },
  { type: 'session.reset', payload: { session_id: 'session-1', forget: true }, reply: { archived: 0, deleted: 5 } },
  {
    type: 'session.window',
    payload: { session_id: 'session-1', explain: true },
    name: 'a window with a memory block',
    reply: {
      messages: [
        { role: 'user', content: 'Earlier memory', kind: 'memory', token_count: 14 },
        { role: 'user', content: 'Which invoice?', name: 'mara', kind: 'message', token_count: 4, id: MESSAGE_ID },
      ],
      tokens: { header: 0, cards: 0, memory: 14, messages: 4, total: 18 },
      window: { ...FILL, live_tokens: 4, live_messages: 1, pressure: 0.0009765625, offloading: true },
      recalled: [
        { id: RECALLED_ID, level: 'long_term', relevance_score: 0.875, token_count: 7 },
        { id: CALL_ID, level: 'short_term', relevance_score: 0.5, token_count: 5 },
      ],
      degraded: [],
      receipts: [
        receipt(RECALLED_ID, 'long_term', 0.875, 'included'),
        receipt(CALL_ID, 'short_term', 0.5, 'included'),
        receipt(MESSAGE_ID, 'immediate', 0.25, 'over_budget'),
      ],
    },
  },
  {
    type: 'session.append',
    payload: { session_id: 'session-1', messages: [TOOL_RESULT], namespace: 'default', agent_id: 'agent-1' },
    name: 'a tool that answers',
    reply: {
      messages: [{ id: TOOL_RESULT.id, token_count: 3, created: true }],
      window: { ...FILL, live_tokens: 7 },
    },
  },
  {
    type: 'session.configure',
    payload: { session_id: 'session-1', max_tokens: 4_096, header: '', state: STATE },
    name: 'a state that is set',
    reply: { session: SESSION },
  },
  {
    type: 'session.get',
    payload: { session_id: 'nobody', cursor: '1' },
    refused: { code: 'NOT_FOUND', message: 'there is no such session', retryable: false },
  },
  { type: 'session.list', payload: { agent_id: '*', limit: 1, cursor: 'e30' }, reply: { sessions: [] } },
  { type: 'session.window', payload: { session_id: 'session-1', recall: false }, reply: EMPTY_WINDOW },
  { type: 'session.reset', payload: { session_id: 'session-1' }, reply: { archived: 2, deleted: 0 } },
];
