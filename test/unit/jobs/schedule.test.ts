import { describe, expect, it } from 'vitest';
import { isCronExpression, startSchedule, type Schedule } from '../../../src/jobs/schedule.ts';
import { FakeClock } from '../../support/fake-clock.ts';

/** In the zone of the process, as cron expressions are. */
const START = '2026-03-01T10:20:30.500';

function start(schedule: Schedule): { clock: FakeClock; turns: string[]; stop: () => void } {
  const clock = new FakeClock(Date.parse(START));
  const turns: string[] = [];
  const stop = startSchedule(schedule, clock, () => {
    const now = new Date(clock.nowMs());
    turns.push([now.getHours(), now.getMinutes(), now.getSeconds()].join(':'));
  });
  return { clock, turns, stop };
}

const MINUTE_MS = 60_000;

describe('a schedule', () => {
  it.each<[Schedule, number, string[]]>([
    [{ everyMs: 45_000 }, 2 * MINUTE_MS, ['10:21:15', '10:22:0']],
    [{ cron: '* * * * *' }, 3 * MINUTE_MS, ['10:21:0', '10:22:0', '10:23:0']],
    [{ cron: '*/20 * * * *' }, 60 * MINUTE_MS, ['10:40:0', '11:0:0', '11:20:0']],
    [{ cron: '*/25 * * * * *' }, MINUTE_MS, ['10:20:50', '10:21:0', '10:21:25']],
    [{ cron: '5 4 * * *' }, 24 * 60 * MINUTE_MS, ['4:5:0']],
    [{ cron: '0 12 2 3 *' }, 48 * 60 * MINUTE_MS, ['12:0:0']],
    [{ cron: '0 12 31 12 *' }, 48 * 60 * MINUTE_MS, []],
  ])('%j has its turns by the clock handed in', (schedule, forMs, expected) => {
    const { clock, turns, stop } = start(schedule);
    clock.advance(forMs);
    expect(turns).toEqual(expected);
    stop();
    clock.advance(forMs);
    expect(turns).toEqual(expected);
    expect(clock.pendingTimers).toBe(0);
  });

  it('has a turn late rather than never where the process stood still, but not one for each that it missed', () => {
    const { clock, turns, stop } = start({ cron: '*/10 * * * * *' });
    clock.setWallClock(Date.parse('2026-03-01T10:21:05'));
    clock.advance(10_000);
    expect(turns).toEqual(['10:21:14']);
    stop();
  });

  it('goes on where the clock is put back, and where it is put forward by a day', () => {
    const { clock, turns, stop } = start({ cron: '* * * * *' });
    clock.setWallClock(Date.parse('2026-03-01T09:00:30'));
    clock.advance(2 * MINUTE_MS);
    expect(turns).toEqual(['9:1:0', '9:2:0']);
    clock.setWallClock(Date.parse('2026-03-02T12:00:30'));
    clock.advance(MINUTE_MS);
    expect(turns.slice(2)).toEqual(['12:1:0']);
    stop();
  });
});

it.each([
  ['* * * * *', true],
  ['*/10 * * * * *', true],
  ['* * * *', false],
  ['70 * * * *', false],
  ['every minute', false],
  ['', false],
])('of %j says whether it is a cron expression: %j', (expression, isOne) => {
  expect(isCronExpression(expression)).toBe(isOne);
});
