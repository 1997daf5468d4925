// Signs that carry meaning: the sharp of C#, a currency, an emoji. Each is an index term beside the words, so that what was
// stored without them is found by these as ever.

/** Texts without any of these have none. */
// eslint-disable-next-line no-control-regex -- all but ASCII
const MAY_HAVE = /[#+@&%$]|(?:^|\s)\.\p{L}|[^\x00-\x7f]/u;
const PARTS = [
  // C#, F#, C++.
  String.raw`(?<![\p{L}\p{N}_#+])\p{L}{1,3}(?:\+\+|#)(?![\p{L}\p{N}_#+])`,
  // .NET, .env
  String.raw`(?<![\p{L}\p{N}_.@/])\.\p{L}[\p{L}\p{N}]{1,15}(?![\p{L}\p{N}])`,
  // @handles and #tags
  String.raw`(?<![\p{L}\p{N}_@#/&])[@#][\p{L}\p{N}_]{2,40}(?![\p{L}\p{N}_@])`,
  // R&D, AT&T
  String.raw`(?<![\p{L}\p{N}_&])\p{L}{1,3}&\p{L}{1,3}(?![\p{L}\p{N}_&])`,
  // 50 %, $20, and signs by themselves
  String.raw`\p{Sc}(?= ?\d)|(?<=\d ?)[\p{Sc}%]|(?<!\S)[\p{Sc}%](?!\S)`,
  // flags, and emoji without skin tones and joiners
  String.raw`[\u{1f1e6}-\u{1f1ff}]{2}|(?![\u{1f3fb}-\u{1f3ff}©®™])\p{Extended_Pictographic}`,
];
const SIGN = new RegExp(PARTS.join('|'), 'gu');

/** One term for the sign and its English word, as far as it has one. */
const WORDS: ReadonlyMap<string, string> = new Map([
  ['%', 'percent'],
  ['$', 'dollar'],
  ['€', 'euro'],
  ['£', 'pound'],
  ['¥', 'yen'],
]);

/** The terms of the signs in a text of lower case, in order. */
export function signsOf(lower: string): readonly string[] {
  if (!MAY_HAVE.test(lower)) return NONE;
  return lower.match(SIGN)?.map((sign) => WORDS.get(sign) ?? sign) ?? NONE;
}

const NONE: readonly string[] = [];
