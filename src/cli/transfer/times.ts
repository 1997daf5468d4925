const SPOKEN_DATE = /^(\d{1,2}):(\d{2})\s*(am|pm) on (\d{1,2}) (\p{L}+),? (\d{4})$/iu;

/** Milliseconds since the epoch, read as UTC; NaN where it is no date. */
export function parseDateTime(text: string): number {
  const spoken = SPOKEN_DATE.exec(text.trim());
  if (spoken === null) return parseIsoTime(text);
  const [, hour, minute, half, day, month, year] = spoken;
  const dayMs = Date.parse(`${day} ${month} ${year} 00:00:00 UTC`);
  const hours = (Number(hour) % 12) + (half?.toLowerCase() === 'pm' ? 12 : 0);
  return dayMs + (hours * 60 + Number(minute)) * 60_000;
}

/** ISO 8601; without a zone it is UTC, so that a file means the same on every machine. NaN where it is no date. */
export function parseIsoTime(text: string): number {
  const iso = /^(\d{4}-\d{2}-\d{2})([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?)?(Z|[+-]\d{2}:?\d{2})?$/i.exec(text.trim());
  if (iso === null) return NaN;
  const [, day, time = 'T00:00', , , zone = 'Z'] = iso;
  return Date.parse(`${day}${time.replace(' ', 'T')}${zone.toUpperCase()}`);
}
