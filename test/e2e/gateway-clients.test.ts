import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GatewayWorld, TOKEN } from '../support/gateway/gateway-world.ts';
import { model } from '../support/gateway/scripted-model.ts';
import { sendJson } from '../support/gateway/scripted-upstream.ts';

let world: GatewayWorld;
beforeAll(async () => {
  world = await GatewayWorld.open({ gateway: { client_idle_secs: 0.2 } });
});
afterAll(() => world.close());

interface Row {
  readonly text: string;
  readonly metadata: { readonly cut?: boolean };
}

/** What a session's contexts hold, the newest first, when there are so many. */
async function stored(session: string, count: number): Promise<readonly (readonly [string, boolean])[]> {
  for (;;) {
    const answer = await world.post('/v1/memory/context.list', {
      filter: { must: [{ key: 'session_id', match: { value: session } }] },
    });
    const { contexts } = (await answer.json()) as { contexts: readonly Row[] };
    if (contexts.length >= count) return contexts.map(({ text, metadata }) => [text, metadata.cut === true]);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Asks and reads nothing. */
async function asks(path: string, body: object, session: string): Promise<Socket> {
  const { port } = new URL(world.origin);
  const socket = connect(Number(port), '127.0.0.1');
  await once(socket, 'connect');
  socket.pause();
  socket.on('error', () => undefined);
  const text = JSON.stringify(body);
  const head = [
    `POST ${path} HTTP/1.1`,
    'host: localhost',
    `authorization: Bearer ${TOKEN}`,
    `x-session-id: ${session}`,
    `content-length: ${Buffer.byteLength(text)}`,
  ];
  socket.write(`${head.join('\r\n')}\r\n\r\n${text}`);
  return socket;
}

async function nobodyIsServed(): Promise<void> {
  while ((await world.metric('gateway_requests_in_flight')) > 0)
    await new Promise((resolve) => setTimeout(resolve, 10));
}

const LONG = 'x'.repeat(64 * 1024);

describe('a client that reads nothing', () => {
  it('of a stream is cut off, the upstream is cancelled, and what was said is kept as cut', async () => {
    const event = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: 'word ' } }], pad: LONG })}\n\n`;
    const pump = (response: ServerResponse): void => {
      while (!response.destroyed && response.write(event));
      if (!response.destroyed) response.once('drain', () => pump(response));
    };
    world.upstream.answer((_asked, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      pump(response);
    });
    const body = { model: 'm', stream: true, messages: [{ role: 'user', content: 'tell me all' }] };
    const socket = await asks('/v1/chat/completions', body, 'reads-nothing');
    while (world.upstream.asked.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    await world.upstream.last.hungUp;
    await nobodyIsServed();
    const [answer, question] = await stored('reads-nothing', 2);
    expect([answer?.[1], question]).toEqual([true, ['tell me all', false]]);
    expect(answer?.[0]).toMatch(/^(word ?)+$/);
    socket.destroy();
  });

  it('of an answer that is not streamed, or not of a model, gives its place back', async () => {
    const text = 'x'.repeat(7 * 1024 * 1024);
    world.upstream.answer((_asked, response) =>
      sendJson(response, {
        id: 'long',
        choices: [{ index: 0, message: { role: 'assistant', content: 'long' }, finish_reason: 'stop' }],
        text,
      }),
    );
    const body = { model: 'm', messages: [{ role: 'user', content: 'at once' }] };
    const sockets = [
      await asks('/v1/chat/completions', body, 'at-once'),
      await asks('/v1/embeddings', { input: 'x' }, 'at-once'),
    ];
    expect(await stored('at-once', 2)).toEqual([
      ['long', false],
      ['at once', false],
    ]);
    await nobodyIsServed();
    for (const socket of sockets) socket.destroy();
  });

  it('while the upstream thinks is let alone', async () => {
    world.upstream.answer(
      model(async () => {
        await new Promise((resolve) => setTimeout(resolve, 500));
        return { text: 'slow' };
      }),
    );
    const answer = await world.post('/v1/chat/completions', { model: 'm', messages: [{ role: 'user', content: 'x' }] });
    expect([answer.status, (await answer.text()).includes('slow')]).toEqual([200, true]);
  });
});

describe('a client that hangs up', () => {
  it('before the answer begins, or before it is whole, has asked all the same', async () => {
    for (const begin of [false, true]) {
      const before = world.upstream.asked.length;
      world.upstream.answer((_asked, response) => (begin ? response.writeHead(200).write('{"choices": [') : undefined));
      const session = `hung-up-${begin}`;
      const socket = await asks('/v1/chat/completions', { messages: [{ role: 'user', content: 'hello?' }] }, session);
      while (world.upstream.asked.length === before) await new Promise((resolve) => setTimeout(resolve, 5));
      socket.destroy();
      await world.upstream.last.hungUp;
      expect(await stored(session, 1)).toEqual([['hello?', false]]);
    }
  });

  it('while an answer that repeats another is asked for anew has that answer', async () => {
    const messages = [
      { role: 'user', content: 'who are you?' },
      { role: 'assistant', content: 'I am a model.' },
      { role: 'user', content: 'really, who are you?' },
    ];
    const again = Promise.withResolvers<void>();
    let asked = 0;
    const answers = model(() => ({ text: 'I am a model.' }));
    world.upstream.answer((request, response) => {
      asked += 1;
      if (asked === 1) return answers(request, response);
      return again.resolve();
    });
    const socket = await asks('/v1/chat/completions', { model: 'm', messages }, 'anew');
    await again.promise;
    socket.destroy();
    await world.upstream.last.hungUp;
    expect((await stored('anew', 4)).map(([text]) => text)).toEqual([
      'I am a model.',
      'really, who are you?',
      'I am a model.',
      'who are you?',
    ]);
  });
});
