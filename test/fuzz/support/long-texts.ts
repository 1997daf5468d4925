const repeated =
  (unit: string) =>
  (units: number): string =>
    unit.repeat(Math.ceil(units / unit.length)).slice(0, units);

/** Texts of so many units, by what they are runs of. */
export const LONG_TEXTS: Readonly<Record<string, (units: number) => string>> = {
  'one letter': repeated('a'),
  words: repeated('The quick brown fox jumps. '),
  'different words': (units) => {
    let text = '';
    for (let n = 0; text.length < units; n++) text += `${(n * 7919).toString(36)} `;
    return text.slice(0, units);
  },
  'combining marks': (units) => `a${'\u0301'.repeat(units - 1)}`,
  'marks of two classes': (units) => `a${'\u0301'.repeat(units / 2)}${'\u0323'.repeat(units / 2 - 1)}`,
  blanks: (units) => `a${' '.repeat(units - 2)}b`,
  dots: (units) => `${'.'.repeat(units - 1)}a`,
  digits: repeated('1'),
  numbers: repeated('1,'),
  dates: repeated('2024-01-02 '),
  'names of months': repeated('may 3rd '),
  names: repeated('Ann Eve '),
  lines: repeated('a\n'),
  ideographs: repeated('漢'),
  'mixed scripts': repeated('aя漢1. '),
  'right to left': repeated('א\u05b0ל\u0651 '),
  hangul: repeated('\u1100\u1161'),
  emoji: repeated('😀'),
  'joined emoji': repeated('👩\u200d'),
  flags: repeated('🇩'),
  quotes: repeated('"'),
  backslashes: repeated('\\'),
  code: repeated('if (!a[i]) { b += c.d("x", 1.5); } // e\n'),
  JSON: repeated('{"a":[1,true,null,"b"]},'),
};
