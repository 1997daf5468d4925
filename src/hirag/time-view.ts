import { badRequest } from '../base/errors.ts';
import type { TimeView } from '../store/times.ts';
import type { TimeInput } from './types.ts';

/** What a read asks of the store; a moment that nobody names is now. */
export function timeView({ asOfMs, knownAtMs, includePast }: TimeInput, nowMs: number): TimeView {
  return {
    asOfMs: asOfMs ?? nowMs,
    isNow: asOfMs === undefined,
    ...(knownAtMs === undefined ? {} : { knownAtMs }),
    ...(includePast === true ? { includePast } : {}),
  };
}

/** Throws `BAD_REQUEST` where a context would end before it begins. */
export function checkInterval({ validFromMs, validUntilMs }: { validFromMs?: number; validUntilMs?: number }): void {
  if (validFromMs === undefined || validUntilMs === undefined || validUntilMs > validFromMs) return;
  throw badRequest('/valid_until', 'must be later than valid_from');
}
