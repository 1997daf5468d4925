import type { ServerResponse } from 'node:http';
import OpenAI, { APIConnectionError, RateLimitError, type APIError } from 'openai';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { connect } from '../../clients/typescript/src/index.ts';
import { GatewayWorld, SECRET, TOKEN } from '../support/gateway/gateway-world.ts';
import { model } from '../support/gateway/scripted-model.ts';
import { faultsOfChat, messagesOf, wordsOf } from '../support/gateway/valid-prompts.ts';

const MARK = '[Memory, quoted for reference.';
let world: GatewayWorld;
let client: OpenAI;
beforeAll(async () => {
  world = await GatewayWorld.open({ gateway: { upstream_timeout_secs: 1, upstream_idle_secs: 1 } });
  client = new OpenAI({ baseURL: `${world.origin}/v1`, apiKey: TOKEN, maxRetries: 0 });
});
afterAll(() => world.close());

const inSession = (name: string) => ({ headers: { 'x-session-id': name } });
const lastWords = (): string => wordsOf(messagesOf(world.upstream.last).at(-1)!);

describe('chat completions', () => {
  it('answer as the model does, and what was said is remembered by the agent', async () => {
    world.upstream.answer(model(() => ({ text: 'Noted: peanuts are out.' })));
    const { data, response } = await client.chat.completions
      .create({ model: 'm', messages: [{ role: 'user', content: 'I am allergic to peanuts' }] }, inSession('one'))
      .withResponse();
    expect(data.choices[0]?.message.content).toBe('Noted: peanuts are out.');
    expect([response.headers.get('x-memory'), response.headers.get('x-session-id')]).toEqual(['on', 'one']);
    expect(world.upstream.last.body).toEqual({
      model: 'm',
      messages: [{ role: 'user', content: 'I am allergic to peanuts' }],
    });

    await world.settled();
    world.upstream.answer(model(() => ({ text: 'Almonds would do.' })));
    const asked = { model: 'm', messages: [{ role: 'user' as const, content: 'what am I allergic to?' }] };
    const later = await client.chat.completions.create(asked, inSession('two')).withResponse();
    expect(lastWords()).toContain(MARK);
    expect(lastWords()).toContain('allergic to peanuts');
    expect(lastWords().endsWith('\n\nwhat am I allergic to?')).toBe(true);
    expect(later.response.headers.get('x-memory-recalled')).toMatch(/^[0-9a-f-]{36}/);
  });

  it('stream, byte for byte what the model streamed, and remember what was said', async () => {
    world.upstream.answer(model(() => ({ text: 'The meeting is on Thursday, “10:00” — 北京.' })));
    const stream = await client.chat.completions.create(
      {
        model: 'm',
        stream: true,
        stream_options: { include_usage: true },
        messages: [{ role: 'user', content: 'when is the meeting?' }],
      },
      inSession('stream'),
    );
    let text = '';
    let usage = 0;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      usage = chunk.usage?.total_tokens ?? usage;
    }
    expect([text, usage]).toEqual(['The meeting is on Thursday, “10:00” — 北京.', 2]);
    // A client that knows nothing of what was before: the session does.
    world.upstream.answer(model(() => ({ text: 'Yes.' })));
    await client.chat.completions.create(
      { model: 'm', messages: [{ role: 'user', content: 'sure?' }] },
      inSession('stream'),
    );
    expect(messagesOf(world.upstream.last).map(({ role, content }) => [role, content])).toEqual([
      ['user', 'when is the meeting?'],
      ['assistant', 'The meeting is on Thursday, “10:00” — 北京.'],
      ['user', expect.stringContaining('sure?')],
    ]);
  });

  it.each([true, false])('go through three turns of tools, each stored once (streamed: %s)', async (stream) => {
    const session = `tools-${stream}`;
    const tools: OpenAI.ChatCompletionTool[] = [
      {
        type: 'function',
        function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
      },
    ];
    const cities = ['Oslo', 'Rome', 'Lima'];
    world.upstream.answer(
      model((_asked, number) =>
        number % 2 === 1
          ? {
              calls: ['a', 'b'].map((letter) => ({
                id: `call_${number}${letter}`,
                name: 'weather',
                input: { city: cities[(number - 1) / 2]!, letter },
              })),
            }
          : { text: `It is fine in ${cities[number / 2 - 1]}.` },
      ),
    );
    const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'system', content: 'Be brief.' }];
    const ask = async (): Promise<OpenAI.ChatCompletionMessage> => {
      const body = { model: 'm', tools, messages };
      if (!stream) return (await client.chat.completions.create(body, inSession(session))).choices[0]!.message;
      return client.chat.completions.stream(body, inSession(session)).finalMessage();
    };
    for (const city of cities) {
      messages.push({ role: 'user', content: `how is ${city}?` });
      const called = await ask();
      expect(called.tool_calls).toHaveLength(2);
      messages.push(called);
      for (const call of called.tool_calls ?? [])
        messages.push({ role: 'tool', tool_call_id: call.id, content: `sunny ${call.id}` });
      const { content } = await ask();
      expect(content).toBe(`It is fine in ${city}.`);
      messages.push({ role: 'assistant', content });
      expect(faultsOfChat(messagesOf(world.upstream.last))).toEqual([]);
    }
    const { messages: shown } = await sessionWindow(session);
    expect(shown.map(({ role }) => role)).toEqual(
      cities.flatMap(() => ['user', 'assistant', 'tool', 'tool', 'assistant']),
    );
  });

  it('pass structured output and pictures on, and keep no picture', async () => {
    world.upstream.answer(model(() => ({ text: '{"animal":"cat"}' })));
    const picture = `data:image/png;base64,${'QUJD'.repeat(1000)}`;
    const answer = await client.chat.completions.parse(
      {
        model: 'm',
        response_format: {
          type: 'json_schema',
          json_schema: { name: 'animal', schema: { type: 'object' }, strict: true },
        },
        messages: [
          {
            role: 'user',
            content: [
              { type: 'text', text: 'what is this?' },
              { type: 'image_url', image_url: { url: picture } },
            ],
          },
        ],
      },
      inSession('picture'),
    );
    expect(answer.choices[0]?.message.parsed).toEqual({ animal: 'cat' });
    expect(world.upstream.last.text).toContain(picture);
    expect(world.upstream.last.body?.['response_format']).toMatchObject({ type: 'json_schema' });
    const shown = JSON.stringify(await sessionWindow('picture'));
    expect(shown).toContain('what is this?');
    expect(shown).toContain('image_url');
    expect(shown).not.toContain('QUJD');
  });

  it('know a session by the body, too', async () => {
    world.upstream.answer(model(() => ({ text: 'Hello Ada.' })));
    const asked = { model: 'm', user: 'ada', messages: [{ role: 'user' as const, content: 'I am Ada' }] };
    const { response } = await client.chat.completions.create(asked).withResponse();
    expect(response.headers.get('x-session-id')).toBe('ada');
    const other = { model: 'm', metadata: { session_id: 'lovelace' }, messages: asked.messages };
    const again = await client.chat.completions.create(other).withResponse();
    expect(again.response.headers.get('x-session-id')).toBe('lovelace');
  });

  it('know a session of any name by the header, which answers repeat as it was sent', async () => {
    world.upstream.answer(model(() => ({ text: 'Hello.' })));
    for (const name of ['Mara Østergård/北京 🚢', '100% sure', 'a,b;c="d"', ' padded ']) {
      const encoded = encodeURIComponent(name);
      const asked = { model: 'm', messages: [{ role: 'user' as const, content: 'I am here' }] };
      const { response } = await client.chat.completions.create(asked, inSession(encoded)).withResponse();
      expect(response.headers.get('x-session-id')).toBe(encoded);
      expect((await sessionWindow(name)).messages.map(({ content }) => content)).toEqual(['I am here', 'Hello.']);
    }
    for (const name of ['100% sure', '%E0%A4', 'Mar\u00e5', '%00'.repeat(257)]) {
      const answer = await world.post('/v1/chat/completions', { messages: [] }, { 'x-session-id': name });
      expect([name, answer.status, await answer.text()]).toEqual([name, 400, expect.stringContaining('x-session-id')]);
    }
  });

  it('without a session have the memory of the agent, and add to it', async () => {
    world.upstream.answer(
      model((_asked, number) => ({ text: ['Zanzibar it is.', 'Nothing more.', 'To the sea.'][number - 1]! })),
    );
    const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: 'my holiday goes to Zanzibar' }];
    await client.chat.completions.create({ model: 'm', messages });
    await world.settled();
    // Told again it is not stored again, nor recalled into the conversation that it is from.
    messages.push(
      { role: 'assistant', content: 'Zanzibar it is.' },
      { role: 'user', content: 'what about my holiday in Zanzibar?' },
    );
    await client.chat.completions.create({ model: 'm', messages });
    expect(messagesOf(world.upstream.last)[0]).toEqual({ role: 'user', content: 'my holiday goes to Zanzibar' });
    expect(lastWords()).not.toContain('my holiday goes to Zanzibar');
    await client.chat.completions.create({
      model: 'm',
      messages: [{ role: 'user', content: 'where does my holiday go?' }],
    });
    expect(lastWords().match(/my holiday goes to Zanzibar/g)).toHaveLength(1);
  });
});

describe('a fault', () => {
  const asked = { model: 'm', messages: [{ role: 'user' as const, content: 'hello?' }] };

  it('of the upstream is told as it is, and nothing is stored', async () => {
    world.upstream.answer((_asked, response) =>
      response
        .writeHead(429, { 'content-type': 'application/json', 'retry-after': '7' })
        .end('{"error":{"message":"slow down","type":"x"}}'),
    );
    const limited = await client.chat.completions.create(asked, inSession('faults')).catch((error: unknown) => error);
    expect(limited).toBeInstanceOf(RateLimitError);
    expect((limited as APIError).headers?.get('retry-after')).toBe('7');
    world.upstream.answer((_asked, response) => response.writeHead(500).end('oops'));
    await expect(client.chat.completions.create(asked, inSession('faults'))).rejects.toMatchObject({ status: 500 });
    expect((await sessionWindow('faults')).messages).toEqual([]);
  });

  it.each([
    ['that hangs before it answers', () => undefined],
    ['that hangs in an answer', (_: unknown, response: ServerResponse) => response.writeHead(200).write('{"id"')],
    [
      'that hangs in a stream',
      (_: unknown, response: ServerResponse) =>
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: {}\n\n'),
    ],
  ])('of an upstream %s ends in time', async (_, answerer) => {
    world.upstream.answer(answerer);
    const stream = await client.chat.completions
      .create({ ...asked, stream: true }, inSession('hang'))
      .catch((error: unknown) => error);
    if (stream instanceof Error) return expect(stream).toMatchObject({ status: 504 });
    await expect(drain(stream as AsyncIterable<unknown>)).rejects.toThrow();
  });

  it('of an upstream that talks garbage goes through as it is', async () => {
    world.upstream.answer((_asked, response) =>
      response.writeHead(200, { 'content-type': 'application/json' }).end('<html>'),
    );
    await expect(client.chat.completions.create(asked, inSession('garbage'))).rejects.toThrow();
    world.upstream.answer((_asked, response) =>
      response
        .writeHead(200, { 'content-type': 'text/event-stream' })
        .end('data: {broken\n\nevent: x\ndata: 7\n\ndata: [DONE]\n\n'),
    );
    const answer = await world.post('/v1/chat/completions', { ...asked, stream: true }, { 'x-session-id': 'garbage' });
    expect(await answer.text()).toBe('data: {broken\n\nevent: x\ndata: 7\n\ndata: [DONE]\n\n');
  });

  it('that breaks a stream off breaks it off here, and what was said is kept as cut', async () => {
    world.upstream.answer((_asked, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"choices":[{"index":0,"delta":{"content":"half a th"}}]}\n\n', () => response.destroy());
    });
    const stream = await client.chat.completions.create({ ...asked, stream: true }, inSession('broken'));
    await expect(drain(stream as AsyncIterable<unknown>)).rejects.toThrow();
    expect((await stored('broken')).map(({ text, metadata }) => [text, metadata['cut'] ?? false])).toEqual([
      ['half a th', true],
      ['hello?', false],
    ]);
  });

  it('of a client that hangs up ends the upstream, and what was said is kept as cut', async () => {
    world.upstream.answer((_asked, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: {"choices":[{"index":0,"delta":{"content":"a long st"}}]}\n\n');
    });
    const stream = await client.chat.completions.create({ ...asked, stream: true }, inSession('gone'));
    await stream[Symbol.asyncIterator]().next();
    stream.controller.abort();
    await world.upstream.last.hungUp;
    while ((await stored('gone')).length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
    expect((await stored('gone'))[0]).toMatchObject({ text: 'a long st', metadata: { cut: true } });
    // The same question again is no new one.
    world.upstream.answer(model(() => ({ text: 'a long story' })));
    await client.chat.completions.create(
      {
        ...asked,
        messages: [...asked.messages, { role: 'assistant', content: 'a long st' }, { role: 'user', content: 'go on' }],
      },
      inSession('gone'),
    );
    expect((await sessionWindow('gone')).messages.map(({ content }) => content)).toEqual([
      'hello?',
      'a long st',
      'go on',
      'a long story',
    ]);
  });

  it('of the upstream that cannot be reached is told', async () => {
    const nowhere = await GatewayWorld.open({ gateway: { upstream_url: 'http://127.0.0.1:9/v1' } });
    const there = new OpenAI({ baseURL: `${nowhere.origin}/v1`, apiKey: TOKEN, maxRetries: 0 });
    await expect(there.chat.completions.create(asked)).rejects.toMatchObject({ status: 502 });
    await nowhere.close();
    await expect(there.chat.completions.create(asked)).rejects.toBeInstanceOf(APIConnectionError);
  });

  it('of a body is told as a client reads it', async () => {
    const answer = await world.ask('/v1/chat/completions', { method: 'POST', body: '{' });
    expect([answer.status, await answer.json()]).toMatchObject([400, { error: { type: 'invalid_request_error' } }]);
    const long = await world.post('/v1/chat/completions', asked, { 'x-session-id': 'x'.repeat(300) });
    expect(long.status).toBe(400);
  });
});

async function drain(stream: AsyncIterable<unknown>): Promise<void> {
  const iterator = stream[Symbol.asyncIterator]();
  while ((await iterator.next()).done !== true);
}

interface Row {
  readonly text: string;
  readonly metadata: Readonly<Record<string, unknown>>;
}

async function connected<T>(task: (client: Awaited<ReturnType<typeof connect>>) => Promise<T>): Promise<T> {
  await world.settled();
  const { port } = world.server;
  const sdk = await connect({ host: '127.0.0.1', port, keyId: 'default', secret: SECRET, sender: 'bot' });
  try {
    return await task(sdk);
  } finally {
    await sdk.close();
  }
}

function sessionWindow(session: string) {
  return connected((sdk) => sdk.sessionWindow({ session_id: session, recall: false }));
}

/** What a session's contexts hold, the newest first. */
function stored(session: string): Promise<readonly Row[]> {
  return connected(async (sdk) => (await sdk.list({ session_id: session }).page()).contexts as unknown as Row[]);
}
