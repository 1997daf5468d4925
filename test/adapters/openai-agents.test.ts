import {
  Agent,
  isSessionHistoryRewriteAwareSession,
  isSessionHistoryTransactionAwareSession,
  MemorySession,
  Runner,
  Usage,
  type AgentInputItem,
  type Model,
  type ModelResponse,
  type SessionHistoryTransaction,
} from '@openai/agents';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ContextManagerSession } from '../../clients/adapters/openai-agents/src/index.ts';
import { contextId } from '../../clients/adapters/shared/names.ts';
import type { Client } from '../../clients/typescript/src/index.ts';
import { World, type ServerProcess } from '../e2e/support/processes.ts';

const world = new World();
let server: ServerProcess;
let client: Client;
let other: Client;
let sessions = 0;

beforeAll(async () => {
  server = await world.serve(world.folder());
  client = await server.connect();
  other = await server.connect({ sender: 'another program' });
});

afterAll(async () => {
  await Promise.all([client.close(), other.close()]);
  await world.cleanUp();
});

const newSession = (sessionId = `session-${++sessions}`): ContextManagerSession =>
  new ContextManagerSession({ client, sessionId });
const again = async (session: ContextManagerSession): Promise<ContextManagerSession> =>
  new ContextManagerSession({ client: other, sessionId: await session.getSessionId() });
const said = (content: string): AgentInputItem => ({ role: 'user', content });
const called = (callId: string, args: string): Extract<AgentInputItem, { type: 'function_call' }> => ({
  type: 'function_call',
  callId,
  name: 'search',
  arguments: args,
  status: 'completed',
});
const contentsOf = (items: readonly AgentInputItem[]): unknown[] =>
  items.map((item) => ('content' in item ? item.content : item.type));

/** Of every kind, with what nobody knows yet, bytes, and what is too long for one context. */
const ITEMS: AgentInputItem[] = [
  { type: 'message', role: 'system', content: '' },
  {
    role: 'user',
    content: [
      { type: 'input_text', text: '%_é🙂 \ud800 \u0000' },
      { type: 'input_image', image: `data:image/png;base64,${'é🙂A'.repeat(20_000)}` },
    ],
  },
  {
    role: 'user',
    content: 'x'.repeat(300_000),
    providerData: { zeta: 1, alpha: [null, true, 0.1], __proto__: undefined },
  },
  {
    type: 'reasoning',
    id: 'rs_1',
    content: [{ type: 'input_text', text: 'thinking' }],
    rawContent: [{ type: 'reasoning_text', text: 'raw' }],
    providerData: { encryptedContent: 'abc==' },
  },
  called('c1', '{"q": "flights"}'),
  {
    type: 'function_call_result',
    callId: 'c1',
    name: 'search',
    status: 'completed',
    output: { type: 'image', image: { data: new Uint8Array([0, 1, 255]), mediaType: 'image/png' } },
  },
  { type: 'hosted_tool_call', name: 'web_search', status: 'completed', providerData: { $bytes: 'AAEC', $$bytes: 1 } },
  {
    type: 'hosted_tool_call',
    name: 'web_search',
    status: 'completed',
    providerData: { a: { $bytes: 'AAEC' }, b: { $$bytes: 'x' } },
  },
  { type: 'computer_call', callId: 'cc', status: 'completed', action: { type: 'screenshot' } },
  { role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: 'Morning flights.' }] },
  { type: 'compaction', encrypted_content: 'zzz' },
];

describe('a session', () => {
  it('gives every kind of item back as it was, in order', async () => {
    const session = newSession();
    await session.addItems(ITEMS.slice(0, 5));
    await session.addItems(ITEMS.slice(5));
    const read = await (await again(session)).getItems();
    expect(read).toEqual(ITEMS);
    // Names stay in their order, too.
    const json = (items: AgentInputItem[]): string => JSON.stringify(items);
    expect(json(read)).toBe(json(ITEMS));
    for (let left = ITEMS.length; left > 0; left--) expect(await session.popItem()).toEqual(ITEMS[left - 1]);
    expect(await session.popItem()).toBeUndefined();
    // Nothing is left of them, of the pieces of long ones neither.
    const filter = { must: [{ key: 'session_id', match: { value: await session.getSessionId() } }] };
    expect((await client.list({ agent_id: '*', filter }).page()).contexts).toEqual([]);
  });

  it('reads the last of them, and deletes nothing by it', async () => {
    const session = newSession();
    for (let call = 0; call < 3; call++)
      await session.addItems([said(`${call}.0`), said(`${call}.1`), said(`${call}.2`)]);
    for (const limit of [0, -1, 1, 2, 4, 8, 9, 50]) {
      const expected = ['0.0', '0.1', '0.2', '1.0', '1.1', '1.2', '2.0', '2.1', '2.2'].slice(limit <= 0 ? 9 : -limit);
      expect(contentsOf(await session.getItems(limit))).toEqual(expected);
    }
    expect(await session.getItems()).toHaveLength(9);
  });

  it('keeps the order of calls that nobody awaited, and that of programs whose clocks differ', async () => {
    const session = newSession();
    await Promise.all(
      Array.from({ length: 10 }, (_, place) => session.addItems([said(`${place}a`), said(`${place}b`)])),
    );
    const id = await session.getSessionId();
    const ahead = Date.now() + 3_600_000;
    const fields = { call: 'ahead', index: 0, item: JSON.stringify(said('ahead')) };
    await client.store({
      text: 'ahead',
      agent_id: 'openai-agents',
      session_id: id,
      created_at: ahead,
      tags: ['openai-agents'],
      metadata: { openai_agents: fields },
    });
    await (await again(session)).addItems([said('after')]);
    const expected = Array.from({ length: 10 }, (_, place) => [`${place}a`, `${place}b`]).flat();
    expect(contentsOf(await session.getItems())).toEqual([...expected, 'ahead', 'after']);
    expect(contentsOf(await session.getItems(2))).toEqual(['ahead', 'after']);
  });

  it('loses nothing of many writers, whose calls stand together; each pop takes another item', async () => {
    const session = newSession();
    const writers = await Promise.all(Array.from({ length: 6 }, () => again(session)));
    await Promise.all(
      writers.map((writer, place) => writer.addItems([0, 1, 2].map((index) => said(`${place}.${index}`)))),
    );
    const contents = contentsOf(await session.getItems()) as string[];
    expect(contents.toSorted()).toEqual(writers.flatMap((_, place) => [0, 1, 2].map((index) => `${place}.${index}`)));
    for (let start = 0; start < contents.length; start += 3)
      expect(new Set(contents.slice(start, start + 3).map((content) => content[0])).size).toBe(1);
    const popped = await Promise.all(writers.map((writer) => writer.popItem()));
    expect(contentsOf(popped.map((item) => item!)).toSorted()).toEqual(contents.slice(-6).toSorted());
    expect(contentsOf(await session.getItems())).toEqual(contents.slice(0, -6));
  });

  it('is cleared of its items alone, and is apart from others', async () => {
    const session = newSession();
    const id = await session.getSessionId();
    const neighbour = newSession(`${id}%`);
    await Promise.all([session.addItems(ITEMS), neighbour.addItems([said('stays')])]);
    await client.store({ text: 'a note of the same session', agent_id: 'openai-agents', session_id: id });
    await session.clearSession();
    expect(await session.getItems()).toEqual([]);
    expect(contentsOf(await neighbour.getItems())).toEqual(['stays']);
    const { contexts } = await client.list({ agent_id: 'openai-agents', session_id: id }).page();
    expect(contexts.map(({ text }) => text)).toEqual(['a note of the same session']);
    await session.addItems([said('anew')]);
    expect(contentsOf(await session.getItems())).toEqual(['anew']);
  });

  it('is found by queries, in words', async () => {
    await newSession().addItems([said('Mara prefers morning flights')]);
    const { contexts } = await client.query({ query: 'what does Mara prefer?', agent_id: 'openai-agents' });
    expect(contexts[0]?.text).toBe('Mara prefers morning flights');
  });

  it('refuses what cannot be stored, before anything is', async () => {
    const session = newSession();
    await expect(session.addItems([said('first'), { ...said('x'), providerData: { at: Number.NaN } }])).rejects.toThrow(
      /NaN/,
    );
    expect(await session.getItems()).toEqual([]);
    expect(() => newSession('x'.repeat(257))).toThrow(RangeError);
  });

  it('stores nothing twice where a call is made again after it failed', async () => {
    const failing = await server.connect({ sender: 'failing' });
    const session = new ContextManagerSession({ client: failing, sessionId: `session-${++sessions}` });
    const storeBatch = failing.storeBatch.bind(failing);
    // The answer is lost: the items are there, and nobody knows.
    failing.storeBatch = async (...request) => {
      await storeBatch(...request);
      throw new Error('the answer was lost');
    };
    await expect(session.addItems([said('once')])).rejects.toThrow('lost');
    failing.storeBatch = storeBatch;
    await session.addItems([said('once')]);
    expect(contentsOf(await session.getItems())).toEqual(['once']);
    await session.addItems([said('once')]);
    expect(await session.getItems()).toHaveLength(2);
    await failing.close();
  });
});

describe('transactions', () => {
  const append = (...contents: string[]): SessionHistoryTransaction => ({
    type: 'append_items',
    items: contents.map(said),
  });
  const replace = (expected: string[], replacement: string[]): SessionHistoryTransaction => ({
    type: 'replace_suffix',
    expectedSuffix: expected.map(said),
    replacement: replacement.map(said),
  });

  it('are offered as the framework asks for them', () => {
    expect([
      isSessionHistoryTransactionAwareSession(newSession()),
      isSessionHistoryRewriteAwareSession(newSession()),
    ]).toEqual([true, true]);
  });

  it('are made once, whoever repeats them, also after what they added was taken away', async () => {
    const session = newSession();
    const apply = async (operationId: string, transaction: SessionHistoryTransaction): Promise<void> =>
      (await again(session)).applyHistoryTransaction({ operationId, transaction });
    await Promise.all([apply('a', append('1', '2')), apply('a', append('1', '2'))]);
    expect(contentsOf(await session.getItems())).toEqual(['1', '2']);
    await session.popItem();
    await session.popItem();
    await apply('a', append('1', '2'));
    expect(await session.getItems()).toEqual([]);
    await expect(apply('a', append('1'))).rejects.toThrow(/different transaction/);
    await session.addItems([said('0'), said('1'), said('2')]);
    await apply('r', replace(['1', '2'], ['one', 'two', 'three']));
    await apply('r', replace(['1', '2'], ['one', 'two', 'three']));
    expect(contentsOf(await session.getItems())).toEqual(['0', 'one', 'two', 'three']);
    await expect(apply('s', replace(['1', '2'], []))).rejects.toThrow(/no longer/);
    await expect(apply('r', replace(['three'], []))).rejects.toThrow(/different transaction/);
    await apply('t', replace(['0', 'one', 'two', 'three'], []));
    expect(await session.getItems()).toEqual([]);
    await session.clearSession();
    await apply('a', append('1'));
    expect(contentsOf(await session.getItems())).toEqual(['1']);
  });

  it('that replace the same end at once: one does, and nothing that is added meanwhile is lost', async () => {
    const session = newSession();
    await session.addItems([said('0'), said('1'), said('2')]);
    const rivals = await Promise.all([again(session), again(session), again(session)]);
    const outcomes = await Promise.allSettled([
      ...rivals.map((rival, place) =>
        rival.applyHistoryTransaction({
          operationId: `op-${place}`,
          transaction: replace(['1', '2'], [`by ${place}`]),
        }),
      ),
      session.addItems([said('meanwhile')]),
    ]);
    const contents = contentsOf(await session.getItems()) as string[];
    const won = outcomes.slice(0, 3).filter(({ status }) => status === 'fulfilled').length;
    // Where the addition came first, the end is no longer what any of them expects.
    expect(won).toBeLessThanOrEqual(1);
    expect(contents.filter((content) => content.startsWith('by '))).toHaveLength(won);
    expect(contents).toContain('meanwhile');
    expect(contents.includes('1')).toBe(won === 0);
  });

  it.each([0, 1, 2, 3, 4, 5, 6, 7])('are brought to their end after a kill behind step %i', async (steps) => {
    const dying = await server.connect({ sender: 'dying' });
    const sessionId = `session-${++sessions}`;
    const session = newSession(sessionId);
    await session.addItems([said('0'), said('1')]);
    await session.addItems([said('2'), said('3')]);
    let left = steps;
    for (const method of ['storeBatch', 'update', 'delete'] as const) {
      const real = dying[method].bind(dying) as (...request: unknown[]) => Promise<never>;
      dying[method] = async (...request: unknown[]) => {
        if (left-- <= 0) throw new Error('killed');
        return real(...request);
      };
    }
    const args = { operationId: 'op', transaction: replace(['1', '2', '3'], ['one', 'x'.repeat(50_000)]) };
    await new ContextManagerSession({ client: dying, sessionId }).applyHistoryTransaction(args).catch(() => undefined);
    const whole = [
      ['0', '1', '2', '3'],
      ['0', 'one', 'x'.repeat(50_000)],
    ];
    expect(whole).toContainEqual(contentsOf(await session.getItems()));
    await (await again(session)).applyHistoryTransaction(args);
    expect(contentsOf(await session.getItems())).toEqual(whole[1]);
    expect(
      await client.get({ id: contextId(['openai-agents-operation', 'openai-agents', sessionId, 'op']) }),
    ).toBeDefined();
    await dying.close();
  });

  it('replace a call of a tool where it stands', async () => {
    const session = newSession();
    const memory = new MemorySession();
    const items = [said('0'), called('a', '1'), called('b', '2'), said('3'), called('a', '4'), said('5')];
    const mutations = [
      {
        type: 'replace_function_call' as const,
        callId: 'a',
        replacement: called('a', `{"long": "${'y'.repeat(50_000)}"}`),
      },
      { type: 'replace_function_call' as const, callId: 'none', replacement: called('none', '') },
    ];
    for (const one of [session, memory]) {
      await one.addItems(items);
      await one.applyHistoryMutations({ mutations });
      await one.applyHistoryMutations({ mutations });
    }
    expect(await session.getItems()).toEqual(await memory.getItems());
  });
});

describe('random histories', () => {
  const content = fc.constantFrom('a', 'b', 'c');
  const step = fc.oneof(
    fc.record({ do: fc.constant('add' as const), contents: fc.array(content, { maxLength: 3 }) }),
    fc.record({ do: fc.constant('pop' as const) }),
    fc.record({ do: fc.constant('read' as const), limit: fc.integer({ min: -1, max: 5 }) }),
    fc.record({
      do: fc.constant('append' as const),
      id: fc.constantFrom('p', 'q'),
      contents: fc.array(content, { maxLength: 2 }),
    }),
    fc.record({
      do: fc.constant('replace' as const),
      id: fc.constantFrom('r', 's', 't', 'u'),
      length: fc.nat(3),
      isWrong: fc.boolean(),
      contents: fc.array(content, { maxLength: 2 }),
    }),
    fc.record({ do: fc.constant('clear' as const) }),
  );

  it('leave the same as the session of the framework', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 20 }), async (steps) => {
        const [ours, theirs] = [newSession(), new MemorySession()];
        const both = async (
          task: (session: ContextManagerSession | MemorySession) => Promise<unknown>,
        ): Promise<void> => {
          const answers = await Promise.all(
            [ours, theirs].map((one) =>
              task(one).then(
                (value) => ({ value }),
                () => 'rejected',
              ),
            ),
          );
          expect(answers[0]).toEqual(answers[1]);
        };
        for (const one of steps) {
          if (one.do === 'add') await both((session) => session.addItems(one.contents.map(said)));
          else if (one.do === 'pop') await both((session) => session.popItem());
          else if (one.do === 'read') await both((session) => session.getItems(one.limit));
          else if (one.do === 'clear') await both((session) => session.clearSession());
          else {
            const end = one.do === 'append' ? [] : (await theirs.getItems()).slice(-one.length || Infinity);
            const transaction: SessionHistoryTransaction =
              one.do === 'append'
                ? { type: 'append_items', items: one.contents.map(said) }
                : {
                    type: 'replace_suffix',
                    expectedSuffix: one.isWrong ? [said('wrong'), ...end] : end,
                    replacement: one.contents.map(said),
                  };
            await both((session) => session.applyHistoryTransaction({ operationId: one.id, transaction }));
          }
          await both((session) => session.getItems());
        }
      }),
      { numRuns: Number(process.env['ADAPTER_HISTORIES'] ?? 8) },
    );
  });
});

describe('the runner of the framework', () => {
  /** Answers with how many messages it was sent. */
  class CountingModel implements Model {
    readonly inputs: unknown[] = [];

    getResponse(request: Parameters<Model['getResponse']>[0]): Promise<ModelResponse> {
      this.inputs.push(request.input);
      const text = `message ${this.inputs.length}`;
      return Promise.resolve({
        usage: new Usage(),
        output: [{ type: 'message', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text }] }],
      });
    }

    // eslint-disable-next-line @typescript-eslint/require-await, require-yield
    async *getStreamedResponse(): AsyncGenerator<never> {
      throw new Error('nobody streams here');
    }
  }

  it('goes on with a conversation from another process', async () => {
    const model = new CountingModel();
    const agent = new Agent({ name: 'Travel agent', instructions: 'Be kind.', model });
    const runner = new Runner({ tracingDisabled: true });
    const session = newSession();
    await runner.run(agent, 'I like morning flights', { session });
    const { finalOutput } = await runner.run(agent, 'Which do I like?', { session: await again(session) });
    expect(finalOutput).toBe('message 2');
    expect(model.inputs[1]).toMatchObject([
      { role: 'user', content: 'I like morning flights' },
      { role: 'assistant', content: [{ text: 'message 1' }] },
      { role: 'user', content: 'Which do I like?' },
    ]);
    expect(await session.getItems()).toHaveLength(4);
  });
});
