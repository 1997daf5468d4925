import { describe, expect, it } from 'vitest';
import { FailedLogins, type SlowdownRules } from '../../../src/base/failed-logins.ts';
import { silentLog } from '../../../src/base/log.ts';
import { noMetrics } from '../../../src/base/metrics.ts';
import { FakeClock } from '../../support/fake-clock.ts';

function world(rules: Partial<SlowdownRules> = {}) {
  const clock = new FakeClock();
  const warned: object[] = [];
  const counted: string[] = [];
  const failed = new FailedLogins(
    { perMinute: 5, delayMsMax: 10_000, ...rules },
    {
      clock,
      log: { ...silentLog, warn: (fields) => void warned.push(fields) },
      metrics: { ...noMetrics, count: (name) => void counted.push(name) },
    },
  );
  const note = (times: number, address = '10.0.0.1'): number[] =>
    Array.from({ length: times }, () => failed.note(address));
  return { clock, warned, counted, failed, note };
}

describe('failed logins', () => {
  it('are answered at once for a while, then later and later, up to a bound', () => {
    const { note, counted, warned } = world();
    expect(note(5)).toEqual([0, 0, 0, 0, 0]);
    expect(note(8)).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 10_000, 10_000]);
    expect(counted).toHaveLength(8);
    expect(warned).toEqual([{ address: '10.0.0.1' }]);
  });

  it('are those of one address: of version 6 of its network', () => {
    const { note } = world();
    note(6, '2001:db8:1:2::1');
    expect(note(1, '2001:db8:1:2:ffff::9')).toEqual([500]);
    expect([note(1, '2001:db8:1:3::1'), note(1)]).toEqual([[0], [0]]);
  });

  it('are forgotten after a quiet time, however many there were, and told of again when they come back', () => {
    const { clock, note, warned } = world();
    note(100);
    clock.advance(60_000);
    expect(note(1)).toEqual([1_000]);
    clock.advance(200_000);
    expect(note(5)).toEqual([0, 0, 0, 0, 0]);
    expect(note(1)).toEqual([250]);
    expect(warned).toHaveLength(2);
  });

  it('that come no faster than they are forgotten never wait', () => {
    const { clock, note } = world();
    for (let i = 0; i < 100; i++) {
      expect(note(1)).toEqual([0]);
      clock.advance(12_000);
    }
  });

  it('never wait where the longest delay is 0, and follow rules that change', () => {
    const { failed, note } = world({ delayMsMax: 0 });
    expect(new Set(note(50))).toEqual(new Set([0]));
    failed.rules = { perMinute: 1, delayMsMax: 300 };
    expect(note(3)).toEqual([300, 300, 300]);
  });
});
