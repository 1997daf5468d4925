import { InvalidArgumentError } from 'commander';
import { systemClock } from '../../base/clock.ts';
import { parseIsoTime } from '../transfer/times.ts';

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};
const DURATION = /^(?:\d+(?:ms|min|[smhdw]))+$/;
const PART = /(\d+)(ms|min|[smhdw])/g;

/** `90s`, `1h`, `7d`, `1h30m`, in milliseconds; null: it is none. */
export function durationMs(text: string): number | null {
  if (!DURATION.test(text)) return null;
  let sumMs = 0;
  for (const [, count, unit = ''] of text.matchAll(PART)) sumMs += Number(count) * (UNIT_MS[unit] ?? 0);
  return Number.isSafeInteger(sumMs) ? sumMs : null;
}

/** How long: a number with its unit. */
export function parseDuration(raw: string): number {
  const parsed = durationMs(raw);
  if (parsed === null || parsed === 0)
    throw new InvalidArgumentError('It must be a duration with its unit, as 90s, 30m, 1h, 7d or 1h30m.');
  return parsed;
}

/** When: so long ago (`7d`), or a date or moment; without a zone it is UTC. Milliseconds since the epoch. */
export function parseMoment(raw: string): number {
  const agoMs = durationMs(raw);
  const momentMs = agoMs === null ? parseIsoTime(raw) : systemClock.nowMs() - agoMs;
  if (momentMs === null || momentMs < 0)
    throw new InvalidArgumentError(
      'It must be how long ago (90s, 1h, 7d) or a moment (2027-01-31, 2027-01-31T09:30, 2027-01-31T09:30:00+02:00).',
    );
  return momentMs;
}
