import { describe, expect, it } from 'vitest';
import { foldText, segmentForIndex, segmentWords } from '../../../../src/base/text/segment.ts';

describe('segmentWords', () => {
  it.each([
    ['contractions and possessives', "Max's dog didn't bark", ['max', 'dog', 'didn', 'bark']],
    ['the typographic apostrophe', 'Max’s dog', ['max', 'dog']],
    ['elision', "l'amour", ['l', 'amour']],
    ['numbers', '1,000 is 1000, 3.14, 08', ['1000', 'is', '1000', '3.14', '8']],
    ['a date', '2023-05-08', ['2023', '5', '8']],
    ['identifiers', 'call getUserName()', ['call', 'getusername', 'get', 'user', 'name']],
    ['snake case', 'user_id=7', ['user', 'id', '7']],
    ['diacritics', 'Müller Größe café Łódź', ['muller', 'grosse', 'cafe', 'lodz']],
    ['Cyrillic', 'Ёлка стоит', ['елка', 'стоит']],
    ['Devanagari with its vowel signs', 'हिन्दी भाषा', ['हिन्दी', 'भाषा']],
    ['full-width forms', 'ＡＢＣ１２', ['abc12']],
    ['Han in pairs', '我喜欢猫', ['我喜', '喜欢', '欢猫']],
    ['one Han character', '猫!', ['猫']],
    ['kana in pairs', 'ラーメン', ['ラー', 'ーメ', 'メン']],
    ['Hangul in pairs', '고양이가', ['고양', '양이', '이가']],
    ['Thai in pairs', 'แมว', ['แม', 'มว']],
    ['scripts side by side', 'iPhone用', ['iphone', '用', 'i', 'phone']],
    ['symbols only', '!!! 😀 --', []],
    ['nothing', '', []],
  ])('%s', (_name, text, words) => {
    expect(segmentWords(text)).toEqual(words);
  });

  it('folds composed and decomposed spellings alike', () => {
    expect(foldText('e\u0301te\u0301')).toBe(foldText('\u00e9t\u00e9'));
    expect(foldText('がぎ')).toBe('がぎ');
  });

  it('takes lone surrogates and long runs', () => {
    expect(() => segmentWords('\ud800 a \udfff')).not.toThrow();
    expect(segmentWords('漢'.repeat(10_000))).toHaveLength(9_999);
  });

  it('bounds every word, also one in a text of an unspaced script', () => {
    for (const run of ['a', '1', 'é', "x'", '1,']) {
      const words = segmentWords(`漢 ${run.repeat(100_000)} ${run.repeat(100_000)}漢`);
      expect(Math.max(...words.map((word) => word.length))).toBeLessThanOrEqual(64);
    }
  });

  it('keeps up to 30 marks in a row, and as many as there are apart', () => {
    expect(foldText(`a${'\u0483'.repeat(5_000)}b`)).toBe(`a${'\u0483'.repeat(30)}b`);
    expect(foldText('ха\u0483'.repeat(100))).toBe('ха\u0483'.repeat(100));
    expect(foldText('𠀀'.repeat(100))).toBe('𠀀'.repeat(100));
  });
});

describe('segmentForIndex', () => {
  it('gives the Han and Hangul characters besides the pairs', () => {
    expect(segmentForIndex('我喜欢猫')).toMatchObject({
      words: ['我喜', '喜欢', '欢猫'],
      characters: ['我', '喜', '欢', '猫'],
      alone: [],
    });
    expect(segmentForIndex('猫は寝ている').alone).toEqual(['猫', '寝']);
    expect(segmentForIndex('개 짖는다')).toMatchObject({
      words: ['개', '짖는', '는다'],
      characters: ['짖', '는', '다'],
      alone: [],
    });
    expect(segmentForIndex('𠀀か𠀁𠀂')).toMatchObject({
      words: ['𠀀か', 'か𠀁', '𠀁𠀂'],
      characters: ['𠀀', '𠀁', '𠀂'],
      alone: ['𠀀'],
    });
    for (const word of ['猫', '𠀀', '개'])
      expect(segmentForIndex(word)).toEqual({ words: [word], unfolded: [word], characters: [], alone: [], signs: [] });
  });

  it('parts numbers from the characters around them', () => {
    expect(segmentForIndex('5月3日に会議').words).toEqual(['5', '月', '3', '日に', 'に会', '会議']);
    expect(segmentForIndex('iPhone用').words).toEqual(['iphone', '用', 'i', 'phone']);
  });

  it('gives spaced scripts as they are', () => {
    for (const text of ["Max's dog", 'Müller kam 08', 'getUserName()', 'हिन्दी भाषा', ''])
      expect(segmentForIndex(text)).toMatchObject({ words: segmentWords(text), characters: [], alone: [] });
  });

  it('keeps words with their marks beside the folded ones', () => {
    expect(segmentForIndex('L’été à Köln').unfolded).toEqual(['l', 'été', 'à', 'köln']);
  });
});
