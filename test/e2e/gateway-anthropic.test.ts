import Anthropic from '@anthropic-ai/sdk';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { GatewayWorld, TOKEN } from '../support/gateway/gateway-world.ts';
import { model, THINKING } from '../support/gateway/scripted-model.ts';
import { messagesOf, wordsOf } from '../support/gateway/valid-prompts.ts';

let world: GatewayWorld;
let client: Anthropic;
beforeAll(async () => {
  world = await GatewayWorld.open();
  client = new Anthropic({ baseURL: world.origin, apiKey: TOKEN, maxRetries: 0 });
});
afterAll(() => world.close());

const inSession = (name: string) => ({ headers: { 'x-session-id': name } });

it.each([true, false])(
  'three turns of tools, thinking byte for byte, memory in the words of the user (streamed: %s)',
  async (stream) => {
    const session = `anthropic-${stream}`;
    world.upstream.answer(
      model((_asked, number) =>
        number % 2 === 1
          ? {
              text: 'Let me see.',
              calls: [
                { id: `toolu_${number}`, name: 'look', input: { place: `shelf ${number}`, deep: { a: [1, 'ü'] } } },
              ],
            }
          : { text: `Found it on shelf ${number - 1}.` },
      ),
    );
    const messages: Anthropic.MessageParam[] = [];
    const ask = async (): Promise<Anthropic.Message> => {
      const body = { model: 'm', max_tokens: 100, system: 'Be brief.', messages };
      if (!stream) return client.messages.create(body, inSession(session));
      return client.messages.stream(body, inSession(session)).finalMessage();
    };
    for (const what of ['book', 'lamp', 'key']) {
      messages.push({ role: 'user', content: `where is the ${what}?` });
      const called = await ask();
      expect(called.content[0]).toEqual(THINKING);
      messages.push({ role: 'assistant', content: called.content });
      const use = called.content.find((block) => block.type === 'tool_use')!;
      messages.push({
        role: 'user',
        content: [{ type: 'tool_result', tool_use_id: use.id, content: `it is on ${JSON.stringify(use.input)}` }],
      });
      const told = await ask();
      messages.push({ role: 'assistant', content: told.content });
      const sent = world.upstream.last.body?.['messages'] as Anthropic.MessageParam[];
      const thoughts = sent
        .flatMap(({ content }) => (Array.isArray(content) ? content : []))
        .filter(({ type }) => type === 'thinking');
      expect(thoughts.every((block) => JSON.stringify(block) === JSON.stringify(THINKING))).toBe(true);
      expect(world.upstream.last.headers['x-api-key']).toBe('upstream-secret');
      expect(world.upstream.last.body?.['system']).toBe('Be brief.');
    }
    // A client that starts anew, and knows nothing.
    world.upstream.answer(model(() => ({ text: 'On shelf 5.' })));
    const asked = {
      model: 'm',
      max_tokens: 100,
      messages: [{ role: 'user' as const, content: 'and the key, again?' }],
    };
    await client.messages.create(asked, inSession(session));
    const sent = messagesOf(world.upstream.last) as unknown as Anthropic.MessageParam[];
    expect(sent.map(({ role }) => role)).toEqual([
      ...Array.from({ length: 12 }, (_, place) => (place % 2 === 0 ? 'user' : 'assistant')),
      'user',
    ]);
    const uses = sent
      .flatMap(({ content }) => (Array.isArray(content) ? content : []))
      .filter((block) => block.type === 'tool_use');
    expect(uses).toEqual(
      [1, 3, 5].map((number) => ({
        type: 'tool_use',
        id: `toolu_${number}`,
        name: 'look',
        input: { place: `shelf ${number}`, deep: { a: [1, 'ü'] } },
      })),
    );
    await world.settled();
    // Another session finds it.
    await client.messages.create(
      { ...asked, messages: [{ role: 'user', content: [{ type: 'text', text: 'where is the lamp?' }] }] },
      inSession(`${session}-other`),
    );
    const [found] = messagesOf(world.upstream.last);
    expect(wordsOf(found!)).toContain('[Memory, quoted for reference.');
    expect(wordsOf(found!)).toMatch(/shelf 3[\s\S]*\nwhere is the lamp\?$/);
  },
);

it('the upstream and the gateway are refused in its words', async () => {
  world.upstream.answer((_asked, response) =>
    response
      .writeHead(529, { 'content-type': 'application/json' })
      .end('{"type":"error","error":{"type":"overloaded_error","message":"busy"}}'),
  );
  const asked = { model: 'm', max_tokens: 100, messages: [{ role: 'user' as const, content: 'hello' }] };
  await expect(client.messages.create(asked)).rejects.toMatchObject({ status: 529, type: 'overloaded_error' });
  const stranger = new Anthropic({ baseURL: world.origin, apiKey: 'cmg_other', maxRetries: 0 });
  await expect(stranger.messages.create(asked)).rejects.toMatchObject({ status: 401, type: 'authentication_error' });
});
