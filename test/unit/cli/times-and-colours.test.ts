import { describe, expect, it } from 'vitest';
import { styleOf } from '../../../src/cli/terminal/style.ts';
import { durationMs, parseMoment } from '../../../src/cli/terminal/time-parsers.ts';
import { filterOf } from '../../../src/cli/server/narrowing.ts';

describe('durations', () => {
  it.each([
    ['1h', 3_600_000],
    ['7d', 604_800_000],
    ['90s', 90_000],
    ['5m', 300_000],
    ['5min', 300_000],
    ['250ms', 250],
    ['2w', 1_209_600_000],
    ['1h30m', 5_400_000],
  ])('%s', (text, expected) => {
    expect(durationMs(text)).toBe(expected);
  });

  it.each(['', '7', 'd', '-1h', '1.5h', '1 h', '1y', '1h x', '99999999999999999w'])('%j is none', (text) => {
    expect(durationMs(text)).toBeNull();
  });
});

it('takes a moment as well as how long ago', () => {
  expect(parseMoment('2027-01-31')).toBe(Date.UTC(2027, 0, 31));
  expect(parseMoment('2027-01-31T02:00:00+02:00')).toBe(Date.UTC(2027, 0, 31));
  const beforeMs = Date.now();
  const moment = parseMoment('1h');
  expect(moment).toBeGreaterThanOrEqual(beforeMs - 3_600_000);
  expect(moment).toBeLessThanOrEqual(Date.now() - 3_600_000);
});

it('puts tags and times beside a filter', () => {
  const filter = { must_not: [{ key: 'level', match: { value: 'immediate' } }] };
  expect(filterOf({})).toBeUndefined();
  expect(filterOf({ filter })).toBe(filter);
  expect(filterOf({ filter, tag: ['a', 'b'], since: 5, before: 9 })).toEqual({
    must: [
      filter,
      { key: 'tags', match: { value: 'a' } },
      { key: 'tags', match: { value: 'b' } },
      { key: 'created_at', range: { gte: 5, lt: 9 } },
    ],
  });
});

describe('colours', () => {
  const terminal = { write: () => Promise.resolve(), columns: 80 };
  const pipe = { write: () => Promise.resolve() };

  it.each([
    ['a terminal', terminal, {}, true],
    ['a pipe', pipe, {}, false],
    ['NO_COLOR', terminal, { NO_COLOR: '1' }, false],
    ['an empty NO_COLOR', terminal, { NO_COLOR: '' }, true],
    ['FORCE_COLOR on a pipe', pipe, { FORCE_COLOR: '1' }, true],
    ['FORCE_COLOR beside NO_COLOR', pipe, { FORCE_COLOR: '1', NO_COLOR: '1' }, true],
    ['FORCE_COLOR=0', terminal, { FORCE_COLOR: '0' }, false],
    ['a terminal without them', terminal, { TERM: 'dumb' }, false],
  ])('%s', (_, output, environment, colored) => {
    expect(styleOf(output, environment).found('x') !== 'x').toBe(colored);
  });
});
