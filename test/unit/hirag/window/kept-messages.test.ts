// What sessions list is there as long as they list it, and what is deleted is told by nothing of them.

import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import type { Settings } from '../../../../src/config/settings.ts';
import type { Memory } from '../../../../src/hirag/types.ts';
import type { MessageInput } from '../../../../src/hirag/window/message.ts';
import { messagesOf } from '../../../../src/hirag/window/session-body.ts';
import { idOf } from '../../../contract/store-samples.ts';
import { FaultyStore } from '../../../support/faulty-store.ts';
import { type MemoryFixture, openMemory } from '../../../support/memory-fixture.ts';

const SESSION = { namespace: 'n', agentId: 'a', sessionId: 's' };
const open: MemoryFixture[] = [];
afterEach(async () => {
  for (const fixture of open.splice(0)) await fixture.close();
});

async function start(options: Parameters<typeof openMemory>[0] = {}): Promise<MemoryFixture> {
  const fixture = await openMemory(options);
  open.push(fixture);
  return fixture;
}

const user = (content: string, id: string): MessageInput => ({ role: 'user', content, id: idOf(id) });
const append = (memory: Memory, ...messages: MessageInput[]) => memory.sessions.append({ ...SESSION, messages });
/** Alike enough for a card to leave one out they are not. */
const SECRETS = [
  'Greta has booked a table at Luigi’s for',
  'the deadline of our tender in Oslo is',
  'my sister prefers the hotel with the name',
  'parcel 7003 goes by train to',
  'we agreed to call the new horse',
  'Paul must confirm his flight under',
  'I chose for the garden',
  'tomorrow Lena cancels her order of',
];
const said = (i: number): string => `${SECRETS[i]} mulberry${i}. ${'And so on. '.repeat(20)}`;

/** All that anybody reads of the session. */
async function told({ sessions }: Memory): Promise<string> {
  const window = await sessions.window({ ...SESSION, maxTokens: 4_000, recall: false });
  const { live, cards } = await sessions.get(SESSION, {});
  return JSON.stringify([window.messages, live, cards]);
}

async function expanded({ sessions }: Memory): Promise<string[]> {
  const { live, cards } = await sessions.get(SESSION, {});
  const ids: string[] = [];
  for (const { cardId } of cards.toReversed())
    ids.push(...(await sessions.expand({ ...SESSION, cardId })).messages.map(({ record }) => record.id));
  return [...ids, ...messagesOf(live).map(({ id }) => id)];
}

/** The first four leave, two to a card. */
async function talk(memory: Memory): Promise<void> {
  await memory.sessions.configure({ ...SESSION, maxTokens: 600 });
  for (let i = 0; i < 8; i++) await append(memory, user(said(i), `m${i}`));
  expect(await told(memory)).toContain('mulberry1');
}

describe('a card', () => {
  const deletions: Record<string, (memory: Memory) => Promise<unknown>> = {
    id: (memory) => memory.delete('n', { id: idOf('m1') }),
    filter: (memory) =>
      memory.delete('n', { filter: { must: [{ key: 'metadata.message.role', match: { value: 'user' } }] } }),
    level: async (memory) => {
      for (const level of ['immediate', 'short_term', 'long_term'] as const) await memory.clearLevel('n', level);
    },
  };
  it.each(Object.keys(deletions))('tells nothing of a message that was deleted by %s', async (by) => {
    const { memory } = await start();
    await talk(memory);
    await deletions[by]!(memory);
    const after = await told(memory);
    expect(after).not.toContain('mulberry1');
    expect(await told(memory)).toBe(after);
    const { cards, window } = await memory.sessions.get(SESSION, {});
    expect(window.cards).toBe(cards.length);
    expect(after.includes('mulberry0')).toBe(by === 'id');
    for (const { cardId, messageCount } of cards)
      expect((await memory.sessions.expand({ ...SESSION, cardId })).messages).toHaveLength(messageCount);
  });

  it('tells what a message says now', async () => {
    const { memory } = await start();
    await talk(memory);
    await memory.update({ namespace: 'n', id: idOf('m1'), text: said(1).replace('mulberry1', 'redacted') });
    const after = await told(memory);
    expect(after).not.toContain('mulberry1');
    expect(after).toContain('redacted');
  });

  it('that stands in the place of a message goes with it', async () => {
    const { memory } = await start();
    await memory.sessions.configure({ ...SESSION, maxTokens: 500 });
    await append(memory, user(said(1).repeat(9), 'huge'));
    expect(await told(memory)).toContain('mulberry1');
    await memory.delete('n', { id: idOf('huge') });
    expect(await told(memory)).not.toContain('mulberry1');
    expect((await memory.sessions.get(SESSION, {})).window).toMatchObject({ cards: 0, liveMessages: 0 });
  });

  it('is made of what is still there when messages leave', async () => {
    const { memory } = await start();
    await memory.sessions.configure({ ...SESSION, maxTokens: 600 });
    await append(memory, user(said(0), 'm0'), user(said(1), 'm1'));
    await memory.delete('n', { id: idOf('m1') });
    for (let i = 2; i < 8; i++) await append(memory, user(said(i), `m${i}`));
    const { cards } = await memory.sessions.get(SESSION, {});
    expect(cards.at(-1)?.summary).toContain('mulberry0');
    expect(JSON.stringify(cards)).not.toContain('mulberry1');
  });
});

describe('a message that was deleted and comes again', () => {
  it('is told once, where it comes', async () => {
    const { memory, clock } = await start();
    await talk(memory);
    for (const name of ['m1', 'm7']) {
      await memory.delete('n', { id: idOf(name) });
      clock.advance(10);
      const { messages } = await append(memory, user(`${name} again`, name));
      expect(messages).toMatchObject([{ created: true }]);
    }
    const ids = await expanded(memory);
    expect(ids).toEqual(['m0', 'm2', 'm3', 'm4', 'm5', 'm6', 'm1', 'm7'].map((name) => idOf(name)));
    expect(await told(memory)).not.toContain('mulberry1');
  });
});

describe('messages that a session lists', () => {
  const SHORT_LIVES: Record<string, Partial<Settings['hirag']>> = {
    'L2 deletes': { l1Size: 2, l2TtlSecs: 60, l2Expiry: 'delete' },
    'L1 is off': { l1Enabled: false, l2TtlSecs: 60, l2Expiry: 'delete' },
    'L3 is off': { l1Size: 2, l2Size: 2, l2TtlSecs: 60, l3Enabled: false },
    'L1 is all there is': { l1Size: 2, l2Enabled: false, l3Enabled: false },
    'L3 ends, too': { l1Size: 1, l2Size: 1, l2TtlSecs: 60, l3TtlSecs: 60 },
  };
  it.each(Object.keys(SHORT_LIVES))('stay until they leave its window: %s', async (name) => {
    const { memory, clock } = await start({ settings: SHORT_LIVES[name]! });
    for (let i = 0; i < 6; i++) await append(memory, user(`Message number ${i}.`, `m${i}`));
    clock.advance(10 * 60_000);
    await memory.gc();
    clock.advance(10 * 60_000);
    await memory.gc();
    await append(memory, user('Still there?', 'last'));
    const { messages } = await memory.sessions.window({ ...SESSION, recall: false });
    expect(messages.map(({ content }) => content)).toEqual([
      ...[0, 1, 2, 3, 4, 5].map((i) => `Message number ${i}.`),
      'Still there?',
    ]);
    await memory.sessions.reset({ ...SESSION, forget: false });
    for (const text of ['one', 'two', 'three'])
      await memory.store({ namespace: 'n', agentId: 'a', sessionId: 's', text });
    for (let i = 0; i < 3; i++) {
      clock.advance(10 * 60_000);
      await memory.gc();
    }
    const left = (await memory.list({ namespace: 'n' })).records.filter(({ text }) => text.startsWith('Message'));
    expect(left).toEqual([]);
  });
});

describe('a session that was forgotten', () => {
  it('is not brought back by whoever read it before and is late', async () => {
    const store = new FaultyStore();
    const { memory } = await start({ store, deps: { clock: systemClock } });
    const late = await start({ store, deps: { clock: systemClock } });
    await append(memory, user('of the old one', 'old'));
    const write = store.writeDocuments.bind(store);
    let isForgotten = false;
    store.writeDocuments = async (changes) => {
      const [change] = changes;
      const isLate = change?.op === 'put' && JSON.stringify(change).includes('late header') && !isForgotten;
      if (isLate) {
        isForgotten = true;
        await memory.sessions.reset({ ...SESSION, forget: true });
        await append(memory, user('of the new one', 'new'));
      }
      return write(changes);
    };
    await late.memory.sessions.configure({ ...SESSION, header: 'late header' });
    expect(isForgotten).toBe(true);
    const { live } = await memory.sessions.get(SESSION, {});
    expect(messagesOf(live).map(({ id }) => id)).toEqual([idOf('new')]);
  });
});

describe('what an append and a page cost', () => {
  it('reads back nothing of what it stores, and pages each card once', async () => {
    const store = new FaultyStore();
    const { memory } = await start({ store });
    await memory.sessions.configure({ ...SESSION, maxTokens: 64 });
    let fetched = 0;
    store.beforeCall = (method) => {
      if (method === 'fetch') fetched++;
      return Promise.resolve();
    };
    await append(memory, { role: 'user', content: 'short' });
    expect(fetched).toBe(0);
    for (let i = 0; i < 440; i++) await append(memory, user(`Turn ${i} of many words.`.repeat(3), `m${i}`));
    let scanned = 0;
    const scan = store.scanDocuments.bind(store);
    store.scanDocuments = async (request) => {
      const page = await scan(request);
      scanned += page.documents.length;
      return page;
    };
    const ids: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await memory.sessions.get(SESSION, cursor === undefined ? {} : { cursor });
      ids.push(...page.cards.map(({ cardId }) => cardId));
      ({ cursor } = page);
    } while (cursor !== undefined);
    expect(ids.length).toBeGreaterThan(200);
    expect(new Set(ids).size).toBe(ids.length);
    expect(scanned).toBeLessThan(1.5 * ids.length);
    await expect(memory.sessions.get(SESSION, { cursor: '7' })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  });

  it('finds what comes again wherever it has gone, and reads little for it', async () => {
    const store = new FaultyStore();
    const { memory, clock } = await start({ store });
    await memory.sessions.configure({ ...SESSION, maxTokens: 64 });
    const turn = (i: number): MessageInput => user(`Turn ${i} of many words.`.repeat(3), `m${i}`);
    for (let i = 0; i < 20; i++) await append(memory, turn(i));
    await memory.delete('n', { id: idOf('m7') });
    clock.advance(10);
    for (let i = 20; i < 440; i++) await append(memory, turn(i === 100 ? 7 : i));
    let read = 0;
    const scan = store.scanDocuments.bind(store);
    store.scanDocuments = async (request) => {
      const page = await scan(request);
      read += page.documents.length;
      return page;
    };
    const again = await append(memory, turn(0), turn(7));
    expect(again.messages.map(({ created }) => created)).toEqual([false, false]);
    expect(read).toBeLessThan(70);
    store.scanDocuments = scan;
    const { live } = await memory.sessions.get(SESSION, {});
    expect(messagesOf(live).map(({ id }) => id)).not.toContain(idOf('m0'));
    await memory.sessions.reset({ ...SESSION, forget: true });
    for (const kind of ['session', 'card', 'card_ids'])
      expect((await scan({ namespace: 'n', kind, descending: false, limit: 9 })).documents).toEqual([]);
  });
});
