import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bar, displayWidth } from '../../../src/cli/terminal/render.ts';
import { excerpt, markTerms, wrap } from '../../../src/cli/terminal/wrap.ts';

describe('wrap', () => {
  it.each([
    ['one two three', 7, ['one two', 'three']],
    ['a-very-long-word b', 6, ['a-very', '-long-', 'word b']],
    ['日本語のテキスト', 7, ['日本語', 'のテキ', 'スト']],
    ['first\nsecond line', 20, ['first', 'second line']],
    ['', 20, []],
  ])('%j to %d columns', (text, columns, lines) => {
    expect(wrap(text, columns)).toEqual(lines);
  });

  it('loses no word, and no line is longer than the terminal', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 120 }), fc.integer({ min: 4, max: 40 }), (text, columns) => {
        const lines = wrap(text, columns);
        for (const line of lines) expect(displayWidth(line)).toBeLessThanOrEqual(columns);
        const words = wrap(text, 1_000_000).join(' ');
        expect(lines.join('').replaceAll(' ', '')).toBe(words.replaceAll(' ', ''));
      }),
    );
  });
});

describe('excerpt', () => {
  const lines = Array.from({ length: 100 }, (_, place) => `line ${place}`);

  it('shows the lines that hold what was asked for, wherever they stand', () => {
    const text = lines.with(70, 'the order number').with(72, 'is HB-48213');
    const shown = excerpt(text, 6, new Set(['order', 'number', 'hb']));
    expect(shown).toContain('the order number');
    expect(shown).toContain('is HB-48213');
    expect([shown.length, shown[0], shown.at(-1)]).toEqual([8, '…', '…']);
  });

  it('begins at the start where nothing is found, and shows what fits whole', () => {
    expect(excerpt(lines, 3, new Set(['absent']))).toEqual(['line 0', 'line 1', 'line 2', '…']);
    expect(excerpt(lines.slice(0, 3), 3, new Set(['absent']))).toEqual(lines.slice(0, 3));
  });

  it('reaches the end', () => {
    const shown = excerpt(lines.with(99, 'the order'), 4, new Set(['order']));
    expect(shown).toEqual(['…', 'line 96', 'line 97', 'line 98', 'the order']);
  });
});

it('marks the words that were asked for in any of their forms', () => {
  const terms = new Set(['order', 'machin']);
  expect(markTerms('Orders of machines, ordered.', terms, (word) => `<${word}>`)).toBe(
    '<Orders> of <machines>, <ordered>.',
  );
});

it('draws a share as a bar of one width', () => {
  expect([0, 0.5, 0.56, 1, 7].map((share) => bar(share, 4))).toEqual(['    ', '██  ', '██▎ ', '████', '████']);
});
