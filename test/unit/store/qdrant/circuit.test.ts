import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLog } from '../../../../src/base/log.ts';
import { systemRandom } from '../../../../src/base/random.ts';
import { Circuits } from '../../../../src/base/resilience/circuits.ts';
import { defaultSettings } from '../../../../src/config/settings.ts';
import { openStore } from '../../../../src/drivers.ts';
import { createMetricsRegistry, type MetricsRegistry } from '../../../../src/fronts/http/metrics.ts';
import type { ContextStore } from '../../../../src/store/store.ts';
import { idOf, NOW_MS, put, sample, searchOf, termsOf } from '../../../contract/store-samples.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import type { Fault } from '../../../support/qdrant-double/faults.ts';
import { type QdrantDouble, startQdrantDouble } from '../../../support/qdrant-double/start-qdrant-double.ts';
import { DIMENSION } from './opened.ts';

/** None of them is a default. */
const CIRCUIT = { failureThreshold: 3, successThreshold: 4, timeoutSecs: 20, windowSecs: 10 };
const REFUSED = { code: 'STORE_UNAVAILABLE', retryable: true };

describe('the circuit of Qdrant', () => {
  let qdrant: QdrantDouble;
  let clock: FakeClock;
  let metrics: MetricsRegistry;
  let store: ContextStore;
  let circuits: Circuits;
  beforeEach(async () => {
    qdrant = await startQdrantDouble();
    clock = new FakeClock(NOW_MS);
    metrics = createMetricsRegistry();
    const settings = { ...defaultSettings().vectorDb, driver: 'qdrant', url: qdrant.url, circuit: CIRCUIT } as const;
    const embedding = { id: 'test', dimension: DIMENSION };
    circuits = new Circuits();
    store = await openStore(settings, { clock, random: systemRandom, log: silentLog, metrics, circuits, embedding });
  });
  afterEach(async () => {
    await store.close();
    await qdrant.close();
    metrics.close();
  });
  const write = (name: string) => store.write([put(sample(name, DIMENSION))]);
  const state = async () => /^context_manager_circuit_state\{backend="vector_db"\} (\d)$/m.exec(await metrics.render());
  const failTimes = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) await expect(store.ping()).rejects.toMatchObject(REFUSED);
  };

  it.each([
    ['7', 7_000],
    [new Date(NOW_MS + 5_000).toUTCString(), 5_000],
    [new Date(NOW_MS - 5_000).toUTCString(), 1_000],
    ['', 1_000],
    ['soon', 1_000],
  ])('leaves it alone for as long as it asks: Retry-After: %s', async (retryAfter, retryAfterMs) => {
    qdrant.faults.once({ kind: 'status', status: 503, retryAfter });
    await expect(store.ping()).rejects.toMatchObject({ ...REFUSED, retryAfterMs });
  });

  it.each<Fault>([{ kind: 'drop' }, { kind: 'status', status: 500 }, { kind: 'status', status: 429 }, { kind: 'cut' }])(
    'opens where it goes on failing ($kind $status), sends nothing while it is open, and recovers by itself',
    async (fault) => {
      await write('before');
      qdrant.faults.add(fault);
      await failTimes(3);
      expect((await state())?.[1]).toBe('2');

      qdrant.requests.reset();
      const refused = { ...REFUSED, retryAfterMs: 20_000 };
      await expect(write('during')).rejects.toMatchObject(refused);
      await expect(store.search(searchOf({ terms: termsOf('text') }))).rejects.toMatchObject(refused);
      await expect(store.fetch('space', [idOf('before')], NOW_MS)).rejects.toMatchObject(refused);
      qdrant.faults.clear();
      clock.advance(19_000);
      await expect(store.ping()).rejects.toMatchObject({ ...REFUSED, retryAfterMs: 1_000 });
      expect(qdrant.requests.count()).toBe(0);

      clock.advance(1_000);
      expect((await state())?.[1]).toBe('1');
      for (let probes = 0; probes < 4; probes++) await store.ping();
      expect((await state())?.[1]).toBe('0');
      expect(qdrant.requests.count()).toBe(4);
      expect(await write('during')).toMatchObject([{ created: true }]);
      expect(await store.fetch('space', [idOf('before')], NOW_MS)).toMatchObject([{ id: idOf('before') }]);
    },
  );

  it('sends one request at a time when its time is over, and none after the one that fails', async () => {
    qdrant.faults.add({ kind: 'status', status: 503 });
    await failTimes(3);
    clock.advance(20_000);
    qdrant.requests.reset();
    const pings = await Promise.allSettled(Array.from({ length: 10 }, () => store.ping()));
    expect(pings.map(({ status }) => status)).toEqual(Array<string>(10).fill('rejected'));
    await failTimes(1);
    expect(qdrant.requests.count()).toBe(1);
    expect((await state())?.[1]).toBe('2');
  });

  it('closes by queries alone, of which each makes several calls at once', async () => {
    const search = () => store.search(searchOf({ terms: termsOf('text') }));
    qdrant.faults.add({ kind: 'status', status: 503 });
    await failTimes(3);
    qdrant.faults.clear();
    clock.advance(20_000);
    await expect(search()).rejects.toMatchObject({ ...REFUSED, retryAfterMs: 1_000 });
    await expect.poll(() => search().catch(() => 'refused')).not.toBe('refused');
    expect((await state())?.[1]).toBe('0');
  });

  it('closes when it is reset', async () => {
    qdrant.faults.add({ kind: 'status', status: 503 });
    await failTimes(3);
    qdrant.faults.clear();
    circuits.get('vector_db')?.reset();
    await Promise.all([store.ping(), store.ping(), store.ping()]);
    expect((await state())?.[1]).toBe('0');
  });

  it('counts no failures that lie far apart, and no refusals', async () => {
    qdrant.faults.add({ kind: 'status', status: 500, times: 4 });
    for (let i = 0; i < 4; i++) {
      await failTimes(1);
      clock.advance(5_000);
    }
    qdrant.faults.add({ kind: 'status', status: 400, times: 10 });
    for (let i = 0; i < 10; i++)
      await expect(store.ping()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: false });
    expect((await state())?.[1]).toBe('0');
    await store.ping();
  });
});
