import { describe, expect, it } from 'vitest';
import { textTraits } from '../../../../src/base/text/traits.ts';

describe('textTraits', () => {
  it.each([
    ['Ann Lee: hello', ['ann', 'lee']],
    ['user: hello', ['user']],
    ['[2023-01-01 10:00] Bob: hello', ['bob']],
    ['小明：你好', ['小明']],
    ['**Ann Lee:** hello there', ['ann', 'lee']],
    ['**Ann**: I am late', ['ann']],
    ['- Ann: I am late', ['ann']],
    ['* **Ann:** I am late', ['ann']],
    ['• Ann: I am late', ['ann']],
    ['Ann (10:30): late', ['ann']],
    ['Ann Lee (2023-05-08 10:30 am): late', ['ann', 'lee']],
    ['{"role": "user", "content": "hello"}', ['user']],
    ['{"content": "hello", "author": "Ann Lee"}', ['ann', 'lee']],
    ['{"name": "chess", "kind": "hobby"}', []],
    ['- Apples (red): 4', []],
    ['- Hobby: chess', []],
    ['**Note:** the deploy is done.', []],
    ['see http://example.org', []],
    ['12:30: lunch', []],
    ['A sentence that goes on and on, and then: a colon', []],
    ['', []],
  ])('speaker of %j', (text, speaker) => {
    expect(textTraits(text).speaker).toEqual(speaker);
  });

  it.each([
    'Hobby: chess',
    'Hobbies: chess and hiking',
    'Favourite colour: green',
    'Shoe Size: 42',
    'Blood type: A+',
    'Status: The deploy is done.',
    'Summary: She moved to Oslo.',
    'Lives in: Berlin',
    'TODO: call Ann',
    'note: buy milk.',
    'You can choose: a full refund, or a replacement.',
    'Partner: Tom',
    'Beruf: Lehrerin',
    'Ciudad: Lisboa',
    '爱好：下棋',
    '趣味：チェスをすることです。',
    'Хобби: шахматы',
  ])('%j is a field, and nobody speaks', (text) => {
    expect(textTraits(text).speaker).toEqual([]);
  });

  it.each([
    ['Mara: I play chess', ['mara']],
    ['Ben: the needle is in the shed', ['ben']],
    ['Eve: Tarts!', ['eve']],
    ['Mara: ich spiele gern Schach', ['mara']],
    ['Ludwig van Beethoven: da da da dum!', ['ludwig', 'van', 'beethoven']],
    ['assistant: 42', ['assistant']],
    ['[09:15] bob: chess', ['bob']],
    ['Мария: привет', ['мария']],
    ['小明：今天天气好', ['小明']],
  ])('somebody speaks in %j', (text, speaker) => {
    expect(textTraits(text).speaker).toEqual(speaker);
  });

  it.each([
    ['Ann: How are you?', true],
    ['Ann: How are you? 😀', true],
    ['Ann: "Really?"', true],
    ['**Ann:** *Really?*', true],
    ['{"role": "user", "content": "Really?"}', true],
    ['Ann: Seen this? [shares a photo]', true],
    ['你好吗？', true],
    ['كيف حالك؟', true],
    ['Really? I doubt it.', false],
    ['', false],
  ])('question: %j', (text, isQuestion) => {
    expect(textTraits(text).isQuestion).toBe(isQuestion);
  });
});
