import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { textKey } from '../../../../src/base/text/normal.ts';

describe('the key of a text', () => {
  it.each([
    ['Deploy finished', 'deploy  finished.', ' DEPLOY\nFINISHED!! ', 'ｄｅｐｌｏｙ finished…'],
    ['Straße', 'STRASSE'.replace('SS', 'ß')],
    ['...', ' ... '],
  ])('is one for what differs in case, width, spacing and closing stops: %s', (...same) => {
    expect(new Set(same.map(textKey)).size).toBe(1);
  });

  it.each([
    ['paid by us', 'not paid by us'],
    ['paid by us', 'paid to us'],
    ['10²', '102'],
    ['deploy finished', 'deploy finished 2'],
    ['is it done?', 'is it done'],
    ['', 'a'],
  ])('is another for what says something else: %s, %s', (a, b) => {
    expect(textKey(a)).not.toBe(textKey(b));
  });

  it('is a whole number that a double holds, and differs with any sign of a long text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        const key = textKey(text);
        expect(Number.isSafeInteger(key) && key >= 0).toBe(true);
        expect(Number.parseInt(key.toString(36), 36)).toBe(key);
      }),
    );
    const long = 'a'.repeat(200_000);
    expect(textKey(`${long}b`)).not.toBe(textKey(`${long}c`));
    expect(textKey(` ${long}\n`)).toBe(textKey(long));
  });

  it('is made of plain ASCII in a way of its own that gives what the other gives for the same text in full width', () => {
    const sign = fc.oneof(
      fc.constantFrom(' ', '\t', '\n', '\r', '.', '!'),
      fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 1 }),
    );
    fc.assert(
      fc.property(fc.string({ unit: sign, maxLength: 30 }), (text) => {
        const wide = text.replace(/[!-~]/g, (each) => String.fromCharCode(each.charCodeAt(0) + 0xfee0));
        expect(textKey(text)).toBe(textKey(wide));
      }),
      { numRuns: 2_000 },
    );
  });

  it('rarely meets another', () => {
    expect(new Set(Array.from({ length: 200_000 }, (_, i) => textKey(`note ${i}`))).size).toBe(200_000);
  });
});
