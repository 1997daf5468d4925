import { afterEach, describe, expect, it } from 'vitest';
import { createMetricsRegistry, type MetricsRegistry } from '../../../../src/fronts/http/metrics.ts';
import { showDisk, showStoreFigures, type StoreFigures } from '../../../../src/fronts/http/store-gauges.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { settle } from '../../../support/wire-server.ts';

const FIGURES: StoreFigures = {
  counts: { immediate: 1, short_term: 2, long_term: 3 },
  driver: {
    name: 'embedded',
    database_bytes: 4096,
    wal_bytes: 10,
    index_bytes: 7,
    memory_bytes: 5,
    index_recall: 0.98,
    index_m: 16,
    index_ef_search: 64,
  },
};

let metrics: MetricsRegistry;
afterEach(() => metrics.close());

describe('gauges of the store', () => {
  const start = (read: () => Promise<StoreFigures>): FakeClock => {
    const clock = new FakeClock();
    metrics = createMetricsRegistry(clock);
    showStoreFigures(metrics, clock, read);
    return clock;
  };

  it('show what it holds, asked once in ten seconds', async () => {
    let asked = 0;
    const clock = start(() => Promise.resolve((asked++, FIGURES)));
    const [page] = await Promise.all([metrics.render(), metrics.render()]);
    for (const line of [
      'contexts{level="immediate"} 1',
      'contexts{level="long_term"} 3',
      'store_disk_bytes{part="database"} 4096',
      'store_disk_bytes{part="log"} 10',
      'store_disk_bytes{part="indexes"} 7',
      'store_memory_bytes 5',
      'store_index_recall 0.98',
      'store_index_m 16',
      'store_index_ef_search 64',
    ])
      expect(page).toContain(`context_manager_${line}\n`);
    clock.advance(9_999);
    await metrics.render();
    expect(asked).toBe(1);
    clock.advance(1);
    await metrics.render();
    expect(asked).toBe(2);
  });

  it('of a driver without files show none, but stay declared', async () => {
    start(() => Promise.resolve({ ...FIGURES, driver: { name: 'qdrant' } }));
    const page = await metrics.render();
    expect(page).toContain('# TYPE context_manager_store_disk_bytes gauge');
    expect(page).not.toContain('context_manager_store_disk_bytes{');
  });

  it('hold up no scrape where it hangs, and show what was last known for a minute', async () => {
    let answer = (): Promise<StoreFigures> => Promise.resolve(FIGURES);
    const clock = start(() => answer());
    await metrics.render();
    answer = () => new Promise(() => undefined);
    clock.advance(30_000);
    const waiting = metrics.render();
    await settle();
    clock.advance(1_000);
    expect(await waiting).toContain('context_manager_contexts{level="long_term"} 3');
    clock.advance(30_000);
    const later = metrics.render();
    await settle();
    clock.advance(1_000);
    expect(await later).not.toContain('context_manager_contexts{');
  });

  it('survive a store that fails', async () => {
    start(() => Promise.reject(new Error('down')));
    expect(await metrics.render()).not.toContain('context_manager_contexts{');
  });
});

describe('gauges of the disk', () => {
  it('are of the folder, and absent where it is gone', async () => {
    const clock = new FakeClock();
    metrics = createMetricsRegistry(clock);
    showDisk(metrics, clock, import.meta.dirname);
    expect(await metrics.render()).toMatch(/context_manager_data_disk_free_bytes \d+/);
    metrics.close();
    metrics = createMetricsRegistry(clock);
    showDisk(metrics, clock, `${import.meta.dirname}/no-such-folder`);
    expect(await metrics.render()).not.toMatch(/context_manager_data_disk_free_bytes \d+/);
  });
});
