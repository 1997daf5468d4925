import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LEVELS } from '../../../../src/base/context.ts';
import type { Hit, StoreDriver, Surroundings } from '../../../../src/store/driver.ts';
import type { GenericStore } from '../../../../src/store/generic/generic-store.ts';
import { surroundings, type Around } from '../../../../src/store/generic/neighbours.ts';
import { FOR_GOOD, idOf, NOW_MS, put, sample, termsOf, vectorOf } from '../../../contract/store-samples.ts';
import { type QdrantDouble, startQdrantDouble } from '../../../support/qdrant-double/start-qdrant-double.ts';
import { DIMENSION, openOver } from './opened.ts';

const QUESTION = { terms: termsOf('number'), vector: vectorOf('question', DIMENSION) };
/** So many of one session that it is not read in one piece. */
const LONG = 300;

/** Contexts by place: how many milliseconds after the last one, whose session, in which level, and whether its time is over. */
const histories = fc.array(
  fc.record({
    gapMs: fc.integer({ min: 0, max: 2 }),
    session: fc.integer({ min: 0, max: 2 }),
    level: fc.constantFrom(...LEVELS),
    isOver: fc.integer({ min: 0, max: 9 }).map((one) => one === 0),
  }),
  { minLength: 1, maxLength: 40 },
);
type History = typeof histories extends fc.Arbitrary<infer T> ? T : never;

describe('who stands around hits in Qdrant', () => {
  let qdrant: QdrantDouble;
  let store: GenericStore;
  let driver: StoreDriver;
  let spaces = 0;
  beforeAll(async () => {
    qdrant = await startQdrantDouble();
    store = (await openOver(qdrant.url)) as GenericStore;
    driver = store.driver;
  });
  afterAll(async () => {
    await store.close();
    await qdrant.close();
  });

  async function remember(history: History, textOf = (place: number) => `Ann: number ${place}`): Promise<string> {
    const namespace = `space ${++spaces}`;
    let createdAtMs = NOW_MS;
    const ops = history.map(({ gapMs, session, level, isOver }, place) => {
      createdAtMs += gapMs;
      const context = sample(`context ${place}`, DIMENSION, {
        namespace,
        sessionId: session === 0 ? null : `session ${session}`,
        createdAtMs,
        text: textOf(place),
        level,
        ...(isOver ? { expiresAtMs: NOW_MS + 1, expiryAction: 'delete' as const } : {}),
      });
      return put(context);
    });
    await store.write(ops);
    return namespace;
  }

  /** Every so many of the contexts, as what was looked for. */
  async function hitsOf(namespace: string, everyNth: number): Promise<Hit[]> {
    const request = { namespace, levels: LEVELS, includeSessionless: true, question: QUESTION, nowMs: NOW_MS + 1e6 };
    const levels = await driver.matching({ ...request, count: 1_000 });
    return levels.flatMap(({ hits }) => hits).filter((_, i) => i % everyNth === 0);
  }

  /** What the driver tells by itself, and what scans tell. */
  async function bothOf(namespace: string, hits: readonly Hit[], reach: number, filter?: Around['filter']) {
    const around: Around = {
      namespace,
      levels: LEVELS,
      question: QUESTION,
      nowMs: NOW_MS + 1e6,
      reachOf: (hit) => hit.record.createdAtMs % (reach + 1),
      ...(filter && { filter }),
    };
    const scanning = Object.create(driver, { around: { value: undefined } }) as StoreDriver;
    const scans = { scan: driver.scan.bind(driver) };
    const [told, scanned] = await Promise.all([
      surroundings(driver, hits, around, undefined),
      surroundings(Object.assign(scanning, scans), hits, around, undefined),
    ]);
    const shownOf = (all: readonly Surroundings[]) => all.map((one, i) => shown(one, around.reachOf(hits[i] as Hit)));
    return { told: shownOf(told), scanned: shownOf(scanned) };
  }

  /** Of the one beyond the reach only who it is. */
  const shown = ({ before, after }: Surroundings, reach: number) =>
    [before, after].map((side) =>
      side.map(({ record: { id, level }, features, passes }, i) => {
        const compared = { dense: Number(features.dense).toFixed(5), terms: Array.from(features.termCounts) };
        return { id, level, passes, ...(i < reach ? compared : {}) };
      }),
    );

  it('is what scans each way tell, in short sessions', async () => {
    await fc.assert(
      fc.asyncProperty(
        histories,
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 3 }),
        async (history, everyNth, reach) => {
          const namespace = await remember(history);
          const hits = await hitsOf(namespace, everyNth);
          const { told, scanned } = await bothOf(namespace, hits, reach);
          expect(told).toEqual(scanned);
        },
      ),
      { numRuns: 25 },
    );
  });

  for (const gapMs of [0, 1, 'mixed'] as const) {
    it(`is what scans tell in a long session, ${gapMs === 'mixed' ? 'at any pace' : `${gapMs} ms between its contexts`}`, async () => {
      const history = Array.from({ length: LONG }, (_, i) => ({
        gapMs: gapMs === 'mixed' ? Number(i % 7 === 0) * 2 + Number(i % 3 === 0) : gapMs,
        session: 1,
        level: LEVELS[i % 3] ?? 'immediate',
        isOver: i % 50 === 7,
      }));
      const namespace = await remember(history);
      for (const everyNth of [LONG, 97]) {
        const { told, scanned } = await bothOf(namespace, await hitsOf(namespace, everyNth), 3);
        expect(told).toEqual(scanned);
        expect(told.every((sides) => sides.some((side) => side.length > 0))).toBe(true);
        const places = (await hitsOf(namespace, everyNth)).map((hit) => ({ hit, count: 2 }));
        const asked = { namespace, levels: LEVELS, question: QUESTION, nowMs: NOW_MS, places };
        const byItself = ((await driver.around?.(asked)) ?? []).filter((one) => one !== null);
        // Beside one in fifty stands one whose time is over, and of many created at once some are at the ends.
        expect(byItself.length).toBeGreaterThan(places.length / 2);
      }
    });
  }

  it('is each of them once where a move was cut in two, in a short session and in a long one', async () => {
    for (const count of [30, LONG]) {
      const namespace = await remember(
        Array.from({ length: count }, () => ({ gapMs: 1, session: 1, level: 'immediate' as const, isOver: false })),
      );
      for (const place of [count / 2 - 1, count / 2 + 2]) {
        qdrant.faults.add({ kind: 'status', status: 500, on: 'test_immediate/points/batch', times: 1 });
        const patch = { move: { to: 'long_term', lifetime: FOR_GOOD } } as const;
        const id = idOf(`context ${place}`);
        await expect(store.write([{ op: 'update', namespace, id, patch, updatedAtMs: NOW_MS }])).rejects.toThrow();
      }
      const hits = (await hitsOf(namespace, 1)).filter(({ record }) => record.id === idOf(`context ${count / 2}`));
      expect(hits).toHaveLength(1);
      const ids = [-1, -2, -3, -4].map((distance) => idOf(`context ${count / 2 + distance}`));
      const { told } = await bothOf(namespace, hits, 3);
      expect(told[0]?.[0]?.map(({ id }) => id)).toEqual(ids.slice(0, told[0]?.[0]?.length));
      for (const side of told[0] ?? []) expect(new Set(side.map(({ id }) => id)).size).toBe(side.length);
      expect(told).toEqual((await bothOf(namespace, hits, 3)).scanned);
    }
  });

  it('is read in pieces where all of it is too long for one reply', async () => {
    const small = (await openOver(qdrant.url, { replyBytesMax: 64 * 1024 })) as GenericStore;
    const namespace = await remember(
      Array.from({ length: 60 }, (_, i) => ({
        gapMs: 1,
        session: 1 + (i % 2),
        level: 'immediate' as const,
        isOver: false,
      })),
      (place) => `Ann: number ${place} ${Array.from({ length: 300 }, (_, i) => `word${place}x${i}`).join(' ')}`,
    );
    const hits = (await hitsOf(namespace, 10)).slice(0, 6);
    const places = hits.map((hit) => ({ hit, count: 4 }));
    const asked = { namespace, levels: LEVELS, question: QUESTION, nowMs: NOW_MS, places };
    const told = (await small.driver.around?.(asked)) ?? [];
    expect(told).toHaveLength(6);
    expect(told.every((one) => one !== null && one.before.length + one.after.length > 0)).toBe(true);
    await small.close();
  });

  it('says which of them a filter lets through', async () => {
    const namespace = await remember(
      Array.from({ length: 20 }, () => ({ gapMs: 1, session: 1, level: 'immediate' as const, isOver: false })),
    );
    const filter = { must: [{ key: 'created_at', range: { gte: NOW_MS + 10 } }] };
    const hits = (await hitsOf(namespace, 1)).filter(({ record }) =>
      [10, 14, 18].includes(record.createdAtMs - NOW_MS),
    );
    expect(hits).toHaveLength(3);
    const { told, scanned } = await bothOf(namespace, hits, 3, filter);
    const passing = told.flat(2).map(({ passes }) => passes);
    expect([passing.includes(true), passing.includes(false)]).toEqual([true, true]);
    expect(told).toEqual(scanned);
  });

  it('asks for ids in their order without their texts, once more only where more is to be known', async () => {
    const namespace = await remember(
      Array.from({ length: 30 }, (_, i) => ({
        gapMs: 1,
        session: 1 + (i % 2),
        level: 'immediate' as const,
        isOver: false,
      })),
    );
    const hits = await hitsOf(namespace, 6);
    const before = qdrant.requests.count();
    await surroundings(
      driver,
      hits,
      { namespace, levels: ['immediate'], question: QUESTION, nowMs: NOW_MS + 1e6, reachOf: () => 1 },
      undefined,
    );
    expect(qdrant.requests.count() - before).toBe(2);
  });
});
