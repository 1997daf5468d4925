import fc from 'fast-check';
import type { LiveItem, LiveMessage } from '../../../../src/hirag/window/session-body.ts';

/** Turns of agents: users, answers, tool calls with results at once or late, results of nobody, messages of systems. */
export const TURN = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('user' as const), tokens: fc.integer({ min: 1, max: 60 }) }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('answer' as const), tokens: fc.integer({ min: 1, max: 90 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('calls' as const),
      tokens: fc.integer({ min: 1, max: 40 }),
      calls: fc.integer({ min: 1, max: 3 }),
      answered: fc.constantFrom('all', 'late', 'none', 'some'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('orphan' as const), tokens: fc.integer({ min: 1, max: 30 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('system' as const), tokens: fc.integer({ min: 1, max: 30 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('huge' as const), tokens: fc.integer({ min: 200, max: 900 }) }),
  },
);
export const CONVERSATION = fc.array(TURN, { maxLength: 40 });

export type Turn = (typeof TURN)['generate'] extends (...args: never[]) => { value: infer T } ? T : never;

/** As a session lists them. */
export function messagesFrom(turns: readonly Turn[]): LiveMessage[] {
  const messages: LiveMessage[] = [];
  const late: LiveMessage[] = [];
  const next = (fields: Omit<LiveMessage, 'id' | 'atMs' | 'recordedAtMs'>): LiveMessage => {
    const number = messages.length + late.length;
    return { id: `m${number}`, atMs: number, recordedAtMs: number, ...fields };
  };
  turns.forEach((turn, i) => {
    if (turn.kind === 'calls') {
      const calls = Array.from({ length: turn.calls }, (_, call) => `c${i}.${call}`);
      messages.push(next({ role: 'assistant', tokens: turn.tokens, calls }));
      const answered = turn.answered === 'none' ? [] : turn.answered === 'some' ? calls.slice(1) : calls;
      for (const answers of answered) {
        const result = next({ role: 'tool', tokens: turn.tokens, answers });
        (turn.answered === 'late' ? late : messages).push(result);
      }
      return;
    }
    const role =
      turn.kind === 'orphan' ? 'tool' : turn.kind === 'answer' || turn.kind === 'huge' ? 'assistant' : turn.kind;
    messages.push(next({ role, tokens: turn.tokens, ...(turn.kind === 'orphan' && { answers: 'nobody' }) }));
    messages.push(...late.splice(0));
  });
  return [...messages, ...late];
}

export function itemsOf(messages: readonly LiveMessage[]): LiveItem[] {
  return messages.map((message) => ({ messages: [message] }));
}
