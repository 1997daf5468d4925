import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseDateTime } from '../../../src/base/date-time.ts';

describe('parseDateTime', () => {
  it.each([
    ['2027-01-31T00:00:00Z', '2027-01-31T00:00:00.000Z'],
    ['2027-01-31t00:00:00z', '2027-01-31T00:00:00.000Z'],
    ['2027-01-31 00:00:00+00:00', '2027-01-31T00:00:00.000Z'],
    ['2027-01-31T02:00:00+02:00', '2027-01-31T00:00:00.000Z'],
    ['2027-01-30T18:15:00.5-05:45', '2027-01-31T00:00:00.500Z'],
    ['2024-02-29T12:00:00Z', '2024-02-29T12:00:00.000Z'],
    ['2000-02-29T12:00:00Z', '2000-02-29T12:00:00.000Z'],
    ['2023-12-31T23:59:59.123456789012Z', '2023-12-31T23:59:59.123Z'],
    ['1970-01-01T00:00:00-00:00', '1970-01-01T00:00:00.000Z'],
    ['0099-01-01T00:00:00Z', '0099-01-01T00:00:00.000Z'],
  ])('reads %s', (text, same) => {
    expect(new Date(parseDateTime(text) ?? NaN).toISOString()).toBe(same);
  });

  it.each([
    '2023-02-30T00:00:00Z',
    '2023-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2023-04-31T00:00:00Z',
    '2023-00-10T00:00:00Z',
    '2023-13-10T00:00:00Z',
    '2023-01-00T00:00:00Z',
    '2023-01-32T00:00:00Z',
    '2023-01-01T24:00:00Z',
    '2023-01-01T00:60:00Z',
    '2023-01-01T00:00:60Z',
    '2023-01-01T00:00:00+24:00',
    '2023-01-01T00:00:00+02:60',
    // Without a zone it would be the server's local time.
    '2023-01-01T00:00:00',
    '2023-01-01',
    '00:00:00Z',
    '5',
    '2027',
    '1700000000000',
    '2023-1-1T00:00:00Z',
    '23-01-01T00:00:00Z',
    '+002023-01-01T00:00:00Z',
    '2023-01-01T00:00Z',
    '2023-01-01T00:00:00.Z',
    '2023-01-01T00:00:00+0200',
    '2023-01-01T00:00:00+02',
    '2023-01-01T00:00:00 Z',
    '2023-01-01  00:00:00Z',
    ' 2023-01-01T00:00:00Z',
    '2023-01-01T00:00:00Z\n',
    '２０２３-01-01T00:00:00Z',
    'Sun, 01 Jan 2023 00:00:00 GMT',
    'January 1, 2023',
    'tomorrow',
    '',
  ])('refuses %j', (text) => {
    expect(parseDateTime(text)).toBeNull();
  });

  it('reads every moment that Date writes', () => {
    const moments = fc.date({
      min: new Date('0000-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59.999Z'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(moments, (date) => {
        expect(parseDateTime(date.toISOString())).toBe(date.getTime());
      }),
    );
  });

  it('takes no day that Date would have to move', () => {
    const days = fc.record({
      year: fc.integer({ min: 1, max: 9999 }),
      month: fc.integer({ min: 1, max: 12 }),
      day: fc.integer({ min: 1, max: 31 }),
    });
    fc.assert(
      fc.property(days, ({ year, month, day }) => {
        const text = `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`;
        const moved = new Date(0);
        moved.setUTCFullYear(year, month - 1, day);
        const stays = moved.getUTCMonth() === month - 1;
        expect(parseDateTime(`${text}T00:00:00Z`)).toBe(stays ? moved.setUTCHours(0, 0, 0, 0) : null);
      }),
    );
  });
});
