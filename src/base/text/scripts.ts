export type Script = 'latin' | 'cyrillic' | 'greek' | 'armenian' | 'arabic' | 'devanagari' | 'tamil' | 'other';

/** First and last character of the blocks whose words are stemmed, ascending. */
const BLOCKS: readonly (readonly [first: number, last: number, script: Script])[] = [
  [0x61, 0x7a, 'latin'],
  [0xc0, 0x24f, 'latin'],
  [0x370, 0x3ff, 'greek'],
  [0x400, 0x52f, 'cyrillic'],
  [0x530, 0x58f, 'armenian'],
  [0x600, 0x77f, 'arabic'],
  [0x900, 0x97f, 'devanagari'],
  [0xb80, 0xbff, 'tamil'],
  [0x1e00, 0x1eff, 'latin'],
  [0x1f00, 0x1fff, 'greek'],
];

/** Of a word in lower case, by its first character. */
export function scriptOf(word: string): Script {
  const code = word.charCodeAt(0);
  for (const block of BLOCKS) if (code <= block[1]) return code >= block[0] ? block[2] : 'other';
  return 'other';
}
