import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { analyze, countTerms, countTermsInSlices, type TermCounts } from '../../../../src/base/text/analyzer.ts';
import { LONG_TEXTS } from '../../../fuzz/support/long-texts.ts';

const UNITS = 40_000;

function inSlices(text: string): { readonly terms: TermCounts; readonly pauses: number } {
  const slices = countTermsInSlices(text);
  for (let pauses = 0; ; pauses++) {
    const { done, value } = slices.next();
    if (done === true) return { terms: value, pauses };
  }
}

describe('terms that are counted in slices', () => {
  it.each(Object.entries(LONG_TEXTS))('are those of the analysis: %s', (_name, make) => {
    const text = make(UNITS);
    const { terms } = inSlices(text);
    expect([...terms.counts]).toEqual([...countTerms(text).counts]);
    expect(terms.length).toBe(analyze(text).length);
  });

  it('are those of the analysis of any mixture', () => {
    const atoms = [
      'the ',
      'of ',
      'fox ',
      '漢',
      '猫は',
      '가',
      '\u{20000}',
      'я',
      '1,000',
      "l'ami ",
      'getName ',
      '。',
      '😀',
      'é',
    ];
    const run = fc
      .tuple(fc.constantFrom(...atoms), fc.constantFrom(...atoms), fc.integer({ min: 1, max: 12_000 }))
      .map(([one, other, count]) => (one + other).repeat(count));
    fc.assert(
      fc.property(fc.array(run, { minLength: 1, maxLength: 3 }), (runs) => {
        const text = runs.join('');
        const { terms } = inSlices(text);
        expect([...terms.counts]).toEqual([...countTerms(text).counts]);
        expect(terms.length).toBe(analyze(text).length);
      }),
      { numRuns: Number(process.env['FUZZ_RUNS'] ?? 40) },
    );
  });

  it.each(['漢', '漢a', '\u{20000}', '가 '])('pause every some thousand characters of %s', (unit) => {
    const text = unit.repeat(262_144 / unit.length);
    expect(inSlices(text).pauses).toBeGreaterThan(30);
  });
});
