import { describe, expect, it } from 'vitest';
import { signsOf } from '../../../../src/base/text/signs.ts';

describe('signsOf', () => {
  it.each([
    ['who writes c#, c++ or f#?', ['c#', 'c++', 'f#']],
    ['.net and asp.net', ['.net']],
    ['50 % or 50%, $20, 20 €, a % of it', ['percent', 'percent', 'dollar', 'euro', 'percent']],
    ['r&d at at&t', ['r&d', 'at&t']],
    ['@ann (see #launch)', ['@ann', '#launch']],
    ['🎉 👍🏽 👨‍👩‍👧 🇩🇪 ❤️', ['🎉', '👍', '👨', '👩', '👧', '🇩🇪', '❤']],
    ['mail ann@example.org about https://a.b/#part and $name, ${x} or a & b', []],
    ['one, two. three', []],
    ['© 2024', []],
    ['', []],
  ])('%s', (text, signs) => {
    expect(signsOf(text)).toEqual(signs);
  });
});
