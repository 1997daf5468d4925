import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Filter } from '../../../../src/base/context.ts';
import { systemClock } from '../../../../src/base/clock.ts';
import { CodedError } from '../../../../src/base/errors.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { noMetrics } from '../../../../src/base/metrics.ts';
import { openEmbeddedStore } from '../../../../src/store/embedded/open-embedded-store.ts';
import type { ContextStore } from '../../../../src/store/store.ts';
import { idOf, NOW_MS, put, sample, searchOf, termsOf, vectorOf } from '../../../contract/store-samples.ts';

const DIMENSION = 16;
const COUNT = 4_000;
const CONDITIONS = 256;

/** One that nobody has asked before, on so many paths that no store keeps them all in memory; it lets through what has `kept`. */
function wideFilter(name: string, kept: number): Filter {
  const should = Array.from({ length: CONDITIONS - 2 }, (_, i) => ({
    key: `metadata.${name}${i}`,
    match: { value: 'never' },
  }));
  return { should: [...should, { key: 'metadata.kept', match: { value: kept } }] };
}

/** Names in the order in which their calls are done. */
async function orderOf(calls: Readonly<Record<string, Promise<unknown>>>): Promise<string[]> {
  const done: string[] = [];
  await Promise.all(Object.entries(calls).map(async ([name, call]) => call.finally(() => done.push(name))));
  return done;
}

describe('a read that takes long', () => {
  let folder: string;
  let store: ContextStore;
  const list = (filter: Filter, signal?: AbortSignal) =>
    store.list({ namespace: 'large', filter, limit: 10, nowMs: NOW_MS }, signal);
  const search = (filter: Filter, signal?: AbortSignal) =>
    store.search(searchOf({ namespace: 'large', terms: termsOf('text'), candidates: 5, filter }), signal);
  const get = () => store.fetch('small', [idOf('x')], NOW_MS);

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'store-long-'));
    const settings = { dataDir: folder, dimension: DIMENSION, embeddingId: 'model-a' };
    store = await openEmbeddedStore({ ...settings, clock: systemClock, log: silentLog, metrics: noMetrics });
    await store.write([put(sample('x', DIMENSION, { namespace: 'small' }))]);
    const fields = (i: number) => ({
      namespace: 'large',
      createdAtMs: NOW_MS + i,
      metadata: { kept: i % 4, note: 'n'.repeat(300) },
    });
    await store.write(Array.from({ length: COUNT }, (_, i) => put(sample(`c-${i}`, DIMENSION, fields(i)))));
  });
  afterAll(async () => {
    await store.close();
    await rm(folder, { recursive: true });
  });

  it('lets reads and writes of another namespace through, which are done before it', async () => {
    const nothing = wideFilter('a', -1);
    const order = await orderOf({
      list: list(nothing),
      search: search(nothing),
      get: get(),
      write: store.write([put(sample('y', DIMENSION, { namespace: 'small' }))]),
    });
    expect(order.slice(0, 2).sort()).toEqual(['get', 'write']);
    expect((await list(nothing)).records).toEqual([]);
  });

  it('brings what it should', async () => {
    const { records, cursor } = await list(wideFilter('b', 1));
    expect(records.map(({ metadata }) => metadata['kept'])).toEqual(new Array(10).fill(1));
    expect(cursor).toBeDefined();
    const { candidates } = await search(wideFilter('c', 1));
    expect(candidates.columns.count).toBe(5);
    const dense = await store.search(
      searchOf({ namespace: 'large', vector: vectorOf('c-2', DIMENSION), candidates: 1, filter: wideFilter('d', 2) }),
    );
    expect(dense.candidates.ids.at(0)).toBe(idOf('c-2'));
  });

  it('goes on with what is stored meanwhile', async () => {
    const filter = wideFilter('e', -7);
    const found = search(filter);
    await store.write([put(sample('meanwhile', DIMENSION, { namespace: 'large', metadata: { kept: -7 } }))]);
    await found;
    const { candidates } = await search(filter);
    expect(candidates.ids.at(0)).toBe(idOf('meanwhile'));
    await store.write([{ op: 'delete', namespace: 'large', ids: [idOf('meanwhile')] }]);
    expect((await search(filter)).candidates.columns.count).toBe(0);
  });

  it('ends when its caller no longer waits, and the next one has the thread', async () => {
    const ended = new CodedError('DEADLINE_EXCEEDED', 'over');
    const others = Array.from({ length: 60 }, (_, i) => {
      const controller = new AbortController();
      const filter = wideFilter(`f${i}-`, -1);
      const call = i % 2 === 0 ? list(filter, controller.signal) : search(filter, controller.signal);
      return { controller, call };
    });
    await get();
    const patient = list(wideFilter('g', -1));
    for (const { controller } of others) controller.abort(ended);
    const outcomes = await Promise.allSettled(others.map(({ call }) => call));
    expect(outcomes).toEqual(others.map(() => ({ status: 'rejected', reason: ended })));
    // Sixty of its kind were before it; had they gone on in turns, some of them would have been done before.
    expect((await patient).records).toEqual([]);
  });

  it('may be a delete, which is done some contexts at a time', async () => {
    const filter = wideFilter('h', 3);
    const order = await orderOf({
      delete: store.write([{ op: 'delete_where', namespace: 'large', filter }]),
      get: get(),
      write: store.write([put(sample('late', DIMENSION, { namespace: 'large', metadata: { kept: 3 } }))]),
    });
    expect(order.at(-1)).toBe('delete');
    const { records } = await list(filter);
    expect(records.map(({ id }) => id)).toEqual([idOf('late')]);
    expect((await store.stats('large')).counts.immediate).toBe((COUNT * 3) / 4 + 1);
  });

  it('may be a delete that ends in time, and then has deleted nothing', async () => {
    const controller = new AbortController();
    const deleting = store.write(
      [{ op: 'delete_where', namespace: 'large', filter: wideFilter('i', -1) }],
      controller.signal,
    );
    await get();
    controller.abort(new CodedError('DEADLINE_EXCEEDED', 'over'));
    await expect(deleting).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect((await store.stats('large')).counts.immediate).toBe((COUNT * 3) / 4 + 1);
  });
});
