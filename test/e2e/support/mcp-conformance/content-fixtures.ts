// What the suite of the protocol asks a server for by name: tools, resources and prompts with every kind of content.

import { ResourceTemplate, type CallToolResult, type McpServer } from '@modelcontextprotocol/server';
import { lazySchema } from '../../../../src/fronts/mcp/lazy-schema.ts';

const IMAGE = {
  type: 'image',
  data: 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg==',
  mimeType: 'image/png',
} as const;
const AUDIO = {
  type: 'audio',
  data: 'UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=',
  mimeType: 'audio/wav',
} as const;
export const NOTHING = lazySchema<Record<string, never>>({ type: 'object', properties: {} });

export const said = (text: string): CallToolResult => ({ content: [{ type: 'text', text }] });
const embedded = (uri: string, mimeType: string, text: string) =>
  ({ type: 'resource', resource: { uri, mimeType, text } }) as const;

const CONTENTS: Readonly<Record<string, CallToolResult['content']>> = {
  test_simple_text: [{ type: 'text', text: 'This is a simple text response for testing.' }],
  test_image_content: [IMAGE],
  test_audio_content: [AUDIO],
  test_embedded_resource: [embedded('test://embedded-resource', 'text/plain', 'This is an embedded resource content.')],
  test_multiple_content_types: [
    { type: 'text', text: 'Multiple content types test:' },
    IMAGE,
    embedded('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}'),
  ],
  test_streaming_elicitation: [{ type: 'text', text: 'only results, no requests' }],
};

export function registerContentTools(server: McpServer): void {
  for (const [name, content] of Object.entries(CONTENTS))
    server.registerTool(name, { description: name, inputSchema: NOTHING }, () => ({ content }));
  server.registerTool('test_error_handling', { description: 'Fails.', inputSchema: NOTHING }, () => {
    throw new Error('This tool intentionally returns an error for testing');
  });
  server.registerTool('test_logging_tool', { description: 'Logs.', inputSchema: NOTHING }, async (_args, ctx) => {
    await ctx.mcpReq.log('info', 'sent where the request asks for it alone');
    return said('logged');
  });
  server.registerTool('test_tool_with_logging', { description: 'Logs.', inputSchema: NOTHING }, async (_args, ctx) => {
    for (const data of ['Tool execution started', 'Tool processing data', 'Tool execution completed'])
      await ctx.mcpReq.notify({ method: 'notifications/message', params: { level: 'info', data } });
    return said('Tool with logging executed successfully');
  });
  server.registerTool(
    'test_tool_with_progress',
    { description: 'Tells.', inputSchema: NOTHING },
    async (_args, ctx) => {
      const progressToken = ctx.mcpReq._meta?.progressToken;
      for (const progress of progressToken === undefined ? [] : [0, 50, 100])
        await ctx.mcpReq.notify({
          method: 'notifications/progress',
          params: { progressToken: progressToken as string | number, progress, total: 100 },
        });
      return said(String(progressToken));
    },
  );
  registerSchemaTools(server);
}

function registerSchemaTools(server: McpServer): void {
  // A keyword of the protocol, which the type of schemas does not have.
  const region = { type: 'string' as const, ...{ 'x-mcp-header': 'Region' } };
  const mirrored = lazySchema<{ region?: string }>({
    type: 'object',
    properties: { region, level: { type: 'integer' } },
  });
  server.registerTool('test_x_mcp_header', { description: 'Has a header.', inputSchema: mirrored }, (given) =>
    said(`region=${given.region}`),
  );
  const everyKeyword = lazySchema<object>({
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    $defs: {
      address: {
        $anchor: 'addressDef',
        type: 'object',
        properties: { street: { type: 'string' }, city: { type: 'string' } },
      },
    },
    properties: {
      name: { type: 'string' },
      address: { $ref: '#/$defs/address' },
      contactMethod: { type: 'string', enum: ['phone', 'email'] },
      phone: { type: 'string' },
      email: { type: 'string' },
    },
    allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
    if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
    then: { required: ['phone'] },
    else: { required: ['email'] },
    additionalProperties: false,
  });
  const described = { description: 'Has every keyword of JSON Schema 2020-12.', inputSchema: everyKeyword };
  server.registerTool('json_schema_2020_12_tool', described, (given) => said(JSON.stringify(given)));
}

export function registerResources(server: McpServer): void {
  const text = { mimeType: 'text/plain' };
  for (const [name, content] of [
    ['static-text', 'This is the content of the static text resource.'],
    ['watched-resource', 'Watched resource content'],
  ] as const)
    server.registerResource(name, `test://${name}`, text, ({ href: uri }) => ({
      contents: [{ uri: uri, ...text, text: content }],
    }));
  server.registerResource('static-binary', 'test://static-binary', { mimeType: IMAGE.mimeType }, ({ href: uri }) => ({
    contents: [{ uri, mimeType: IMAGE.mimeType, blob: IMAGE.data }],
  }));
  server.registerResource(
    'template',
    new ResourceTemplate('test://template/{id}/data', { list: undefined }),
    { mimeType: 'application/json' },
    ({ href: uri }, { id }) => ({
      contents: [
        { uri, mimeType: 'application/json', text: JSON.stringify({ id, data: `Data for ID: ${String(id)}` }) },
      ],
    }),
  );
}

export function registerPrompts(server: McpServer): void {
  const asUser = (content: { type: 'text'; text: string } | typeof IMAGE | ReturnType<typeof embedded>) =>
    ({ role: 'user', content }) as const;
  const plain = (text: string) => asUser({ type: 'text', text });
  server.registerPrompt('test_simple_prompt', { description: 'Plain.' }, () => ({
    messages: [plain('This is a simple prompt for testing.')],
  }));
  const two = lazySchema<{ arg1: string; arg2: string }>({
    type: 'object',
    properties: { arg1: { type: 'string' }, arg2: { type: 'string' } },
    required: ['arg1', 'arg2'],
  });
  server.registerPrompt(
    'test_prompt_with_arguments',
    { description: 'With arguments.', argsSchema: two },
    ({ arg1, arg2 }) => ({
      messages: [plain(`Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`)],
    }),
  );
  const uri = lazySchema<{ resourceUri: string }>({
    type: 'object',
    properties: { resourceUri: { type: 'string' } },
    required: ['resourceUri'],
  });
  server.registerPrompt(
    'test_prompt_with_embedded_resource',
    { description: 'With a resource.', argsSchema: uri },
    ({ resourceUri }) => ({
      messages: [
        asUser(embedded(resourceUri, 'text/plain', 'Embedded resource content for testing.')),
        plain('Read it.'),
      ],
    }),
  );
  server.registerPrompt('test_prompt_with_image', { description: 'With an image.' }, () => ({
    messages: [asUser(IMAGE), plain('Look at it.')],
  }));
}
