import { describe, expect, it } from 'vitest';
import { isBlank } from '../../../../src/base/text/blank.ts';

describe('a text', () => {
  it.each([
    ['nothing', ''],
    ['blanks and line breaks', ' \t\r\n\v\f\u00a0\u2003\u3000\u2028\u0085'],
    ['control characters', '\u0000\u001b\u007f\u0090'],
    ['zero-width signs', '\u200b\u200c\u200d\u2060\ufeff\u00ad'],
    ['marks of direction', '\u200e\u200f\u202a\u202e\u2066\u2069\u061c'],
    ['fillers', '\u115f\u1160\u3164\uffa0\u034f\u17b4'],
    ['the empty Braille cell', '\u2800'],
    ['tags and variation selectors', '\u{e0001}\u{e0061}\ufe0f\u{e0100}'],
    ['what is no character', '\ufffe\u{1fffe}\ud800'],
    ['marks around annotations', '\ufff9\ufffa\ufffb'],
    ['a quarter of a million of them', ' \u200b'.repeat(131_072)],
  ])('of %s is blank', (_, text) => {
    expect(isBlank(text)).toBe(true);
    expect(isBlank(`${text}.${text}`)).toBe(false);
  });

  it.each(['a', '.', '…', '?', '😀', '👩‍👩‍👧', '\u0301', '한', '\u0600', '⠀.', '\u00b7', '\u{e000}'])(
    'of %s is not',
    (text) => {
      expect(isBlank(text)).toBe(false);
    },
  );
});
