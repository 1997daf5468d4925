import { describe, expect, it } from 'vitest';
import { silentLog, type Log } from '../../src/base/log.ts';
import { noMetrics } from '../../src/base/metrics.ts';
import { systemRandom } from '../../src/base/random.ts';
import { Circuits } from '../../src/base/resilience/circuits.ts';
import { defaultSettings } from '../../src/config/settings.ts';
import { openStore } from '../../src/drivers.ts';
import { put, sample } from '../contract/store-samples.ts';
import { FakeClock } from '../support/fake-clock.ts';

describe('vector_db.driver = "memory"', () => {
  it('opens a store without a file, and says at start that it forgets', async () => {
    const warnings: string[] = [];
    const log: Log = { ...silentLog, warn: (_, message) => void warnings.push(message) };
    const settings = { ...defaultSettings().vectorDb, driver: 'memory', dataDir: '/nowhere/at/all' } as const;
    const store = await openStore(settings, {
      clock: new FakeClock(),
      random: systemRandom,
      log,
      metrics: noMetrics,
      circuits: new Circuits(),
      embedding: { id: 'test', dimension: 8 },
    });
    expect(warnings).toEqual(['contexts are kept in memory alone: they are gone when this server ends']);
    expect(await store.write([put(sample('x', 8))])).toMatchObject([{ created: true }]);
    expect(await store.stats()).toMatchObject({ counts: { immediate: 1 }, driver: { name: 'memory' } });
    await store.close();
  });
});
