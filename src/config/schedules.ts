import type { Settings } from './settings.ts';

/** A file or variable that is read later takes back what an earlier one schedules. */
const NEVER = 'never';

/** When the server makes snapshots by itself; undefined: never. */
export function snapshotSchedule({
  snapshots,
  vectorDb,
}: Pick<Settings, 'snapshots' | 'vectorDb'>): string | undefined {
  // What the memory driver holds is not meant to outlive the process.
  if (vectorDb.driver === 'memory' || snapshots.schedule === NEVER) return undefined;
  return snapshots.schedule;
}

/** When the server looks through all of its database; undefined: never, not after a start either. */
export function checkSchedule({ vectorDb }: Pick<Settings, 'vectorDb'>): string | undefined {
  return vectorDb.checkSchedule === NEVER ? undefined : vectorDb.checkSchedule;
}
