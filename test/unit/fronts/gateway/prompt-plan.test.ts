import { describe, expect, it } from 'vitest';
import { planPrompt, type PlanInput, type Told } from '../../../../src/fronts/gateway/prompt-plan.ts';
import type { WindowMessage } from '../../../../src/fronts/gateway/said.ts';

function told(texts: readonly string[]): Told[] {
  return texts.map((text, group) => ({
    group,
    tokens: Math.ceil(text.length / 3),
    fingerprint: text,
    said: { role: group % 2 === 0 ? 'user' : 'assistant', text },
  }));
}

function input(all: readonly Told[], more: Partial<PlanInput> = {}): PlanInput {
  const groups = all.map(({ said }) => ({ span: { from: 0, to: 0 }, said: [said], isSystem: false }));
  return {
    conversation: { groups, systemText: '', opaque: [] },
    told: all,
    systemTokens: 0,
    shown: [],
    recognition: { newFrom: 0, run: 0, shownEnd: 0 },
    cards: [],
    header: null,
    memory: null,
    hasArchived: true,
    continues: false,
    maxTokens: 100,
    ...more,
  };
}

describe('a prompt', () => {
  it('is planned in one pass over however many messages a client tells', () => {
    const all = told(Array.from({ length: 300_001 }, (_, i) => `note ${i}`));
    const { prompt, isReplaced, tokens } = planPrompt(input(all));
    expect(isReplaced).toBe(true);
    expect(tokens).toBeLessThanOrEqual(100);
    expect(prompt.entries.at(-1)).toEqual({ group: 300_000 });
    // The newest, without a gap, and a question first.
    const groups = prompt.entries.map((entry) => ('group' in entry ? entry.group : -1));
    expect(groups).toEqual(groups.map((_, i) => 300_001 - groups.length + i));
    expect((groups[0] ?? 1) % 2).toBe(0);
  });

  it('holds no call of a tool that the client has gone on without', () => {
    const call = { id: 'a', type: 'function', function: { name: 'look', arguments: '{}' } };
    const shown = [
      { role: 'user', content: 'look', kind: 'message', token_count: 1 },
      { role: 'assistant', content: null, kind: 'message', token_count: 1, tool_calls: [call] },
    ] as const satisfies readonly WindowMessage[];
    const recognition = { newFrom: 0, run: 0, shownEnd: 2 };
    const { prompt } = planPrompt(input(told(['never mind']), { shown, recognition }));
    expect(prompt.entries).toEqual([{ made: shown[0] }, { group: 0 }]);
    const spoken = { ...shown[1], content: 'I look' };
    const { prompt: other } = planPrompt(input(told(['never mind']), { shown: [shown[0], spoken], recognition }));
    expect(other.entries).toEqual([{ made: shown[0] }, { made: { ...spoken, tool_calls: undefined } }, { group: 0 }]);
  });
});
