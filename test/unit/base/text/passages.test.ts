import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { estimatedTokens, passagesOf } from '../../../../src/base/text/passages.ts';

const cut = (text: string, tokensMax: number): string[] => [...passagesOf(text, tokensMax)];
const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
const graphemesOf = (text: string): string[] => Array.from(graphemes.segment(text), ({ segment }) => segment);
const sentence = (i: number): string => `Sentence number ${i} says something about walruses and lighthouses.`;

describe('estimated tokens', () => {
  it.each([
    ['', 0],
    ['a', 1],
    ['the', 1],
    ['memory', 2],
    ['the cat sat', 3],
    ['2024', 4],
    ['Привет', 3],
    ['猫が好き', 4],
    ['a,b', 3],
    ['\n\n\n\n', 1],
    ['👍', 2],
  ])('%j: %d', (text, tokens) => {
    expect(estimatedTokens(text)).toBe(tokens);
  });

  it('are more than a common tokenizer makes of English', async () => {
    const { countTokens } = await import('gpt-tokenizer/encoding/cl100k_base');
    const text = Array.from({ length: 40 }, (_, i) => sentence(i)).join(' ');
    expect(estimatedTokens(text)).toBeGreaterThan(countTokens(text));
    expect(estimatedTokens(text)).toBeLessThan(countTokens(text) * 2.5);
  });
});

describe('passages', () => {
  it('are the text itself where it is short enough', () => {
    expect(cut(' a short text ', 20)).toEqual([' a short text ']);
    expect(cut('abc'.repeat(64), 64)).toEqual(['abc'.repeat(64)]);
    expect(cut('abc'.repeat(64) + 'd', 64)).toHaveLength(2);
  });

  it('end behind sentences, and begin with one that the last has, too, where it is short', () => {
    const sentences = Array.from({ length: 60 }, (_, i) => sentence(i));
    const passages = cut(sentences.join(' '), 256);
    expect(passages.length).toBeGreaterThan(4);
    for (const passage of passages) {
      expect(passage).toMatch(/^Sentence number \d+ says/);
      expect(passage).toMatch(/lighthouses\.$/);
    }
    for (const one of sentences) expect(passages.some((passage) => passage.includes(one))).toBe(true);
    const first = (i: number) => /number (\d+)/.exec(passages[i] ?? '')?.[1];
    expect(passages[0]).toContain(sentence(Number(first(1))));
  });

  it('end behind a paragraph rather than behind a later sentence', () => {
    const paragraph = (name: string) => Array.from({ length: 3 }, (_, i) => `${name} ${sentence(i)}`).join(' ');
    const text = `${paragraph('One')}\n\n${paragraph('Two')}\r\n\r\n${paragraph('Three')}`;
    const tokensMax = Math.ceil(estimatedTokens(paragraph('One')) * 1.5);
    expect(cut(text, tokensMax)[0]).toBe(paragraph('One'));
  });

  it('end behind the wide stops of texts without blanks', () => {
    const text = '今日は天気がいいです。'.repeat(40);
    const passages = cut(text, 128);
    expect(passages.length).toBeGreaterThan(3);
    for (const passage of passages) expect(passage).toMatch(/^今日.*。$/);
  });

  it('cut a word that is longer than they are', () => {
    const word = Array.from({ length: 3_000 }, (_, i) => String.fromCharCode(97 + (i % 26))).join('');
    const passages = cut(`short words, ${word} and more words`, 64);
    for (const passage of passages) expect(estimatedTokens(passage)).toBeLessThanOrEqual(64);
    for (let at = 0; at + 20 < word.length; at += 7) {
      expect(passages.some((passage) => passage.includes(word.slice(at, at + 20)))).toBe(true);
    }
  });

  it.each(['👩‍👩‍👧‍👦', '🇵🇹', 'é́', '👍🏽', 'क्षि'])('cut no grapheme: %s', (grapheme) => {
    for (const lead of ['', 'x', 'xy']) {
      const text = lead + grapheme.repeat(400);
      const whole = new Set([...graphemesOf(text)]);
      for (const passage of cut(text, 50)) {
        for (const one of graphemesOf(passage)) expect(whole).toContain(one);
      }
    }
  });

  it('leave blank parts out', () => {
    expect(cut(`${'\n'.repeat(5_000)}word${' '.repeat(5_000)}`, 64)).toEqual(['word']);
    expect(cut(' '.repeat(5_000), 64)).toEqual([]);
  });

  it('of any text are short enough, in order, and leave nothing out', () => {
    const piece = fc.oneof(
      fc.string({ unit: 'grapheme', maxLength: 30 }),
      fc.constantFrom('. ', '\n\n', ' ', '。', 'word ', '🇵🇹', '👩‍👩‍👧‍👦', 'a'.repeat(100), '\r\n', '\ud83d', '\udc4d'),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 60 }), fc.integer({ min: 2, max: 80 }), (pieces, tokensMax) => {
        const text = pieces.join('');
        const passages = cut(text, tokensMax);
        let covered = 0;
        for (const passage of passages) {
          expect(estimatedTokens(passage)).toBeLessThanOrEqual(tokensMax);
          // Nothing but blanks lies between two of them.
          const start = text.length - text.slice(covered).trimStart().length;
          const at = text.lastIndexOf(passage, start);
          expect(at).toBeGreaterThanOrEqual(0);
          covered = Math.max(covered, at + passage.length);
        }
        expect(text.slice(covered).trim()).toBe('');
        if (text.isWellFormed()) for (const passage of passages) expect(passage.isWellFormed()).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });

  it('of the longest texts, whatever is in them, come in one go', () => {
    for (const unit of ['a', ' ', '\n', '🇵🇹', '́', '.', 'word ', '猫', '‍']) {
      const text = unit.repeat(Math.ceil(262_144 / unit.length));
      for (const tokensMax of [32, 510, 8_190]) {
        const chars = cut(text, tokensMax).reduce((sum, passage) => sum + passage.length, 0);
        expect(chars).toBeLessThanOrEqual(1.6 * text.length);
      }
    }
  });
});
