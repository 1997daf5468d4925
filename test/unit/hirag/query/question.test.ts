import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CodedError } from '../../../../src/base/errors.ts';
import { LoopTurns } from '../../../../src/base/loop-turns.ts';
import { analyzeQuery } from '../../../../src/base/text/analyzer.ts';
import { analyzeQuestion } from '../../../../src/hirag/query/question.ts';

class CountedTurns extends LoopTurns {
  taken = 0;

  override next(): Promise<void> {
    this.taken++;
    return super.next();
  }
}

async function analyzed(text: string) {
  const turns = new CountedTurns();
  return { analysis: await analyzeQuestion(text, turns, undefined), turns: turns.taken };
}

const word = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'abcdeé'), minLength: 3, maxLength: 8 }),
  fc.constantFrom('Ann', "O'Neil", '1,000', 'Straße', 'e\u0301te\u0301'),
);

describe('a question', () => {
  it('is analysed in one go where it is short', async () => {
    const text = 'What did Ann bake on 3 June 2024?';
    expect(await analyzed(text)).toEqual({ analysis: analyzeQuery(text), turns: 0 });
  });

  it('has the same words in slices', async () => {
    const sentence = fc.array(word, { minLength: 1, maxLength: 60 }).map((words) => `${words.join(' ')}. `);
    const long = fc.array(sentence, { minLength: 60, maxLength: 90 }).map((sentences) => sentences.join(''));
    await fc.assert(
      fc.asyncProperty(long, async (text) => {
        const whole = analyzeQuery(text);
        const { analysis } = await analyzed(text);
        expect(analysis.terms.map(({ term }) => term)).toEqual(whole.terms.map(({ term }) => term));
        expect(new Set(analysis.names)).toEqual(whole.names);
      }),
      { numRuns: 20 },
    );
  });

  it('is cut in no word, and where there are no spaces loses no pair of characters', async () => {
    const hiragana = Array.from({ length: 80 }, (_, i) => String.fromCodePoint(0x3041 + i));
    // Every pair of two different characters, once, one behind the other and each pair in a run of its own length.
    const run = hiragana.flatMap((a, i) => hiragana.slice(i + 1).map((b) => a + b)).join('');
    for (const text of [run.repeat(2), `\u{20000}${'\u{20001}\u{20002}'.repeat(4_000)}`, `${'x'.repeat(5_000)} tail`]) {
      const whole = analyzeQuery(text).terms.map(({ term }) => term);
      const { analysis } = await analyzed(text);
      const found = new Set(analysis.terms.map(({ term }) => term));
      expect(whole.filter((term) => !found.has(term))).toEqual([]);
    }
  });

  it('of the greatest length takes a turn for every few thousand characters, and ends with its deadline', async () => {
    const text = Array.from({ length: 40_000 }, (_, i) => `w${i}`)
      .join(' ')
      .slice(0, 262_144);
    const { analysis, turns } = await analyzed(text);
    expect(analysis.terms.length).toBeGreaterThan(39_000);
    expect(turns).toBeGreaterThan(60);
    expect(turns).toBeLessThan(80);
    const deadline = new AbortController();
    const late = analyzeQuestion(text, new LoopTurns(), deadline.signal);
    deadline.abort(new CodedError('DEADLINE_EXCEEDED', 'too late'));
    await expect(late).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });

  it('that names very many dates is about the first of them', async () => {
    const text = Array.from({ length: 300 }, (_, i) => `${1 + (i % 28)} June ${1900 + i}.`).join('\n');
    expect((await analyzed(text)).analysis.dates).toHaveLength(64);
    expect((await analyzed('1 June 2020. '.repeat(2_000))).analysis.dates).toEqual([{ year: 2020, month: 6, day: 1 }]);
  });
});

describe('turns of the event loop', () => {
  it('let it go round between any two slices, whosever they are', async () => {
    const turns = new LoopTurns();
    const order: string[] = [];
    const work = async (name: string): Promise<void> => {
      for (let slice = 0; slice < 3; slice++) {
        await turns.next();
        order.push(name);
        setImmediate(() => order.push('-'));
      }
    };
    await Promise.all(['a', 'b'].map(work));
    await new Promise(setImmediate);
    expect(order.join('')).toBe('a-b-a-b-a-b-');
  });
});
