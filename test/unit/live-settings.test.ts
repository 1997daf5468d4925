import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { checkSchedule, snapshotSchedule } from '../../src/config/schedules.ts';
import type { Settings } from '../../src/config/settings.ts';
import { checkSchedules } from '../../src/live-settings.ts';

function settingsOf(variables: Record<string, string>): Settings {
  const files = { read: () => null, isFolder: () => false };
  return loadConfig({ environment: variables, folder: '/nowhere', files }).settings;
}

const QDRANT = { VECTOR_DB__DRIVER: 'qdrant', VECTOR_DB__URL: 'http://127.0.0.1:6333' };

describe('the schedule of snapshots', () => {
  it.each([
    ['embedded', { VECTOR_DB__DRIVER: 'embedded' }],
    ['qdrant', QDRANT],
  ])('that is no cron expression is refused over %s, at a start and a reload', (_, driver) => {
    const settings = settingsOf({ ...driver, SNAPSHOTS__SCHEDULE: 'banana' });
    expect(() => checkSchedules(settings)).toThrow('`snapshots.schedule` is not a cron expression: banana');
  });

  it('is nothing to a store that is not kept, and may be taken back', () => {
    const memory = settingsOf({ VECTOR_DB__DRIVER: 'memory', SNAPSHOTS__SCHEDULE: 'banana' });
    const never = settingsOf({ ...QDRANT, SNAPSHOTS__SCHEDULE: 'never' });
    const daily = settingsOf({ ...QDRANT, SNAPSHOTS__SCHEDULE: '0 3 * * *' });
    for (const settings of [memory, never, daily]) expect(() => checkSchedules(settings)).not.toThrow();
    expect([memory, never, daily].map(snapshotSchedule)).toEqual([undefined, undefined, '0 3 * * *']);
  });
});

describe('the schedule of the check of the database', () => {
  it('is weekly, may be taken back, and is refused where it is none', () => {
    const [weekly, never, wrong] = [
      {},
      { VECTOR_DB__CHECK_SCHEDULE: 'never' },
      { VECTOR_DB__CHECK_SCHEDULE: 'banana' },
    ].map(settingsOf) as [Settings, Settings, Settings];
    for (const settings of [weekly, never]) expect(() => checkSchedules(settings)).not.toThrow();
    expect([weekly, never].map(checkSchedule)).toEqual(['30 4 * * 0', undefined]);
    expect(() => checkSchedules(wrong)).toThrow('`vector_db.check_schedule` is not a cron expression: banana');
  });
});
