import { createTask, parse, validate } from 'node-cron';
import type { Clock } from '../base/clock.ts';

/** When a job has its turn: every so often, or at the times that a cron expression names (five fields, or six with seconds). */
export type Schedule = { readonly everyMs: number } | { readonly cron: string };

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

export function isCronExpression(expression: string): boolean {
  return validate(expression);
}

/** As it is written, or `every 5 s`. */
export function scheduleText(schedule: Schedule): string {
  return 'cron' in schedule ? schedule.cron : `every ${schedule.everyMs / SECOND_MS} s`;
}

/**
 * When the next turn is of a schedule that began at `startedMs`, in milliseconds since the epoch; null: the expression
 * names no time that is to come. What `nowMs` is to an expression, node-cron reads from the system's clock.
 */
export function nextTurnMs(schedule: Schedule, startedMs: number, nowMs: number): number | null {
  if ('everyMs' in schedule) {
    const turns = Math.max(0, Math.floor((nowMs - startedMs) / schedule.everyMs));
    return startedMs + (turns + 1) * schedule.everyMs;
  }
  const task = createTask(schedule.cron, () => undefined);
  try {
    return task.getNextRuns(1)[0]?.getTime() ?? null;
  } catch {
    return null;
  } finally {
    void task.destroy();
  }
}

/** Calls `turn` at each time of the schedule, by the clock handed in; the returned function ends it. */
export function startSchedule(schedule: Schedule, clock: Clock, turn: () => void): () => void {
  return 'cron' in schedule ? startCron(schedule.cron, clock, turn) : clock.every(schedule.everyMs, turn);
}

/**
 * node-cron says which times an expression names (in the zone of the process); waiting for them is the clock's, so
 * that a test moves both. A time that passed while the process stood still has its turn late, by up to a minute.
 */
function startCron(expression: string, clock: Clock, turn: () => void): () => void {
  // Never started: it is only asked.
  const task = createTask(expression, () => undefined);
  const { second: seconds } = parse(expression);
  let seenMs = clock.nowMs();
  const wait = (): (() => void) => clock.after(nextSecondMs(seconds, clock.nowMs()) - clock.nowMs(), wake);
  const wake = (): void => {
    const nowMs = clock.nowMs();
    const isDue = timesBetween(seconds, Math.max(seenMs, nowMs - MINUTE_MS), nowMs).some((timeMs) =>
      task.match(new Date(timeMs)),
    );
    seenMs = nowMs;
    cancel = wait();
    if (isDue) turn();
  };
  let cancel = wait();
  return () => {
    cancel();
    void task.destroy();
  };
}

/** Times after `fromMs` and up to `untilMs` whose second is one of `seconds`; none where the clock was put back. */
function timesBetween(seconds: readonly number[], fromMs: number, untilMs: number): number[] {
  const times: number[] = [];
  for (let atMs = nextSecondMs(seconds, fromMs); atMs <= untilMs; atMs = nextSecondMs(seconds, atMs)) times.push(atMs);
  return times;
}

/** The first time after `afterMs` whose second of the minute is one of `seconds`. */
function nextSecondMs(seconds: readonly number[], afterMs: number): number {
  const minuteMs = Math.floor(afterMs / MINUTE_MS) * MINUTE_MS;
  const laterMs = [...seconds, ...seconds.map((second) => second + 60)].map((second) => minuteMs + second * SECOND_MS);
  return Math.min(...laterMs.filter((atMs) => atMs > afterMs));
}
