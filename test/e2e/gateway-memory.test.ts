import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashOfToken } from '../../src/fronts/gateway/tokens.ts';
import { MESSAGES } from '../../src/protocol/message-table.ts';
import { GatewayWorld, KEY, SECRET, TOKEN } from '../support/gateway/gateway-world.ts';

let world: GatewayWorld;
beforeAll(async () => {
  world = await GatewayWorld.open({
    gateway: { max_body_bytes: 65_536 },
    keys: [KEY, { id: 'reader', secret: `${SECRET}r`, scopes: ['read'], namespaces: ['shop'] }],
    tokens: [{ token_hash: hashOfToken('cmg_reader'), key_id: 'reader', agent: 'reader' }],
  });
});
afterAll(() => world.close());

async function ask(type: string, payload: object): Promise<{ status: number; body: Record<string, unknown> }> {
  const answer = await world.post(`/v1/memory/${type}`, payload);
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

describe('POST /v1/memory/<type>', () => {
  it('answers as the wire does, for the agent of the token', async () => {
    const stored = await ask('context.store', { text: 'The quay closes at ten', tags: ['port'] });
    expect(stored).toMatchObject({ status: 200, body: { created: true, level: 'immediate' } });
    const { id } = stored.body;
    expect(await ask('context.get', { id })).toMatchObject({
      status: 200,
      body: { context: { id, agent_id: 'bot', namespace: 'default', text: 'The quay closes at ten' } },
    });
    const found = await ask('context.query', { query: 'when does the quay close?', limit: 1 });
    expect(found.body).toMatchObject({ contexts: [{ id }] });
    expect((await world.ask('/v1/memory/ping', { method: 'POST' })).status).toBe(200);
  });

  it('takes vectors as base64', async () => {
    const vector = (length: number): string =>
      Buffer.from(new Float32Array(length).fill(0.5).buffer).toString('base64');
    const given = { text: 'With a vector', embedding: vector(1024) };
    expect(await ask('context.store', given)).toMatchObject({ status: 200 });
    expect(await ask('context.store_batch', { contexts: [{ ...given, text: 'Another' }] })).toMatchObject({
      body: { results: [{ created: true }] },
    });
    expect(await ask('context.query', { embedding: vector(1024), limit: 2 })).toMatchObject({ status: 200 });
    expect(await ask('context.query', { embedding: '!' })).toMatchObject({ status: 400 });
  });

  it.each([
    ['context.get', { id: '018f0000-0000-7000-8000-00000000000a' }, 404, 'NOT_FOUND'],
    ['context.get', { id: 'x' }, 400, 'BAD_REQUEST'],
    ['context.fly', {}, 404, 'UNKNOWN_TYPE'],
    ['context.store', { text: 'x', colour: 'red' }, 400, 'BAD_REQUEST'],
    ['context.store', { text: 'x', namespace: 'elsewhere' }, 403, 'FORBIDDEN'],
    ['context.store', { text: 'x'.repeat(70_000) }, 413, 'PAYLOAD_TOO_LARGE'],
  ])('tells of what it refuses in the words of the wire: %s %#', async (type, payload, status, code) => {
    const refused = await ask(type, payload);
    expect(refused).toMatchObject({ status, body: { error: { code, retryable: false } } });
  });

  it.each([
    ['what is no JSON', '{"text": tru}'],
    ['a name that stands twice', '{"text": "a", "text": "b"}'],
    ['what is nested too deep', `{"a":${'['.repeat(60)}${']'.repeat(60)}}`],
    ['a list', '[]'],
  ])('refuses %s', async (_what, body) => {
    const answer = await world.ask('/v1/memory/context.store', { method: 'POST', body });
    expect([answer.status, await answer.json()]).toMatchObject([400, { error: { code: 'BAD_REQUEST' } }]);
  });

  it('gives a key no more than it has', async () => {
    const options = { method: 'POST', body: '{"text": "x"}' };
    const answer = await world.ask('/v1/memory/context.store', options, 'cmg_reader');
    expect([answer.status, await answer.json()]).toMatchObject([403, { error: { code: 'FORBIDDEN' } }]);
    const stranger = await world.ask('/v1/memory/context.list', { method: 'POST', body: '{}' }, 'cmg_nobody');
    expect([stranger.status, await stranger.json()]).toMatchObject([401, { error: { code: 'AUTH_FAILED' } }]);
  });

  it('is described by OpenAPI, in which every reference leads somewhere', async () => {
    const answer = await world.ask('/v1/memory/openapi.json');
    const text = await answer.text();
    const document = JSON.parse(text) as {
      paths: Record<string, { post: { requestBody: { required: boolean } } }>;
      components: { schemas: object };
    };
    expect(Object.keys(document.paths)).toEqual(MESSAGES.map(({ type }) => `/v1/memory/${type}`));
    const names = [...text.matchAll(/"\$ref":"([^"]+)"/g)].map(([, reference = '']) => reference);
    expect(names.length).toBeGreaterThan(50);
    for (const name of names) expect(name).toMatch(/^#\/components\/schemas\/\w+$/);
    for (const name of names) expect(document.components.schemas).toHaveProperty(name.split('/').at(-1) ?? '');
    expect(text).not.toMatch(/"x-|definitions/);
    // An empty request is described as one where it is one, and bytes by how long they are as base64.
    const needsBody = (type: string): unknown => document.paths[`/v1/memory/${type}`]?.post.requestBody.required;
    expect([needsBody('fact.put'), needsBody('session.window'), needsBody('session.list')]).toEqual([
      true,
      true,
      false,
    ]);
    expect(document.components.schemas).toMatchObject({
      Embedding: { type: 'string', contentEncoding: 'base64', minLength: 8, maxLength: 349_528 },
      Nonce: { minLength: 44, maxLength: 44 },
    });
  });
});

describe('/mcp', () => {
  const connect = async (mode: 'legacy' | { pin: string }, token = TOKEN): Promise<Client> => {
    const client = new Client({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode } });
    const headers = { authorization: `Bearer ${token}` };
    await client.connect(
      new StreamableHTTPClientTransport(new URL(`${world.origin}/mcp`), { requestInit: { headers } }),
    );
    return client;
  };

  it.each([
    ['2025-11-25', 'legacy' as const],
    ['2026-07-28', { pin: '2026-07-28' }],
  ])('serves a client of revision %s as the agent of its token', async (revision, mode) => {
    const client = await connect(mode);
    expect(client.getNegotiatedProtocolVersion()).toBe(revision);
    expect((await client.listTools()).tools).toHaveLength(6);
    const text = `The ${revision} lighthouse is white`;
    const stored = await client.callTool({ name: 'remember', arguments: { text } });
    expect(stored.structuredContent).toMatchObject({ created: true });
    const { id } = stored.structuredContent as { id: string };
    expect(await ask('context.get', { id })).toMatchObject({ body: { context: { agent_id: 'bot', text } } });
    const found = await client.callTool({ name: 'recall', arguments: { query: text, limit: 1 } });
    expect(found.structuredContent).toMatchObject({ memories: [{ text }] });
    const missing = await client.callTool({
      name: 'expand',
      arguments: { id: '018f0000-0000-7000-8000-00000000000a' },
    });
    expect(missing).toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining('NOT_FOUND') as string }],
    });
    await client.close();
  });

  it('gives a key no more than it has, as an error of the tool', async () => {
    const client = await connect('legacy', 'cmg_reader');
    const refused = await client.callTool({ name: 'remember', arguments: { text: 'x' } });
    expect(refused).toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining('FORBIDDEN') as string }],
    });
    await client.close();
  });

  it.each([
    ['of a page elsewhere', { origin: 'http://evil.example' }, 403],
    ['without a token', { authorization: '' }, 401],
  ])('refuses a request %s', async (_what, headers, status) => {
    const body = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} };
    const accept = 'application/json, text/event-stream';
    expect((await world.post('/mcp', body, { accept, ...headers })).status).toBe(status);
  });

  it('refuses a name that is not its own, as a page does that had its name pointed here', async () => {
    const { request } = await import('node:http');
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { host: 'evil.example', authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' };
      const asked = request(`${world.origin}/mcp`, { method: 'POST', headers }, (answer) => {
        answer.resume();
        resolve(answer.statusCode);
      });
      asked.on('error', reject).end('{}');
    });
    expect(status).toBe(403);
  });
});
