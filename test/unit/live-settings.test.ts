import { describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { snapshotSchedule } from '../../src/config/snapshot-folder.ts';
import { checkSchedules } from '../../src/live-settings.ts';

function settingsOf(variables: Record<string, string>) {
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
