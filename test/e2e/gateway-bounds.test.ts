import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { request as ask } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run } from '../../src/cli.ts';
import { hashOfToken } from '../../src/fronts/gateway/tokens.ts';
import { GatewayWorld, KEY, SECRET, TOKEN } from '../support/gateway/gateway-world.ts';
import { model } from '../support/gateway/scripted-model.ts';
import { startQdrantDouble } from '../support/qdrant-double/start-qdrant-double.ts';

const MIB = 1024 * 1024;
const folder = mkdtempSync(join(tmpdir(), 'gateway-bounds-'));
let world: GatewayWorld;
beforeAll(async () => {
  world = await GatewayWorld.open({
    gateway: {
      max_in_flight: 3,
      max_body_bytes_total: MIB,
      max_body_bytes: 700_000,
      allowed_hosts: ['memory.example.com'],
      mcp_max_tokens: 500,
    },
    settings: { audit: { folder: join(folder, 'audit') }, window: { echo_strips: 1 } },
    keys: [
      KEY,
      { id: 'reader', secret: `${SECRET}r`, scopes: ['read'], namespaces: ['*'] },
      {
        id: 'slow',
        secret: `${SECRET}s`,
        scopes: ['read'],
        namespaces: ['*'],
        rateLimit: { perSecond: 0.01, burst: 1 },
      },
    ],
    tokens: [
      { token_hash: hashOfToken('cmg_reader'), key_id: 'reader', agent: 'bot' },
      { token_hash: hashOfToken('cmg_slow'), key_id: 'slow', agent: 'bot' },
      { token_hash: hashOfToken('cmg_alone'), agent: 'alone' },
    ],
  });
});
afterAll(async () => {
  await world.close();
  rmSync(folder, { recursive: true, force: true });
});

async function until(isSo: () => Promise<boolean>): Promise<void> {
  while (!(await isSo())) await new Promise((resolve) => setTimeout(resolve, 5));
}

const inFlight = (): Promise<number> => world.metric('gateway_requests_in_flight');
const nobody = (): Promise<void> => until(async () => (await inFlight()) === 0);
const refusals = (code: string): Promise<number> => world.metric(`requests_total{type="unknown",outcome="${code}"}`);

describe('the gateway', () => {
  it('works on so many requests at a time, and says when to come again', async () => {
    const answer = Promise.withResolvers<void>();
    world.upstream.answer(async (_asked, response) => {
      await answer.promise;
      response.end('{}');
    });
    const held = Array.from({ length: 3 }, () => world.ask('/v1/models'));
    await until(async () => (await inFlight()) === 3);
    const refused = await world.ask('/v1/models');
    expect([refused.status, Number(refused.headers.get('retry-after')), await refused.json()]).toMatchObject([
      503,
      1,
      { error: { code: 'OVERLOADED' } },
    ]);
    answer.resolve();
    expect((await Promise.all(held)).map(({ status }) => status)).toEqual([200, 200, 200]);
    await nobody();
    expect((await world.ask('/v1/models')).status).toBe(200);
    await nobody();
  });

  it.each(['/v1/embeddings', '/mcp'])('holds so many bytes of bodies, those of %s as well', async (path) => {
    const answer = Promise.withResolvers<void>();
    world.upstream.answer(async (_asked, response) => {
      await answer.promise;
      response.end('{}');
    });
    const held = world.ask('/v1/embeddings', { method: 'POST', body: 'x'.repeat(600_000) });
    await until(async () => (await world.metric('gateway_body_bytes')) === 600_000);
    const headers = { accept: 'application/json, text/event-stream', 'content-type': 'application/json' };
    const refused = await world.ask(path, { method: 'POST', body: 'y'.repeat(600_000), headers });
    expect([refused.status, await refused.json()]).toMatchObject([503, { error: { code: 'OVERLOADED' } }]);
    answer.resolve();
    expect((await held).status).toBe(200);
    await nobody();
    expect(await world.metric('gateway_body_bytes')).toBe(0);
    const long = await world.ask(path, { method: 'POST', body: 'y'.repeat(700_001), headers });
    expect([long.status, await long.json()]).toMatchObject([413, { error: { code: 'PAYLOAD_TOO_LARGE' } }]);
    await nobody();
  });

  it('stands in /health, with what is in flight and what its upstream did last', async () => {
    const health = async (): Promise<unknown> => {
      const answer = await fetch(`http://127.0.0.1:${world.server.httpPort}/health`);
      return ((await answer.json()) as { components: { gateway: unknown } }).components.gateway;
    };
    world.upstream.answer((_asked, response) => response.destroy());
    expect((await world.ask('/v1/models')).status).toBe(502);
    await nobody();
    expect(await health()).toEqual({ status: 'healthy', in_flight: 0, upstream: 'UPSTREAM_UNREACHABLE' });
    world.upstream.answer((_asked, response) => response.end('{}'));
    await (await world.ask('/v1/models')).text();
    await nobody();
    expect(await health()).toEqual({ status: 'healthy', in_flight: 0, upstream: 'ok' });
  });

  it('tells of an upstream that nobody has set', async () => {
    const nowhere = await GatewayWorld.open({ gateway: { upstream_url: undefined } });
    const answer = await nowhere.post('/v1/chat/completions', { messages: [] });
    expect([answer.status, await answer.json()]).toMatchObject([503, { error: { code: 'NO_UPSTREAM' } }]);
    const row = 'gateway_requests_total{route="/v1/chat/completions",outcome="NO_UPSTREAM"}';
    expect(await nowhere.metric(row)).toBe(1);
    await nowhere.close();
  });

  it('counts and writes down what it refuses, as the gate does', async () => {
    world.upstream.answer((_asked, response) => response.end('{}'));
    const limited = await refusals('RATE_LIMITED');
    await world.ask('/v1/models', {}, 'cmg_slow');
    expect((await world.ask('/v1/models', {}, 'cmg_slow')).status).toBe(429);
    expect(await refusals('RATE_LIMITED')).toBe(limited + 1);
    const failures = await world.metric('auth_failures_total{code="AUTH_FAILED"}');
    expect((await world.ask('/v1/models', {}, 'cmg_guessed')).status).toBe(401);
    expect(await world.metric('auth_failures_total{code="AUTH_FAILED"}')).toBe(failures + 1);
    expect((await world.ask('/ingest', { method: 'POST', body: '{}' }, 'cmg_reader')).status).toBe(403);
    expect((await world.ask('/reset', { method: 'POST', body: '{}' }, 'cmg_reader')).status).toBe(403);
    const lines = (): { type: string; outcome: string; door: string }[] =>
      readdirSync(join(folder, 'audit')).flatMap((name) =>
        readFileSync(join(folder, 'audit', name), 'utf8')
          .split('\n')
          .flatMap((line) => (line === '' ? [] : [JSON.parse(line) as ReturnType<typeof lines>[number]])),
      );
    await until(() => Promise.resolve(lines().filter(({ outcome }) => outcome === 'FORBIDDEN').length === 2));
    expect(lines().map(({ type, outcome, door }) => [type, outcome, door])).toEqual([
      ['auth', 'AUTH_FAILED', 'gateway'],
      ['context.store_batch', 'FORBIDDEN', 'gateway'],
      ['level.clear', 'FORBIDDEN', 'gateway'],
    ]);
    await nobody();
  });

  it('lets /mcp be asked under the names that are allowed', async () => {
    const statusAs = (host: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const headers = {
          host,
          authorization: `Bearer ${TOKEN}`,
          'content-type': 'application/json',
          accept: 'application/json, text/event-stream',
        };
        const body = { jsonrpc: '2.0', id: 1, method: 'tools/list', params: {} };
        ask(`${world.origin}/mcp`, { method: 'POST', headers }, (answer) => {
          answer.resume();
          resolve(answer.statusCode);
        })
          .on('error', reject)
          .end(JSON.stringify(body));
      });
    expect(await Promise.all([statusAs('memory.example.com'), statusAs('other.example.com')])).toEqual([200, 403]);
  });

  it('keeps replies of /mcp within so many tokens', async () => {
    for (let i = 0; i < 12; i++) {
      const text = `The ${i}th harbour log: ${'wind from the north, sea calm '.repeat(12)}`;
      await (await world.post('/v1/memory/context.store', { text })).text();
    }
    const client = new Client({ name: 'test', version: '1.0.0' });
    const headers = { authorization: `Bearer ${TOKEN}` };
    await client.connect(
      new StreamableHTTPClientTransport(new URL(`${world.origin}/mcp`), { requestInit: { headers } }),
    );
    const { content } = await client.callTool({ name: 'recall', arguments: { query: 'harbour log', limit: 12 } });
    const text = (content as { text: string }[]).map((part) => part.text).join('\n');
    expect(text).toContain('harbour log');
    expect(text.length).toBeLessThan(500 * 6);
    await client.close();
    await nobody();
  });
});

describe('a request to a model', () => {
  it('is asked for anew as often as echo_strips says', async () => {
    world.upstream.answer(model(() => ({ text: 'I cannot help with that.' })));
    const messages = [
      { role: 'user', content: 'help' },
      { role: 'assistant', content: 'I cannot help with that.' },
      { role: 'user', content: 'please help' },
    ];
    const before = world.upstream.asked.length;
    const answer = await world.post('/v1/chat/completions', { messages }, { authorization: 'Bearer cmg_alone' });
    expect(answer.headers.get('x-memory-guard')).toBe('echo;run=1, strips;tried=recall');
    expect(world.upstream.asked.length).toBe(before + 2);
  });

  it('says how full the window is, and about what the prompt costs', async () => {
    world.upstream.answer(model((_asked, number) => ({ text: `noted, number ${number}` })));
    const headers = { authorization: 'Bearer cmg_alone', 'x-session-id': 'full' };
    const told: [number, number][] = [];
    for (let i = 0; i < 3; i++) {
      const content = `${i}: ${'a word and another '.repeat(50)}`;
      const answer = await world.post('/v1/chat/completions', { messages: [{ role: 'user', content }] }, headers);
      await answer.text();
      await world.settled();
      const [pressure, tokens] = ['x-memory-pressure', 'x-memory-tokens'].map((name) =>
        Number(answer.headers.get(name)),
      );
      told.push([pressure ?? NaN, tokens ?? NaN]);
    }
    const [first, second, third] = told;
    expect(first?.[0]).toBe(0);
    for (const [before, after] of [
      [first, second],
      [second, third],
    ]) {
      expect(after?.[0]).toBeGreaterThan(before?.[0] ?? Infinity);
      expect(after?.[1]).toBeGreaterThan(before?.[1] ?? Infinity);
      // Its own words come on top of what the window had.
      expect((after?.[1] ?? 0) / 4096).toBeGreaterThan(after?.[0] ?? Infinity);
    }
  });

  it('goes on without a memory that does not answer in time', async () => {
    const qdrant = await startQdrantDouble();
    const slow = await GatewayWorld.open({
      gateway: { memory_timeout_ms: 50 },
      settings: { vector_db: { driver: 'qdrant', url: qdrant.url } },
    });
    const answersAgain = qdrant.faults.add({ kind: 'hang' });
    slow.upstream.answer(model(() => ({ text: 'here' })));
    const answer = await slow.post('/v1/chat/completions', { messages: [{ role: 'user', content: 'hello?' }] });
    expect([answer.status, answer.headers.get('x-memory')]).toEqual([200, 'degraded']);
    expect(await answer.text()).toContain('here');
    expect(slow.upstream.last.body).toEqual({ messages: [{ role: 'user', content: 'hello?' }] });
    answersAgain();
    await slow.close();
    await qdrant.close();
  });
});

describe('gateway token', () => {
  it('makes a token that the block which it prints lets in', async () => {
    let printed = '';
    const output = { write: (text: string) => ((printed += text), Promise.resolve()) };
    const silent = { write: () => Promise.resolve() };
    const stdin: Uint8Array[] = [];
    const io = { stdin: Readable.from(stdin), stdout: output, stderr: silent, environment: {}, folder };
    const args = ['gateway', 'token', '--agent', 'made', '--namespace', 'shop'];
    expect(await run(args, io, '1.2.3')).toBe(0);
    const token = /^token {2}(cmg_\S+)$/m.exec(printed)?.[1] ?? '';
    const rows = Object.fromEntries(
      [...printed.matchAll(/^(\w+) = "(.*)"$/gm)].map(([, name = '', value = '']) => [name, value] as const),
    );
    expect(printed).toContain('[[gateway.tokens]]');
    expect(printed.split(token)).toHaveLength(2);
    expect(rows).toEqual({ token_hash: hashOfToken(token), key_id: 'default', agent: 'made', namespace: 'shop' });
    const made = await GatewayWorld.open({ tokens: [rows] });
    made.upstream.answer((_asked, response) => response.end('{}'));
    expect((await made.ask('/v1/models', {}, token)).status).toBe(200);
    const stored = await made.ask('/v1/memory/context.store', { method: 'POST', body: '{"text": "x"}' }, token);
    expect(stored.status).toBe(200);
    await made.close();
    printed = '';
    expect(await run([...args, '--json'], io, '1.2.3')).toBe(0);
    expect(JSON.parse(printed)).toMatchObject({ token: expect.stringMatching(/^cmg_/) as string, agent: 'made' });
  });
});
