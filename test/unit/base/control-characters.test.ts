import { describe, expect, it } from 'vitest';
import { escapeControls, escapeControlsInLines, oneLine } from '../../../src/base/control-characters.ts';

describe('control characters', () => {
  it('are spelled, and all others stay', () => {
    expect(escapeControls('a\u001b[2J\r\u009b\u2029\u200fé 漢 😀\n')).toBe(
      String.raw`a\u001b[2J\u000d\u009b\u2029\u200fé 漢 😀\n`,
    );
    expect(escapeControlsInLines('a\u0007\nb\u061c')).toBe(String.raw`a\u0007` + '\n' + String.raw`b\u061c`);
  });

  it('and blanks become one blank each in one line', () => {
    expect(oneLine('a\u001b[2Jb\r\nc\u0007\td\u202Ee\u061cf ')).toBe('a [2Jb c d e f');
  });

  it('in JSON mean the same', () => {
    const value = { text: 'a\u001b\u0085\u2028\u202e"\\\n', 'k\u009b': ['\u007f'] };
    const text = escapeControls(JSON.stringify(value));
    expect(text).toMatch(/^[^\p{Cc}\p{Zl}\u202e]+$/u);
    expect(JSON.parse(text)).toEqual(value);
  });
});
