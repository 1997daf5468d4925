import { describe, expect, it } from 'vitest';
import { AnswerGuard } from '../../../../src/fronts/gateway/answer-guard.ts';
import { answersIn } from '../../../../src/fronts/gateway/conversation-messages.ts';
import type { Said, WindowMessage } from '../../../../src/fronts/gateway/said.ts';

const WINDOW = { echoSimilarity: 0.95, echoWindow: 3 };
const SAME = 'I cannot tell you anything of this at all.';
const OTHERS = ['The river is long.', 'A bridge stands there since spring.', 'Violins are made of wood, mostly.'];

function runOf(before: readonly string[], answer = SAME): Promise<number> {
  return new AnswerGuard(before, WINDOW).runOf(answer);
}

describe('a run of answers', () => {
  it('counts those in a row that each repeat one before them', async () => {
    expect(await runOf([])).toBe(0);
    expect(await runOf([SAME], 'Something else.')).toBe(0);
    expect(await runOf([SAME])).toBe(1);
    expect(await runOf([SAME, SAME, SAME])).toBe(3);
    // The two between say one another again, which is a run all the same.
    expect(await runOf([SAME, OTHERS[0]!, SAME, OTHERS[0]!])).toBe(3);
    expect(await runOf([SAME, SAME, OTHERS[0]!])).toBe(1);
  });

  it('looks as far back as the setting says', async () => {
    expect(await runOf([SAME, ...OTHERS.slice(0, 2)])).toBe(1);
    expect(await runOf([SAME, ...OTHERS])).toBe(0);
  });

  it('of nothing said is none', async () => {
    expect(await runOf(['', ' '], ' ')).toBe(0);
  });
});

describe('the answers of a conversation', () => {
  const say = (role: 'user' | 'assistant', text: string, group = 0) => ({
    group,
    said: { role, text } satisfies Said,
    fingerprint: text,
    tokens: 1,
  });
  const shows = (role: 'user' | 'assistant', content: string): WindowMessage => ({
    role,
    content,
    kind: 'message',
    token_count: 1,
  });

  it('are each there once where the client tells what the session shows', () => {
    const shown = [shows('user', 'q2'), shows('assistant', 'a2')];
    const told = [
      say('user', 'q1'),
      say('assistant', 'a1'),
      say('user', 'q2'),
      say('assistant', 'a2'),
      say('user', 'q'),
    ];
    expect(answersIn(shown, told, { newFrom: 4, run: 2, shownEnd: 2 })).toEqual(['a1', 'a2']);
  });

  it('are those of both where nothing is the same, and of a card what the client tells', () => {
    const shown = [shows('user', 'q1'), shows('assistant', 'a1')];
    expect(answersIn(shown, [say('assistant', 'x')], { newFrom: 0, run: 0, shownEnd: 2 })).toEqual(['a1', 'x']);
    const card: WindowMessage = { ...shows('assistant', 'card'), kind: 'card', card_id: 'at-1' };
    const told = [say('user', 'q1'), say('assistant', 'a1')];
    expect(answersIn([shows('user', 'q1'), card], told, { newFrom: 2, run: 2, shownEnd: 2 })).toEqual(['a1']);
  });
});
