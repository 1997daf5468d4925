import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog, type Log } from '../../src/base/log.ts';
import { noMetrics } from '../../src/base/metrics.ts';
import { systemRandom } from '../../src/base/random.ts';
import { Circuits } from '../../src/base/resilience/circuits.ts';
import { defaultSettings } from '../../src/config/settings.ts';
import { openStore } from '../../src/drivers.ts';
import { put, sample } from '../contract/store-samples.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { startQdrantDouble } from '../support/qdrant-double/start-qdrant-double.ts';

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

describe('vector_db.driver = "embedded"', () => {
  it.each([
    [1024, 2],
    [0, undefined],
  ])('and compression_threshold_bytes %i packs texts that are longer, or none', async (threshold, format) => {
    const dataDir = mkdtempSync(join(tmpdir(), 'drivers-'));
    onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
    const store = await openStore(
      { ...defaultSettings().vectorDb, dataDir, compressionThresholdBytes: threshold },
      {
        clock: systemClock,
        random: systemRandom,
        log: silentLog,
        metrics: noMetrics,
        circuits: new Circuits(),
        embedding: { id: 'test', dimension: 8 },
      },
    );
    await store.write([put(sample('x', 8, { text: 'as long as it is repetitive '.repeat(99) }))]);
    await store.close();
    const database = new DatabaseSync(join(dataDir, 'contexts.db'));
    const row = database.prepare('SELECT sealed FROM contexts').get() as { sealed: Uint8Array | null };
    database.close();
    expect(row.sealed?.[0]).toBe(format);
  });
});

describe('vector_db.driver = "qdrant" with several copies', () => {
  it.each([
    ['auto', []],
    ['quorum', ['quorum']],
  ] as const)('and read_consistency %s asks as many as it says', async (readConsistency, expected) => {
    const qdrant = await startQdrantDouble();
    const settings = { ...defaultSettings().vectorDb, driver: 'qdrant', url: qdrant.url, readConsistency } as const;
    const store = await openStore(
      { ...settings, replicationFactor: 3, vectorSize: 8 },
      {
        clock: new FakeClock(),
        random: systemRandom,
        log: silentLog,
        metrics: noMetrics,
        circuits: new Circuits(),
        embedding: { id: 'test', dimension: 8 },
      },
    );
    const { record, vector } = sample('x', 8);
    await store.write([put({ record, vector })]);
    qdrant.requests.reset();
    // A node that is lost must not take reads along that others can answer.
    expect(await store.fetch(record.namespace, [record.id], 0)).toMatchObject([{ id: record.id }]);
    const asked = qdrant.requests.queries.map((query) => new URLSearchParams(query).get('consistency'));
    expect([...new Set(asked)]).toEqual(expected);
    await store.close();
    await qdrant.close();
  });
});
