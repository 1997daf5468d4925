import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ContextRecord } from '../../../../src/base/context.ts';
import { blocksOf, fit, inOrder, type WindowMessage } from '../../../../src/hirag/window/assembly.ts';
import { callIdsOf, storedFormOf } from '../../../../src/hirag/window/message.ts';
import type { LiveMessage } from '../../../../src/hirag/window/session-body.ts';
import { sampleRecord } from '../../../contract/store-samples.ts';
import { CONVERSATION, itemsOf, messagesFrom } from './conversations.ts';

function recordOf(message: LiveMessage): ContextRecord {
  const { id, role, tokens, calls, answers } = message;
  const toolCalls = calls?.map((call) => ({ id: call, type: 'function', function: { name: 'f', arguments: '{}' } }));
  const form = storedFormOf(
    { role, content: `text of ${id}`, ...(toolCalls && { toolCalls }), ...(answers && { toolCallId: answers }) },
    0,
    '',
  );
  return sampleRecord(id, { id, ...form, tokenCount: tokens });
}

function special(kind: 'header' | 'card', tokens: number, i = 0): WindowMessage {
  return {
    role: kind === 'header' ? 'system' : 'user',
    content: kind,
    kind,
    tokens,
    ...(kind === 'card' && { cardId: `${i}` }),
  };
}

/** What chat APIs ask for: each result directly behind the message that called for it, and every call answered, but for the last. */
function checkValid(messages: readonly WindowMessage[]): void {
  let open = new Set<string>();
  messages.forEach((message, place) => {
    if (message.role === 'tool') {
      expect(open.delete(message.toolCallId ?? '')).toBe(true);
      return;
    }
    expect(open.size, `calls are open before ${place}`).toBe(0);
    open = new Set(callIdsOf(message.toolCalls));
  });
}

describe('a window', () => {
  it('of any conversation is valid, in order and within its budget, whoever has deleted what', () => {
    const budget = fc.integer({ min: 1, max: 1200 });
    const cards = fc.array(fc.integer({ min: 1, max: 160 }), { maxLength: 12 });
    const header = fc.option(fc.integer({ min: 1, max: 100 }));
    fc.assert(
      fc.property(CONVERSATION, budget, cards, header, fc.array(fc.nat(60)), (turns, maxTokens, sizes, head, gone) => {
        const live = messagesFrom(turns);
        const records = new Map(live.map((message) => [message.id, recordOf(message)]));
        for (const place of gone) records.delete(`m${place}`);
        const blocks = blocksOf(itemsOf(live), (id) => records.get(id) ?? null);
        const shown = sizes.map((tokens, i) => special('card', tokens, i));
        const fitted = fit(maxTokens, head === null ? null : special('header', head), shown, blocks);
        const memory: WindowMessage | null =
          fitted.left > 0 ? { role: 'user', content: 'm', kind: 'memory', tokens: fitted.left } : null;
        const messages = inOrder(fitted, memory);
        expect(messages.reduce((sum, { tokens }) => sum + tokens, 0)).toBeLessThanOrEqual(maxTokens);
        checkValid(messages);
        expect(new Set(messages.flatMap(({ id }) => id ?? [])).size).toBe(
          messages.flatMap(({ id }) => id ?? []).length,
        );
        const kinds = messages.map(({ kind }) => kind).filter((kind) => kind !== 'memory');
        const order = ['header', 'card', 'message'];
        expect(kinds).toEqual(kinds.toSorted((a, b) => order.indexOf(a) - order.indexOf(b)));
        if (memory === null) return;
        const place = messages.indexOf(memory);
        const lastUser = messages.findLastIndex(({ role, kind }) => role === 'user' && kind === 'message');
        if (lastUser >= 0) expect(place).toBe(lastUser - 1);
      }),
    );
  });

  it('gives up memory first, then cards from the oldest on, then messages from the oldest on, and last what the user asks', () => {
    const live: LiveMessage[] = [
      { id: 'u1', role: 'user', tokens: 100, atMs: 0, recordedAtMs: 0 },
      { id: 'a1', role: 'assistant', tokens: 100, atMs: 0, recordedAtMs: 0 },
      { id: 'u2', role: 'user', tokens: 100, atMs: 0, recordedAtMs: 0 },
    ];
    const blocks = blocksOf(itemsOf(live), (id) => recordOf(live.find((one) => one.id === id) as LiveMessage));
    const shown = [0, 1, 2].map((i) => special('card', 20, i));
    const at = (maxTokens: number) => {
      const { header, cards, blocks: kept, left } = fit(maxTokens, special('header', 50), shown, blocks);
      const ids = kept.flatMap(({ messages }) => messages.map(({ id }) => id));
      return { header: header !== null, cards: cards.map(({ cardId }) => cardId), ids, left };
    };
    const all = { header: true, ids: ['u1', 'a1', 'u2'] };
    expect(at(600)).toEqual({ ...all, cards: ['0', '1', '2'], left: 190 });
    expect(at(410)).toEqual({ ...all, cards: ['1', '2'], left: 20 });
    expect(at(375)).toEqual({ ...all, cards: ['2'], left: 5 });
    expect(at(365)).toEqual({ ...all, cards: [], left: 15 });
    expect(at(340)).toEqual({ header: true, cards: [], ids: ['a1', 'u2'], left: 0 });
    expect(at(160)).toEqual({ header: true, cards: [], ids: ['u2'], left: 0 });
    expect(at(120)).toEqual({ header: false, cards: [], ids: ['u2'], left: 0 });
    expect(at(60)).toEqual({ header: true, cards: [], ids: [], left: 0 });
  });
});
