import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { AskOptions, Caller } from '../../../../src/api/caller.ts';
import { Principal } from '../../../../src/api/principal.ts';
import { LoopTurns } from '../../../../src/base/loop-turns.ts';
import { silentLog } from '../../../../src/base/log.ts';
import type { Place } from '../../../../src/fronts/gateway/conversation-messages.ts';
import { ConversationMemory, type Prepared } from '../../../../src/fronts/gateway/conversation-memory.ts';
import { ConversationStore, type StoreStep } from '../../../../src/fronts/gateway/conversation-store.ts';

import { FakeClock } from '../../../support/fake-clock.ts';
import { DEFAULTS } from '../../../support/settings.ts';

/** Answers when it is told to. */
class SlowDoor {
  readonly asked: Record<string, unknown>[] = [];
  #waiting: (() => void)[] = [];

  ask(_caller: Caller, _type: string, payload: Record<string, unknown>, _options: AskOptions): Promise<object> {
    this.asked.push(payload);
    return new Promise((resolve) => this.#waiting.push(() => resolve({})));
  }

  answer(): void {
    for (const answer of this.#waiting.splice(0)) answer();
  }
}

const principal = new Principal('default', { scopes: ['write'], namespaces: ['n'] }, null);
const caller = { principal, unmetered: principal, agent: 'bot', namespace: 'n', upstream: null };

function placeOf(sessionId: string): Place {
  return { caller, address: undefined, sessionId, signal: new AbortController().signal };
}

function say(content: string): StoreStep[] {
  return [{ type: 'session.append', payload: { messages: [{ role: 'user', content }] } }];
}

describe('what was said, with a memory that does not answer,', () => {
  it('waits in a bounded number of requests, and is taken again when it answers', async () => {
    const door = new SlowDoor();
    const store = new ConversationStore(door, { requestsMax: 3, unitsMax: 1_000 });
    const waiting = ['a', 'a', 'b'].map((session) => store.store(placeOf(session), say('x')));
    await expect(store.store(placeOf('c'), say('x'))).rejects.toMatchObject({ code: 'OVERLOADED' });
    expect(store.sessions).toBe(2);
    door.answer();
    await waiting[0];
    await new Promise((resolve) => setImmediate(resolve));
    expect(door.asked).toHaveLength(3);
    const next = store.store(placeOf('c'), say('x'));
    await new Promise((resolve) => setImmediate(resolve));
    door.answer();
    await Promise.all([...waiting, next, store.idle()]);
    expect(store.sessions).toBe(0);
  });

  it('waits with a bounded sum of texts', async () => {
    const door = new SlowDoor();
    const store = new ConversationStore(door, { requestsMax: 100, unitsMax: 1_000 });
    const waiting = [store.store(placeOf('a'), say('x'.repeat(600)))];
    await expect(store.store(placeOf('b'), say('x'.repeat(600)))).rejects.toMatchObject({ code: 'OVERLOADED' });
    waiting.push(store.store(placeOf('b'), say('x'.repeat(100))));
    await new Promise((resolve) => setImmediate(resolve));
    door.answer();
    await Promise.all(waiting);
    expect(door.asked).toHaveLength(2);
  });

  it('holds nothing of the request but what is to be stored', async () => {
    const door = new SlowDoor();
    const clock = new FakeClock();
    const deps = {
      door,
      places: { note: () => {} },
      clock,
      log: silentLog,
      window: DEFAULTS.window,
      turns: new LoopTurns(),
      timeoutMs: 1_000,
      recallSessions: 'all' as const,
    };
    const memory = new ConversationMemory(deps);
    const first = memory.store(preparedWith({}), null);
    const { waiting, conversation } = storeLarge(memory);
    await new Promise((resolve) => setImmediate(resolve));
    setFlagsFromString('--expose-gc');
    (runInNewContext('gc') as () => void)();
    expect(conversation.deref()).toBeUndefined();
    door.answer();
    await first;
    await new Promise((resolve) => setImmediate(resolve));
    door.answer();
    await waiting;
    expect(door.asked.map((payload) => JSON.stringify(payload))).toEqual([
      expect.stringContaining('hello'),
      expect.stringContaining('hello'),
    ]);
  });
});

function storeLarge(memory: ConversationMemory) {
  const conversation = { told: 'all of it' };
  return { waiting: memory.store(preparedWith(conversation), null), conversation: new WeakRef(conversation) };
}

/** `conversation` is what its plan is made of. */
function preparedWith(conversation: object): Prepared {
  return {
    place: placeOf('s'),
    plan: () => {
      throw new Error(JSON.stringify(conversation));
    },
    recalled: [],
    pressure: null,
    fresh: [{ id: 'm', role: 'user', content: 'hello' }],
    lastId: 'm',
    prefill: '',
    conversationId: 'c',
    answers: [],
  };
}
