// What a text says of when: yesterday, last Friday, two months ago, in May 2023. The words come from ICU's data, beside small
// lists of what that lacks.

import { isAscii } from './ascii.ts';
import { foldText } from './segment.ts';
import { MONTHS, SHORT_WEEKDAYS, TOLD_TIMES, TOLD_TIMES_UNSPACED, WEEKDAYS } from './time-words.generated.ts';

const TEXT_CHARS_MAX = 4_000;
const TIMES_MAX = 8;
export const WEEKEND = 'e';
const TODAY = 'd0';
/** What is not told from now on: a date, a weekday, `for five years`. */
const SOME_TIME = 's0';
const UNSPACED = /[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7a3]/;
const ANY_NUMBER = '#';
const TOKEN = /\d+|[\p{L}\p{M}]+/gu;
const ASCII_TOKEN = /\d+|[a-z]+/g;
const DIGITS = /^\d+$/;
const EAST_ASIAN_DATE = /\d[年월月]|[月火水木金土日]曜|星期[一二三四五六日天]|周末|週末|[월화수목금토일]요일/;
const EAST_ASIAN_DATES =
  /\d+[年月日周週년월일]|[月火水木金土日]曜日?|星期[一二三四五六日天]|周末|週末|[월화수목금토일]요일/g;
const YEAR = /^(?:19|20)\d\d$/;
/** Of other numbers of a question none is of a time. */
const DAY_OR_YEAR = /^(?:\d{1,2}|(?:19|20)\d\d)$/;
/** What has both is a name of something, but for `7th`. */
const LETTERS_AND_DIGITS =
  /(?<![\p{L}\p{M}\p{N}])(?!\d{1,2}(?:st|nd|rd|th|er|e|o|a)?(?![\p{L}\p{M}\p{N}]))(?=\p{N}*[\p{L}\p{M}])(?=[\p{L}\p{M}]*\p{N})[\p{L}\p{M}\p{N}]+/gu;
const NO_TIMES: readonly string[] = [];
const ORDINAL = /^(?:st|nd|rd|th)$/;

const NUMBER_WORDS: ReadonlyMap<string, number> = new Map(
  `a 1 an 1 one 1 two 2 couple 2 three 3 few 3 four 4 five 5 six 6 seven 7 eight 8 nine 9 ten 10 eleven 11 twelve 12
  einem 1 einer 1 zwei 2 drei 3 vier 4 funf 5 sechs 6 sieben 7 acht 8 neun 9 zehn 10 un 1 une 1 una 1 uno 1 deux 2 trois 3 quatre 4
  cinq 5 dos 2 tres 3 cuatro 4 cinco 5 due 2 tre 3 quattro 4 cinque 5 um 1 uma 1 dois 2 duas 2 quatro 4 een 1 twee 2 drie 3 vijf 5
  два 2 две 2 три 3 четыре 4 пять 5 dwa 2 trzy 3 cztery 4 дві 2 чотири 4`
    .split(/\s+/u)
    .flatMap((word, i, all) => (i % 2 === 0 ? [[word, Number(all[i + 1])] as const] : [])),
);
/** How words begin that put the day or month beside them behind now, */
const PAST =
  /^(?:last|past|letzt|vergangen|vorig|dernier|pasad|passad|scors|afgelopen|прошл|минул|zeszl|ubiegl|forra|gecen)/;
/** or before it. */
const NEXT = /^(?:next|coming|nachst|kommend|prochain|proxim|prossim|volgend|следующ|наступн|przyszl|nasta|gelecek)/;
/** Beside one of these a short name of a weekday is one. */
const BESIDE_DAY = /^(?:on|this)$/;
/** What that data lacks. `s`: some time that is not told from now on. */
const MORE = `d-1: last night | hier soir | hier matin
d-2: day before yesterday
d2: day after tomorrow
w-1: past week | letzten woche | vergangene woche | vergangenen woche
m-1: past month | letzter monat | im letzten monat
y-1: past year | letzten jahr | vergangenen jahr
e-1: last weekend | past weekend | letztes wochenende | letzten wochenende
e0: this weekend | dieses wochenende
e1: next weekend | nachstes wochenende
e-#: # weekends ago
s0: last summer | last winter | last spring | last fall | last autumn | letzten sommer | letzten winter | कल | परसों`;
const MORE_SHORT = `2: tues
4: thur thurs`;

interface Phrase {
  readonly words: readonly string[];
  /** Place of the word that it is looked for by. */
  readonly anchor: number;
  readonly unit: string;
  /** How many units on; of what is told with a number its sign. */
  readonly step: number;
}

/** What a word may stand for. */
interface Meaning {
  phrases: Phrase[];
  /** 0 is Sunday. */
  weekday?: number;
  isShort?: boolean;
  isMonth?: boolean;
  /** Behind a number it is a while of so many of these: `d`, `w`, `m` or `y`. */
  unit?: string;
}

let meanings: ReadonlyMap<string, Meaning> | undefined;

function meaningOf(token: string): Meaning | undefined {
  return (meanings ??= allMeanings()).get(token);
}

function allMeanings(): ReadonlyMap<string, Meaning> {
  const found = new Map<string, Meaning>();
  const of = (word: string): Meaning => {
    const known = found.get(word) ?? { phrases: [] };
    found.set(word, known);
    return known;
  };
  for (const [, names] of entriesOf(MONTHS, ' ')) for (const name of names) of(name).isMonth = true;
  for (const [day, names] of entriesOf(WEEKDAYS, ' ')) for (const name of names) of(name).weekday = Number(day);
  for (const [day, names] of entriesOf(`${SHORT_WEEKDAYS}\n${MORE_SHORT}`, ' '))
    for (const name of names) Object.assign(of(name), { weekday: Number(day), isShort: true });
  const phrases = entriesOf(`${TOLD_TIMES}\n${MORE}`, ' | ').flatMap(([meaning, texts]) =>
    texts.map((text) => ({ words: text.split(' '), ...unitAndStep(meaning) })),
  );
  const uses = new Map<string, number>();
  for (const { words } of phrases) for (const word of new Set(words)) uses.set(word, (uses.get(word) ?? 0) + 1);
  for (const phrase of phrases) {
    const { words } = phrase;
    const anchor = anchorOf(words, uses);
    of(words[anchor] as string).phrases.push({ ...phrase, anchor });
    const number = words.indexOf(ANY_NUMBER);
    if (number >= 0) of(words[number + 1] as string).unit = phrase.unit;
  }
  for (const { phrases: some } of found.values()) some.sort((one, other) => other.words.length - one.words.length);
  return found;
}

function entriesOf(lines: string, separator: string): [meaning: string, texts: string[]][] {
  return lines.split('\n').map((line) => {
    const end = line.indexOf(': ');
    return [line.slice(0, end), line.slice(end + 2).split(separator)];
  });
}

/** Of `d-1`, and of `d-#`, which goes by the number that the text has. */
function unitAndStep(meaning: string): { readonly unit: string; readonly step: number } {
  return { unit: meaning.charAt(0), step: Number(meaning.slice(1).replace(ANY_NUMBER, '1')) };
}

interface Unspaced {
  readonly pattern: RegExp;
  readonly meanings: ReadonlyMap<string, string>;
}

let unspaced: Unspaced | undefined;

/** One pattern for the phrases of all languages that put no spaces between words, by their text with `#` for the number. */
function unspacedPhrases(): Unspaced {
  if (unspaced !== undefined) return unspaced;
  const byText = new Map(
    entriesOf(TOLD_TIMES_UNSPACED, ' | ').flatMap(([meaning, texts]) => texts.map((text) => [text, meaning] as const)),
  );
  const sources = [...byText.keys()].sort((one, other) => other.length - one.length);
  const pattern = new RegExp(sources.map((source) => source.replace(ANY_NUMBER, '[0-9]{1,3}')).join('|'), 'g');
  return (unspaced = { pattern, meanings: byText });
}

function toldUnspaced(folded: string): string[] {
  const { pattern, meanings: byText } = unspacedPhrases();
  return (folded.replaceAll(' ', '').match(pattern) ?? []).map((found) => {
    const { unit, step } = unitAndStep(byText.get(found.replace(/\d+/, ANY_NUMBER)) as string);
    const number = /\d+/.exec(found);
    return `${unit}${number === null ? step : step * Number(number[0])}`;
  });
}

/** The word that the fewest phrases have, the longest of these. */
function anchorOf(words: readonly string[], uses: ReadonlyMap<string, number>): number {
  let best = -1;
  words.forEach((word, place) => {
    if (word === ANY_NUMBER) return;
    const before = words[best];
    const fewer = before === undefined ? -1 : (uses.get(word) ?? 0) - (uses.get(before) ?? 0);
    if (before === undefined || fewer < 0 || (fewer === 0 && word.length > before.length)) best = place;
  });
  return best;
}

function numberOf(token: string | undefined): number | undefined {
  if (token === undefined) return undefined;
  return DIGITS.test(token) && token.length <= 3 ? Number(token) : NUMBER_WORDS.get(token);
}

/** How many on or back the phrase tells around this place; undefined: it does not stand there. */
function stepAround(tokens: readonly string[], at: number, { words, anchor, step }: Phrase): number | undefined {
  let count: number | undefined;
  const fits = (word: string | undefined, token: string | undefined): boolean => {
    if (word === token) return true;
    if (word !== ANY_NUMBER) return false;
    count = numberOf(token);
    return count !== undefined;
  };
  for (let place = anchor - 1, from = at - 1; place >= 0; place--, from--) {
    if (tokens[from] === 'of') from--;
    if (!fits(words[place], tokens[from])) return undefined;
  }
  for (let place = anchor + 1; place < words.length; place++)
    if (!fits(words[place], tokens[at + place - anchor])) return undefined;
  return count === undefined ? step : step * count;
}

/**
 * The times that the first 4,000 characters of a text tell, each once: `d`, `w`, `e`, `m` or `y` for days, weeks, weekends, months
 * and years, or 0 to 6 for a weekday from Sunday on, and how many on or back (`d-1` is yesterday); what is not told from now on
 * is `s0`. Which days they mean says `spanOf`.
 */
export function toldTimes(text: string): readonly string[] {
  const folded = foldText(text.length > TEXT_CHARS_MAX ? text.slice(0, TEXT_CHARS_MAX) : text);
  const tokens = folded.match(isAscii(folded) ? ASCII_TOKEN : TOKEN) ?? [];
  let times: string[] | undefined;
  const add = (told: string): void => {
    if (!(times ??= []).includes(told) && times.length < TIMES_MAX) times.push(told);
  };
  for (let at = 0; at < tokens.length; at++) {
    const meaning = meaningOf(tokens[at] as string);
    const told = meaning === undefined ? plainDate(tokens, at) : toldBy(meaning, tokens, at);
    if (told !== undefined) add(told);
  }
  if (UNSPACED.test(folded)) {
    toldUnspaced(folded).forEach(add);
    if (EAST_ASIAN_DATE.test(folded)) add(SOME_TIME);
  }
  return times ?? NO_TIMES;
}

/** What a question says of when that only it means so, and what it says beside all times. */
export interface TimesOfQuestion {
  /** Named without more: on Friday. 0 is Sunday. */
  readonly weekdays: readonly number[];
  /** As `toldTimes`: how far back the time goes that ends today, of the last two weeks `w-2`. */
  readonly until: readonly string[];
  /** Folded words of time, */
  readonly times: readonly string[];
  /** and the others, each in their order. What is written without spaces between words is one. */
  readonly words: readonly string[];
}

/** Linear in the text. */
export function timesOfQuestion(text: string): TimesOfQuestion {
  const times: string[] = [];
  const names: string[] = [];
  const takeTo = (list: string[]) => (found: string) => {
    list.push(found);
    return ' ';
  };
  const spaced = foldText(text);
  const withSpaces = UNSPACED.test(spaced)
    ? spaced.replace(unspacedPhrases().pattern, takeTo(times)).replace(EAST_ASIAN_DATES, takeTo(times))
    : spaced;
  const tokens = withSpaces.replace(LETTERS_AND_DIGITS, takeTo(names)).match(TOKEN) ?? [];
  const isTime = tokens.map(isOfTime);
  const weekdays: number[] = [];
  const until: string[] = [];
  tokens.forEach((token, at) => {
    const meaning = meaningOf(token);
    if (meaning === undefined) return;
    for (const phrase of meaning.phrases) {
      if (stepAround(tokens, at, phrase) === undefined) continue;
      const from = at - phrase.anchor - (tokens.slice(at - phrase.anchor, at).includes('of') ? 1 : 0);
      isTime.fill(true, Math.max(0, from), at + phrase.words.length - phrase.anchor);
      return;
    }
    const around = [tokens[at - 2], tokens[at - 1], tokens[at + 1]].filter((word) => word !== undefined);
    const count = around.map(numberOf).find((number) => number !== undefined);
    const isPast = around.some((word) => PAST.test(word));
    const { weekday, isShort, unit } = meaning;
    if (weekday !== undefined && isShort !== true && !isPast && !around.some((word) => NEXT.test(word)))
      weekdays.push(weekday);
    if (unit !== undefined && isPast && count !== undefined) until.push(`${unit}-${count}`);
  });
  times.push(...tokens.filter((_, at) => isTime[at]));
  return { weekdays, until, times, words: [...names, ...tokens.filter((_, at) => isTime[at] !== true)] };
}

/** Of itself, whatever stands around it. */
function isOfTime(token: string): boolean {
  const { weekday, isShort, isMonth, unit } = meaningOf(token) ?? {};
  const isName = (weekday !== undefined && isShort !== true) || isMonth === true || unit !== undefined;
  return (
    isName ||
    DAY_OR_YEAR.test(token) ||
    NUMBER_WORDS.has(token) ||
    ORDINAL.test(token) ||
    PAST.test(token) ||
    NEXT.test(token)
  );
}

/** Whether a text says when, by its `toldTimes`. Most talk is of today. */
export function tellsWhen(times: readonly string[]): boolean {
  return times.some((told) => told !== TODAY);
}

/** A year, or a day of the month. */
function plainDate(tokens: readonly string[], at: number): string | undefined {
  const token = tokens[at] as string;
  const first = token.charCodeAt(0);
  if (first < 0x30 || first > 0x39) return undefined;
  if (YEAR.test(token)) return SOME_TIME;
  const isDay = ORDINAL.test(tokens[at + 1] ?? '') && tokens[at - 1] === 'the' && tokens[at - 2] === 'on';
  return isDay ? SOME_TIME : undefined;
}

/** undefined: the word tells no time here. */
function toldBy(meaning: Meaning, tokens: readonly string[], at: number): string | undefined {
  const { phrases, weekday, isShort, isMonth, unit } = meaning;
  for (const phrase of phrases) {
    const step = stepAround(tokens, at, phrase);
    if (step !== undefined) return `${phrase.unit}${step}`;
  }
  const before = tokens[at - 1] ?? '';
  const after = tokens[at + 1] ?? '';
  if (weekday !== undefined) {
    if (PAST.test(before) || PAST.test(after)) return `${weekday}-1`;
    if (NEXT.test(before) || NEXT.test(after)) return `${weekday}+1`;
    if (isShort !== true || BESIDE_DAY.test(before)) return SOME_TIME;
  }
  if (isMonth === true) return isMonthHere(tokens[at] as string, before, after) ? SOME_TIME : undefined;
  return unit !== undefined && numberOf(before) !== undefined && NUMBER_WORDS.get(before) !== 1 ? SOME_TIME : undefined;
}

/** Names of months that are common words, too. */
const WORD_MONTHS: ReadonlySet<string> = new Set(['may', 'march', 'mars', 'mart', 'marco']);
const BEFORE_MONTH = /^(?:in|since|until|till|by|early|late|mid|of|en|em|last|next|this|\d+)$/;

function isMonthHere(month: string, before: string, after: string): boolean {
  return !WORD_MONTHS.has(month) || BEFORE_MONTH.test(before) || DIGITS.test(after);
}
