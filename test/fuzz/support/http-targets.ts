import { Agent, request as ask } from 'node:http';
import { connect } from 'node:net';
import type fc from 'fast-check';
import { DECLARED } from '../../support/declared-messages.ts';
import { mutated } from './byte-mutations.ts';
import { TOKEN, type FuzzWorld } from './fuzz-world.ts';
import { GATEWAY_BODIES, MCP_BODIES, type MadeBody } from './http-bodies.ts';
import { bent } from './schema-values.ts';
import type { Seeded } from './seeded.ts';
import { count, Fault, inTime, type Outcomes, type Target } from './target.ts';

const REQUESTS_OF_CASE = 8;
const agent = new Agent({ keepAlive: true, maxSockets: 4 });
const JSON_TYPE = 'application/json';
const FORM = 'multipart/form-data; boundary=xx';

interface Sample {
  readonly method: string;
  readonly path: string;
  readonly type: string;
  readonly body: unknown;
}

const TOOL_TURN = [
  { role: 'system', content: 'Be brief.' },
  {
    role: 'user',
    content: [
      { type: 'text', text: 'How warm is it?' },
      { type: 'image_url', image_url: { url: 'data:' } },
    ],
  },
  {
    role: 'assistant',
    content: null,
    tool_calls: [{ id: 'c1', type: 'function', function: { name: 'f', arguments: '{"a":1}' } }],
  },
  { role: 'tool', tool_call_id: 'c1', content: '21' },
  { role: 'user', content: 'And in Porto?' },
];
const BLOCKS = [
  { role: 'user', content: 'How warm is it?' },
  { role: 'assistant', content: [{ type: 'tool_use', id: 't1', name: 'f', input: {} }] },
  { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't1', content: [{ type: 'text', text: '21' }] }] },
];
const ITEMS = [
  { role: 'user', content: [{ type: 'input_text', text: 'How warm is it?' }] },
  { type: 'function_call', call_id: 'c1', name: 'f', arguments: '{}' },
  { type: 'function_call_output', call_id: 'c1', output: '21' },
  { type: 'reasoning', summary: [], id: 'r1' },
];
const DOCUMENT = '# A\n\nText of *a* document.\n\n## B\n\n| a | b |\n|---|---|\n| 1 | 2 |\n';
const PAGE =
  '<html><head><title>T</title></head><body><h1>A</h1><p>b &amp; c<pre>d</pre><table><tr><td>1</table></body>';
const PDF =
  '%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj 2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\ntrailer<</Root 1 0 R>>';
const MULTIPART = [
  '--xx\r\ncontent-disposition: form-data; name="title"\r\n\r\nT\r\n--xx\r\n',
  `content-disposition: form-data; name="file"; filename="a.md"\r\ncontent-type: text/markdown\r\n\r\n${DOCUMENT}\r\n--xx--\r\n`,
].join('');

const post = (path: string, body: unknown, type = JSON_TYPE): Sample => ({ method: 'POST', path, type, body });
const rpc = (method: string, params: object): Sample => post('/mcp', { jsonrpc: '2.0', id: 1, method, params });
const META = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'fuzz', version: '1' } };

const GATEWAY_SAMPLES: readonly Sample[] = [
  post('/v1/chat/completions', { model: 'm', user: 's1', messages: TOOL_TURN }),
  post('/v1/chat/completions', { model: 'm', stream: true, messages: TOOL_TURN.slice(-1) }),
  post('/v1/messages', {
    model: 'm',
    max_tokens: 9,
    system: 'Be brief.',
    metadata: { user_id: 's2' },
    messages: BLOCKS,
  }),
  post('/v1/responses', { model: 'm', input: ITEMS, previous_response_id: 'resp_1', store: true }),
  post('/v1/responses', { model: 'm', input: 'How warm is it?' }),
  post('/v1/embeddings', { model: 'm', input: 'a' }),
  post('/ingest', {
    text: DOCUMENT,
    document_id: 'd1',
    format: 'markdown',
    tags: ['a'],
    metadata: { a: 1 },
    chunk_tokens: 40,
  }),
  post('/ingest', { text: PAGE, document_id: 'd2', format: 'html' }),
  post('/ingest', { base64: Buffer.from(PDF).toString('base64'), document_id: 'd3' }),
  post('/ingest', MULTIPART, FORM),
  post('/reset', { target: 'session', session_id: 's1', forget: true }),
  ...DECLARED.filter(({ type }) => type !== 'admin.snapshot' && type !== 'admin.monitor').flatMap(
    ({ type, examples }) => examples.slice(0, 2).map((payload) => post(`/v1/memory/${type}`, payload)),
  ),
];
const MCP_SAMPLES: readonly Sample[] = [
  rpc('initialize', META),
  rpc('tools/list', {}),
  rpc('tools/call', { name: 'remember', arguments: { text: 'Ann has a dog.', tags: ['a'] } }),
  rpc('tools/call', { name: 'recall', arguments: { query: 'Who has a dog?' } }),
  rpc('tools/call', { name: 'expand', arguments: { id: '018f0000-0000-7000-8000-00000000000a' } }),
  rpc('tools/call', {
    name: 'update',
    arguments: { id: '018f0000-0000-7000-8000-00000000000a', text: 'Ann has a cat.' },
  }),
  rpc('tools/call', { name: 'forget', arguments: { id: '018f0000-0000-7000-8000-00000000000a' } }),
  rpc('resources/list', {}),
  rpc('resources/read', { uri: 'memory://recent' }),
  rpc('prompts/get', { name: 'recall', arguments: { topic: 'dogs' } }),
  post('/mcp', [
    { jsonrpc: '2.0', id: 1, method: 'ping' },
    { jsonrpc: '2.0', method: 'notifications/initialized' },
  ]),
];
const PAGE_SAMPLES: readonly Sample[] = [
  post('/api/login', { key_id: 'default', secret: 'not this one, and long enough all the same' }),
  post('/api/request/context.query', { query: 'a' }),
  post('/api/logout', {}),
];
const ALL_BODIES = [...GATEWAY_SAMPLES, ...MCP_SAMPLES, ...PAGE_SAMPLES].map(bytesOf);

function bytesOf({ body }: Sample): Buffer {
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

function sampleOf(made: fc.Arbitrary<MadeBody>, random: Seeded): Sample {
  const [{ path, body } = { path: '/', body: {} }] = random.sample(made, 1);
  return post(path, body);
}

/** A line that says how it is asked, and the body behind it. */
function inputOf(samples: readonly Sample[], made: fc.Arbitrary<MadeBody> | null, random: Seeded): Buffer {
  const sample = made !== null && random.chance(0.5) ? sampleOf(made, random) : random.pick(samples);
  const { method, path, type, body } = sample;
  const how = random.below(12);
  const isBent = how < 5 && typeof body === 'object';
  const bytes = isBent
    ? Buffer.from(JSON.stringify(bent(body, (end) => random.below(end))) ?? '')
    : how >= 9
      ? bytesOf(sample)
      : mutated(bytesOf(sample), random, ALL_BODIES);
  return Buffer.concat([Buffer.from(`${method} ${path} ${type}\n`), bytes]);
}

function httpTarget(
  name: string,
  weight: number,
  samples: readonly Sample[],
  made: fc.Arbitrary<MadeBody> | null,
  portOf: (world: FuzzWorld) => number,
): Target {
  return {
    name,
    weight,
    make: (random) => Array.from({ length: REQUESTS_OF_CASE }, () => inputOf(samples, made, random)),
    async run(inputs, world, outcomes) {
      for (const input of inputs) {
        const border = input.indexOf(0x0a);
        const [method = '', path = '', ...type] = Buffer.from(input.subarray(0, border)).toString().split(' ');
        const headers = {
          authorization: `Bearer ${TOKEN}`,
          'content-type': type.join(' '),
          accept: 'application/json, text/event-stream',
        };
        const body = input.subarray(border + 1);
        const { status, text } = await inTime(
          answerTo(portOf(world), { method, path, headers, body }),
          `${method} ${path}`,
        );
        check(status, text, outcomes);
      }
    },
  };
}

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

function answerTo(port: number, { method, path, headers, body }: Asked): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = ask({ host: '127.0.0.1', port, method, path, headers, agent }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }));
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

function check(status: number, text: string, outcomes: Outcomes): void {
  count(outcomes, String(status));
  if (status < 400) return;
  if (status === 500) throw new Fault(`a defect: ${text.slice(0, 300)}`);
  let answer: { readonly error?: unknown } | null = null;
  try {
    answer = JSON.parse(text) as { readonly error?: unknown } | null;
  } catch {
    // What is no JSON has no code.
  }
  if (answer?.error === undefined)
    throw new Fault(`an error ${status} that does not say what it is: ${text.slice(0, 300)}`);
}

export const GATEWAY = httpTarget(
  'gateway',
  20,
  GATEWAY_SAMPLES,
  GATEWAY_BODIES,
  ({ server }) => server.gatewayPort ?? 0,
);
export const MCP = httpTarget('mcp', 12, MCP_SAMPLES, MCP_BODIES, ({ server }) => server.gatewayPort ?? 0);
export const DASHBOARD = httpTarget('dashboard', 2, PAGE_SAMPLES, null, ({ server }) => server.httpPort);

const HEAD = `POST /v1/memory/ping HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer ${TOKEN}\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}`;

/** Bytes in place of HTTP. */
export const HTTP: Target = {
  name: 'http',
  weight: 2,
  make: (random) => [mutated(Buffer.from(HEAD), random, ALL_BODIES)],
  async run([bytes = Buffer.alloc(0)], { server }, outcomes) {
    for (const port of [server.httpPort, server.gatewayPort ?? 0]) {
      const text = await inTime(rawAnswer(port, bytes), 'an answer over HTTP');
      const status = /^HTTP\/1\.1 (\d{3}) /.exec(text)?.[1];
      if (text !== '' && status === undefined) throw new Fault(`no HTTP: ${text.slice(0, 100)}`);
      if (status === '500') throw new Fault(`a defect: ${text.slice(0, 300)}`);
      count(outcomes, status ?? 'closed');
    }
  },
};

/** All that is said until the connection is closed, by whichever side. */
function rawAnswer(port: number, bytes: Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const socket = connect({ port, host: '127.0.0.1' });
    socket.on('data', (chunk) => chunks.push(chunk));
    socket.on('error', () => {});
    socket.on('close', () => resolve(Buffer.concat(chunks).toString('latin1')));
    socket.end(bytes);
  });
}

export function closeAgents(): void {
  agent.destroy();
}
