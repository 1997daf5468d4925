import { describe, expect, it } from 'vitest';
import { dateAffinity, findDates } from '../../../../src/base/text/dates.ts';

describe('findDates', () => {
  it.each([
    ['What happened on May 3, 2023?', [{ year: 2023, month: 5, day: 3 }]],
    ['on the 3rd of June, 2023', [{ year: 2023, month: 6, day: 3 }]],
    ['on 2023-05-08', [{ year: 2023, month: 5, day: 8 }]],
    ['in 2023-05', [{ year: 2023, month: 5 }]],
    ['am 3. Mai 2023', [{ year: 2023, month: 5, day: 3 }]],
    ['am 3.5.2023', [{ year: 2023, month: 5, day: 3 }]],
    ['el 5 de junio de 2022', [{ year: 2022, month: 6, day: 5 }]],
    ['5 мая 2021 года', [{ year: 2021, month: 5, day: 5 }]],
    ['2023年5月3日に', [{ year: 2023, month: 5, day: 3 }]],
    ['last October', [{ month: 10 }]],
    ['in jan 2020', [{ year: 2020, month: 1 }]],
    ['back in 2019', [{ year: 2019 }]],
    ['May I ask who may come in May?', [{ month: 5 }]],
    ['What did June and Jan say?', []],
    ['version 1.2.3 of 40 files', []],
  ])('%s', (text, dates) => {
    expect(findDates(text)).toEqual(dates);
  });
});

describe('dateAffinity', () => {
  const at = (iso: string): number => Date.parse(`${iso}T12:00:00Z`);

  it('is 1 within what is named', () => {
    expect(dateAffinity([{ year: 2023, month: 5, day: 3 }], at('2023-05-03'))).toBe(1);
    expect(dateAffinity([{ year: 2023, month: 5 }], at('2023-05-31'))).toBe(1);
    expect(dateAffinity([{ month: 5 }], at('2021-05-31'))).toBe(1);
  });

  it('falls with the days after it, and is nothing before it', () => {
    const date = [{ year: 2023, month: 5, day: 3 }];
    const soon = dateAffinity(date, at('2023-05-05'));
    expect(soon).toBeGreaterThan(dateAffinity(date, at('2023-05-12')));
    expect(soon).toBeLessThan(1);
    expect(dateAffinity(date, at('2023-04-20'))).toBe(0);
  });

  it('takes a month without a year as the last one before the context', () => {
    expect(dateAffinity([{ month: 12 }], at('2023-01-02'))).toBeGreaterThan(0.7);
  });

  it('gives a year alone little, and no date nothing', () => {
    expect(dateAffinity([{ year: 2023 }], at('2023-09-01'))).toBeLessThan(0.5);
    expect(dateAffinity([], at('2023-09-01'))).toBe(0);
  });
});
