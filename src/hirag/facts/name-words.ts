import { foldText } from '../../base/text/segment.ts';
import { ENGLISH_STOP_WORDS } from '../../base/text/stopwords.ts';

/** Longer names are not looked for in questions. */
const NAME_WORDS_MAX = 8;
/** Of a question, so many words at its beginning and as many at its end are looked at. */
const QUESTION_WORDS_MAX = 64;
/** Characters that hold more words than these. */
const QUESTION_CHARS = 4_096;

const UNSPACED = String.raw`\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Hang}\p{sc=Thai}\p{sc=Laoo}\p{sc=Khmr}\p{sc=Mymr}\u30fc`;
/** Scripts without spaces give a word for each character: a name is found inside any longer run. */
const WORD = new RegExp(
  String.raw`[${UNSPACED}]\p{M}*|[[\p{L}\p{N}]--[${UNSPACED}]][[\p{L}\p{M}\p{N}]--[${UNSPACED}]]*`,
  'gv',
);

/** The words of a name, as they stand in a question; null where there are none, or too many. */
export function nameWords(name: string): string | null {
  const words = wordsOf(name);
  return words.length === 0 || words.length > NAME_WORDS_MAX ? null : words.join(' ');
}

/** What in a question may be a name: every run of words, the longest first. */
export function possibleNames(question: string): string[] {
  const isLong = question.length > 2 * QUESTION_CHARS;
  const parts = isLong ? [question.slice(0, QUESTION_CHARS), question.slice(-QUESTION_CHARS)] : [question];
  const [begin = [], end] = parts.map(wordsOf);
  const runs =
    end === undefined && begin.length <= 2 * QUESTION_WORDS_MAX
      ? [begin]
      : [begin.slice(0, QUESTION_WORDS_MAX), (end ?? begin).slice(-QUESTION_WORDS_MAX)];
  const names = new Set<string>();
  for (let length = NAME_WORDS_MAX; length > 0; length--) {
    for (const words of runs) {
      for (let at = 0; at + length <= words.length; at++) {
        const name = words.slice(at, at + length).join(' ');
        if (length > 1 || !ENGLISH_STOP_WORDS.has(name)) names.add(name);
      }
    }
  }
  return [...names];
}

function wordsOf(text: string): string[] {
  return foldText(text).match(WORD) ?? [];
}
