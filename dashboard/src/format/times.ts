import { duration } from './numbers.ts';

function two(value: number): string {
  return String(value).padStart(2, '0');
}

/** In the reader's own time zone: `2026-11-26 13:05:09`. */
export function localTime(ms: number): string {
  const time = new Date(ms);
  if (Number.isNaN(time.getTime())) return String(ms);
  const day = `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`;
  return `${day} ${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

/** To the millisecond, with the offset, and what the server has stored. */
export function exactTime(ms: number): string {
  const time = new Date(ms);
  if (Number.isNaN(time.getTime())) return String(ms);
  const offset = -time.getTimezoneOffset();
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.floor(Math.abs(offset) / 60))}:${two(Math.abs(offset) % 60)}`;
  return `${localTime(ms)}.${String(time.getMilliseconds()).padStart(3, '0')} ${zone} (${time.toISOString()})`;
}

/** `3 min ago`, `in 2 h`, `now`. */
export function ago(ms: number, nowMs: number): string {
  const distance = nowMs - ms;
  if (Math.abs(distance) < 1_000) return 'now';
  const [largest = ''] = /^\S+ \S+/.exec(duration(Math.abs(distance))) ?? [];
  return distance > 0 ? `${largest} ago` : `in ${largest}`;
}

/** The value of a `datetime-local` field as milliseconds; undefined where it is empty or none. */
export function fromField(value: string): number | undefined {
  if (value === '') return undefined;
  const ms = new Date(value).getTime();
  return Number.isNaN(ms) || ms < 0 ? undefined : ms;
}
