// Every operation x every scope x namespaces of the key's own, of others, and of nobody x every door: who may do what, and with what
// outcome. It is made of the table of operations, so that a new one is in it, or fails here until its outcome is known.

import { randomUUID } from 'node:crypto';
import { subscribe } from 'node:diagnostics_channel';
import { connect as connectSocket } from 'node:net';
import type { FastifyInstance } from 'fastify';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SCOPES, type Scope } from '../../src/base/wire-names.ts';
import { TOOLS } from '../../src/fronts/mcp/tools/tools.ts';
import type { KeySettings } from '../../src/config/keys.ts';
import type { RequestType } from '../../src/protocol/messages.generated.ts';
import { hashOfToken } from '../../src/fronts/gateway/tokens.ts';
import { DECLARED, inNamespace, isNamespaced, type Declared } from '../support/declared-messages.ts';
import { GatewayWorld, KEY } from '../support/gateway/gateway-world.ts';
import { sendJson } from '../support/gateway/scripted-upstream.ts';
import { WireClient } from '../support/wire-client.ts';
import { Browser } from './support/browser.ts';

type Sees = 'own' | '*';
type Target = 'own' | 'foreign' | 'nowhere' | 'omitted';

const TARGETS: readonly Target[] = ['own', 'foreign', 'nowhere', 'omitted'];
/** What a request comes to that is let through and finds nothing of its names and ids; of all others it is `ok`. */
const NOTHING_THERE: Partial<Record<RequestType, string>> = {
  'context.get': 'NOT_FOUND',
  'context.update': 'NOT_FOUND',
  'session.get': 'NOT_FOUND',
  'session.expand': 'NOT_FOUND',
  // The embedded store has none.
  'admin.circuit_reset': 'NOT_FOUND',
};
/** What the dashboard lets through beside what only reads contexts. */
const DASHBOARD_ADMIN: readonly string[] = ['admin.snapshots', 'admin.slowlog'];

const CALLERS = SCOPES.flatMap((scope) =>
  (['own', '*'] as const).map((sees) => ({ scope, sees, id: `${scope}-${sees === '*' ? 'all' : 'own'}` })),
);
const secretOf = (id: string): string => `${id} `.repeat(16);
const tokenOf = (id: string): string => `cmg_${id}`;
const keys: KeySettings[] = CALLERS.map(({ scope, sees, id }) => ({
  id,
  secret: secretOf(id),
  scopes: [scope],
  namespaces: [sees],
}));

/** For what needs more than one scope. */
keys.push({ id: 'both', secret: secretOf('both'), scopes: ['read', 'write'], namespaces: ['own'] });

let world: GatewayWorld;
/** All that the server's HTTP listeners have, as they are made: `POST /ingest`. */
const served = new Set<string>();
subscribe('fastify.initialization', (message) => {
  const { fastify } = message as { readonly fastify: FastifyInstance };
  fastify.addHook('onRoute', ({ method, url }) => {
    for (const each of [method].flat()) if (each !== 'HEAD' && each !== 'OPTIONS') served.add(`${each} ${url}`);
  });
});
const wires = new Map<string, WireClient>();
const browsers = new Map<string, Browser>();
beforeAll(async () => {
  world = await GatewayWorld.open({
    keys: [KEY, ...keys],
    tokens: keys.map(({ id }) => ({
      token_hash: hashOfToken(tokenOf(id)),
      key_id: id,
      agent: 'agent',
      namespace: 'own',
    })),
  });
  world.upstream.answer((_asked, response) => sendJson(response, ANSWER));
  for (const { id } of CALLERS) {
    wires.set(id, await wire(id, secretOf(id)));
    const browser = new Browser(world.server);
    expect((await browser.login(id, secretOf(id))).status).toBe(200);
    browsers.set(id, browser);
  }
});
afterAll(async () => {
  for (const { duplex } of wires.values()) duplex.destroy();
  await world.close();
});

function wire(keyId: string, secret: string): Promise<WireClient> {
  return WireClient.over(connectSocket({ port: world.server.port, host: '127.0.0.1' }), { keyId, secret });
}

const ANSWER = {
  id: 'x',
  object: 'chat.completion',
  choices: [{ index: 0, message: { role: 'assistant', content: 'yes' }, finish_reason: 'stop' }],
};

/** An example whose ids and names nothing has, so that its outcome is always the same. */
function fresh(example: object): object {
  const text = JSON.stringify(example).replaceAll(/018f0000-0000-7000-8000-[0-9a-f]{12}/g, () => randomUUID());
  return JSON.parse(text.replaceAll('trip-42', `trip-${randomUUID()}`)) as object;
}

function aimed(message: Declared, example: object, target: Target): object {
  const payload = fresh(example);
  return target === 'omitted' ? payload : inNamespace(message, payload, target);
}

/** The rule, in the words of the protocol (section 5), and not in those of the gate. */
function verdict(message: Declared, scope: Scope, sees: Sees, target: Target): string {
  if (message.scope !== 'any' && message.scope !== scope) return 'FORBIDDEN';
  if (message.namespace === 'server' && sees !== '*') return 'FORBIDDEN';
  if (isNamespaced(message) && sees !== '*' && target !== 'own' && target !== 'omitted') return 'FORBIDDEN';
  return NOTHING_THERE[message.type] ?? 'ok';
}

const targetsOf = (message: Declared): readonly Target[] => (isNamespaced(message) ? TARGETS : ['omitted']);
/** Examples with which the dashboard changes nothing. */
const isLook = (message: Declared, example: object): boolean =>
  message.scope === 'read' ||
  (DASHBOARD_ADMIN.includes(message.type) && !('reset' in example && example.reset === true));

async function overSocket(id: string, type: string, payload: object): Promise<string> {
  return wires
    .get(id)!
    .ask(type, payload)
    .then(outcomeOf, (error: unknown) => (error as { code: string }).code);
}

async function overRest(id: string, type: string, payload: object): Promise<string> {
  const json = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(payload) };
  const answer = await world.ask(`/v1/memory/${type}`, json, tokenOf(id));
  return codeOf(answer.status, await answer.json());
}

async function overDashboard(id: string, type: string, payload: object): Promise<string> {
  const { status, body } = await browsers.get(id)!.request(type, payload);
  return codeOf(status, body);
}

/** A batch has an outcome for each of its items. */
function outcomeOf(reply: unknown): string {
  const { results } = reply as { readonly results?: readonly { readonly error?: { readonly code: string } }[] };
  return results?.find(({ error }) => error !== undefined)?.error?.code ?? 'ok';
}

function codeOf(status: number, body: unknown): string {
  const { error } = body as { readonly error?: { readonly code: string } };
  if (error === undefined) return status === 200 ? outcomeOf(body) : `status ${status}`;
  expect(status).toBe(
    ({ FORBIDDEN: 403, NOT_FOUND: 404, BAD_REQUEST: 400, CONFLICT: 409 } as Record<string, number>)[error.code] ??
      status,
  );
  return error.code;
}

describe.each(DECLARED)('$type', (message) => {
  it('over the socket', async () => {
    for (const { scope, sees, id } of CALLERS)
      for (const target of targetsOf(message)) {
        const expected = [id, target, verdict(message, scope, sees, target)];
        for (const example of message.examples)
          expect([id, target, await overSocket(id, message.type, aimed(message, example, target))]).toEqual(expected);
      }
  });

  it('over REST, where a token has one namespace of its key', async () => {
    const [example = {}] = message.examples;
    for (const { scope, id } of CALLERS)
      for (const target of targetsOf(message)) {
        const outcome = await overRest(id, message.type, aimed(message, example, target));
        expect([id, target, outcome]).toEqual([id, target, verdict(message, scope, 'own', target)]);
      }
  });

  it('at the dashboard, which changes nothing', async () => {
    const [example = {}] = message.examples;
    for (const { scope, sees, id } of CALLERS)
      for (const target of targetsOf(message)) {
        const expected = isLook(message, example) ? verdict(message, scope, sees, target) : 'FORBIDDEN';
        expect([id, target, await overDashboard(id, message.type, aimed(message, example, target))]).toEqual([
          id,
          target,
          expected,
        ]);
      }
  });

  it('without a key at no door', async () => {
    const path = `/v1/memory/${message.type}`;
    const refused = await world.ask(path, { method: 'POST', headers: { authorization: '' }, body: '{}' });
    expect([refused.status, await refused.json()]).toMatchObject([401, { error: { code: 'AUTH_FAILED' } }]);
    const looked = await new Browser(world.server).request(message.type, {});
    expect(looked).toMatchObject({ status: 401, body: { error: { code: 'AUTH_FAILED' } } });
  });
});

describe('MCP, where a token has one namespace of its key', () => {
  const TOOL_CALLS: Readonly<Record<string, readonly [Scope, object, string]>> = {
    recall: ['read', { query: 'who likes flights?' }, 'ok'],
    recent: ['read', {}, 'ok'],
    expand: ['read', { id: randomUUID() }, 'NOT_FOUND'],
    remember: ['write', { text: 'Mara likes flights' }, 'ok'],
    update: ['write', { id: randomUUID(), text: 'Mara likes trains' }, 'NOT_FOUND'],
    forget: ['write', { ids: [randomUUID()] }, 'ok'],
  };

  async function said(id: string, method: string, params: object): Promise<string> {
    const accept = 'application/json, text/event-stream';
    const headers = { accept, 'content-type': 'application/json', 'mcp-protocol-version': '2025-11-25' };
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
    const answer = await world.ask('/mcp', { method: 'POST', headers, body }, tokenOf(id));
    const text = await answer.text();
    expect([answer.status, text]).toEqual([200, text]);
    return /^data: (.*)$/m.exec(text)?.[1] ?? text;
  }

  async function call(id: string, method: string, params: object): Promise<string> {
    const text = await said(id, method, params);
    if (!/"isError":true|"error":/.test(text)) return 'ok';
    return /FORBIDDEN|NOT_FOUND|additional properties/.exec(text)?.[0] ?? text;
  }

  it.each(TOOLS.map(({ name }) => name))('%s', async (name) => {
    const [needed, input, outcome] = TOOL_CALLS[name] ?? ['admin', {}, 'the tool is not in this test'];
    for (const { scope, id } of CALLERS) {
      const params = { name, arguments: input };
      expect([id, await call(id, 'tools/call', params)]).toEqual([id, scope === needed ? outcome : 'FORBIDDEN']);
      const elsewhere = { name, arguments: { ...input, namespace: 'foreign' } };
      expect(await call(id, 'tools/call', elsewhere)).toBe('additional properties');
    }
  });

  /** Names and templates, as the lists have them, and what each is asked. All of them only read. */
  const PROMPTS: Readonly<Record<string, object>> = { recall: { topic: 'flights' }, summary: {} };
  const RESOURCES: Readonly<Record<string, readonly [uri: string, outcome: string]>> = {
    'memory://context/{id}': [`memory://context/${randomUUID()}`, 'NOT_FOUND'],
    'memory://session/{id}': ['memory://session/session-of-nobody', 'ok'],
    'memory://stats': ['memory://stats', 'ok'],
  };

  async function listed(method: string, list: string, key: string): Promise<string[]> {
    const { result } = JSON.parse(await said('read-own', method, {})) as { readonly result: Lists };
    return (result[list] ?? []).map((each) => each[key] ?? '').sort();
  }
  type Lists = Readonly<Record<string, readonly Readonly<Record<string, string>>[]>>;

  it('prompts', async () => {
    expect(await listed('prompts/list', 'prompts', 'name')).toEqual(Object.keys(PROMPTS).sort());
    for (const [name, given] of Object.entries(PROMPTS))
      for (const { scope, id } of CALLERS) {
        const outcome = await call(id, 'prompts/get', { name, arguments: given });
        expect([name, id, outcome]).toEqual([name, id, scope === 'read' ? 'ok' : 'FORBIDDEN']);
      }
  });

  it('resources', async () => {
    const templates = await listed('resources/templates/list', 'resourceTemplates', 'uriTemplate');
    const resources = await listed('resources/list', 'resources', 'uri');
    expect([...templates, ...resources].sort()).toEqual(Object.keys(RESOURCES).sort());
    for (const [uri, outcome] of Object.values(RESOURCES))
      for (const { scope, id } of CALLERS)
        expect([uri, id, await call(id, 'resources/read', { uri })]).toEqual([
          uri,
          id,
          scope === 'read' ? outcome : 'FORBIDDEN',
        ]);
  });

  it('shows nothing of another namespace, by whichever id', async () => {
    const all = await wire(KEY.id, KEY.secret);
    const id = randomUUID();
    const foreign = { namespace: 'foreign', agent_id: 'agent' };
    await all.request('context.store', { id, text: 'flights of somebody else', session_id: 'theirs', ...foreign });
    // Without what was asked, which some of them repeat.
    for (const [method, params] of [
      ['tools/call', { name: 'recall', arguments: { query: 'flights of somebody else' } }],
      ['tools/call', { name: 'expand', arguments: { id } }],
      ['tools/call', { name: 'recent', arguments: {} }],
      ['prompts/get', { name: 'recall', arguments: { topic: 'flights of somebody else' } }],
      ['prompts/get', { name: 'summary', arguments: { session_id: 'theirs' } }],
      ['resources/read', { uri: `memory://context/${id}` }],
      ['resources/read', { uri: 'memory://session/theirs' }],
    ] as const)
      expect((await said('read-own', method, params)).replaceAll(JSON.stringify(params).slice(1, -1), '')).not.toMatch(
        /"text\\?":\\?"flights of somebody else/,
      );
    all.duplex.destroy();
  });

  it('without a key nobody comes to any of them', async () => {
    for (const method of ['GET', 'POST', 'DELETE']) {
      const refused = await world.ask('/mcp', { method, headers: { authorization: '' } });
      expect([method, refused.status]).toEqual([method, 401]);
    }
  });
});

describe('the gateway, where a token has one namespace of its key', () => {
  const post = (body: object): RequestInit => ({
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const chat = { model: 'm', messages: [{ role: 'user', content: 'what does Mara like?' }] };
  const messages = [{ role: 'user', content: 'what does Mara like?' }];
  /** What is passed on needs nothing but a token; the rest has these scopes, one alone or both. */
  const ROUTES: readonly (readonly [route: string, path: string, RequestInit, readonly Scope[]])[] = [
    ['GET /v1/models', '/v1/models', {}, []],
    ['GET /v1/models/:model', '/v1/models/m', {}, []],
    ['POST /v1/chat/completions', '/v1/chat/completions', post(chat), []],
    ['POST /v1/responses', '/v1/responses', post({ model: 'm', input: 'what does Mara like?' }), []],
    ['POST /v1/messages', '/v1/messages', post({ model: 'm', max_tokens: 9, messages }), []],
    ['POST /v1/messages/count_tokens', '/v1/messages/count_tokens', post({ model: 'm', messages }), []],
    ['POST /v1/embeddings', '/v1/embeddings', post({ model: 'm', input: 'a' }), []],
    ['GET /stats', '/stats', {}, ['read']],
    ['GET /stats', '/stats?namespace=foreign', {}, ['read']],
    ['POST /reset', '/reset', post({ target: 'level', level: 'immediate' }), ['admin']],
    ['POST /ingest', '/ingest', post({ text: 'Mara likes flights.', document_id: 'd' }), ['read', 'write']],
    ['GET /openapi.json', '/openapi.json', {}, []],
    ['GET /v1/memory/openapi.json', '/v1/memory/openapi.json', {}, []],
  ];

  it.each(ROUTES)('%s (%s)', async (_route, path, options, needed) => {
    for (const { scope, id } of CALLERS) {
      const answer = await world.ask(path, options, tokenOf(id));
      const text = await answer.text();
      expect([id, answer.status, text]).toEqual([id, needed.every((each) => each === scope) ? 200 : 403, text]);
      expect(text).not.toContain('of somebody else');
    }
    // What describes the routes is for whoever makes a client.
    const stranger = await world.ask(path, { ...options, headers: { authorization: '' } });
    expect(stranger.status).toBe(path === '/openapi.json' ? 200 : 401);
  });

  it('takes a document from who may read and write, into the namespace of the token', async () => {
    const answer = await world.ask('/ingest', post({ text: 'Mara likes trains.', document_id: 'd' }), tokenOf('both'));
    expect([answer.status, await answer.text()]).toMatchObject([200, /"done"/]);
    const all = await wire(KEY.id, KEY.secret);
    const { contexts } = await all.request('context.list', { namespace: 'own', agent_id: 'agent', limit: 1000 });
    expect(contexts.some(({ text }) => text.includes('Mara likes trains.'))).toBe(true);
    all.duplex.destroy();
  });

  it('takes no namespace from a client', async () => {
    for (const body of [
      { target: 'level', level: 'immediate', namespace: 'foreign' },
      { target: 'agent', agent_id: '*' },
    ])
      expect((await world.ask('/reset', post(body), tokenOf('admin-own'))).status).toBe(400);
  });

  it('puts into memory and takes from it what the key may', async () => {
    const said = (id: string) => ({
      ...chat,
      messages: [{ role: 'user', content: `what does ${id} like best of all?` }],
    });
    for (const { id } of CALLERS)
      await (
        await world.ask(
          '/v1/chat/completions',
          { ...post(said(id)), headers: { 'content-type': 'application/json', 'x-session-id': id } },
          tokenOf(id),
        )
      ).text();
    await world.settled();
    const all = await wire(KEY.id, KEY.secret);
    const { sessions } = await all.request('session.list', { namespace: 'own', agent_id: '*' });
    // Of the routes above, where a request of the writers begins a conversation without a name.
    const ids = sessions.map(({ session_id: id }) => id).filter((id) => !/^(?:trip-|responses:)/.test(id));
    expect(ids.sort()).toEqual(['write-all', 'write-own']);
    all.duplex.destroy();
  });
});

describe('an id that is guessed', () => {
  it('of another namespace is answered like one that nothing has', async () => {
    const all = await wire(KEY.id, KEY.secret);
    const id = randomUUID();
    await all.request('context.store', {
      id,
      text: 'of somebody else',
      namespace: 'foreign',
      session_id: 's',
      agent_id: 'agent',
    });
    const fact = { subject: 'Ann', predicate: 'has', object: 'a secret', id: randomUUID() };
    await all.request('fact.put', { facts: [fact], namespace: 'foreign', agent_id: 'agent' });
    await all.request('session.append', {
      session_id: 'session-of-another',
      namespace: 'foreign',
      agent_id: 'agent',
      messages: [{ role: 'user', content: 'of somebody else' }],
    });
    const attempts: readonly (readonly [Scope, string, string, (id: string) => object])[] = [
      ['read', 'context.get', id, (each) => ({ id: each })],
      ['write', 'context.update', id, (each) => ({ id: each, text: 'x' })],
      ['write', 'context.used', id, (each) => ({ ids: [each] })],
      ['write', 'context.delete', id, (each) => ({ id: each })],
      ['write', 'fact.delete', fact.id, (each) => ({ id: each })],
      ['read', 'session.get', 'session-of-another', (each) => ({ session_id: each, agent_id: 'agent' })],
      ['read', 'session.expand', id, (each) => ({ session_id: 's', agent_id: 'agent', card_id: `at-${each}` })],
      ['write', 'context.store', id, (each) => ({ text: 'y', supersedes: [each] })],
    ];
    for (const [scope, type, existing, payloadOf] of attempts) {
      const said = async (each: string): Promise<string> => {
        const answer = await wires
          .get(`${scope}-own`)!
          .ask(type, payloadOf(each))
          .catch((error: unknown) => (error as { payload: unknown }).payload);
        return JSON.stringify(answer).replaceAll(each, 'ID');
      };
      const nothing = existing.startsWith('session') ? 'session-of-nobody' : randomUUID();
      expect([type, await said(existing)]).toEqual([type, await said(nothing)]);
    }
    expect((await all.request('context.get', { id, namespace: 'foreign' })).context).toMatchObject({
      text: 'of somebody else',
      version: 1,
    });
    const { facts } = await all.request('fact.list', { namespace: 'foreign', agent_id: '*' });
    expect(facts.map((each) => each.id)).toContain(fact.id);
    all.duplex.destroy();
  });
});

describe('the routes of all listeners', () => {
  /** Of what listens for people and probes: what is answered without a login, and what is not. */
  const SIDE: Readonly<Record<string, number>> = {
    'GET /health': 200,
    'GET /health/live': 200,
    'GET /health/liveness': 200,
    'GET /health/ready': 200,
    'GET /health/readiness': 200,
    'GET /metrics': 200,
    'GET /': 200,
    'GET /assets/*': 404,
    'GET /api/login': 401,
    'POST /api/login': 400,
    'POST /api/logout': 200,
    'POST /api/request/:type': 401,
    'GET /api/neighbours': 401,
    'GET /api/keys': 401,
    'GET /api/overview': 401,
    'GET /api/live': 401,
  };
  /** Tested above. */
  const GATEWAY = [
    ...[
      'GET /v1/models',
      'GET /v1/models/:model',
      'POST /v1/chat/completions',
      'POST /v1/responses',
      'POST /v1/messages',
    ],
    ...['POST /v1/messages/count_tokens', 'POST /v1/embeddings', 'GET /stats', 'POST /reset', 'POST /ingest'],
    ...['GET /openapi.json', 'GET /v1/memory/openapi.json', 'POST /v1/memory/:type'],
    ...['GET /mcp', 'POST /mcp', 'DELETE /mcp'],
  ];

  it('are all in this test', () => {
    const others = [...served].filter((route) => !route.endsWith(' /api/*') && !route.endsWith(' *'));
    expect(others.sort()).toEqual([...Object.keys(SIDE), ...GATEWAY].sort());
  });

  it.each(Object.entries(SIDE))('%s without a login: %i', async (route, status) => {
    const [method = '', url = ''] = route.split(' ');
    const gone = new AbortController();
    const path = url.replace(':type', 'context.query').replace('*', 'nothing');
    const answer = await fetch(`http://127.0.0.1:${world.server.httpPort}${path}`, {
      method,
      signal: gone.signal,
      ...(method === 'POST' && { headers: { 'content-type': 'application/json' }, body: '{}' }),
    });
    expect(answer.status).toBe(status);
    gone.abort();
  });
});
