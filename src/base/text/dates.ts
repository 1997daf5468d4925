// Dates that a text names, in the common written forms, with month names from ICU's data.

import { foldText } from './segment.ts';
import { MONTHS, SHORT_MONTHS } from './time-words.generated.ts';

/** Half-open. */
export interface TimeSpan {
  readonly fromMs: number;
  readonly untilMs: number;
}

export function isWithin(spans: readonly TimeSpan[], atMs: number): boolean {
  return spans.some(({ fromMs, untilMs }) => atMs >= fromMs && atMs < untilMs);
}

/** The same times in their order, each once. */
export function apart(spans: readonly TimeSpan[]): TimeSpan[] {
  const joined: TimeSpan[] = [];
  for (const span of spans.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const before = joined.at(-1);
    if (before === undefined || before.untilMs < span.fromMs) joined.push(span);
    else joined[joined.length - 1] = { ...before, untilMs: Math.max(before.untilMs, span.untilMs) };
  }
  return joined;
}

/** A day, a month (of any year where `year` is absent) or a year. Months count from 1. */
export interface NamedDate {
  /** In place of all others. */
  readonly span?: TimeSpan;
  readonly year?: number;
  readonly month?: number;
  readonly day?: number;
}

const MS_PER_DAY = 86_400_000;
/** What happened is often told some days later: the affinity falls to 1/e over this time. */
const TOLD_AFTER_DAYS = 7;
/** A year alone says little about a context. */
const YEAR_AFFINITY = 0.3;
const YEAR_DAYS_MIN = 360;
/** Month names that are words or first names too: a number or a preposition must stand beside them. */
const AMBIGUOUS: ReadonlySet<string> = new Set([
  'april',
  'may',
  'june',
  'march',
  'august',
  'mars',
  'mart',
  'mai',
  'mayo',
  'agosto',
  'marco',
]);
const PREPOSITIONS: ReadonlySet<string> = new Set([
  'in',
  'since',
  'until',
  'till',
  'during',
  'by',
  'before',
  'after',
  'last',
  'next',
  'this',
  'early',
  'late',
  'mid',
  'im',
  'seit',
  'en',
  'em',
  'a',
  'de',
  'di',
  'w',
  'в',
  'с',
  'у',
]);
const QUERY_CHARS_MAX = 4_000;

const ISO = /(?<![\d.])((?:19|20)\d\d)-(\d{1,2})(?:-(\d{1,2}))?(?![\d.])/g;
const DAY_FIRST = /(?<![\d.])(\d{1,2})\.\s?(\d{1,2})\.\s?((?:19|20)\d\d)(?!\d)/g;
const EAST_ASIAN = /(?:((?:19|20)\d\d)[年년]\s?)?(\d{1,2})[月월](?:\s?(\d{1,2})[日일])?/g;
const TOKEN = /\d+|[\p{L}\p{M}]+/gu;

interface MonthName {
  readonly month: number;
  readonly needsNumber: boolean;
}

let monthNames: ReadonlyMap<string, MonthName> | undefined;

/** Long names, standing alone and behind a day (`мая`), and short ones, which need a number beside them. */
function monthsByName(): ReadonlyMap<string, MonthName> {
  if (monthNames !== undefined) return monthNames;
  const names = new Map<string, MonthName>();
  for (const [list, needsNumber] of [
    [MONTHS, false],
    [SHORT_MONTHS, true],
  ] as const)
    for (const line of list.split('\n')) {
      const [month, all = ''] = line.split(': ');
      for (const name of all.split(' ')) names.set(name, { month: Number(month), needsNumber });
    }
  return (monthNames = names);
}

function isYear(token: string | undefined): token is string {
  return token !== undefined && /^(?:19|20)\d\d$/.test(token);
}

function isDay(token: string | undefined): token is string {
  return token !== undefined && /^\d{1,2}$/.test(token) && Number(token) >= 1 && Number(token) <= 31;
}

function makeDate(year: string | undefined, month: number, day: string | undefined): NamedDate | null {
  if (month < 1 || month > 12) return null;
  return {
    month,
    ...(year === undefined ? {} : { year: Number(year) }),
    ...(isDay(day) ? { day: Number(day) } : {}),
  };
}

/** Ordinal endings and the small words between a day and its month: `3rd of June`, `3 de junio`. */
const BETWEEN: ReadonlySet<string> = new Set(['st', 'nd', 'rd', 'th', 'of', 'the', 'de', 'del']);

/** Place of the next token before or after `from` that is not one of the small words. */
function skipBetween(tokens: readonly string[], from: number, step: 1 | -1): number {
  let at = from + step;
  while (BETWEEN.has(tokens[at] ?? '')) at += step;
  return at;
}

function datesWithMonthNames(tokens: readonly string[]): NamedDate[] {
  const dates: NamedDate[] = [];
  for (const [at, token] of tokens.entries()) {
    const name = monthsByName().get(token);
    if (name === undefined) continue;
    const before = tokens[skipBetween(tokens, at, -1)];
    const afterAt = skipBetween(tokens, at, 1);
    const after = tokens[afterAt];
    const day = isDay(before) ? before : isDay(after) ? after : undefined;
    const yearAt = day !== undefined && day === after ? skipBetween(tokens, afterAt, 1) : afterAt;
    const year = isYear(tokens[yearAt]) ? tokens[yearAt] : undefined;
    const hasNumber = day !== undefined || year !== undefined;
    const isSure =
      hasNumber || (!name.needsNumber && (!AMBIGUOUS.has(token) || PREPOSITIONS.has(tokens[at - 1] ?? '')));
    const date = isSure ? makeDate(year, name.month, day) : null;
    if (date !== null) dates.push(date);
  }
  return dates;
}

/** Every date that `text` (its first 4,000 characters) names, at its precision; a year counts only where no fuller date has one. */
export function findDates(text: string): NamedDate[] {
  const folded = foldText(text.slice(0, QUERY_CHARS_MAX));
  const dates: (NamedDate | null)[] = datesWithMonthNames(folded.match(TOKEN) ?? []);
  for (const [, year, month, day] of folded.matchAll(ISO)) dates.push(makeDate(year, Number(month), day));
  for (const [, day, month, year] of folded.matchAll(DAY_FIRST)) dates.push(makeDate(year, Number(month), day));
  for (const [, year, month, day] of folded.matchAll(EAST_ASIAN)) dates.push(makeDate(year, Number(month), day));
  const found = dates.filter((date) => date !== null);
  if (!found.some((date) => date.year !== undefined)) {
    for (const [year] of folded.matchAll(/(?<!\d)(?:19|20)\d\d(?!\d)/g)) found.push({ year: Number(year) });
  }
  return found;
}

/** What is meant where it is said at `nearMs`. */
export function spanOfDate(date: NamedDate, nearMs: number): TimeSpan {
  if (date.span !== undefined) return date.span;
  const near = new Date(nearMs);
  const month = (date.month ?? 1) - 1;
  // A month without a year is the last one that had begun when the context was made.
  const year = date.year ?? near.getUTCFullYear() - (month > near.getUTCMonth() ? 1 : 0);
  if (date.month === undefined) return { fromMs: Date.UTC(year, 0, 1), untilMs: Date.UTC(year + 1, 0, 1) };
  if (date.day === undefined) return { fromMs: Date.UTC(year, month, 1), untilMs: Date.UTC(year, month + 1, 1) };
  const startMs = Date.UTC(year, month, date.day);
  return { fromMs: startMs, untilMs: startMs + MS_PER_DAY };
}

/**
 * How well a context made at `createdAtMs` fits the dates of a query, 0..1: 1 within the day or month,
 * falling with the days after it, as people tell things later. Dates are read as UTC.
 */
export function dateAffinity(dates: readonly NamedDate[], createdAtMs: number): number {
  let best = 0;
  for (const date of dates) {
    const { fromMs: startMs, untilMs: endMs } = spanOfDate(date, createdAtMs);
    const isWithin = createdAtMs >= startMs && createdAtMs < endMs;
    if (endMs - startMs > YEAR_DAYS_MIN * MS_PER_DAY) best = Math.max(best, isWithin ? YEAR_AFFINITY : 0);
    else if (isWithin) best = 1;
    else if (createdAtMs >= endMs)
      best = Math.max(best, Math.exp((endMs - createdAtMs) / MS_PER_DAY / TOLD_AFTER_DAYS));
    // Another time zone: the evening before may be the day itself.
    else if (endMs - startMs === MS_PER_DAY && startMs - createdAtMs <= MS_PER_DAY / 2) best = Math.max(best, 0.5);
  }
  return best;
}
