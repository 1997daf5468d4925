import { describe, expect, it } from 'vitest';
import { foldText, segmentWords } from '../../../../src/base/text/segment.ts';

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
});
