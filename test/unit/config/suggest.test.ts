import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editDistance, suggest } from '../../../src/config/suggest.ts';

describe('suggest', () => {
  it.each([
    ['prot', 'port'],
    ['hots', 'host'],
    ['max_conections', 'max_connections'],
    ['HTTP_PORT', 'http_port'],
    ['colour', undefined],
  ])('%s: %s', (name, expected) => {
    expect(suggest(name, ['host', 'port', 'http_port', 'max_connections'])).toBe(expected);
  });
});

describe('editDistance', () => {
  it('is symmetric, zero for the same text alone, and never above the longer length', () => {
    const word = fc.string({ maxLength: 12 });
    fc.assert(
      fc.property(word, word, (a, b) => {
        const distance = editDistance(a, b);
        expect(distance).toBe(editDistance(b, a));
        expect(distance === 0).toBe(a === b);
        expect(distance).toBeLessThanOrEqual(Math.max(a.length, b.length));
      }),
    );
  });

  it('counts a swap of neighbours as one', () => {
    expect(editDistance('prot', 'port')).toBe(1);
  });
});
