import { parseDateTime } from '../../base/date-time.ts';

/** Whatever is stored, whenever it holds: no time is later. */
export const WHENEVER = { as_of: Date.parse('9999-12-31T23:59:59.999Z'), include_past: true } as const;

const SPOKEN = /^(\d{1,2}):(\d\d) ?(am|pm) on (\d{1,2}) ([a-z]+),? (\d{4})$/i;
const ISO = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d)(:\d\d(?:\.\d+)?)?)?(Z|[+-]\d\d:?\d\d)?$/i;
const MONTHS = [
  'january',
  'february',
  'march',
  'april',
  'may',
  'june',
  'july',
  'august',
  'september',
  'october',
  'november',
  'december',
];

/** `1:56 pm on 8 May, 2023`, read as UTC, or what `parseIsoTime` reads. Milliseconds since the epoch; null: no date. */
export function parseSpokenTime(text: string): number | null {
  const spoken = SPOKEN.exec(text.trim());
  if (spoken === null) return parseIsoTime(text);
  const [, hour = '', minute = '', half = '', day = '', monthName = '', year = ''] = spoken;
  const month = monthOf(monthName.toLowerCase());
  const hourOfHalf = Number(hour);
  if (month === 0 || hourOfHalf < 1 || hourOfHalf > 12) return null;
  const hours = (hourOfHalf % 12) + (half.toLowerCase() === 'pm' ? 12 : 0);
  return parseDateTime(`${year}-${two(month)}-${two(Number(day))}T${two(hours)}:${minute}:00Z`);
}

/**
 * ISO 8601, a date alone being its midnight; without a zone it is UTC, so that a file means the same on every machine.
 * Milliseconds since the epoch; null: no date, or a day that no month has.
 */
export function parseIsoTime(text: string): number | null {
  const iso = ISO.exec(text.trim());
  if (iso === null) return null;
  const [, day, time = '00:00', seconds = ':00', zone = 'Z'] = iso;
  return parseDateTime(`${day}T${time}${seconds}${zone.replace(/^(...)(\d\d)$/, '$1:$2')}`);
}

/** 1 to 12 of an English name or its first three letters; 0: it is none. */
function monthOf(name: string): number {
  return MONTHS.findIndex((month) => name === month || name === month.slice(0, 3)) + 1;
}

function two(number: number): string {
  return String(number).padStart(2, '0');
}

/** `2027-01-31T08:00:00.000Z` */
export function isoTimeOf(timeMs: number): string {
  return new Date(timeMs).toISOString();
}
