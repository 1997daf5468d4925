import type { Snapshot } from './snapshot.ts';

export interface Retention {
  /** Of so many hours that have any, the newest snapshot of each stays. */
  readonly keepHourly: number;
  /** The same of days, in UTC. */
  readonly keepDaily: number;
}

type Aged = Pick<Snapshot, 'createdAtMs'> & { readonly manifest: Pick<Snapshot['manifest'], 'label'> };

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Those to be deleted. One with a label stays until somebody deletes it, and so does the newest of all. */
export function outdated<T extends Aged>(snapshots: readonly T[], { keepHourly, keepDaily }: Retention): T[] {
  const newestFirst = snapshots
    .filter(({ manifest }) => manifest.label === undefined)
    .sort((one, other) => other.createdAtMs - one.createdAtMs);
  const kept = new Set([
    ...newestFirst.slice(0, 1),
    ...newestOfEach(newestFirst, HOUR_MS, keepHourly),
    ...newestOfEach(newestFirst, DAY_MS, keepDaily),
  ]);
  return newestFirst.filter((snapshot) => !kept.has(snapshot));
}

function newestOfEach<T extends Aged>(newestFirst: readonly T[], periodMs: number, count: number): T[] {
  const found = new Map<number, T>();
  for (const snapshot of newestFirst) {
    const period = Math.floor(snapshot.createdAtMs / periodMs);
    if (!found.has(period)) found.set(period, snapshot);
  }
  return [...found.values()].slice(0, count);
}
