// When a context holds, in its payload. Points that say nothing of it, those of earlier versions among them, hold
// from their creation on without end.

import type { ContextRecord, ContextTimes } from '../../base/context.ts';
import { compactTimes, validUntil } from '../times.ts';

/** Absent or null where there is nothing to say: Qdrant's `set_payload` cannot take a field away. */
export interface TimesPayload {
  readonly recorded_at?: number | null;
  readonly valid_from?: number | null;
  readonly valid_until?: number | null;
  readonly supersedes?: readonly string[] | null;
  readonly superseded?: readonly { readonly by: string; readonly from: number; readonly recorded: number }[] | null;
  /** The earlier of its own end and the first supersession. */
  readonly holds_until?: number | null;
  /** It supersedes others or is superseded. */
  readonly linked?: typeof LINKED | null;
}

export const LINKED = 'yes';

/** Of a record. */
export const TIMES_FIELDS = ['recorded_at', 'valid_from', 'valid_until', 'supersedes', 'superseded'] as const;

const NOTHING: Required<TimesPayload> = {
  recorded_at: null,
  valid_from: null,
  valid_until: null,
  supersedes: null,
  superseded: null,
  holds_until: null,
  linked: null,
};

export function timesPayload(times: ContextTimes | undefined): TimesPayload {
  if (times === undefined) return {};
  const { recordedAtMs, validFromMs, validUntilMs, supersedes, superseded } = times;
  const until = validUntil({ times });
  return {
    ...(recordedAtMs === undefined ? {} : { recorded_at: recordedAtMs }),
    ...(validFromMs === undefined ? {} : { valid_from: validFromMs }),
    ...(validUntilMs === undefined ? {} : { valid_until: validUntilMs }),
    ...(supersedes === undefined ? {} : { supersedes }),
    ...(superseded === undefined
      ? {}
      : { superseded: superseded.map(({ by, fromMs, recordedAtMs: at }) => ({ by, from: fromMs, recorded: at })) }),
    ...(until === Infinity ? {} : { holds_until: until }),
    ...(supersedes === undefined && superseded === undefined ? {} : { linked: LINKED }),
  };
}

/** In place of what a point has. */
export function timesChange(before: TimesPayload, times: ContextTimes | undefined): TimesPayload {
  const held = timesOf(before) !== undefined;
  return held ? { ...NOTHING, ...timesPayload(times) } : timesPayload(times);
}

export function timesOf(payload: TimesPayload): ContextTimes | undefined {
  const { recorded_at: recorded, valid_from: from, valid_until: until, supersedes, superseded } = payload;
  // Most have none.
  if (!(recorded ?? from ?? until ?? supersedes ?? superseded)) return undefined;
  return compactTimes({
    ...(typeof recorded === 'number' ? { recordedAtMs: recorded } : {}),
    ...(typeof from === 'number' ? { validFromMs: from } : {}),
    ...(typeof until === 'number' ? { validUntilMs: until } : {}),
    supersedes: supersedes ?? [],
    superseded: (superseded ?? []).map((one) => ({ by: one.by, fromMs: one.from, recordedAtMs: one.recorded })),
  });
}

export function withTimes(record: ContextRecord, payload: TimesPayload): ContextRecord {
  const times = timesOf(payload);
  return times === undefined ? record : { ...record, times };
}
