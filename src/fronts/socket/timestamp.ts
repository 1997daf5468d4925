import { CodedError } from '../../base/errors.ts';
import type { ServerLimits } from './limits.ts';

/** Section 2: a timestamp lies within `maxAgeMs` in the past and `maxSkewMs` in the future; else `TIMESTAMP_OUT_OF_RANGE`. */
export function checkTimestamp(timestampMs: number, nowMs: number, limits: ServerLimits): void {
  if (timestampMs >= nowMs - limits.maxAgeMs && timestampMs <= nowMs + limits.maxSkewMs) return;
  throw new CodedError(
    'TIMESTAMP_OUT_OF_RANGE',
    "the timestamp is too far from the server's time: compare the clocks",
    {
      details: { server_time: nowMs, max_age_ms: limits.maxAgeMs, max_skew_ms: limits.maxSkewMs },
    },
  );
}
