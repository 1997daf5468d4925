import { afterEach, describe, expect, it } from 'vitest';
import type { MessageInput } from '../../../../src/hirag/window/message.ts';
import type { SessionId } from '../../../../src/hirag/window/session-store.ts';
import { messagesOf } from '../../../../src/hirag/window/session-body.ts';
import type { Memory } from '../../../../src/hirag/types.ts';
import { FaultyStore } from '../../../support/faulty-store.ts';
import { type MemoryFixture, openMemory } from '../../../support/memory-fixture.ts';
import { systemClock } from '../../../../src/base/clock.ts';
import { noMetrics } from '../../../../src/base/metrics.ts';
import { CodedError } from '../../../../src/base/errors.ts';
import { idOf } from '../../../contract/store-samples.ts';

const SESSION: SessionId = { namespace: 'n', agentId: 'a', sessionId: 's' };
const open: MemoryFixture[] = [];
afterEach(async () => {
  for (const fixture of open.splice(0)) await fixture.close();
});

async function start(options: Parameters<typeof openMemory>[0] = {}): Promise<MemoryFixture> {
  const fixture = await openMemory(options);
  open.push(fixture);
  return fixture;
}

const user = (content: string, id?: string): MessageInput => ({ role: 'user', content, ...(id && { id }) });
const answer = (content: string): MessageInput => ({ role: 'assistant', content });
const append = (memory: Memory, ...messages: MessageInput[]) => memory.sessions.append({ ...SESSION, messages });

/** All that a session was ever told, from its cards and what is live. */
async function toldIn({ sessions }: Memory, id = SESSION): Promise<string[]> {
  const { live, cards } = await sessions.get(id, {});
  const told: string[] = [];
  for (const { cardId } of cards.toReversed()) {
    let cursor: string | undefined;
    do {
      const page = await sessions.expand({ ...id, cardId, ...(cursor && { cursor }) });
      told.push(...page.messages.map(({ record }) => record.id));
      cursor = page.cursor;
    } while (cursor !== undefined);
  }
  return [...told, ...messagesOf(live).map((message) => message.id)];
}

/** About 100 tokens. */
function longText(i: number): string {
  return `Turn ${i}: the parcel number ${7000 + i} goes to Mara in Porto. ${'We talked about this and that for a while. '.repeat(8)}`;
}

describe('a session', () => {
  it('sends what was said, within its budget, however long it gets, and tells of all of it', async () => {
    const { memory } = await start();
    await memory.sessions.configure({ ...SESSION, maxTokens: 1000, header: 'You are kind.' });
    const ids: string[] = [];
    for (let i = 0; i < 40; i++) {
      const { messages, window } = await append(memory, user(longText(i)), answer(`Yes, ${i}.`));
      ids.push(...messages.map(({ id }) => id));
      expect(window.pressure).toBeLessThan(0.8);
      const sent = await memory.sessions.window(SESSION);
      expect(sent.tokens.total).toBeLessThanOrEqual(1000);
      expect(sent.messages[0]).toMatchObject({ kind: 'header', role: 'system', content: 'You are kind.' });
      expect(sent.messages.at(-1)).toMatchObject({ kind: 'message', content: `Yes, ${i}.` });
    }
    expect(await toldIn(memory)).toEqual(ids);
    const { cards } = await memory.sessions.get(SESSION, {});
    expect(cards.length).toBeGreaterThan(3);
    for (const card of cards) {
      expect(card.tokenCount).toBeLessThanOrEqual(160);
      expect(card.summary).toMatch(/user: Turn \d+: the parcel number 7\d+ goes to Mara/);
    }
    const asked = await memory.sessions.window({ ...SESSION, query: 'Turn 3: where does parcel number 7003 go?' });
    const block = asked.messages.find(({ kind }) => kind === 'memory');
    expect(block?.content).toContain('7003');
    expect(asked.messages.indexOf(block!)).toBe(
      asked.messages.findLastIndex(({ role, kind }) => role === 'user' && kind === 'message') - 1,
    );
    const shown = new Set(asked.messages.flatMap(({ id }) => id ?? []));
    for (const { record } of asked.recalled) expect(shown.has(record.id)).toBe(false);
  });

  it('takes the same message again as it is, wherever it has gone, and refuses another of its id with all of the call', async () => {
    const { memory } = await start();
    await memory.sessions.configure({ ...SESSION, maxTokens: 400 });
    const first = user(longText(0), idOf('first'));
    for (let i = 1; i < 9; i++) await append(memory, ...(i === 1 ? [first] : []), user(longText(i)));
    const before = await toldIn(memory);
    const again = await append(memory, first, user('new', idOf('new')), user('new', idOf('new')));
    expect(again.messages.map(({ created }) => created)).toEqual([false, true, false]);
    expect(await toldIn(memory)).toEqual([...before, idOf('new')]);
    await expect(append(memory, user('never', idOf('never')), user('other', idOf('first')))).rejects.toMatchObject({
      code: 'CONFLICT',
    });
    const call = { id: 'c', type: 'function', function: { name: 'look', arguments: '{}' } };
    const turned = { function: { arguments: '{}', name: 'look' }, type: 'function', id: 'c' };
    const calling = { role: 'assistant', content: null, id: idOf('call') } as const;
    const twice = await append(memory, { ...calling, toolCalls: [call] }, { ...calling, toolCalls: [turned] });
    expect(twice.messages.map(({ created }) => created)).toEqual([true, false]);
    await expect(append(memory, user('a', idOf('x')), user('b', idOf('x')))).rejects.toMatchObject({
      code: 'CONFLICT',
    });
    await expect(memory.get('n', idOf('never'))).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(memory.sessions.append({ ...SESSION, sessionId: 'other', messages: [first] })).rejects.toMatchObject({
      code: 'CONFLICT',
    });
  });

  it('counts what is said, what leaves and every card, also those of a message that is too long and of a reset', async () => {
    const counted: Record<string, number> = {};
    const count = (name: string, _labels: object = {}, by = 1): void =>
      void (counted[name] = (counted[name] ?? 0) + by);
    const { memory } = await start({ deps: { metrics: { ...noMetrics, count } } });
    await memory.sessions.configure({ ...SESSION, maxTokens: 400 });
    for (let i = 0; i < 6; i++) await append(memory, user(longText(i)));
    await append(memory, user('Who is Mara?'), answer(longText(7).repeat(4)));
    const { cards, live, window } = await memory.sessions.get(SESSION, {});
    const inPlace = live.filter(({ card }) => card !== undefined).length;
    expect(inPlace).toBe(1);
    expect(counted).toMatchObject({
      window_messages_total: 8,
      window_offloaded_messages_total: window.archivedMessages,
      window_cards_total: cards.length + inPlace,
    });
    const { archived } = await memory.sessions.reset({ ...SESSION, forget: false });
    expect(archived).toBeGreaterThan(0);
    expect(counted['window_offloaded_messages_total']).toBe(8);
    expect(counted['window_cards_total']).toBe((await memory.sessions.get(SESSION, {})).cards.length + inPlace);
  });

  it('reads no further for who has stopped waiting', async () => {
    const { memory } = await start();
    await memory.sessions.configure({ ...SESSION, maxTokens: 200 });
    for (let i = 0; i < 5; i++) await append(memory, user(longText(i)));
    const { cards } = await memory.sessions.get(SESSION, {});
    const stopped = { signal: AbortSignal.abort(new CodedError('DEADLINE_EXCEEDED', 'late')) };
    const late = { code: 'DEADLINE_EXCEEDED' };
    await expect(memory.sessions.get(SESSION, {}, stopped)).rejects.toMatchObject(late);
    await expect(memory.sessions.list({ namespace: 'n' }, stopped)).rejects.toMatchObject(late);
    const asked = { ...SESSION, cardId: cards[0]?.cardId ?? '' };
    await expect(memory.sessions.expand(asked, stopped)).rejects.toMatchObject(late);
  });

  it('lists what was stored but not listed when it comes again', async () => {
    const store = new FaultyStore();
    const { memory } = await start({ store });
    const write = store.writeDocuments.bind(store);
    store.writeDocuments = () => Promise.reject(new CodedError('STORE_UNAVAILABLE', 'away'));
    await expect(append(memory, user('hello', idOf('m')))).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    store.writeDocuments = write;
    expect((await append(memory, user('hello', idOf('m')))).messages).toMatchObject([{ created: false }]);
    expect(await toldIn(memory)).toEqual([idOf('m')]);
  });

  it('keeps the messages of a call together, whoever else appends, over one server or several', async () => {
    const store = new FaultyStore();
    const servers = await Promise.all([1, 2, 3].map(() => start({ store, deps: { clock: systemClock } })));
    await servers[0]?.memory.sessions.configure({ ...SESSION, maxTokens: 300 });
    const calls = Array.from({ length: 18 }, (_, call) =>
      [0, 1, 2].map((part) => user(`${call}.${part} said at length`, idOf(`${call}.${part}`))),
    );
    await Promise.all(calls.map((messages, call) => append(servers[call % 3]!.memory, ...messages)));
    const told = await toldIn(servers[1]!.memory);
    const names = new Map(
      calls.flatMap((messages, call) => messages.map(({ id }, part) => [id!, { call, part }] as const)),
    );
    expect(told).toHaveLength(54);
    told.forEach((id, i) => {
      const { call, part } = names.get(id)!;
      expect(part).toBe(i % 3);
      expect(names.get(told[i - part]!)?.call).toBe(call);
    });
  });

  it('tells of answers that are always the same', async () => {
    const { memory } = await start();
    const guards = [];
    for (let i = 0; i < 7; i++)
      guards.push((await append(memory, user(`try ${i}`), answer('I am sorry, I cannot do that.'))).guards);
    expect(guards[0]).toBeUndefined();
    expect(guards.map((guard) => guard?.echo?.run)).toEqual([undefined, 1, 2, 3, 4, 5, 6]);
    expect(guards.map((guard) => guard?.boredom?.run)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      undefined,
      5,
      6,
    ]);
    expect((await append(memory, answer('Here is the file, with everything in it.'))).guards).toBeUndefined();
    expect((await append(memory, answer('I am sorry, I cannot do that.'))).guards?.echo?.run).toBe(1);
  });

  it('stands a card in the place of a message that is too long alone, which expands to it', async () => {
    const { memory } = await start();
    await memory.sessions.configure({ ...SESSION, maxTokens: 500 });
    await append(memory, user('short'), answer('yes'));
    const huge = await append(memory, user(longText(5).repeat(6), idOf('huge')));
    expect(huge.window).toMatchObject({ cards: 1, archivedMessages: 0 });
    const { messages, tokens } = await memory.sessions.window({ ...SESSION, recall: false });
    expect(messages.map(({ kind, role }) => `${role} ${kind}`)).toEqual([
      'user message',
      'assistant message',
      'user card',
    ]);
    expect(tokens.total).toBeLessThan(300);
    const cardId = messages[2]?.cardId ?? '';
    expect((await memory.sessions.expand({ ...SESSION, cardId })).messages).toMatchObject([
      { record: { id: idOf('huge') } },
    ]);
  });

  it('shows state, and never recalls a memory block that was appended', async () => {
    const { memory } = await start();
    await memory.store({ namespace: 'n', agentId: 'a', text: 'Mara is allergic to peanuts' });
    await memory.sessions.configure({ ...SESSION, state: { goals: [{ text: 'book a table', status: 'open' }] } });
    await append(memory, user('What is Mara allergic to?'));
    const first = await memory.sessions.window(SESSION);
    const block = first.messages.find(({ kind }) => kind === 'memory')!;
    expect(block.content).toContain('goals: book a table (open)');
    expect(block.content).toContain('allergic to peanuts');
    await append(memory, user(block.content as string), answer('Peanuts.'));
    await memory.sessions.reset({ ...SESSION, forget: false });
    await append(memory, user('What is Mara allergic to?'));
    const { recalled } = await memory.sessions.window({ ...SESSION, recall: { relevanceThreshold: 0 } });
    expect(recalled.map(({ record }) => record.text).filter((text) => text.startsWith('[Memory'))).toEqual([]);
    expect(recalled.map(({ record }) => record.text)).toContain('Mara is allergic to peanuts');
    const other = { ...SESSION, sessionId: 'another' };
    const query = 'What is Mara allergic to?';
    const elsewhere = await memory.sessions.window({ ...other, query, recall: { relevanceThreshold: 0 } });
    expect(elsewhere.recalled.map(({ record }) => record.text)).toContain('Mara is allergic to peanuts');
    expect(elsewhere.recalled.filter(({ record }) => record.text.startsWith('[Memory'))).toEqual([]);
  });

  it('is empty after a reset and tells of all all the same, and is gone where it is to be forgotten', async () => {
    const { memory } = await start();
    const { messages } = await append(memory, user('one'), answer('two'));
    expect(await memory.sessions.reset({ ...SESSION, forget: false })).toEqual({ archived: 2, deleted: 0 });
    expect(await memory.sessions.window({ ...SESSION, recall: false })).toMatchObject({
      messages: [],
      window: { liveMessages: 0, cards: 0 },
    });
    const { messages: more } = await append(memory, user('three'));
    expect(await toldIn(memory)).toEqual([...messages, ...more].map(({ id }) => id));
    expect(await memory.sessions.reset({ ...SESSION, forget: true })).toEqual({ archived: 0, deleted: 3 });
    await expect(memory.sessions.get(SESSION, {})).rejects.toMatchObject({ code: 'NOT_FOUND' });
    expect((await memory.list({ namespace: 'n' })).records).toEqual([]);
    expect(await memory.sessions.reset({ ...SESSION, forget: false })).toEqual({ archived: 0, deleted: 0 });
  });

  it('is listed by when it was used last, each agent its own, page by page', async () => {
    const { memory, clock } = await start();
    for (const sessionId of ['s1', 's2', 's3', 's1']) {
      clock.advance(10);
      await memory.sessions.append({ ...SESSION, sessionId, messages: [user(`in ${sessionId}`)] });
    }
    await memory.sessions.append({ ...SESSION, agentId: 'b', messages: [user('of b')] });
    const names: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await memory.sessions.list({ namespace: 'n', agentId: 'a', limit: 2, ...(cursor && { cursor }) });
      names.push(...page.sessions.map(({ body }) => body.sessionId));
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(names).toEqual(['s1', 's3', 's2']);
    expect((await memory.sessions.list({ namespace: 'n' })).sessions).toHaveLength(4);
    for (const bad of ['x', 'e30', Buffer.from('{"order":1,"keys":[1]}').toString('base64url')])
      await expect(memory.sessions.list({ namespace: 'n', cursor: bad })).rejects.toMatchObject({
        code: 'BAD_REQUEST',
      });
  });

  it('refuses numbers that contradict each other, and a header that leaves no room', async () => {
    const { memory } = await start();
    const bad = [
      { offloadAt: 0.5 },
      { relieveTo: 0.9 },
      { rearmAt: 0.9 },
      { maxTokens: 64, header: 'long '.repeat(100) },
    ];
    for (const fields of bad)
      await expect(memory.sessions.configure({ ...SESSION, ...fields })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await expect(memory.sessions.configure({ ...SESSION, agentId: '*' })).rejects.toMatchObject({
      code: 'BAD_REQUEST',
    });
  });
});
