import { describe, expect, it } from 'vitest';
import { textTraits } from '../../../../src/base/text/traits.ts';

describe('textTraits', () => {
  it.each([
    ['Ann Lee: hello', ['ann', 'lee']],
    ['user: hello', ['user']],
    ['[2023-01-01 10:00] Bob: hello', ['bob']],
    ['小明：你好', ['小明']],
    ['see http://example.org', []],
    ['12:30: lunch', []],
    ['A sentence that goes on and on, and then: a colon', []],
    ['', []],
  ])('speaker of %j', (text, speaker) => {
    expect(textTraits(text).speaker).toEqual(speaker);
  });

  it.each([
    ['Ann: How are you?', true],
    ['Ann: How are you? 😀', true],
    ['Ann: "Really?"', true],
    ['Ann: Seen this? [shares a photo]', true],
    ['你好吗？', true],
    ['كيف حالك؟', true],
    ['Really? I doubt it.', false],
    ['', false],
  ])('question: %j', (text, isQuestion) => {
    expect(textTraits(text).isQuestion).toBe(isQuestion);
  });
});
