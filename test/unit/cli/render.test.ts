import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clip, displayWidth, formatDuration, formatTime, renderRows } from '../../../src/cli/terminal/render.ts';

describe('clip', () => {
  it.each([
    ['short', 10, 'short'],
    ['exactly ten', 11, 'exactly ten'],
    ['a longer text', 8, 'a longe…'],
    ['日本語のテキスト', 7, '日本語…'],
    ['👩‍👩‍👧 family', 4, '👩‍👩‍👧 …'],
  ])('%s to %d columns', (text, columns, expected) => {
    expect(clip(text, columns)).toBe(expected);
  });

  it('never takes more columns than it was given, whatever the script', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.integer({ min: 2, max: 40 }), (text, columns) => {
        expect(displayWidth(clip(text, columns))).toBeLessThanOrEqual(columns);
      }),
    );
  });
});

describe('renderRows', () => {
  const rows = [
    ['1', 'immediate', 'a text that goes on for a while'],
    ['10', 'long_term', 'b'],
  ];

  it('aligns cells and clips the last to the terminal', () => {
    expect(renderRows(rows, 36)).toBe('1   immediate  a text that goes on …\n10  long_term  b\n');
  });

  it('clips nothing where there is no terminal', () => {
    expect(renderRows(rows)).toContain('a text that goes on for a while\n');
  });
});

describe('formats', () => {
  it('write times in UTC and durations in two units', () => {
    expect(formatTime(Date.UTC(2025, 8, 3, 9, 12, 59))).toBe('2025-09-03 09:12');
    expect([90_061_000, 3_600_000, 61_000, 900, 0].map(formatDuration)).toEqual([
      '1 d 1 h',
      '1 h',
      '1 min 1 s',
      '900 ms',
      '0 ms',
    ]);
  });
});
