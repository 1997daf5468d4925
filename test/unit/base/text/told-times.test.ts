import { describe, expect, it } from 'vitest';
import { spanOf, tellsOfDates } from '../../../../src/base/text/time-spans.ts';
import { tellsWhen, toldTimes } from '../../../../src/base/text/told-times.ts';

/** A Monday. */
const SAID_MS = Date.UTC(2023, 4, 8, 13, 56);

function daysOf(told: string): string {
  const { fromMs, untilMs } = spanOf(told, SAID_MS) ?? { fromMs: 0, untilMs: 0 };
  const day = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
  return `${day(fromMs)}..${day(untilMs - 1)}`;
}

describe('toldTimes', () => {
  it.each([
    ['I went there last Friday', ['2023-05-05..2023-05-05']],
    ['last Tues we met', ['2023-05-02..2023-05-02']],
    ['see you next Friday', ['2023-05-12..2023-05-12']],
    ['Yesterday was fun, and so was the day before yesterday', ['2023-05-07..2023-05-07', '2023-05-06..2023-05-06']],
    ['we met two months ago', ['2023-03-01..2023-03-31']],
    ['a couple of weeks ago', ['2023-04-24..2023-04-30']],
    ['three days ago', ['2023-05-05..2023-05-05']],
    ['last year', ['2022-01-01..2022-12-31']],
    ['last weekend', ['2023-05-06..2023-05-07']],
    ['letzten Freitag und vorgestern', ['2023-05-05..2023-05-05', '2023-05-06..2023-05-06']],
    ['vor zwei Wochen', ['2023-04-24..2023-04-30']],
    ['il y a 3 jours', ['2023-05-05..2023-05-05']],
    ['la semaine dernière', ['2023-05-01..2023-05-07']],
    ['ayer, hace 2 semanas', ['2023-05-07..2023-05-07', '2023-04-24..2023-04-30']],
    ['вчера мы были там, на прошлой неделе тоже', ['2023-05-07..2023-05-07', '2023-05-01..2023-05-07']],
    ['in zwei Tagen', ['2023-05-10..2023-05-10']],
    ['昨天我们去了那里', ['2023-05-07..2023-05-07']],
    ['先週引っ越しました', ['2023-05-01..2023-05-07']],
    ['어제 갔어요', ['2023-05-07..2023-05-07']],
  ])('%s', (text, days) => {
    const times = toldTimes(text);
    expect(times.map(daysOf)).toEqual(days);
    expect(tellsWhen(times)).toBe(true);
  });

  it.each([
    'on Saturday',
    'in 2019',
    'in May',
    'on the 15th',
    'for four months now',
    'seit drei Jahren',
    '2023年5月3日に',
  ])('tells of a time: %s', (text) => {
    expect(toldTimes(text)).toEqual(['s0']);
  });

  it.each(['I may go', 'a day like this', 'March on!', '7 of 40 files', 'sun and wind', 'one week', ''])(
    'tells of none: %s',
    (text) => {
      expect(toldTimes(text)).toEqual([]);
    },
  );

  it('is of no time where it is of today', () => {
    expect(tellsWhen(toldTimes('What a day today'))).toBe(false);
  });

  it('keeps a few of them', () => {
    const text = Array.from({ length: 100 }, (_, i) => `${i + 2} days ago`).join(', ');
    expect(toldTimes(text)).toHaveLength(8);
  });
});

describe('tellsOfDates', () => {
  it('goes by the days that are meant', () => {
    const of = (relative: string, ...dates: Parameters<typeof tellsOfDates>[2]): boolean =>
      tellsOfDates([relative], SAID_MS, dates);
    expect(of('5-1', { year: 2023, month: 5, day: 5 })).toBe(true);
    expect(of('5-1', { year: 2023, month: 5 })).toBe(true);
    expect(of('5-1', { year: 2023, month: 5, day: 8 })).toBe(false);
    expect(of('y-1', { year: 2022 })).toBe(true);
    // A year that has the day in it tells nothing of the day.
    expect(of('y-1', { year: 2022, month: 5, day: 5 })).toBe(false);
    expect(of('5-1')).toBe(false);
  });
});
