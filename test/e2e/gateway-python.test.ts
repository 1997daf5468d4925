import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GatewayWorld, TOKEN } from '../support/gateway/gateway-world.ts';
import { model, type Say } from '../support/gateway/scripted-model.ts';
import { sendJson, type Answerer, type Asked } from '../support/gateway/scripted-upstream.ts';
import { faultsOfChat, messagesOf } from '../support/gateway/valid-prompts.ts';

/** An interpreter that has the packages openai and anthropic; see CONTRIBUTING. */
const PYTHON = process.env['GATEWAY_PYTHON'] ?? '';
const CLIENTS = fileURLToPath(new URL('support/gateway-clients', import.meta.url));
const WORDS = 'The meeting is on Thursday, “10:00” — 北京.';
const LIMITED = { error: { type: 'rate_limit_error', message: 'slow down' } };

/** What a model of this name says. */
const MINDS: Readonly<Record<string, (asked: Asked) => Say>> = {
  words: () => ({ text: WORDS }),
  structured: () => ({ text: JSON.stringify({ day: 'Thursday', people: ['Ann', 'Zoë'] }) }),
  image: ({ text }) => ({ text: text.includes('data:image/png;base64,iVBORw0KGgo=') ? 'image seen' : 'no image' }),
  count: ({ body }) => ({ text: `${(body?.['input'] as readonly unknown[]).length} items` }),
  tools: sayOfTools,
};

/** Two calls for each city that is asked for, then what they told; memory may quote other cities before what is asked. */
function sayOfTools({ body }: Asked): Say {
  const last = JSON.stringify(((body?.['messages'] ?? body?.['input']) as readonly unknown[]).at(-1));
  if (/"(tool|tool_result|function_call_output)"/u.test(last)) return { text: /rain in \w+/u.exec(last)![0] };
  const city = [...last.matchAll(/the weather in (\w+)/gu)].at(-1)?.[1];
  return { calls: ['a', 'b'].map((letter) => ({ id: `call_${city}_${letter}`, name: 'weather', input: { city } })) };
}

let limitedOnce = false;
const asked = { silent: Promise.withResolvers<void>() };

/** What a service does when a model of this name is asked. */
const FAULTS: Readonly<Record<string, Answerer>> = {
  limited: (_, response) =>
    response.writeHead(429, { 'content-type': 'application/json', 'retry-after': '7' }).end(JSON.stringify(LIMITED)),
  'limited-once': (request, response) => {
    if (limitedOnce) return model(MINDS['words']!)(request, response);
    limitedOnce = true;
    return response.writeHead(429, { 'retry-after-ms': '10' }).end();
  },
  failed: (_, response) => response.writeHead(500).end('oops'),
  hung: () => undefined,
  silent: () => asked.silent.resolve(),
  garbage: (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('<html>'),
  broken: (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    return response.write('data: {"choices":[{"index":0,"delta":{"content":"half"}}]}\n\n', () => response.destroy());
  },
  endless: (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    return response.write('data: {"choices":[{"index":0,"delta":{"content":"a long st"}}]}\n\n');
  },
  'endless-messages': (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const message = { id: 'm', type: 'message', role: 'assistant', model: 'm', content: [], usage: {} };
    return response.write(`event: message_start\ndata: ${JSON.stringify({ type: 'message_start', message })}\n\n`);
  },
};

const MODELS = ['m-1', 'm-2'].map((id) => ({ id, object: 'model', created: 1, owned_by: 'us', type: 'model' }));
const VECTOR = [0.5, -2];

const answer: Answerer = async (request, response) => {
  const { path, body } = request;
  if (path === '/v1/models/when-silent-is-asked') await asked.silent.promise;
  if (path.startsWith('/v1/models/')) return sendJson(response, MODELS[0]!);
  if (path.startsWith('/v1/models')) return sendJson(response, { object: 'list', data: MODELS, has_more: false });
  if (path.startsWith('/v1/messages/count_tokens')) return sendJson(response, { input_tokens: 11 });
  if (path === '/v1/embeddings') return sendJson(response, vectorsFor(body!));
  const name = String(body?.['model']);
  return (FAULTS[name] ?? model(MINDS[name]!))(request, response);
};

function vectorsFor({ input, encoding_format: format }: Record<string, unknown>): object {
  const bytes = Buffer.from(Float32Array.from(VECTOR).buffer);
  const embedding = format === 'base64' ? bytes.toString('base64') : VECTOR;
  const data = [input].flat().map((_, index) => ({ object: 'embedding', index, embedding }));
  return { object: 'list', model: 'm', data, usage: { prompt_tokens: 1, total_tokens: 1 } };
}

interface Case {
  readonly case: string;
  readonly error: string | null;
}

describe.skipIf(PYTHON === '')('the clients of PyPI (GATEWAY_PYTHON names an interpreter that has them)', () => {
  let world: GatewayWorld;
  beforeAll(async () => {
    world = await GatewayWorld.open({ gateway: { upstream_timeout_secs: 2 } });
    world.upstream.answer(answer);
  });
  afterAll(() => world.close());

  it('work with the gateway as with the service itself', async () => {
    const { stdout } = await promisify(execFile)(PYTHON, ['-B', CLIENTS, world.origin, TOKEN]);
    const cases = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Case);
    expect(cases.filter(({ error }) => error !== null).map(({ case: name, error }) => `${name}: ${error}`)).toEqual([]);
    expect(cases.length).toBeGreaterThan(20);
  });

  it('that hang up end what the upstream does', async () => {
    const left = of('endless', 'endless-messages', 'silent');
    expect(left.length).toBe(3);
    await Promise.all(left.map(({ hungUp }) => hungUp));
    // Of those that waited in vain, one for each route was not aborted.
    for (const route of ['/v1/chat/completions', '/v1/messages'])
      expect(await world.metric(`gateway_requests_total{route="${route}",outcome="UPSTREAM_TIMEOUT"}`)).toBe(1);
  });

  it('send only what a model takes', () => {
    const prompts = of('words', 'tools', 'structured').filter(({ path }) => path === '/v1/chat/completions');
    expect(prompts.length).toBeGreaterThan(10);
    expect(prompts.flatMap((each) => faultsOfChat(messagesOf(each)))).toEqual([]);
  });

  const of = (...names: readonly string[]): readonly Asked[] =>
    world.upstream.asked.filter(({ body }) => names.includes(String(body?.['model'])));
});
