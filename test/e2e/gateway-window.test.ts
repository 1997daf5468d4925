import { request } from 'node:http';
import { connect } from 'node:net';
import OpenAI from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hashOfToken } from '../../src/fronts/gateway/tokens.ts';
import { GatewayWorld, KEY, TOKEN } from '../support/gateway/gateway-world.ts';
import { model } from '../support/gateway/scripted-model.ts';
import { faultsOfChat, messagesOf, tokensOf, wordsOf, type SentMessage } from '../support/gateway/valid-prompts.ts';

const MAX_TOKENS = 1024;
const NEEDLE = 'the code of the cellar door is 7319-Kestrel';
const TOPICS = [
  'rivers',
  'bridges',
  'violins',
  'ferries',
  'orchards',
  'glaciers',
  'lanterns',
  'harbours',
  'beetles',
  'windmills',
];

let world: GatewayWorld;
beforeAll(async () => {
  world = await GatewayWorld.open({
    settings: { window: { max_tokens: MAX_TOKENS } },
    keys: [
      KEY,
      { id: 'reader', secret: `reader ${'r'.repeat(32)}`, scopes: ['read'], namespaces: ['*'] },
      { id: 'writer', secret: `writer ${'w'.repeat(32)}`, scopes: ['write'], namespaces: ['*'] },
    ],
    tokens: [
      { token_hash: hashOfToken('cmg_reader'), key_id: 'reader', agent: 'bot' },
      { token_hash: hashOfToken('cmg_writer'), key_id: 'writer', agent: 'bot' },
    ],
  });
});
afterAll(() => world.close());

function clientOf(token = TOKEN): OpenAI {
  return new OpenAI({ baseURL: `${world.origin}/v1`, apiKey: token, maxRetries: 0 });
}

const inSession = (name: string) => ({ headers: { 'x-session-id': name } });

/** Turn `number` of a long talk: what the user says, and the model. */
function turn(number: number, asksAt: number): readonly [string, string] {
  const topic = TOPICS[number % TOPICS.length];
  if (number === 3) return [`remember this: ${NEEDLE}`, 'I will keep that in mind.'];
  if (number === asksAt) return ['what is the code of the cellar door?', 'As you told me: 7319-Kestrel.'];
  return [
    `Tell me thing number ${number} about ${topic}, as we go along the shore this morning.`,
    `Thing ${number}: ${topic} have been counted ${number * 17} times in the year ${1500 + number}, says the almanac of ${topic}.`,
  ];
}

describe('a long talk in one session', () => {
  it.each([
    ['all of the talk', 200, (all: readonly SentMessage[]) => all],
    ['its last five messages', 60, (all: readonly SentMessage[]) => all.slice(-5)],
    ['the question alone', 60, (all: readonly SentMessage[]) => all.slice(-1)],
  ])(
    'of a client that sends %s, %d turns: always a valid prompt within the budget, and the needle is found',
    async (name, turns, sent) => {
      const asksAt = turns - 10;
      const client = clientOf();
      const faults: string[] = [];
      let number = 0;
      let prompt = '';
      world.upstream.answer(
        model(async (asked) => {
          const messages = messagesOf(asked);
          faults.push(...faultsOfChat(messages).map((fault) => `turn ${number}: ${fault}`));
          const tokens = await tokensOf(messages);
          if (tokens > MAX_TOKENS) faults.push(`turn ${number}: ${tokens} tokens`);
          const last = wordsOf(messages.at(-1)!);
          const own = messages.at(-1)?.role === 'tool' ? last : turn(number, asksAt)[0];
          if (!last.endsWith(own)) faults.push(`turn ${number}: ends with ${last}`);
          if (number === asksAt) prompt = messages.map(wordsOf).join('\n');
          // Every seventh turn takes a tool.
          if (number % 7 === 0 && messages.at(-1)?.role === 'user')
            return { calls: [{ id: `call_${name.length}_${number}`, name: 'count', input: { number } }] };
          return { text: turn(number, asksAt)[1] };
        }),
      );
      const all: SentMessage[] = [];
      const system = { role: 'system', content: 'You are a guide.' };
      const ask = async (): Promise<OpenAI.ChatCompletionMessage> => {
        const messages = [system, ...sent(all)] as OpenAI.ChatCompletionMessageParam[];
        return (await client.chat.completions.create({ model: 'm', messages }, inSession(name))).choices[0]!.message;
      };
      for (number = 1; number <= turns; number++) {
        all.push({ role: 'user', content: turn(number, asksAt)[0] });
        const answer = await ask();
        all.push(answer as SentMessage);
        if (answer.tool_calls === undefined) continue;
        // Only a client that has them can send calls with their results.
        all.push({ role: 'tool', tool_call_id: answer.tool_calls[0]!.id, content: `counted ${number}` });
        all.push((await ask()) as SentMessage);
      }
      expect(faults).toEqual([]);
      expect(prompt).toContain('7319-Kestrel');
    },
    120_000,
  );
});

describe('memory that fails', () => {
  const asked = { model: 'm', messages: [{ role: 'user' as const, content: 'who am I?' }] };

  it('lets a request through as it came, and says so', async () => {
    world.upstream.answer(model(() => ({ text: 'Who knows.' })));
    const { data, response } = await clientOf('cmg_writer')
      .chat.completions.create(asked, inSession('blind'))
      .withResponse();
    expect([data.choices[0]?.message.content, response.headers.get('x-memory')]).toEqual(['Who knows.', 'degraded']);
    expect(world.upstream.last.body).toEqual(asked);
    expect(await world.metric('gateway_memory_total{outcome="degraded"}')).toBe(1);
  });

  it('to store what was said is counted, and the answer is there', async () => {
    world.upstream.answer(model(() => ({ text: 'You are you.' })));
    const { data, response } = await clientOf('cmg_reader')
      .chat.completions.create(asked, inSession('mute'))
      .withResponse();
    expect([data.choices[0]?.message.content, response.headers.get('x-memory')]).toEqual(['You are you.', 'on']);
    await world.settled();
    expect(await world.metric('gateway_memory_total{outcome="not_stored"}')).toBe(1);
  });
});

describe('a model that repeats itself', () => {
  const SAME = 'I am afraid that I cannot tell you anything about this.';
  const messages = (question: string): OpenAI.ChatCompletionMessageParam[] => [
    { role: 'user', content: 'first question of all' },
    { role: 'assistant', content: SAME },
    { role: 'user', content: question },
  ];

  it('is asked anew with less and less before it, and the answer that is stored is the last one', async () => {
    const before = world.upstream.asked.length;
    world.upstream.answer(model((_asked, number) => ({ text: number < 4 ? SAME : 'Since you insist: it is blue.' })));
    const { data, response } = await clientOf()
      .chat.completions.create({ model: 'm', messages: messages('what colour is it?') }, inSession('echo'))
      .withResponse();
    expect(data.choices[0]?.message.content).toBe('Since you insist: it is blue.');
    expect(response.headers.get('x-memory-guard')).toBe('strips;tried=recall+cards+exchange');
    expect(world.upstream.asked.length - before).toBe(4);
    expect(messagesOf(world.upstream.last).map(({ role }) => role)).toEqual(['user']);
  });

  it('for good is let through after that, and told of', async () => {
    world.upstream.answer(model(() => ({ text: SAME })));
    const { data, response } = await clientOf()
      .chat.completions.create({ model: 'm', messages: messages('and what shape?') }, inSession('echo-2'))
      .withResponse();
    expect(data.choices[0]?.message.content).toBe(SAME);
    expect(response.headers.get('x-memory-guard')).toBe('echo;run=1, strips;tried=recall+cards+exchange');
  });

  it('in a session that shows its answers is counted once for each, and told of as boredom from the fifth on', async () => {
    world.upstream.answer(model(() => ({ text: SAME })));
    const all: OpenAI.ChatCompletionMessageParam[] = [];
    const guards: (string | null)[] = [];
    const boredom = 'gateway_guards_total{guard="boredom"}';
    for (const subject of ['rivers', 'bridges', 'violins', 'ferries', 'orchards', 'glaciers']) {
      all.push({ role: 'user', content: `what do you know of ${subject}?` });
      const { response } = await clientOf()
        .chat.completions.create({ model: 'm', messages: all }, inSession('bored'))
        .withResponse();
      all.push({ role: 'assistant', content: SAME });
      guards.push(response.headers.get('x-memory-guard'));
      await world.settled();
    }
    const strips = 'strips;tried=recall+cards+exchange';
    expect(guards).toEqual([
      null,
      ...[1, 2, 3, 4].map((run) => `echo;run=${run}, ${strips}`),
      `echo;run=5, boredom;run=5, ${strips}`,
    ]);
    expect(await world.metric(boredom)).toBe(1);
  });

  it('keeps its answer where it cannot be asked anew', async () => {
    const first = model(() => ({ text: SAME }));
    let asked = 0;
    world.upstream.answer((one, response) => (asked++ === 0 ? first(one, response) : response.destroy()));
    const { data, response } = await clientOf()
      .chat.completions.create({ model: 'm', messages: messages('and what weight?') }, inSession('echo-4'))
      .withResponse();
    expect(data.choices[0]?.message.content).toBe(SAME);
    expect(response.headers.get('x-memory-guard')).toContain('echo;run=1');
    expect(asked).toBeGreaterThan(1);
  });

  it('in a stream to HTTP/1.0, which has no trailer, is passed on all the same', async () => {
    world.upstream.answer(model(() => ({ text: SAME })));
    const body = JSON.stringify({ model: 'm', stream: true, messages: messages('and what age?') });
    const head = [
      'POST /v1/chat/completions HTTP/1.0',
      `Authorization: Bearer ${TOKEN}`,
      'Content-Type: application/json',
      `Content-Length: ${Buffer.byteLength(body)}`,
    ];
    const socket = connect(Number(new URL(world.origin).port), '127.0.0.1');
    socket.write(`${head.join('\r\n')}\r\n\r\n${body}`);
    const chunks: Buffer[] = [];
    for await (const chunk of socket as AsyncIterable<Buffer>) chunks.push(chunk);
    const said = Buffer.concat(chunks).toString('utf8');
    expect(said).toMatch(/^HTTP\/1\.[01] 200 /);
    expect(said).toContain('data: [DONE]');
  });

  it('in a stream is told of in its trailer', async () => {
    world.upstream.answer(model(() => ({ text: SAME })));
    const { promise, resolve } = Promise.withResolvers<NodeJS.Dict<string>>();
    const outgoing = request(`${world.origin}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json', 'x-session-id': 'echo-3' },
    });
    outgoing.end(JSON.stringify({ model: 'm', stream: true, messages: messages('and what size?') }));
    outgoing.once('response', (incoming) => incoming.resume().once('end', () => resolve(incoming.trailers)));
    expect((await promise)['x-memory-guard']).toBe('echo;run=1');
    expect(await world.metric('gateway_guards_total{guard="echo"}')).toBeGreaterThan(0);
  });
});
