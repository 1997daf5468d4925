// The times of a context in the database and across the thread border: JSON, and nothing where there are none.

import type { ContextTimes } from '../../../base/context.ts';
import { compactTimes, patchedTimes, type TimesPatch, type TimeView, validUntil } from '../../times.ts';

interface StoredTimes {
  readonly recorded?: number;
  readonly from?: number;
  readonly until?: number;
  readonly supersedes?: readonly string[];
  readonly superseded?: readonly (readonly [by: string, from: number, recorded: number])[];
  /** The earlier of its own end and the first supersession: what lists ask about. */
  readonly end?: number;
}

export function timesJson(times: ContextTimes | undefined): string | null {
  if (times === undefined) return null;
  const { recordedAtMs, validFromMs, validUntilMs, supersedes, superseded } = times;
  const end = validUntil({ times });
  return JSON.stringify({
    recorded: recordedAtMs,
    from: validFromMs,
    until: validUntilMs,
    supersedes,
    superseded: superseded?.map((one) => [one.by, one.fromMs, one.recordedAtMs] as const),
    end: end === Infinity ? undefined : end,
  } satisfies { [K in keyof StoredTimes]: StoredTimes[K] | undefined });
}

export function parseTimes(json: string): ContextTimes {
  const { recorded, from, until, supersedes = [], superseded = [] } = JSON.parse(json) as StoredTimes;
  const times = compactTimes({
    ...(recorded === undefined ? {} : { recordedAtMs: recorded }),
    ...(from === undefined ? {} : { validFromMs: from }),
    ...(until === undefined ? {} : { validUntilMs: until }),
    supersedes,
    superseded: superseded.map(([by, fromMs, recordedAtMs]) => ({ by, fromMs, recordedAtMs })),
  });
  return times ?? {};
}

export function patchedJson(json: string | null, patch: TimesPatch): string | null {
  return timesJson(patchedTimes(json === null ? undefined : parseTimes(json), patch));
}

/** SQL that is true where the context `c` holds as the view asks, and its parameters. */
export function holdsSql(view: TimeView): { readonly sql: string; readonly parameters: readonly number[] } {
  const { asOfMs, isNow, knownAtMs, includePast = false } = view;
  const where: string[] = [];
  const parameters: number[] = [];
  const restrict = (sql: string, ...values: number[]): void => {
    where.push(sql);
    parameters.push(...values);
  };
  const number = (name: keyof StoredTimes): string => `c.times ->> '${name}'`;
  if (isNow) restrict(`(c.times IS NULL OR coalesce(${number('from')}, -9e15) <= ?)`, asOfMs);
  else restrict(`coalesce(${number('from')}, c.created_at) <= ?`, asOfMs);
  if (knownAtMs !== undefined) restrict(`coalesce(${number('recorded')}, c.created_at) <= ?`, knownAtMs);
  if (includePast) return { sql: where.join(' AND '), parameters };
  if (knownAtMs === undefined) restrict(`(c.times IS NULL OR coalesce(${number('end')}, 9e15) > ?)`, asOfMs);
  else {
    restrict(`(c.times IS NULL OR coalesce(${number('until')}, 9e15) > ?)`, asOfMs);
    restrict(
      `(c.times IS NULL OR NOT EXISTS (SELECT 1 FROM json_each(c.times, '$.superseded') AS s
        WHERE s.value ->> 1 <= ? AND s.value ->> 2 <= ?))`,
      asOfMs,
      knownAtMs,
    );
  }
  return { sql: where.join(' AND '), parameters };
}

/** SQL that is true where the context `c` supersedes others or is superseded. */
export const LINKED_SQL = "(c.times ->> 'supersedes' IS NOT NULL OR c.times ->> 'superseded' IS NOT NULL)";
