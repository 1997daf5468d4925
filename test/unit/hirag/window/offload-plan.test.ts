import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  exchangesOf,
  LIVE_MESSAGES_MAX,
  mustOffload,
  planOffload,
  triedAfter,
} from '../../../../src/hirag/window/offload-plan.ts';
import { liveTokens, messagesOf, type LiveMessage } from '../../../../src/hirag/window/session-body.ts';
import { CONVERSATION, itemsOf, messagesFrom } from './conversations.ts';

const LIMITS = { maxTokens: 400, offloadAt: 0.8, relieveTo: 0.6, rearmAt: 0.7 };
const RELIEVED = 240;

function user(id: string, tokens: number): LiveMessage {
  return { id, role: 'user', tokens, atMs: 0, recordedAtMs: 0 };
}
function assistant(id: string, tokens: number, calls?: string[]): LiveMessage {
  return { id, role: 'assistant', tokens, atMs: 0, recordedAtMs: 0, ...(calls && { calls }) };
}
function tool(id: string, tokens: number, answers: string): LiveMessage {
  return { id, role: 'tool', tokens, atMs: 0, recordedAtMs: 0, answers };
}
const idsOf = (items: Parameters<typeof messagesOf>[0]): string[] => messagesOf(items).map(({ id }) => id);

describe('planOffload', () => {
  it('for any conversation loses and doubles nothing, keeps the order, and parts no call from its results', () => {
    fc.assert(
      fc.property(CONVERSATION, (turns) => {
        const live = itemsOf(messagesFrom(turns));
        const { leaving, staying, carded } = planOffload(live, LIMITS);
        expect([...leaving.flatMap(idsOf), ...idsOf(staying)]).toEqual(idsOf(live));
        const groups = [...leaving, staying];
        for (const group of groups) {
          const answered = new Set(messagesOf(group).flatMap(({ answers }) => answers ?? []));
          const elsewhere = groups.filter((other) => other !== group).flatMap((other) => messagesOf(other));
          for (const { calls = [] } of messagesOf(group))
            for (const call of calls) {
              if (answered.has(call)) continue;
              expect(elsewhere.some(({ answers }) => answers === call)).toBe(false);
            }
        }
        let place = 0;
        for (const { from, count } of carded) {
          expect(from).toBeGreaterThanOrEqual(place);
          place = from + count;
        }
        expect(place).toBeLessThanOrEqual(staying.length);
        // The newest exchange stays, and what leaves is no more than it takes.
        const exchanges = exchangesOf(live);
        expect(idsOf(staying).slice(-(exchanges.at(-1)?.length ?? 0) || live.length)).toEqual(
          idsOf(exchanges.at(-1) ?? []),
        );
        const saved = carded.flatMap(({ from, count }) => staying.slice(from, from + count));
        if (staying.length > (exchanges.at(-1)?.length ?? 0))
          expect(liveTokens(staying) - liveTokens(saved)).toBeLessThanOrEqual(RELIEVED);
      }),
    );
  });

  it('lets the oldest exchanges go, whole, until enough has gone', () => {
    const live = itemsOf([
      user('u1', 80),
      assistant('a1', 40),
      user('u2', 60),
      assistant('a2', 20, ['c']),
      tool('t2', 20, 'c'),
      assistant('b2', 30),
      user('u3', 90),
    ]);
    const { leaving, staying } = planOffload(live, LIMITS);
    expect(leaving.map(idsOf)).toEqual([['u1', 'a1']]);
    expect(idsOf(staying)).toEqual(['u2', 'a2', 't2', 'b2', 'u3']);
  });

  it('takes two exchanges as one where a result came late', () => {
    const live = itemsOf([
      user('u1', 10),
      assistant('a1', 10, ['c']),
      user('u2', 200),
      tool('t1', 10, 'c'),
      user('u3', 150),
    ]);
    expect(planOffload(live, LIMITS).leaving.map(idsOf)).toEqual([['u1', 'a1', 'u2', 't1']]);
  });

  it('stands a card in the place of what alone is too long, and keeps all else', () => {
    const live = itemsOf([user('u1', 30), assistant('a1', 30), user('u2', 300), assistant('a2', 20)]);
    expect(planOffload(live, LIMITS)).toMatchObject({ leaving: [], carded: [{ from: 2, count: 1 }] });
    const result = itemsOf([user('u1', 10), assistant('a1', 10, ['c']), tool('t1', 500, 'c'), assistant('b1', 5)]);
    expect(planOffload(result, LIMITS)).toMatchObject({ leaving: [], carded: [{ from: 2, count: 1 }] });
  });

  it('takes calls that are too long with their results, once all of them are there', () => {
    const whole = [user('u1', 10), assistant('a1', 500, ['c', 'd']), tool('t1', 5, 'c'), tool('t2', 5, 'd')];
    expect(planOffload(itemsOf(whole), LIMITS).carded).toEqual([{ from: 1, count: 3 }]);
    expect(planOffload(itemsOf(whole.slice(0, 3)), LIMITS).carded).toEqual([]);
  });

  it('bounds how many messages are live, however short, also in one exchange', () => {
    const many = itemsOf(Array.from({ length: LIVE_MESSAGES_MAX + 1 }, (_, i) => user(`u${i}`, 0)));
    const one = itemsOf([user('u', 0), ...Array.from({ length: LIVE_MESSAGES_MAX }, (_, i) => assistant(`a${i}`, 0))]);
    for (const live of [many, one]) {
      expect(mustOffload(live, LIMITS, null)).toBe(true);
      const { leaving, staying } = planOffload(live, LIMITS);
      expect(staying.length).toBeLessThanOrEqual(LIVE_MESSAGES_MAX);
      expect([...leaving.flatMap(idsOf), ...idsOf(staying)]).toEqual(idsOf(live));
      for (const card of leaving) expect(card.length).toBeLessThanOrEqual(100);
    }
  });
});

describe('the trigger', () => {
  it('comes at its threshold, and after a try that was not enough only when the pressure has fallen or grown', () => {
    const at = (tokens: number) => itemsOf([user('u', tokens)]);
    expect(mustOffload(at(319), LIMITS, null)).toBe(false);
    expect(mustOffload(at(320), LIMITS, null)).toBe(true);
    expect(mustOffload(at(320), LIMITS, 0.8)).toBe(false);
    expect(mustOffload(at(360), LIMITS, 0.8)).toBe(true);
    expect(triedAfter(at(280), LIMITS, 0.8)).toBe(0.8);
    expect(triedAfter(at(279), LIMITS, 0.8)).toBe(null);
  });
});
