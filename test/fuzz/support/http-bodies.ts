// Bodies of the doors over HTTP that keep their schemas, or the shapes that clients of models send.

import fc from 'fast-check';
import { OPENAPI } from '../../../src/fronts/gateway/openapi.ts';
import { TOOLS } from '../../../src/fronts/mcp/tools/tools.ts';
import { DECLARED } from '../../support/declared-messages.ts';
import { payloadsOf, TEXT, valuesOfSchema, type Schema } from './schema-values.ts';

export interface MadeBody {
  readonly path: string;
  readonly body: unknown;
}

/** Each takes a while by itself. */
const SELDOM = new Set(['admin.snapshot', 'admin.gc', 'admin.monitor']);
const SHORT = { maxLength: 4 } as const;

/** Any of these fields. */
const some = (fields: Readonly<Record<string, fc.Arbitrary<unknown>>>): fc.Arbitrary<unknown> =>
  fc.record(fields, { requiredKeys: [], noNullPrototype: true });

const ARGUMENTS = fc.oneof(TEXT, fc.json(), fc.constant('{}'));
const CALL_ID = fc.constantFrom('c1', 'c2', '', '\0');
const ROLES = fc.constantFrom('system', 'developer', 'user', 'assistant', 'tool', 'function', 'nobody', '');
const CACHE = fc.constant({ type: 'ephemeral' });

const part = fc.oneof(
  some({ type: fc.constantFrom('text', 'input_text', 'output_text', 'thinking'), text: TEXT, cache_control: CACHE }),
  some({
    type: fc.constantFrom('image_url', 'image', 'input_image', 'document', 'file'),
    source: fc.object(),
    url: TEXT,
  }),
  some({ type: fc.constant('tool_use'), id: CALL_ID, name: TEXT, input: fc.object() }),
  some({
    type: fc.constant('tool_result'),
    tool_use_id: CALL_ID,
    content: fc.oneof(TEXT, fc.array(fc.object(), SHORT)),
  }),
);
const content = fc.oneof(TEXT, fc.constant(null), fc.array(fc.oneof(part, fc.anything()), SHORT));
const toolCall = some({
  id: CALL_ID,
  type: fc.constant('function'),
  function: some({ name: TEXT, arguments: ARGUMENTS }),
});
const message = some({
  role: ROLES,
  content,
  name: TEXT,
  tool_call_id: CALL_ID,
  tool_calls: fc.array(toolCall, SHORT),
  reasoning_content: TEXT,
});
const item = fc.oneof(
  some({ type: fc.constantFrom('message', 'reasoning', 'item_reference', 'odd'), role: ROLES, content, id: TEXT }),
  some({ type: fc.constant('function_call'), call_id: CALL_ID, name: TEXT, arguments: ARGUMENTS }),
  some({ type: fc.constant('function_call_output'), call_id: CALL_ID, output: content }),
);
const MODEL = {
  model: fc.constant('m'),
  stream: fc.boolean(),
  temperature: fc.double(),
  tools: fc.array(fc.object(), SHORT),
};
const messages = fc.array(message, { maxLength: 8 });

const toModel: readonly (readonly [path: string, bodies: fc.Arbitrary<unknown>])[] = [
  ['/v1/chat/completions', some({ ...MODEL, messages, user: TEXT, stream_options: fc.object() })],
  [
    '/v1/messages',
    some({ ...MODEL, messages, system: content, max_tokens: fc.nat(), metadata: fc.record({ user_id: TEXT }) }),
  ],
  [
    '/v1/responses',
    some({
      ...MODEL,
      input: fc.oneof(TEXT, fc.array(item, { maxLength: 8 })),
      instructions: TEXT,
      previous_response_id: TEXT,
      store: fc.boolean(),
      conversation: TEXT,
    }),
  ],
  ['/v1/messages/count_tokens', some({ ...MODEL, messages })],
  ['/v1/embeddings', some({ model: TEXT, input: fc.oneof(TEXT, fc.array(TEXT, SHORT), fc.anything()) })],
  ...['/ingest', '/reset'].map((path) => [path, valuesOfSchema(bodySchema(path))] as const),
];

function bodySchema(path: string): Schema {
  const { paths } = OPENAPI as unknown as {
    readonly paths: Record<string, { readonly post: { readonly requestBody: Body } }>;
  };
  return paths[path]?.post.requestBody.content['application/json'].schema ?? {};
}

interface Body {
  readonly content: { readonly 'application/json': { readonly schema: Schema } };
}

const made = (bodies: readonly (readonly [string, fc.Arbitrary<unknown>])[]): fc.Arbitrary<MadeBody> =>
  fc.oneof(...bodies.map(([path, body]) => body.map((value) => ({ path, body: asJson(value) }))));

/** Of the gateway's routes, and of all operations at `/v1/memory`. */
export const GATEWAY_BODIES: fc.Arbitrary<MadeBody> = fc.oneof(
  made(toModel),
  made(
    DECLARED.filter(({ type }) => !SELDOM.has(type)).map(
      ({ type }) => [`/v1/memory/${type}`, payloadsOf(type)] as const,
    ),
  ),
);

const calls = fc.oneof(
  ...TOOLS.map(({ name, inputSchema }) =>
    valuesOfSchema(inputSchema as Schema).map((given) => ({
      method: 'tools/call',
      params: { name, arguments: given },
    })),
  ),
);
const URIS = fc.oneof(
  fc.constantFrom(
    'memory://recent',
    'memory://context/018f0000-0000-7000-8000-00000000000a',
    'memory://session/s1',
    'file:///etc/passwd',
  ),
  TEXT.map((id) => `memory://session/${id}`),
  TEXT,
);
const asked = fc.oneof(
  calls,
  fc.record({ method: fc.constant('resources/read'), params: fc.record({ uri: URIS }) }),
  fc.record({
    method: fc.constant('prompts/get'),
    params: fc.record({
      name: fc.constantFrom('recall', 'brief', 'x'),
      arguments: fc.dictionary(TEXT, TEXT, { maxKeys: 3 }),
    }),
  }),
  fc.record({
    method: fc.constantFrom(
      'tools/list',
      'prompts/list',
      'resources/list',
      'resources/templates/list',
      'ping',
      'server/discover',
      'initialize',
      'logging/setLevel',
      'x',
    ),
    params: fc.object(),
  }),
);
const ids = fc.oneof(fc.nat(), TEXT, fc.constant(null));

export const MCP_BODIES: fc.Arbitrary<MadeBody> = fc
  .tuple(asked, ids)
  .map(([{ method, params }, id]) => ({ path: '/mcp', body: asJson({ jsonrpc: '2.0', id, method, params }) }));

/** JSON has no bytes: they come as base64; what it cannot say at all is left out. */
function asJson(value: unknown): unknown {
  try {
    return JSON.parse(
      JSON.stringify(value, (_key, each: unknown) =>
        each instanceof Uint8Array
          ? Buffer.from(each).toString('base64')
          : typeof each === 'bigint'
            ? Number(each)
            : each,
      ),
    ) as unknown;
  } catch {
    return {};
  }
}
