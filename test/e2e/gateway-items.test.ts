import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { GatewayWorld } from '../support/gateway/gateway-world.ts';
import { model } from '../support/gateway/scripted-model.ts';
import { sendJson, type Answerer } from '../support/gateway/scripted-upstream.ts';
import { faultsOfChat, messagesOf } from '../support/gateway/valid-prompts.ts';

type Item = Record<string, unknown>;

let world: GatewayWorld;
beforeAll(async () => {
  world = await GatewayWorld.open();
});
afterAll(() => world.close());

const sent = (): Item[] => world.upstream.last.body?.['input'] as Item[];
const kindsSent = (): unknown[] => sent().map(({ type, role }) => type ?? role);

let answers = 0;
/** Answers to `/v1/responses` with these items. */
function says(output: readonly Item[], status = 'completed'): Answerer {
  return (_asked, response) =>
    sendJson(response, { id: `resp_items_${++answers}`, object: 'response', status, output });
}

async function ask(path: string, body: object, session?: string): Promise<{ body: Item; headers: Headers }> {
  const headers: Record<string, string> = session === undefined ? {} : { 'x-session-id': session };
  const answer = await world.post(`/v1/${path}`, { model: 'm', ...body }, headers);
  const text = await answer.text();
  await world.settled();
  return { body: text.startsWith('{') ? (JSON.parse(text) as Item) : {}, headers: answer.headers };
}

async function shown(session: string): Promise<Item[]> {
  const payload = { session_id: session, recall: false };
  const answer = await world.post('/v1/memory/session.window', payload);
  return ((await answer.json()) as { messages: Item[] }).messages;
}

/** Pads a session so that its window takes the place of what a client sends. */
async function fill(session: string, count = 30): Promise<void> {
  const words = Array.from({ length: 60 }, (_, i) => `word${i}`).join(' ');
  const messages = Array.from({ length: count }, (_, i) => ({
    role: i % 2 === 0 ? 'user' : 'assistant',
    content: `note ${i}: ${words}`,
  }));
  const answer = await world.post('/v1/memory/session.append', { session_id: session, messages });
  expect(answer.status).toBe(200);
}

describe('items of responses', () => {
  it.each([
    [
      'of a custom tool',
      { type: 'custom_tool_call', id: 'ctc_1', call_id: 'c1', name: 'code', input: 'print("hi")' },
      { type: 'custom_tool_call_output', call_id: 'c1', output: 'hi' },
    ],
    [
      'of a computer',
      {
        type: 'computer_call',
        id: 'cu_1',
        call_id: 'c1',
        action: { type: 'click', x: 3, y: 4 },
        pending_safety_checks: [],
      },
      {
        type: 'computer_call_output',
        call_id: 'c1',
        output: { type: 'computer_screenshot', image_url: 'data:image/png;base64,QUJD' },
      },
    ],
    [
      'of a local shell',
      { type: 'local_shell_call', id: 'lsh_1', call_id: 'c1', action: { type: 'exec', command: ['ls'], env: {} } },
      { type: 'local_shell_call_output', id: 'lsh_1', call_id: 'c1', output: 'a.txt' },
    ],
    [
      'of an approval',
      { type: 'mcp_approval_request', id: 'c1', name: 'delete', server_label: 'files', arguments: '{"path":"a"}' },
      { type: 'mcp_approval_response', approval_request_id: 'c1', approve: true },
    ],
  ])('%s go on by the id of the answer, the call with its result', async (_what, call, result) => {
    world.upstream.answer(says([{ type: 'reasoning', id: 'rs_1', summary: [] }, call]));
    const first = await ask('responses', { input: `do it, ${call.type}` });
    world.upstream.answer(
      says([{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'done' }] }]),
    );
    const second = await ask('responses', { input: [result], previous_response_id: first.body['id'] });
    expect(world.upstream.last.body?.['previous_response_id']).toBeNull();
    expect(sent().at(-1)).toEqual(result);
    const { id, ...called } = call;
    const made = sent().at(-2);
    expect(made).toMatchObject(called);
    if (call.type !== 'custom_tool_call') expect(made?.['id']).toBe(id);
    // Later all of it is the session's, and each call still has its result.
    world.upstream.answer(
      says([{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'ok' }] }]),
    );
    await ask('responses', { input: 'and now?', previous_response_id: second.body['id'] });
    expect(kindsSent()).toHaveLength(5);
    expect(sent()[1]?.['call_id']).toBe('c1');
    expect(sent()[2]).toMatchObject({ type: `${String(sent()[1]?.['type'])}_output`, call_id: 'c1' });
  });

  it('that a model does by itself are an answer, with its question', async () => {
    world.upstream.answer(
      says([{ type: 'web_search_call', id: 'ws_1', status: 'completed', action: { type: 'search' } }]),
    );
    const first = await ask('responses', { input: 'look for boats' });
    world.upstream.answer(
      says([{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'ok' }] }]),
    );
    await ask('responses', { input: 'go on', previous_response_id: first.body['id'] });
    expect(sent()).toMatchObject([
      { role: 'user', content: 'look for boats' },
      { role: 'assistant', content: '[web_search_call omitted]' },
      { role: 'user' },
    ]);
  });

  it('stay whole and in order where the window takes the place of the history, and count', async () => {
    const long = Array.from({ length: 400 }, (_, i) => `found${i}`).join(' ');
    const history: Item[] = [];
    for (let turn = 0; turn < 12; turn++) {
      const result = { results: [{ text: long }] };
      history.push(
        { role: 'user', content: `question ${turn}` },
        { type: 'reasoning', id: `rs_${turn}`, summary: [] },
        { type: 'file_search_call', id: `fs_${turn}`, status: 'completed', queries: [], ...result },
        { type: 'reasoning', id: `rs_${turn}b`, summary: [] },
        { type: 'custom_tool_call', id: `ctc_${turn}`, call_id: `c${turn}`, name: 'code', input: `run ${turn}` },
        { type: 'custom_tool_call_output', call_id: `c${turn}`, output: `ran ${turn}` },
        { role: 'assistant', content: `answer ${turn}` },
      );
    }
    history.push({ role: 'user', content: 'the last question' });
    world.upstream.answer(
      says([{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'ok' }] }]),
    );
    const { headers } = await ask('responses', { input: history }, 'searches');
    expect(headers.get('x-memory-history')).toBe('window');
    expect(Number(headers.get('x-memory-tokens'))).toBeLessThanOrEqual(4096);
    const items = sent();
    expect(items.length).toBeGreaterThan(7);
    expect(items.length).toBeLessThan(history.length);
    const [{ content } = { content: '' }] = items;
    const from = history.findIndex((item) => item['content'] === content);
    // The newest without a gap, each as it was.
    expect(items.slice(0, -1)).toEqual(history.slice(from, -1));
  });

  it.each(['item_reference', 'compaction', 'something_of_tomorrow'])(
    'that nobody here can see into keep the history as it came: %s',
    async (type) => {
      const session = `opaque-${type}`;
      await fill(session);
      const input = [
        { type, id: 'x_1' },
        { role: 'user', content: 'and?' },
      ];
      world.upstream.answer(
        says([{ type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'ok' }] }]),
      );
      const { headers } = await ask('responses', { input }, session);
      expect([headers.get('x-memory-history'), headers.get('x-memory-opaque')]).toEqual(['client', type]);
      expect(sent()).toHaveLength(2);
      expect(sent()[0]).toEqual(input[0]);
    },
  );
});

describe('a chat of functions from before there were tools', () => {
  it('keeps each call with its result, also in a window', async () => {
    const session = 'legacy';
    await fill(session);
    const call = { name: 'weather', arguments: '{"city":"Oslo"}' };
    const messages: Item[] = [{ role: 'user', content: 'how is Oslo?' }];
    world.upstream.answer((_asked, response) =>
      sendJson(response, {
        id: 'f1',
        choices: [
          {
            index: 0,
            message: { role: 'assistant', content: null, function_call: call },
            finish_reason: 'function_call',
          },
        ],
      }),
    );
    await ask('chat/completions', { messages }, session);
    world.upstream.answer(model((_asked, number) => ({ text: ['It is fine.', 'You are welcome.'][number - 1] ?? '' })));
    const result = { role: 'function', name: 'weather', content: 'sunny' };
    const { headers } = await ask('chat/completions', { messages: [result] }, session);
    expect(headers.get('x-memory-history')).toBe('window');
    expect(messagesOf(world.upstream.last).slice(-3)).toMatchObject([
      { role: 'user' },
      { role: 'assistant', function_call: call },
      result,
    ]);
    await ask('chat/completions', { messages: [{ role: 'user', content: 'thanks' }] }, session);
    expect(messagesOf(world.upstream.last).slice(-4)).toMatchObject([
      { role: 'assistant', function_call: call },
      result,
      { role: 'assistant', content: 'It is fine.' },
      { role: 'user' },
    ]);
  });
});

describe('calls of tools', () => {
  const two = ['a', 'b'].map((id) => ({ id, name: 'look', input: { at: id } }));

  it.each(['chat/completions', 'messages', 'responses'])('answered one by one leave no orphan: %s', async (path) => {
    const session = `parallel-${path}`;
    const result = (id: string): object => {
      if (path === 'chat/completions') return { messages: [{ role: 'tool', tool_call_id: id, content: `seen ${id}` }] };
      if (path === 'responses') return { input: [{ type: 'function_call_output', call_id: id, output: `seen ${id}` }] };
      const block = { type: 'tool_result', tool_use_id: id, content: `seen ${id}` };
      return { max_tokens: 9, messages: [{ role: 'user', content: [block] }] };
    };
    const question =
      path === 'responses' ? { input: 'look' } : { max_tokens: 9, messages: [{ role: 'user', content: 'look' }] };
    world.upstream.answer(model((_asked, number) => (number === 1 ? { calls: two } : { text: `answer ${number}` })));
    await ask(path, question, session);
    await ask(path, result('a'), session);
    expect(callsAndResults(world.upstream.last.text)).toEqual(['call a', 'result a']);
    await ask(path, result('b'), session);
    const last = callsAndResults(world.upstream.last.text);
    for (const each of last) expect(last).toContain(each.replace('call', 'result'));
    for (const each of last) expect(last).toContain(each.replace('result', 'call'));
    expect(world.upstream.last.text).toContain('seen b');
  });

  it.each([true, false])(
    'of which a stream breaks off half are not kept, the answer is cut (named: %s)',
    async (isSecond) => {
      const session = `half-${isSecond}`;
      const chunk = (delta: object): string => `data: ${JSON.stringify({ choices: [{ index: 0, delta }] })}\n\n`;
      const call = (index: number, given: string) => ({
        tool_calls: [{ index, id: `c${index}`, type: 'function', function: { name: 'look', arguments: given } }],
      });
      world.upstream.answer((_asked, response) => {
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        const begin = isSecond ? chunk(call(0, '{"at":"map"}')) : '';
        response.write(begin + chunk(call(1, '{"at":"ma')), () => response.destroy());
      });
      const asked = { stream: true, messages: [{ role: 'user', content: 'look' }] };
      const answer = await world.post('/v1/chat/completions', { model: 'm', ...asked }, { 'x-session-id': session });
      await answer.text().catch(() => undefined);
      await world.settled();
      const [, said] = await shown(session);
      expect(said).toMatchObject({ role: 'assistant', content: [{ type: 'tool_call', omitted: true }] });
      const calls = (said?.['tool_calls'] ?? []) as { id: string }[];
      expect(calls.map(({ id }) => id)).toEqual(isSecond ? ['c0'] : []);
    },
  );

  it('that are given very much are kept as cut, and stay calls of their results', async () => {
    const session = 'long-calls';
    const input = { text: 'x'.repeat(250_000) };
    world.upstream.answer(
      model((_asked, number) => (number === 1 ? { calls: [{ id: 'c1', name: 'write', input }] } : { text: 'written' })),
    );
    await ask('chat/completions', { messages: [{ role: 'user', content: 'write' }] }, session);
    await ask('chat/completions', { messages: [{ role: 'tool', tool_call_id: 'c1', content: 'done' }] }, session);
    const messages = messagesOf(world.upstream.last);
    expect(faultsOfChat(messages)).toEqual([]);
    expect(messages).toHaveLength(3);
    const given = JSON.parse(messages[1]?.tool_calls?.[0]?.function.arguments ?? '') as Item;
    expect(given).toMatchObject({ cut: true, begin: expect.stringContaining('{"text":"xxx') as string });
    // Told again in full it is the same call.
    const told = [
      { role: 'user', content: 'write' },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: 'c1', type: 'function', function: { name: 'write', arguments: JSON.stringify(input) } }],
      },
      { role: 'tool', tool_call_id: 'c1', content: 'done' },
      { role: 'assistant', content: 'written' },
      { role: 'user', content: 'thanks' },
    ];
    await ask('chat/completions', { messages: told }, session);
    expect((await shown(session)).map(({ role }) => role)).toEqual([
      'user',
      'assistant',
      'tool',
      'assistant',
      'user',
      'assistant',
    ]);
  });
});

/** Of any of the three shapes, in order. */
function callsAndResults(text: string): string[] {
  const call = /"type":"function_call","call_id":"(\w+)"|"id":"(\w+)","(?:type":"function|name":"look)"/;
  const result = /"tool_call_id":"(\w+)"|"tool_use_id":"(\w+)"|"function_call_output","call_id":"(\w+)"/;
  const both = new RegExp(`${call.source}|${result.source}`, 'g');
  return [...text.matchAll(both)].map(([, a, b, ...results]) => {
    const called = a ?? b;
    return called === undefined ? `result ${results.find((each) => each !== undefined)}` : `call ${called}`;
  });
}
