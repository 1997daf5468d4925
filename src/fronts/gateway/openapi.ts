// What the gateway takes, for those who make clients of it.

const ERROR = {
  description: 'Refused, in the words of the client: of OpenAI, or of Anthropic where the request names its version.',
  content: { 'application/json': { schema: { type: 'object' } } },
};
const REFUSALS = {
  '400': ERROR,
  '401': ERROR,
  '403': ERROR,
  '413': ERROR,
  '429': ERROR,
  '502': ERROR,
  '503': ERROR,
  '504': ERROR,
};

const SESSION = {
  name: 'x-session-id',
  in: 'header',
  description: 'The conversation, percent-encoded; without it the body says which, or there is none.',
  schema: { type: 'string', maxLength: 3072 },
};

const ANSWER = {
  description: 'As the upstream answered.',
  headers: {
    'x-memory': {
      description: '`on`, or `degraded`: the request went without memory.',
      schema: { enum: ['on', 'degraded'] },
    },
  },
  content: { 'application/json': { schema: {} }, 'text/event-stream': { schema: {} } },
};

const json = (schema: object) => ({ required: true, content: { 'application/json': { schema } } });

/** To a model, with memory; everything that the upstream knows may stand in the body. */
function toModel(summary: string, list: string) {
  const properties = { model: { type: 'string' }, stream: { type: 'boolean' }, [list]: {}, user: { type: 'string' } };
  return {
    post: {
      summary,
      parameters: [SESSION],
      requestBody: json({ type: 'object', properties }),
      responses: { '200': ANSWER, default: ERROR, ...REFUSALS },
    },
  };
}

const passed = (summary: string, more: object = {}) => ({
  summary,
  ...more,
  responses: { '200': ANSWER, default: ERROR, ...REFUSALS },
});

const RESET = {
  oneOf: [
    {
      type: 'object',
      additionalProperties: false,
      required: ['target', 'session_id'],
      properties: {
        target: { const: 'session' },
        session_id: { type: 'string', minLength: 1, maxLength: 256 },
        agent_id: { type: 'string', minLength: 1, maxLength: 256 },
        forget: { type: 'boolean', description: 'What was said is deleted, too.' },
      },
    },
    {
      type: 'object',
      additionalProperties: false,
      required: ['target', 'agent_id'],
      properties: { target: { const: 'agent' }, agent_id: { type: 'string', minLength: 1, maxLength: 256 } },
    },
    {
      type: 'object',
      additionalProperties: false,
      required: ['target', 'level'],
      properties: { target: { const: 'level' }, level: { enum: ['immediate', 'short_term', 'long_term'] } },
    },
  ],
};

const DOCUMENT = {
  document_id: {
    type: 'string',
    minLength: 1,
    maxLength: 256,
    description: 'What it replaces; by default the SHA-256 of its bytes.',
  },
  title: { type: 'string', minLength: 1, maxLength: 512 },
  format: {
    enum: ['text', 'markdown', 'html', 'pdf'],
    description: 'By default what the bytes or the name of the file say.',
  },
  session_id: { type: 'string', minLength: 1, maxLength: 256 },
  tags: { type: 'array', items: { type: 'string', minLength: 1, maxLength: 128 }, maxItems: 64 },
  chunk_tokens: { type: 'integer', minimum: 32, maximum: 4000, default: 400 },
};

const INGEST = {
  required: true,
  content: {
    'application/json': {
      schema: {
        type: 'object',
        additionalProperties: false,
        properties: {
          ...DOCUMENT,
          metadata: { type: 'object' },
          text: { type: 'string' },
          base64: { type: 'string', contentEncoding: 'base64' },
        },
        oneOf: [{ required: ['text'] }, { required: ['base64'] }],
      },
    },
    'multipart/form-data': {
      schema: {
        type: 'object',
        required: ['file'],
        properties: {
          ...DOCUMENT,
          metadata: { type: 'string', contentMediaType: 'application/json' },
          file: { type: 'string', contentMediaType: 'application/octet-stream' },
        },
      },
    },
  },
};

const INGESTED = {
  description: 'A line of JSON for each step: `start`, `progress`, and at last `done` or `error`.',
  content: {
    'application/x-ndjson': {
      schema: {
        type: 'object',
        required: ['type'],
        properties: { type: { enum: ['start', 'progress', 'done', 'error'] } },
      },
    },
  },
};

const DONE = { description: 'Done.', content: { 'application/json': { schema: { type: 'object' } } } };

export const OPENAPI = {
  openapi: '3.1.0',
  info: { title: 'context-manager gateway', version: '1', license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
  security: [{ bearer: [] }],
  paths: {
    '/v1/chat/completions': toModel("OpenAI's chat completions, with memory.", 'messages'),
    '/v1/responses': toModel("OpenAI's responses, with memory.", 'input'),
    '/v1/messages': toModel("Anthropic's messages, with memory.", 'messages'),
    '/v1/messages/count_tokens': { post: passed('Passed on.', { requestBody: json({ type: 'object' }) }) },
    '/v1/embeddings': { post: passed('Passed on.', { requestBody: json({ type: 'object' }) }) },
    '/v1/models': { get: passed('Passed on.') },
    '/v1/models/{model}': {
      get: passed('Passed on.', {
        parameters: [{ name: 'model', in: 'path', required: true, schema: { type: 'string' } }],
      }),
    },
    '/stats': { get: { summary: 'What the namespace of the token holds.', responses: { '200': DONE, ...REFUSALS } } },
    '/reset': {
      post: {
        summary: 'Empties a session, what an agent remembers, or a level; for keys with the scope admin.',
        requestBody: json(RESET),
        responses: { '200': DONE, ...REFUSALS },
      },
    },
    '/ingest': {
      post: {
        summary:
          'Stores a document in chunks, in the place of the one with its id; for keys with the scopes read and write.',
        requestBody: INGEST,
        responses: { '200': INGESTED, ...REFUSALS },
      },
    },
    '/openapi.json': { get: { summary: 'This.', security: [], responses: { '200': DONE } } },
  },
  components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
} as const;
