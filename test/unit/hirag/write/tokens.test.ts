import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import { describe, expect, it } from 'vitest';
import { LoopTurns } from '../../../../src/base/loop-turns.ts';
import type { TokenSettings } from '../../../../src/hirag/write/token-estimator.ts';
import { createTokenEstimator } from '../../../../src/hirag/write/tokens.ts';
import { DEFAULTS } from '../../../support/settings.ts';
import { TOKEN_SAMPLES } from './token-samples.ts';

async function count(text: string, settings: Partial<TokenSettings> = {}): Promise<number | undefined> {
  const { tokens: numbers, tokenEstimator } = DEFAULTS.hirag;
  const estimator = createTokenEstimator({ estimator: tokenEstimator, ...numbers, ...settings }, new LoopTurns());
  const [tokens] = await estimator.count([text]);
  return tokens;
}

describe('CharacterBased', () => {
  it('counts ASCII letters, four to a token, rounded up', async () => {
    expect(await count('abcd')).toBe(1);
    expect(await count('abcde')).toBe(2);
    expect(await count('a'.repeat(262_144))).toBe(65_536);
  });

  it('takes its ratio from the settings and never says 0', async () => {
    expect(await count('abcdef', { charsPerToken: 2 })).toBe(3);
    expect(await count('')).toBe(1);
    expect(await count(' ')).toBe(1);
  });

  it.each(TOKEN_SAMPLES)('is within 15 % of o200k_base for $kind', async ({ text }) => {
    const tokens = countTokens(text);
    expect(Math.abs(((await count(text)) ?? 0) / tokens - 1)).toBeLessThan(0.15);
  });

  it('is near it for other scripts', async () => {
    for (const text of [
      'Клиентка позвонила сегодня утром, потому что посылка пришла с помятым углом.',
      "La cliente a appelé ce matin parce que le colis était arrivé avec un coin écrasé. Elle l'avait ouvert.",
      '오늘 아침에 고객이 전화를 걸어 와서 소포의 한쪽 모서리가 찌그러진 채로 도착했다고 말했다.',
      'اتصلت الزبونة هذا الصباح لأن الطرد وصل وإحدى زواياه مهشمة. فتحته مع عامل التوصيل.',
      'ลูกค้าโทรมาเมื่อเช้านี้เพราะพัสดุมาถึงโดยมีมุมหนึ่งบุบ',
      'הלקוחה התקשרה הבוקר כי החבילה הגיעה עם פינה מעוכה.',
    ]) {
      const share = ((await count(text)) ?? 0) / countTokens(text);
      expect(share).toBeGreaterThan(0.75);
      expect(share).toBeLessThan(1.3);
    }
  });

  it('takes runs of blanks, line ends and signs for the few tokens that they are', async () => {
    for (const run of [' ', '\n', '-', '=', '.']) {
      const tokens = (await count(`a${run.repeat(10_000)}b`)) ?? 0;
      expect(tokens).toBeGreaterThan(100);
      expect(tokens).toBeLessThan(1_000);
    }
  });
});

describe('WordBased', () => {
  it('counts 0.75 words to a token', async () => {
    expect(await count('one two three', { estimator: 'WordBased' })).toBe(4);
    expect(await count('  one   two\nthree ', { estimator: 'WordBased', wordsPerToken: 1 })).toBe(3);
  });

  it('takes each character of a script without spaces for a word', async () => {
    expect(await count('我喜欢吃苹果', { estimator: 'WordBased', wordsPerToken: 1 })).toBe(6);
    expect(await count('GPT と 東京', { estimator: 'WordBased', wordsPerToken: 1 })).toBe(4);
    expect(await count('𠀀𠀁 😀😀 a\u3000b', { estimator: 'WordBased', wordsPerToken: 1 })).toBe(5);
  });
});

describe('Exact', () => {
  const EXACT = { estimator: 'Exact' } as const;

  it('counts what the real encoding counts', async () => {
    for (const text of [
      'Hello, world!',
      'Donaudampfschifffahrt 2024',
      'मुझे आम पसंद है',
      'a\n\n  b',
      '<|endoftext|>',
      'x \ud800 y',
    ]) {
      expect(await count(text, EXACT)).toBe(countTokens(text, { disallowedSpecial: new Set() }));
    }
  });

  it('is exact for long prose too, which it counts in pieces', async () => {
    const prose =
      'She said, "We\'ll meet at 10:30 on Tuesday"; he didn\'t answer.  Then:\n\n- nothing\n- and more of it… 3,500 times over. '.repeat(
        100,
      );
    expect(await count(prose, EXACT)).toBe(countTokens(prose));
  });

  it('stays close, and quick, for long runs without a space', async () => {
    const run = '我喜欢吃苹果和梨'.repeat(2_500);
    const tokens = (await count(run, EXACT)) ?? 0;
    const perCharacter = countTokens('我喜欢吃苹果和梨'.repeat(10)) / 80;
    expect(Math.abs(tokens / (run.length * perCharacter) - 1)).toBeLessThan(0.03);
  });

  it.each([
    ['blanks', ' '],
    ['line ends', '\n'],
    ['ideographic spaces', '\u3000'],
    ['letters', 'a'],
    ['signs', '='],
    ['marks', '\u0301'],
  ])('cuts a run of %s, and counts a few tokens too many rather than too few', async (_, run) => {
    const text = `a${run.repeat(5_000)}b`;
    const tokens = countTokens(text);
    expect(await count(text, EXACT)).toBeGreaterThanOrEqual(tokens);
    expect(await count(text, EXACT)).toBeLessThan(tokens + 5_000 / 60);
  });

  it('lets other work run in between', async () => {
    let turns = 0;
    const ticking = setInterval(() => turns++, 0);
    await count('some words '.repeat(20_000), EXACT);
    clearInterval(ticking);
    expect(turns).toBeGreaterThan(1);
  });

  it('knows the encoding of older models', async () => {
    expect(await count('Hello, world!', { ...EXACT, encoding: 'cl100k_base' })).toBe(4);
  });
});
