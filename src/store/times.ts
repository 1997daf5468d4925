// When contexts hold: once for every driver. Intervals are half-open, and what ends at a moment does not hold at it.

import type { ContextRecord, ContextTimes, Supersession } from '../base/context.ts';
import type { TimeSpan } from '../base/text/dates.ts';

/** The moment that a read asks about, and as of when. */
export interface TimeView {
  readonly asOfMs: number;
  /**
   * Nobody has named the moment. What says nothing of its own about when it begins then holds since it was stored, also
   * where it was created later by another clock: what is acknowledged is found.
   */
  readonly isNow: boolean;
  /** Only what was stored by then, with the supersessions known by then; absent: all. */
  readonly knownAtMs?: number;
  /** Also what holds no more. */
  readonly includePast?: boolean;
}

/** What a search says of when contexts were created. */
export interface CreationAsked {
  /** Candidates and their neighbours are of one of these times; absent: whenever. Half-open, at least one. */
  readonly createdWithin?: readonly TimeSpan[];
}

/** What decides it. */
export type Timed = Pick<ContextRecord, 'createdAtMs' | 'times'>;

export function recordedAt({ createdAtMs, times }: Timed): number {
  return times?.recordedAtMs ?? createdAtMs;
}

export function validFrom({ createdAtMs, times }: Timed): number {
  return times?.validFromMs ?? createdAtMs;
}

/** The end of it, by itself or by what supersedes it, as known at a time; Infinity: there is none. */
export function validUntil({ times }: Pick<ContextRecord, 'times'>, knownAtMs = Infinity): number {
  if (times === undefined) return Infinity;
  return Math.min(times.validUntilMs ?? Infinity, earliest(times, knownAtMs)?.fromMs ?? Infinity);
}

/** The context that ended it, of several the one that did so first; null: there is none. */
export function supersededBy({ times }: Pick<ContextRecord, 'times'>, knownAtMs = Infinity): string | null {
  return (times && earliest(times, knownAtMs)?.by) ?? null;
}

/** It holds, has been stored, and has not ended, each as the view asks. */
export function holds(timed: Timed, { asOfMs, isNow, knownAtMs, includePast = false }: TimeView): boolean {
  if (knownAtMs !== undefined && recordedAt(timed) > knownAtMs) return false;
  const fromMs = isNow ? (timed.times?.validFromMs ?? -Infinity) : validFrom(timed);
  return fromMs <= asOfMs && (includePast || validUntil(timed, knownAtMs) > asOfMs);
}

function earliest({ superseded = [] }: ContextTimes, knownAtMs: number): Supersession | undefined {
  let first: Supersession | undefined;
  for (const one of superseded) {
    if (one.recordedAtMs > knownAtMs) continue;
    if (first === undefined || compareSupersessions(one, first) < 0) first = one;
  }
  return first;
}

/** The one that counts comes first. */
function compareSupersessions(one: Supersession, other: Supersession): number {
  return (
    one.fromMs - other.fromMs ||
    one.recordedAtMs - other.recordedAtMs ||
    (one.by === other.by ? 0 : one.by < other.by ? -1 : 1)
  );
}

/**
 * Supersessions that a context keeps of any number: what it costs to be told of one more does not grow with those before.
 * Where it keeps fewer, these are all; where it keeps so many, there may be more, which are asked of the contexts that
 * supersede it when one of these goes or begins later.
 */
export const SUPERSESSIONS_KEPT_MAX = 16;

/**
 * Those that decide when it ended, as known at any time, and of the others the first. Where more than
 * `SUPERSESSIONS_KEPT_MAX` decide, each told later and beginning earlier than all before, the last of them is kept and the first.
 */
export function keptSupersessions(known: readonly Supersession[]): readonly Supersession[] {
  if (known.length <= SUPERSESSIONS_KEPT_MAX) return known;
  const inTold = known.toSorted((a, b) => a.recordedAtMs - b.recordedAtMs || compareSupersessions(a, b));
  const deciding: Supersession[] = [];
  for (const one of inTold) {
    const before = deciding.at(-1);
    if (before === undefined || compareSupersessions(one, before) < 0) deciding.push(one);
  }
  const kept = new Set([...deciding.slice(0, SUPERSESSIONS_KEPT_MAX - 1), ...deciding.slice(-1)]);
  for (const one of known.toSorted(compareSupersessions)) {
    if (kept.size === SUPERSESSIONS_KEPT_MAX) break;
    kept.add(one);
  }
  return known.filter((one) => kept.has(one));
}

/** Whether there may be contexts that supersede it beside those that it keeps. */
export function mayHaveMore({ times }: Pick<ContextRecord, 'times'>): boolean {
  return (times?.superseded?.length ?? 0) >= SUPERSESSIONS_KEPT_MAX;
}

/** What a change does to the times of a context. */
export interface TimesPatch {
  readonly validFromMs?: number;
  readonly validUntilMs?: number;
  /** Each in place of one by the same context. */
  readonly supersessions?: readonly Supersession[];
  /** Id of the context whose supersession is taken back. */
  readonly withdrawn?: string;
}

/** Absent where nothing is left that `createdAtMs` does not say. */
export function patchedTimes(times: ContextTimes | undefined, patch: TimesPatch): ContextTimes | undefined {
  const { validFromMs, validUntilMs, supersessions = [], withdrawn } = patch;
  const { superseded = [], ...own } = times ?? {};
  const told = new Set(supersessions.map(({ by }) => by));
  const known = [...superseded.filter(({ by }) => by !== withdrawn && !told.has(by)), ...supersessions];
  return compactTimes({
    ...own,
    ...(validFromMs === undefined ? {} : { validFromMs }),
    ...(validUntilMs === undefined ? {} : { validUntilMs }),
    superseded: keptSupersessions(known),
  });
}

/** Without what says nothing. */
export function compactTimes({ supersedes = [], superseded = [], ...times }: ContextTimes): ContextTimes | undefined {
  const compact = {
    ...times,
    ...(supersedes.length === 0 ? {} : { supersedes }),
    ...(superseded.length === 0 ? {} : { superseded }),
  };
  return Object.keys(compact).length === 0 ? undefined : compact;
}

/** As the contexts that it supersedes are told. */
export function supersessionBy(record: Timed & Pick<ContextRecord, 'id'>): Supersession {
  return { by: record.id, fromMs: validFrom(record), recordedAtMs: recordedAt(record) };
}

/**
 * Whether a context has to be told. What was stored under its id after the one that supersedes is another one: only that
 * which it was `isNew` for is told, whatever clocks say.
 */
export function mustLearn(context: Timed, supersession: Supersession, isNew: boolean): boolean {
  const { by, fromMs, recordedAtMs } = supersession;
  const { superseded = [] } = context.times ?? {};
  const known = superseded.find((one) => one.by === by);
  if (known !== undefined) return known.fromMs !== fromMs || known.recordedAtMs !== recordedAtMs;
  if (!isNew && recordedAt(context) > recordedAtMs) return false;
  if (superseded.length < SUPERSESSIONS_KEPT_MAX) return true;
  // The usual case of many: all begin before it, and somebody knew of one of these when it was told.
  const isLast = superseded.every((one) => compareSupersessions(one, supersession) < 0);
  if (isLast && superseded.some((one) => one.recordedAtMs <= recordedAtMs)) return false;
  return keptSupersessions([...superseded, supersession]).includes(supersession);
}
