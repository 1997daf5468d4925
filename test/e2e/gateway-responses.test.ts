import OpenAI from 'openai';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { GatewayWorld, TOKEN } from '../support/gateway/gateway-world.ts';
import { model } from '../support/gateway/scripted-model.ts';

let world: GatewayWorld;
let client: OpenAI;
beforeAll(async () => {
  world = await GatewayWorld.open();
  client = new OpenAI({ baseURL: `${world.origin}/v1`, apiKey: TOKEN, maxRetries: 0 });
});
afterAll(() => world.close());

const input = (): Record<string, unknown>[] => world.upstream.last.body?.['input'] as Record<string, unknown>[];

it.each([true, false])(
  'an answer is followed by its id alone, also by a server that starts anew (streamed: %s)',
  async (stream) => {
    world.upstream.answer(
      model((_asked, number) =>
        number === 2
          ? { calls: [{ id: 'c1', name: 'look', input: { at: 'map' } }] }
          : { text: `answer number ${number}` },
      ),
    );
    const ask = async (body: OpenAI.Responses.ResponseCreateParamsNonStreaming): Promise<OpenAI.Responses.Response> => {
      if (!stream) return client.responses.create(body);
      const events: OpenAI.Responses.ResponseStreamEvent[] = [];
      for await (const event of await client.responses.create({ ...body, stream: true })) events.push(event);
      expect(events.map(({ sequence_number }) => sequence_number)).toEqual(events.map((_, place) => place));
      const last = events.at(-1);
      if (last?.type !== 'response.completed') throw new Error('the stream did not end');
      return last.response;
    };
    const first = await ask({ model: 'm', instructions: 'Be brief.', input: `my boat is called Vega ${stream}` });
    const second = await ask({ model: 'm', input: 'where does it lie?', previous_response_id: first.id });
    expect(world.upstream.last.body?.['previous_response_id']).toBeNull();
    expect(input()).toMatchObject([
      { role: 'user', content: `my boat is called Vega ${stream}` },
      { role: 'assistant', content: 'answer number 1' },
      { role: 'user', content: expect.stringContaining('where does it lie?') as string },
    ]);
    await world.restart();
    client = new OpenAI({ baseURL: `${world.origin}/v1`, apiKey: TOKEN, maxRetries: 0 });
    const result = { type: 'function_call_output' as const, call_id: 'c1', output: 'in the north' };
    const third = await ask({ model: 'm', input: [result], previous_response_id: second.id });
    expect(input().map(({ type, role }) => type ?? role)).toEqual([
      'user',
      'assistant',
      'user',
      'function_call',
      'function_call_output',
    ]);
    expect(input()[3]).toEqual({ type: 'function_call', call_id: 'c1', name: 'look', arguments: '{"at":"map"}' });
    // From an answer that is not the last one.
    await ask({ model: 'm', input: 'what else?', previous_response_id: first.id });
    expect(input().map(({ role }) => role)).toEqual(['user', 'assistant', 'user']);
    expect(third.id).not.toBe(first.id);
  },
);

it('an answer of somebody else is left to the upstream', async () => {
  world.upstream.answer(model(() => ({ text: 'hm' })));
  await client.responses.create({ model: 'm', input: 'go on', previous_response_id: 'resp_unknown' });
  expect(world.upstream.last.body).toMatchObject({
    previous_response_id: 'resp_unknown',
    input: expect.stringContaining('go on') as string,
  });
});
