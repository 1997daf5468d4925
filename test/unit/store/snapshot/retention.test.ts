import { describe, expect, it } from 'vitest';
import { outdated } from '../../../../src/store/snapshot/retention.ts';
import { snapshotOf } from '../../../support/snapshots-double.ts';

const HOUR_MS = 3_600_000;
const NOON_MS = Date.UTC(2026, 10, 26, 12, 30);

/** One so many hours before noon, named after that. */
function at(hoursAgo: number, label?: string) {
  const createdAtMs = NOON_MS - hoursAgo * HOUR_MS;
  return snapshotOf(String(hoursAgo), { createdAtMs, ...(label === undefined ? {} : { label }) });
}

function gone(ages: readonly number[], keepHourly: number, keepDaily: number): string[] {
  return outdated(
    ages.map((age) => at(age)),
    { keepHourly, keepDaily },
  ).map(({ manifest }) => manifest.id);
}

describe('retention', () => {
  it('keeps the newest of each of the last hours and days that have any', () => {
    // 12:30, 12:15, 11:30, 10:30, then one a day at 12:30.
    const ages = [0, 0.25, 1, 2, 24, 48, 72];
    expect(gone(ages, 2, 2)).toEqual(['0.25', '2', '48', '72']);
    expect(gone(ages, 7, 30)).toEqual(['0.25']);
  });

  it('counts hours and days that have snapshots: a pause takes none away', () => {
    expect(gone([24 * 100, 24 * 101, 24 * 200], 0, 3)).toEqual([]);
  });

  it('never deletes the newest, nor one with a label', () => {
    expect(gone([0, 1], 0, 0)).toEqual(['1']);
    const labelled = at(500, 'before-upgrade');
    expect(
      outdated([at(0), at(1), labelled], { keepHourly: 0, keepDaily: 0 }).map(({ manifest }) => manifest.id),
    ).toEqual(['1']);
    expect(outdated([labelled], { keepHourly: 0, keepDaily: 0 })).toEqual([]);
    expect(outdated([], { keepHourly: 7, keepDaily: 30 })).toEqual([]);
  });

  it('keeps seven hours and thirty days of two months of hourly ones', () => {
    const ages = Array.from({ length: 60 * 24 }, (_, hour) => hour);
    const kept = ages.length - gone(ages, 7, 30).length;
    // Today's newest is both.
    expect(kept).toBe(7 + 30 - 1);
  });
});
