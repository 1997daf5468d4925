import { describe, expect, it } from 'vitest';
import { questionOf, Sample } from '../../../../src/cli/migration/sample.ts';
import { sample } from '../../../contract/store-samples.ts';

const contexts = Array.from({ length: 200 }, (_, i) => ({ ...sample(`context ${i}`, 4), entered: i }));

function chosenFrom(shown: typeof contexts, size: number, seed = '1'): string[] {
  const chosen = new Sample(size, seed);
  for (const context of shown) chosen.show(context);
  return chosen.chosen.map(({ question }) => question);
}

describe('a sample', () => {
  it('is the same in whatever order and however often contexts come', () => {
    const chosen = chosenFrom(contexts, 20);
    expect(new Set(chosen).size).toBe(20);
    expect(chosenFrom(contexts.toReversed(), 20)).toEqual(chosen);
    expect(chosenFrom([...contexts, ...contexts], 20)).toEqual(chosen);
  });

  it('is another one with another seed, and from all over', () => {
    expect(chosenFrom(contexts, 20, '2')).not.toEqual(chosenFrom(contexts, 20));
    const places = chosenFrom(contexts, 100).map((question) => Number(/\d+/.exec(question)?.[0]));
    expect(places.filter((place) => place < 100).length).toBeGreaterThan(25);
    expect(places.filter((place) => place >= 100).length).toBeGreaterThan(25);
  });

  it('is all that there is where that is less, without contexts that have no words, and may be empty', () => {
    const [first, second] = contexts;
    const silent = { ...sample('silent', 4, { text: ' \n ' }), entered: 0 };
    expect(chosenFrom([first!, silent, second!], 20).sort()).toEqual(['text of context 0', 'text of context 1']);
    expect(chosenFrom(contexts, 0)).toEqual([]);
  });
});

describe('a question', () => {
  it('is a short text, or some words from within a long one', () => {
    expect(questionOf('  where the key\n lies ')).toBe('where the key lies');
    const words = Array.from({ length: 300 }, (_, i) => `w${i}`);
    const question = questionOf(words.join(' ')).split(' ');
    expect(question).toHaveLength(12);
    expect(words.join(' ')).toContain(question.join(' '));
    expect(question[0]).not.toBe('w0');
  });

  it('of a text without spaces is a part of it, with whole characters', () => {
    const text = '😀'.repeat(400);
    const question = questionOf(text);
    expect(question.isWellFormed()).toBe(true);
    expect(question.length).toBeGreaterThan(100);
  });
});
