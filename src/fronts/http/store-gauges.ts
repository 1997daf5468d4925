import { statfs } from 'node:fs/promises';
import type { Clock } from '../../base/clock.ts';
import { LEVELS, type Level } from '../../base/context.ts';
import { Latest } from './latest.ts';
import type { MetricsRegistry } from './metrics.ts';

type Shown = Pick<MetricsRegistry, 'gauge' | 'beforeScrape'>;

/** What a store says of itself. */
export interface StoreFigures {
  readonly counts: Readonly<Record<Level, number>>;
  readonly driver: Readonly<Record<string, string | number | boolean>>;
}

const DISK_PARTS = { database: 'database_bytes', log: 'wal_bytes', indexes: 'index_bytes' } as const;

/** Shows what the store holds, asked for with the scrapes. */
export function showStoreFigures(metrics: Shown, clock: Clock, read: () => Promise<StoreFigures>): void {
  const figures = new Latest(clock, read);
  const number = (name: string): number | undefined => {
    const value = figures.value?.driver[name];
    return typeof value === 'number' ? value : undefined;
  };
  metrics.beforeScrape(() => figures.refresh());
  for (const level of LEVELS) metrics.gauge('contexts', () => figures.value?.counts[level], { level });
  for (const [part, name] of Object.entries(DISK_PARTS))
    metrics.gauge('store_disk_bytes', () => number(name), { part });
  metrics.gauge('store_memory_bytes', () => number('memory_bytes'));
  metrics.gauge('store_index_recall', () => number('index_recall'));
  metrics.gauge('store_index_m', () => number('index_m'));
  metrics.gauge('store_index_ef_search', () => number('index_ef_search'));
}

/** Shows the room on the disk of `folder`. */
export function showDisk(metrics: Shown, clock: Clock, folder: string): void {
  const room = new Latest(clock, () => statfs(folder));
  metrics.beforeScrape(() => room.refresh());
  metrics.gauge('data_disk_free_bytes', () => room.value && room.value.bavail * room.value.bsize);
  metrics.gauge('data_disk_size_bytes', () => room.value && room.value.blocks * room.value.bsize);
}
