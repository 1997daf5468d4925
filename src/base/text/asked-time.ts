// The time that a question asks about: on 7 May 2023, last Friday, in March, yesterday, in the last two weeks.

import { analyzeQuery } from './analyzer.ts';
import { spanOfDate, type NamedDate, type TimeSpan } from './dates.ts';
import { FUNCTION_WORDS } from './function-words.ts';
import { isNow, spanOf } from './time-spans.ts';
import { timesOfQuestion } from './told-times.ts';

export interface AskedTime {
  /** At least one. */
  readonly spans: readonly TimeSpan[];
  /** Days on which it may be told of the time: yesterday, next Friday. Empty where the question has words to find that by. */
  readonly around: readonly TimeSpan[];
  /** How much of the question the time is, 0..1; 1: it says nothing else. */
  readonly share: number;
  /** Index terms of the question that name it. */
  readonly terms: ReadonlySet<string>;
}

/** A longer text is about more than a time. */
const CHARS_MAX = 500;
/** Words beside the time with which a question is still about it: of more, what is of the time needs their words. */
const WORDS_MAX = 5;
/** Times that are named in passing as well, today and on Friday, are asked about where hardly more is said. */
const WORDS_BESIDE_PASSING = 1;
/** Of dates without a year: the last one, and those before it. */
const YEARS_BACK = 4;
const SPANS_MAX = 8;
const MS_PER_DAY = 86_400_000;
const AROUND_DAYS = 7;
/** It is told of a longer time within itself. */
const AROUND_SPAN_DAYS_MAX = 7;

/** Folded words that ask what was, whatever it was. */
const ASKING = `happen happens happened happening said say new news did anything qu habe
passiert passierte geschah geschehen gemacht machte machten getan tat taten los gab war fait fis fit faire passe arrive arriva
hice hizo hicimos hicieron hiciste hecho paso ocurrio sucedio fatto fece fecero successo accaduto fiz fez fizemos feito aconteceu ocorreu
gebeurd gebeurde gedaan deed deden hande gjorde произошло случилось делал делала делали сделал сделала сделали сталося трапилося робив робила
robilem robilam robilismy wydarzylo stalo oldu yaptim yaptik yapti क्या हुआ किया 뭐 뭘 무엇 무엇을 무슨 일 일이 했어 했어요 했나 했지 했니 했습니까 있었어 있었나요`;
/** What Chinese and Japanese write for who, what, do and happen, and their particles. */
const UNSPACED_FUNCTION = /(?:发生|發生|[\u3040-\u309f我你您他她它们們了的是在有吗嗎呢和都也何什么麼做过過])/gu;
const UNSPACED = /[\u30a0-\u30ff\u4e00-\u9fff]/gu;

let askingWords: ReadonlySet<string> | undefined;

/**
 * `core`: of a question without what is wrapped around it. `told`: its `toldTimes`. `dates`: those that it names. undefined: it
 * asks about no time, or about much besides. Days are UTC's.
 */
export function askedTime(
  core: string,
  told: readonly string[],
  dates: readonly NamedDate[],
  askedAtMs: number,
): AskedTime | undefined {
  if ((told.length === 0 && dates.length === 0) || core.length > CHARS_MAX) return undefined;
  const { weekdays, until, times, words } = timesOfQuestion(core);
  const beside = countWords(words);
  if (beside > WORDS_MAX) return undefined;
  const takesPassing = beside <= WORDS_BESIDE_PASSING;
  const spans = [
    ...told.flatMap((each) => (isNow(each) && !takesPassing ? [] : (spanOf(each, askedAtMs) ?? []))),
    ...until.flatMap((each) => upToNow(each, askedAtMs)),
    ...(takesPassing ? weekdays.flatMap((day) => weekdaysAround(day, askedAtMs)) : []),
    ...dates.flatMap((date) => spansOfDate(date, askedAtMs)),
  ].slice(0, SPANS_MAX);
  if (spans.length === 0) return undefined;
  return {
    spans,
    around: takesPassing ? spans.flatMap(daysAround) : [],
    share: 1 / (1 + beside) ** 2,
    terms: new Set(analyzeQuery(times.join(' ')).terms.map(({ term }) => term)),
  };
}

function upToNow(told: string, askedAtMs: number): TimeSpan[] {
  const first = spanOf(told, askedAtMs);
  return first === undefined ? [] : [{ fromMs: first.fromMs, untilMs: askedAtMs + 1 }];
}

/** The last one before today, and the next. */
function weekdaysAround(day: number, askedAtMs: number): TimeSpan[] {
  return [`${day}-1`, `${day}+1`].flatMap((told) => spanOf(told, askedAtMs) ?? []);
}

function spansOfDate(date: NamedDate, askedAtMs: number): TimeSpan[] {
  const last = spanOfDate(date, askedAtMs);
  if (date.span !== undefined || date.year !== undefined) return [last];
  const year = new Date(last.fromMs).getUTCFullYear();
  const latest = last.fromMs > askedAtMs ? year - 1 : year;
  return Array.from({ length: YEARS_BACK }, (_, back) => spanOfDate({ ...date, year: latest - back }, askedAtMs));
}

function daysAround({ fromMs, untilMs }: TimeSpan): TimeSpan[] {
  if (untilMs - fromMs > AROUND_SPAN_DAYS_MAX * MS_PER_DAY) return [];
  const reachMs = AROUND_DAYS * MS_PER_DAY;
  return [
    { fromMs: fromMs - reachMs, untilMs: fromMs },
    { fromMs: untilMs, untilMs: untilMs + reachMs },
  ];
}

/** Different words that say what is asked about the time. */
function countWords(words: readonly string[]): number {
  askingWords ??= new Set([ASKING, ...Object.values(FUNCTION_WORDS)].flatMap((list) => list.split(/\s+/u)));
  let count = 0;
  for (const word of new Set(words)) {
    if (askingWords.has(word)) continue;
    const isUnspaced = word.match(UNSPACED) !== null;
    if (isUnspaced) count += Math.ceil((word.replace(UNSPACED_FUNCTION, '').match(UNSPACED) ?? []).length / 2);
    // One letter is what is left of `d'été` or `I'm`.
    else if (word.length > 1 && word.replace(UNSPACED_FUNCTION, '') !== '') count++;
  }
  return count;
}
