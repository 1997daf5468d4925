// Which days are meant by what a text tells from the moment on at which it is said (`toldTimes`).

import { spanOfDate, type NamedDate, type TimeSpan } from './dates.ts';
import { WEEKEND } from './told-times.ts';

const MS_PER_DAY = 86_400_000;

/** Today, this week: of a question, nothing that was said then. */
export function isNow(told: string): boolean {
  return Number(told.slice(1)) === 0;
}

/** What `told`, one of `toldTimes`, means where it is said at `atMs`. Days are UTC's. */
export function spanOf(told: string, atMs: number): TimeSpan | undefined {
  const unit = told.charAt(0);
  const step = Number(told.slice(1));
  const now = new Date(atMs);
  const [year, month, day] = [now.getUTCFullYear(), now.getUTCMonth(), now.getUTCDate()];
  const todayMs = Date.UTC(year, month, day);
  const weekday = now.getUTCDay();
  const monday = -((weekday + 6) % 7);
  const days = (from: number, count: number): TimeSpan => {
    const fromMs = todayMs + from * MS_PER_DAY;
    return { fromMs, untilMs: fromMs + count * MS_PER_DAY };
  };
  switch (unit) {
    case 'd':
      return days(step, 1);
    case 'w':
      return days(monday + 7 * step, 7);
    case WEEKEND:
      return days(monday + 7 * step + 5, 2);
    case 'm':
      return { fromMs: Date.UTC(year, month + step, 1), untilMs: Date.UTC(year, month + step + 1, 1) };
    case 'y':
      return { fromMs: Date.UTC(year + step, 0, 1), untilMs: Date.UTC(year + step + 1, 0, 1) };
    case 's':
      return undefined;
    default: {
      const on = (Number(unit) - weekday + 7) % 7;
      return days(step < 0 ? on - 7 : on === 0 ? 7 : on, 1);
    }
  }
}

/** Of the days that are meant so much must be within what is asked for: last year tells nothing of a day in it. */
const WITHIN_MIN = 0.5;

/** Whether what is told at `atMs` (`toldTimes`) means one of the dates. */
export function tellsOfDates(times: readonly string[], atMs: number, dates: readonly NamedDate[]): boolean {
  const asked = dates.map((date) => spanOfDate(date, atMs));
  return times.some((told) => {
    const meant = spanOf(told, atMs);
    if (meant === undefined) return false;
    const { fromMs, untilMs } = meant;
    return asked.some((span) => {
      const sharedMs = Math.min(untilMs, span.untilMs) - Math.max(fromMs, span.fromMs);
      return sharedMs >= WITHIN_MIN * (untilMs - fromMs);
    });
  });
}
