import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StartupError } from '../../src/base/errors.ts';
import { toSettings } from '../../src/config/settings.ts';
import { hashOfToken } from '../../src/fronts/gateway/tokens.ts';
import { GatewayWorld, KEY, TOKEN } from '../support/gateway/gateway-world.ts';
import { sendJson } from '../support/gateway/scripted-upstream.ts';

let world: GatewayWorld;
beforeAll(async () => {
  world = await GatewayWorld.open({
    gateway: { max_body_bytes: 8192 },
    keys: [
      KEY,
      {
        id: 'slow',
        secret: 's'.repeat(31) + 'l',
        scopes: ['read'],
        namespaces: ['a', 'b'],
        rateLimit: { perSecond: 0.01, burst: 1 },
      },
    ],
    tokens: [
      { token_hash: hashOfToken('cmg_slow'), key_id: 'slow', agent: 'slow', namespace: 'a' },
      { token_hash: hashOfToken('cmg_elsewhere'), agent: 'elsewhere', upstream_url: 'http://127.0.0.1:9/v1' },
    ],
  });
});
afterAll(() => world.close());

describe('a token', () => {
  it('lets in as a bearer token and as x-api-key, and goes no further', async () => {
    world.upstream.answer((_asked, response) => sendJson(response, { object: 'list', data: [] }));
    const answer = await world.ask('/v1/models?limit=3', { headers: { 'x-stainless-lang': 'js', cookie: 'a=b' } });
    expect([answer.status, await answer.json()]).toEqual([200, { object: 'list', data: [] }]);
    const { path, headers } = world.upstream.last;
    expect([path, headers.authorization]).toEqual(['/v1/models?limit=3', 'Bearer upstream-secret']);
    expect(headers).toMatchObject({ 'accept-encoding': 'identity', 'x-stainless-lang': 'js' });
    expect(JSON.stringify(headers)).not.toContain(TOKEN);
    expect(headers).not.toHaveProperty('cookie');

    const anthropic = { 'x-api-key': TOKEN, 'anthropic-version': '2023-06-01', authorization: '' };
    expect((await world.ask('/v1/models', { headers: anthropic })).status).toBe(200);
    expect(world.upstream.last.headers).toMatchObject({
      'x-api-key': 'upstream-secret',
      'anthropic-version': '2023-06-01',
    });
    expect(world.upstream.last.headers).not.toHaveProperty('authorization');
  });

  it.each([
    ['that is not known', { authorization: 'Bearer cmg_other' }, 'the token is not valid'],
    ['that is missing', { authorization: '' }, 'a bearer token is missing'],
    ['of another scheme', { authorization: `Basic ${TOKEN}` }, 'a bearer token is missing'],
  ])('%s is refused, in the words of either client', async (_, headers, message) => {
    const before = world.upstream.asked.length;
    const openai = await world.ask('/v1/models', { headers });
    expect([openai.status, await openai.json()]).toEqual([
      401,
      { error: { message, type: 'authentication_error', param: null, code: 'AUTH_FAILED' } },
    ]);
    const anthropic = await world.ask('/v1/messages/count_tokens', { method: 'POST', body: '{}', headers });
    expect([anthropic.status, await anthropic.json()]).toEqual([
      401,
      { type: 'error', error: { type: 'authentication_error', message } },
    ]);
    expect(world.upstream.asked.length).toBe(before);
  });

  it.each(['/v1/models/..\\files\\secret', '/v1/models/%2e%2e', '/v1/models/..', '/v1/models/a/../../keys'])(
    'reaches no other page of the upstream: %s',
    async (path) => {
      const before = world.upstream.asked.length;
      const headers = { authorization: `Bearer ${TOKEN}` };
      // `fetch` would resolve the steps itself.
      const [answer] = (await once(get(`${world.origin}/`, { path, headers }), 'response')) as [IncomingMessage];
      answer.resume();
      expect(answer.statusCode).toBe(404);
      expect(world.upstream.asked.length).toBe(before);
    },
  );

  it('says nothing in the name of the gateway', async () => {
    const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'x' }], user: 'gateway:no-session' });
    const answer = await world.ask('/v1/chat/completions', { method: 'POST', body });
    expect(answer.status).toBe(400);
    expect(await answer.text()).toContain('must not begin with gateway:');
  });

  it('counts against the rate of its key, and says when to come again', async () => {
    world.upstream.answer((_asked, response) => sendJson(response, {}));
    expect((await world.ask('/v1/models', {}, 'cmg_slow')).status).toBe(200);
    const refused = await world.ask('/v1/models', {}, 'cmg_slow');
    expect([refused.status, Number(refused.headers.get('retry-after')) > 0]).toEqual([429, true]);
  });

  it('has an upstream of its own, to which the token of the common one is not sent', async () => {
    const answer = await world.ask('/v1/models', {}, 'cmg_elsewhere');
    expect([answer.status, await answer.json()]).toMatchObject([502, { error: { code: 'UPSTREAM_UNREACHABLE' } }]);
  });

  it('stops counting when a reload takes it away, and a new one counts', async () => {
    const tokens = [{ token_hash: hashOfToken('cmg_new'), key_id: 'default', agent: 'bot' }];
    const settings = (more: object) =>
      toSettings({ gateway: { enabled: true, tokens, upstream_url: world.upstream.url, ...more } });
    const unknown = [{ ...tokens[0], key_id: 'nobody' }];
    expect(() => world.server.reload(() => ({ settings: settings({ tokens: unknown }), keys: [KEY] }))).toThrow(
      StartupError,
    );
    expect((await world.ask('/v1/models')).status).toBe(200);
    world.server.reload(() => ({ settings: settings({}), keys: [KEY] }));
    expect((await world.ask('/v1/models')).status).toBe(401);
    expect((await world.ask('/v1/models', {}, 'cmg_new')).status).toBe(200);
    const ours = [{ ...tokens[0], token_hash: hashOfToken(TOKEN) }];
    world.server.reload(() => ({ settings: settings({ tokens: ours }), keys: [KEY] }));
  });
});

describe('a request', () => {
  it('whose body is too long is refused, told or not', async () => {
    const long = 'x'.repeat(9000);
    const told = await world.ask('/v1/embeddings', { method: 'POST', body: long });
    expect([told.status, await told.json()]).toMatchObject([413, { error: { code: 'PAYLOAD_TOO_LARGE' } }]);
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue(new TextEncoder().encode(long));
        controller.close();
      },
    });
    const streamed = { method: 'POST', body: stream, duplex: 'half' } as RequestInit;
    expect((await world.ask('/v1/embeddings', streamed)).status).toBe(413);
  });

  it('for what there is not is a 404', async () => {
    const answer = await world.ask('/v1/nothing');
    expect([answer.status, await answer.json()]).toMatchObject([404, { error: { type: 'not_found_error' } }]);
  });

  it('is passed on byte for byte, and so is its answer, whatever it is', async () => {
    const answer = Buffer.from([0, 1, 2, 255, 254]);
    world.upstream.answer((_asked, response) =>
      response.writeHead(418, { 'content-type': 'application/x-tea', 'x-request-id': 'r1' }).end(answer),
    );
    const asked = '{"input":  "ä",\n "model":"m", "n": 1.0}';
    const told = await world.ask('/v1/embeddings', {
      method: 'POST',
      body: asked,
      headers: { 'content-type': 'application/json' },
    });
    expect([told.status, told.headers.get('content-type'), told.headers.get('x-request-id')]).toEqual([
      418,
      'application/x-tea',
      'r1',
    ]);
    expect(Buffer.from(await told.arrayBuffer())).toEqual(answer);
    expect(world.upstream.last.text).toBe(asked);
  });

  it('whose client hangs up is not worked on any more', async () => {
    world.upstream.answer(() => undefined);
    const gone = new AbortController();
    const asking = world.ask('/v1/models', { signal: gone.signal }).catch(() => 'gone');
    const before = world.upstream.asked.length;
    while (world.upstream.asked.length === before) await new Promise((resolve) => setTimeout(resolve, 5));
    gone.abort();
    expect(await asking).toBe('gone');
    await world.upstream.last.hungUp;
  });
});

// The last of all: for a while afterwards whoever comes from here with a wrong token is told to come later.
describe('a token', () => {
  it('that is right is let in while wrong ones of its address are answered late', async () => {
    world.upstream.answer((_asked, response) => sendJson(response, {}));
    const gone = new AbortController();
    const refused = Promise.withResolvers<void>();
    const wrong = Array.from({ length: 40 }, async () => {
      const { status } = await world.ask('/v1/models', { signal: gone.signal }, 'cmg_guessed');
      // So many wait that further ones are turned away.
      if (status === 429) refused.resolve();
    });
    await refused.promise;
    expect((await world.ask('/v1/models')).status).toBe(200);
    gone.abort();
    await Promise.allSettled(wrong);
  });
});
