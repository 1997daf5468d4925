import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cutText, quoted } from '../../../../src/fronts/mcp/memory-view.ts';
import { ReplyBudget, type Answer, type Frame } from '../../../../src/fronts/mcp/reply-budget.ts';
import { tokensByWeight } from '../../../../src/hirag/write/token-weights.ts';
import type { Context } from '../../../../src/protocol/messages.generated.ts';

const countTokens = tokensByWeight;

function contextOf(text: string, place: number, more: Partial<Context> = {}): Context {
  return {
    id: `018f0000-0000-7000-8000-${String(place).padStart(12, '0')}`,
    namespace: 'default',
    agent_id: 'mcp',
    level: 'long_term',
    text,
    token_count: 1,
    metadata: {},
    tags: [],
    version: 1,
    created_at: 0,
    updated_at: 0,
    recorded_at: 0,
    valid_from: 0,
    access_count: 0,
    ...more,
  };
}

const frame: Frame = (memories, omitted) => ({
  text: [`${omitted} left out`, ...memories.map((view, place) => quoted(view, place + 1))].join('\n'),
  structured: { memories, omitted },
});
const shownIn = ({ structured }: Answer): { id: string; text: string; next_offset?: number }[] =>
  structured['memories'] as { id: string; text: string; next_offset?: number }[];

const anyText = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 2_000 }),
  fc.lorem({ maxCount: 400 }),
  fc.constantFrom('\n'.repeat(900), '漢'.repeat(700), '\u0000'.repeat(500), '"\\'.repeat(600), '😀'.repeat(300)),
);

describe('an answer', () => {
  it('stays within its tokens in both forms, whatever is stored, and says where a text is cut', () => {
    fc.assert(
      fc.property(
        fc.array(anyText, { maxLength: 12 }),
        fc.integer({ min: 200, max: 3_000 }),
        fc.array(fc.string({ unit: 'binary', minLength: 1, maxLength: 128 }), { maxLength: 64 }),
        (texts, maxTokens, tags) => {
          const contexts = texts.map((text, place) => contextOf(text, place, { tags }));
          const answer = new ReplyBudget(maxTokens, countTokens).fit(contexts, frame);
          expect(countTokens(answer.text)).toBeLessThanOrEqual(maxTokens);
          expect(countTokens(JSON.stringify(answer.structured))).toBeLessThanOrEqual(maxTokens);
          const shown = shownIn(answer);
          expect(answer.structured['omitted']).toBe(texts.length - shown.length);
          for (const [place, { text, next_offset: next }] of shown.entries()) {
            const whole = texts[place] as string;
            expect(text).toBe(whole.slice(0, next ?? whole.length));
            expect(next === undefined).toBe(text.length === whole.length);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('shows short texts whole, and gives what they leave to the long ones', () => {
    const long = 'about the harbour '.repeat(1_000);
    const contexts = [contextOf(long, 1), contextOf('short', 2), contextOf('also short', 3)];
    const answer = new ReplyBudget(1_000, countTokens).fit(contexts, frame);
    const [first, ...others] = shownIn(answer);
    expect(others.map(({ text }) => text)).toEqual(['short', 'also short']);
    expect(countTokens(first?.text ?? '')).toBeGreaterThan(600);
  });

  it('has room for a part of every text, and for all of them in turn', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const budget = new ReplyBudget(200, countTokens);
        let whole = '';
        while (whole.length < text.length) {
          const { structured } = budget.part(text, whole.length, (part) => ({
            text: quoted({ text: part }, 0),
            structured: { part },
          }));
          expect(structured['part']).not.toBe('');
          whole += structured['part'] as string;
        }
        expect(whole).toBe(text);
      }),
      { numRuns: 30 },
    );
  });
});

describe('a cut', () => {
  it('parts no character', () => {
    const text = '😀'.repeat(50);
    for (let tokens = 1; tokens < 50; tokens++)
      expect(cutText(text, tokens, (part) => part.length)).toBe('😀'.repeat(Math.floor(tokens / 2)));
  });
});
