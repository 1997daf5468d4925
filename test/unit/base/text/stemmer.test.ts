import { describe, expect, it } from 'vitest';
import { stemEnglish } from '../../../../src/base/text/stemmer.ts';

describe('stemEnglish', () => {
  it.each([
    // The examples that the description of each step gives.
    ['sses', 'caresses', 'caress'],
    ['ies', 'ties', 'tie'],
    ['ies', 'cries', 'cri'],
    ['s', 'gaps', 'gap'],
    ['s', 'gas', 'gas'],
    ['s', 'this', 'this'],
    ['us', 'bus', 'bus'],
    ['ed', 'hopped', 'hop'],
    ['ed', 'hoped', 'hope'],
    ['ing', 'luxuriating', 'luxuri'],
    ['eed', 'agreed', 'agre'],
    ['y', 'cry', 'cri'],
    ['y', 'by', 'by'],
    ['y', 'say', 'say'],
    ['ize', 'hopefulness', 'hope'],
    ['double', 'adding', 'add'],
    ['double', 'egged', 'egg'],
    ['ying', 'dying', 'die'],
    ['prefix', 'university', 'universiti'],
    ['prefix', 'universal', 'universal'],
    ['exception', 'skies', 'sky'],
    ['exception', 'news', 'news'],
    ['exception', 'evening', 'evening'],
    ['short', 'is', 'is'],
  ])('%s: %s gives %s', (_step, word, stem) => {
    expect(stemEnglish(word)).toBe(stem);
  });

  it('brings the forms of a word together', () => {
    const forms = ['connect', 'connected', 'connecting', 'connection', 'connections'];
    expect(new Set(forms.map(stemEnglish)).size).toBe(1);
  });

  it('is total over odd input', () => {
    for (const word of ['y', 'yy', 'yyy', 'ing', 'ed', 'eed', 'sss', 'aeiou', 'x'.repeat(1_000)]) {
      expect(typeof stemEnglish(word)).toBe('string');
    }
  });
});
