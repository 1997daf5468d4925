import { afterAll, beforeAll, expect, it } from 'vitest';
import { GatewayWorld } from '../support/gateway/gateway-world.ts';
import { model } from '../support/gateway/scripted-model.ts';
import { messagesOf, wordsOf } from '../support/gateway/valid-prompts.ts';

let world: GatewayWorld;
beforeAll(async () => {
  world = await GatewayWorld.open({ gateway: { recall_sessions: 'own' } });
  world.upstream.answer(model((_asked, number) => ({ text: `Noted as number ${number}.` })));
});
afterAll(() => world.close());

/** What the model is told of memory. */
async function told(text: string, session?: string): Promise<string> {
  const headers: Record<string, string> = session === undefined ? {} : { 'x-session-id': session };
  const answer = await world.post('/v1/chat/completions', { messages: [{ role: 'user', content: text }] }, headers);
  expect(answer.status).toBe(200);
  await answer.text();
  await world.settled();
  const last = messagesOf(world.upstream.last).map(wordsOf).at(-1) ?? '';
  return last.slice(0, -text.length);
}

it('with recall kept inside the session, a session recalls what was said in it, others and requests without one nothing', async () => {
  await told('The password of the harbour office is Pelican.', 'mine');
  await told('The password of the lighthouse is Walrus.');
  // What was said has left the window.
  expect((await world.post('/v1/memory/session.reset', { session_id: 'mine' })).status).toBe(200);
  expect(await told('What is the password of the harbour office?', 'mine')).toContain('Pelican');
  const question = 'What are the passwords of the harbour office and the lighthouse?';
  expect(await told(question, 'other')).toBe('');
  expect(await told(question)).toBe('');
});
