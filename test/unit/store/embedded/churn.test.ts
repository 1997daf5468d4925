import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import { LEVELS } from '../../../../src/base/context.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { noMetrics } from '../../../../src/base/metrics.ts';
import { openEmbeddedStore } from '../../../../src/store/embedded/open-embedded-store.ts';
import type { ContextStore } from '../../../../src/store/store.ts';
import {
  FOR_GOOD,
  idOf,
  NOW_MS,
  put,
  sample,
  searchIn,
  searchOf,
  termsOf,
  vectorOf,
} from '../../../contract/store-samples.ts';

const DIMENSION = 8;
const COUNT = 1600;

/** What every level answers to one query with neighbours and a filter, by id. */
async function answers(store: ContextStore) {
  const all = [];
  for (const level of LEVELS) {
    const { candidates, searched, statistics } = await searchIn(
      store,
      searchOf({
        levels: [level],
        vector: vectorOf('query', DIMENSION),
        terms: termsOf('walrus 7 text'),
        candidates: 30,
        neighbours: 1,
        namesNeighbours: true,
        filter: { must_not: [{ key: 'metadata.group', match: { value: 3 } }] },
      }),
    );
    const scores = candidates.map(({ id, dense, lexical, direct, previousId, nextId }) => ({
      id,
      dense: dense?.toFixed(4),
      lexical: lexical.toFixed(4),
      direct,
      previousId,
      nextId,
    }));
    all.push({ level, searched, statistics, scores: scores.sort((a, b) => a.id.localeCompare(b.id)) });
  }
  return all;
}

it.each([
  ['row by row', {}],
  ['column by column', { columns: { levelCountMin: 16, nonZeroShareMax: 1 } }],
])(
  'after much moving and deleting, the indexes in memory answer as those read anew from the rows: %s',
  async (_, options) => {
    const dataDir = await mkdtemp(join(tmpdir(), 'store-churn-'));
    const open = () =>
      openEmbeddedStore({
        dataDir,
        dimension: DIMENSION,
        embeddingId: 'churn',
        clock: systemClock,
        log: silentLog,
        metrics: noMetrics,
        ...options,
      });
    let store = await open();
    await answers(store);
    for (let first = 0; first < COUNT; first += 100) {
      const names = Array.from({ length: 100 }, (_, i) => first + i);
      await store.write(
        names.map((i) =>
          put(
            sample(`c-${i}`, DIMENSION, {
              sessionId: `s-${i % 20}`,
              createdAtMs: NOW_MS + i,
              text: `walrus ${i % 40} text ${i}`,
              metadata: { group: i % 5 },
            }),
          ),
        ),
      );
      await answers(store);
      const trim = { namespace: 'space', agentId: 'agent' } as const;
      await store.write([
        {
          op: 'trim',
          trim: {
            ...trim,
            level: 'immediate',
            keep: 50,
            move: { to: 'short_term', lifetime: FOR_GOOD },
          },
        },
        {
          op: 'trim',
          trim: {
            ...trim,
            level: 'short_term',
            keep: 100,
            move: { to: 'long_term', lifetime: FOR_GOOD },
          },
        },
        { op: 'delete', namespace: 'space', ids: names.filter((i) => i % 6 === 0).map((i) => idOf(`c-${i - 100}`)) },
      ]);
    }
    const inMemory = await answers(store);
    await store.close();
    store = await open();
    expect(inMemory).toEqual(await answers(store));
    expect(inMemory[2]?.searched).toBeGreaterThan(1000);
    const before = (await store.stats()).counts;
    const [cleared] = await store.write([{ op: 'delete_where', namespace: 'space', level: 'long_term' }]);
    expect(cleared).toMatchObject({ deletedIds: { length: before.long_term } });
    expect((await store.stats()).counts).toEqual({ ...before, long_term: 0 });
    await store.close();
    await rm(dataDir, { recursive: true });
  },
);
