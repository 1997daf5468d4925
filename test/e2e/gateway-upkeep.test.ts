import { afterAll, beforeAll, expect, it } from 'vitest';
import { hashOfToken } from '../../src/fronts/gateway/tokens.ts';
import { GatewayWorld, KEY } from '../support/gateway/gateway-world.ts';
import { model } from '../support/gateway/scripted-model.ts';

let world: GatewayWorld;
beforeAll(async () => {
  world = await GatewayWorld.open({
    keys: [KEY, { id: 'writer', secret: `writer ${'w'.repeat(32)}`, scopes: ['read', 'write'], namespaces: ['*'] }],
    tokens: [
      { token_hash: hashOfToken('cmg_writer'), key_id: 'writer', agent: 'bot' },
      { token_hash: hashOfToken('cmg_other'), agent: 'bot', namespace: 'other' },
    ],
  });
  world.upstream.answer(model(() => ({ text: 'Noted.' })));
});
afterAll(() => world.close());

async function total(token?: string): Promise<number> {
  await world.settled();
  const { counts } = (await (await world.ask('/stats', {}, token)).json()) as { counts: { total: number } };
  return counts.total;
}

function say(session: string, content: string): Promise<Response> {
  return world.post('/v1/chat/completions', { messages: [{ role: 'user', content }] }, { 'x-session-id': session });
}

it('tells what the namespace holds, and empties what is named', async () => {
  for (const session of ['one', 'two']) expect((await say(session, `hello of ${session}`)).status).toBe(200);
  expect([await total(), await total('cmg_other')]).toEqual([4, 0]);
  const session = await world.post('/reset', { target: 'session', session_id: 'one', forget: true });
  expect([session.status, await session.json()]).toEqual([200, { archived: 0, deleted: 2 }]);
  expect(await total()).toBe(2);
  const agent = await world.post('/reset', { target: 'agent', agent_id: 'bot' });
  expect([agent.status, await agent.json()]).toEqual([200, { deleted: 2 }]);
  const listed = await world.post('/v1/memory/session.list', { agent_id: 'bot' });
  expect(await listed.json()).toEqual({ sessions: [] });
  await say('three', 'hello again');
  expect(await total()).toBe(2);
  expect((await world.post('/reset', { target: 'level', level: 'immediate' })).status).toBe(200);
  expect(await total()).toBe(0);
});

it.each([
  [{}, 400],
  [{ target: 'everything' }, 400],
  [{ target: 'session' }, 400],
  [{ target: 'agent' }, 400],
  [{ target: 'agent', agent_id: '*' }, 400],
  [{ target: 'level', level: 'attic' }, 400],
  [{ target: 'session', session_id: 'one', level: 'immediate' }, 400],
])('a reset of %j is refused', async (body, status) => {
  expect((await world.post('/reset', body)).status).toBe(status);
});

it('a reset is for administrators', async () => {
  const body = { target: 'session', session_id: 'one' };
  const headers = { authorization: 'Bearer cmg_writer' };
  expect((await world.post('/reset', body, headers)).status).toBe(403);
});

it('describes itself to everybody', async () => {
  const answer = await fetch(`${world.origin}/openapi.json`);
  const { openapi, paths } = (await answer.json()) as { openapi: string; paths: Record<string, object> };
  expect([answer.status, openapi]).toEqual([200, '3.1.0']);
  for (const [path, methods] of Object.entries(paths)) {
    const [method = 'get'] = Object.keys(methods);
    const told = await fetch(world.origin + path.replace('{model}', 'm'), { method: method.toUpperCase() });
    // They are there, and want a token.
    expect([path, told.status]).toEqual([path, path === '/openapi.json' ? 200 : 401]);
  }
});
