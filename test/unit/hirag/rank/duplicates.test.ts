import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DuplicateFilter, printOf, resemblance } from '../../../../src/hirag/rank/duplicates.ts';

function repeats(first: string, second: string, threshold = 0.9): boolean {
  const filter = new DuplicateFilter(threshold);
  filter.add(printOf(first));
  return filter.repeats(printOf(second));
}

const SENTENCE =
  'Caroline told Melanie that the support group she went to on Tuesday gave her the courage to talk with her family about the move to Lisbon next spring';

describe('equal texts', () => {
  it('are duplicates whatever their case, width, spacing and closing stops', () => {
    expect(repeats('I like tea.', '  i LIKE\ntea! ')).toBe(true);
    expect(repeats('ＡＢＣ １', 'abc 1')).toBe(true);
    expect(repeats('!!!', '!!!')).toBe(true);
  });

  it('are told from those that differ in a sign with a meaning', () => {
    expect(repeats('I write C', 'I write C++')).toBe(false);
    expect(repeats('You like it.', 'You like it?')).toBe(false);
    expect(repeats('3.5', '35')).toBe(false);
    expect(repeats('!!!', '???')).toBe(false);
  });

  it('are the only duplicates at threshold 1', () => {
    expect(repeats(SENTENCE, `${SENTENCE} again`, 1)).toBe(false);
    expect(repeats(SENTENCE, SENTENCE.toUpperCase(), 1)).toBe(true);
  });
});

describe('near-duplicates', () => {
  it('are texts that share nearly all runs of words', () => {
    expect(repeats(SENTENCE, `${SENTENCE} too`, 0.8)).toBe(true);
    expect(repeats(SENTENCE, `Well: ${SENTENCE}`)).toBe(false);
    expect(repeats(SENTENCE, SENTENCE.replace('Lisbon', 'Porto'))).toBe(false);
  });

  it('never differ in a number', () => {
    const more =
      'while the old landlord still wants the rent for both rooms paid before anybody carries a single box down the stairs';
    const invoice = (amount: number): string => `${SENTENCE} ${more} and asks for ${amount} euros`;
    expect(resemblance(printOf(invoice(500)), printOf(invoice(600)))).toBeGreaterThan(0.85);
    expect(repeats(invoice(500), invoice(600), 0.85)).toBe(false);
    expect(repeats(invoice(500), `${invoice(500)} then`, 0.85)).toBe(true);
  });

  it('are found in scripts without spaces', () => {
    const text = '昨日は友達と一緒に東京の大きな公園へ行って桜の花を見ながらお弁当を食べました';
    expect(repeats(text, `${text}よ`, 0.85)).toBe(true);
    expect(repeats(text, '明日は家族と一緒に京都の古い寺へ行くつもりです', 0.85)).toBe(false);
  });

  it('are found in long texts by a sample of their words', () => {
    const long = Array.from(
      { length: 5000 },
      (_, i) => `w${i.toString(26).replaceAll(/[0-9]/g, (digit) => 'qrstuvwxyz'[Number(digit)] ?? '')}`,
    ).join(' ');
    expect(printOf(long).shingles).toHaveLength(512);
    expect(repeats(long, `${long} and a few more words`)).toBe(true);
    expect(repeats(long, long.slice(long.length / 2))).toBe(false);
  });

  it('are not looked for in texts so long that it would hold up others', () => {
    const huge = `${SENTENCE} `.repeat(1000);
    expect(repeats(huge, `${huge} too`)).toBe(false);
    expect(repeats(huge, ` ${huge}`)).toBe(true);
  });
});

describe('resemblance', () => {
  const word = fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f');
  const text = fc.array(word, { minLength: 1, maxLength: 30 }).map((words) => words.join(' '));

  it('is symmetric, within 0..1, and 1 with itself', () => {
    fc.assert(
      fc.property(text, text, (a, b) => {
        const x = printOf(a);
        const y = printOf(b);
        expect(resemblance(x, y)).toBe(resemblance(y, x));
        expect(resemblance(x, y)).toBeGreaterThanOrEqual(0);
        expect(resemblance(x, y)).toBeLessThanOrEqual(1);
        expect(resemblance(x, x)).toBe(1);
      }),
    );
  });

  it('decides as comparing every pair would: the index misses none', () => {
    fc.assert(
      fc.property(fc.array(text, { maxLength: 12 }), fc.constantFrom(0.3, 0.5, 0.7, 0.9), (texts, threshold) => {
        const filter = new DuplicateFilter(threshold);
        const kept: ReturnType<typeof printOf>[] = [];
        for (const print of texts.map(printOf)) {
          const expected = kept.some(
            (other) => other.normal === print.normal || resemblance(other, print) >= threshold,
          );
          expect(filter.repeats(print)).toBe(expected);
          if (expected) continue;
          filter.add(print);
          kept.push(print);
        }
      }),
    );
  });
});
