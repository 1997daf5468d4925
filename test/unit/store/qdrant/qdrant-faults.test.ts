import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import type { ContextStore } from '../../../../src/store/store.ts';
import { foundIn, idOf, normalize, NOW_MS, put, sample, searchOf, termsOf } from '../../../contract/store-samples.ts';
import { type QdrantDouble, startQdrantDouble } from '../../../support/qdrant-double/start-qdrant-double.ts';
import { DIMENSION, openOver } from './opened.ts';

describe('Qdrant on a bad day', () => {
  let qdrant: QdrantDouble;
  let store: ContextStore;
  beforeEach(async () => {
    qdrant = await startQdrantDouble();
    store = await openOver(qdrant.url, { clock: systemClock, timeoutMs: 5_000 });
  });
  afterEach(async () => {
    await store.close();
    await qdrant.close();
  });
  const write = (name: string, fields = {}) => store.write([put(sample(name, DIMENSION, fields))]);
  const fetchOne = async (name: string) => (await store.fetch('space', [idOf(name)], NOW_MS))[0];
  const search = (signal?: AbortSignal) => store.search(searchOf({ terms: termsOf('text') }), signal);

  it.each([
    ['breaks connections off', { kind: 'drop' }],
    ['hangs', { kind: 'hang' }],
    ['cuts its replies', { kind: 'cut' }],
    ['answers 500', { kind: 'status', status: 500 }],
    ['answers 429', { kind: 'status', status: 429 }],
    ['answers garbage', { kind: 'garbage' }],
  ] as const)(
    '%s: everything fails with STORE_UNAVAILABLE, and goes on when that is over',
    { timeout: 120_000 },
    async (_, fault) => {
      await write('before');
      qdrant.faults.add({ ...fault, on: '/points' });
      const unavailable = { code: 'STORE_UNAVAILABLE', retryable: true };
      await Promise.all([
        expect(write('during')).rejects.toMatchObject(unavailable),
        expect(search()).rejects.toMatchObject(unavailable),
        expect(store.list({ namespace: 'space', limit: 1, nowMs: NOW_MS })).rejects.toMatchObject(unavailable),
        expect(fetchOne('before')).rejects.toMatchObject(unavailable),
      ]);
      qdrant.faults.clear();
      await write('during');
      expect(await fetchOne('before')).toMatchObject({ id: idOf('before') });
      expect((await store.stats('space')).counts.immediate).toBe(2);
    },
  );

  it('is away and comes back', async () => {
    await qdrant.stop();
    await expect(write('away')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await expect(store.ping()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await qdrant.resume();
    await store.ping();
    expect(await write('away')).toMatchObject([{ op: 'put', created: true }]);
  });

  it('has written what it could not say: a repeat finds it, and nothing is there twice', async () => {
    qdrant.faults.once({ kind: 'cut', on: '/points/batch', isApplied: true });
    await expect(write('told to nobody')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(await write('told to nobody')).toMatchObject([{ op: 'put', created: false }]);
    expect((await store.stats('space')).counts.immediate).toBe(1);
  });

  it('does not keep whoever stops waiting', async () => {
    qdrant.faults.add({ kind: 'hang', on: '/points/query' });
    const controller = new AbortController();
    const searching = search(controller.signal);
    setTimeout(() => controller.abort(), 20);
    await expect(searching).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });

  it('asks for fewer at a time where contexts are long, and gives all of them', async () => {
    const replyBytesMax = 100_000;
    const bounded = await openOver(qdrant.url, { replyBytesMax });
    const names = Array.from({ length: 20 }, (_, i) => `long ${i}`);
    const texts = names.map((name, i) => `${name} ${'word'.repeat(2_500)} ${i}`);
    await bounded.write(names.map((name, i) => put(sample(name, DIMENSION, { text: texts[i] as string }))));
    const ids = names.map(idOf);
    const fetched = await bounded.fetch('space', ids, NOW_MS);
    expect(fetched.map((record) => record?.text)).toEqual(texts);
    const listed: string[] = [];
    for (let cursor: string | undefined, pages = 0; pages < 40; pages++) {
      const from = cursor === undefined ? {} : { cursor };
      const page = await bounded.list({ namespace: 'space', limit: 20, nowMs: NOW_MS, ...from });
      listed.push(...page.records.map(({ id }) => id));
      cursor = page.cursor;
      if (cursor === undefined) break;
    }
    expect(listed.toSorted()).toEqual(ids.toSorted());
    const [deleted] = await bounded.write([{ op: 'delete_where', namespace: 'space' }]);
    expect(deleted?.op === 'delete_where' && deleted.deletedIds.toSorted()).toEqual(ids.toSorted());
    await bounded.close();
  });

  it('finds what is near by a later passage, or by words, also where hits are so long that fewer come', async () => {
    const bounded = await openOver(qdrant.url, { replyBytesMax: 500_000, needsPassages: true });
    const axis = (place: number) => Float32Array.from({ length: DIMENSION }, (_, i) => Number(i === place));
    const long = (name: string) => Array.from({ length: 2_500 }, (_, i) => `${name}${i}`).join(' ');
    const contextOf = (name: string, text: string, vector: Float32Array) => ({
      ...sample(name, DIMENSION, { text, sessionId: null }),
      vector,
    });
    const others = Array.from({ length: 16 }, (_, i) =>
      contextOf(
        `other ${i}`,
        long(`x${i}y`),
        normalize(axis(0).map((value, at) => value + Number(at === 1) * (2 + i))),
      ),
    );
    const byPassage = { ...contextOf('by passage', long('p'), axis(2)), passages: [axis(0)] };
    const byWord = contextOf('by word', `heron ${long('w')}`, axis(3));
    await bounded.write([...others, byPassage, byWord].map(put));
    const found = await bounded.search(searchOf({ vector: axis(0), terms: termsOf('heron'), candidates: 16 }));
    const ids = foundIn(found.candidates).map(({ id }) => id);
    expect(ids.length).toBeLessThan(18);
    expect(ids).toEqual(expect.arrayContaining([idOf('by passage'), idOf('by word')]));
    await bounded.close();
  });

  it('takes no metadata that are too long, and what was sent beside them is stored', async () => {
    const long = { note: 'x'.repeat(2 * 1024 * 1024) };
    const [refused, stored] = await Promise.allSettled([write('long', { metadata: long }), write('short')]);
    expect(refused).toMatchObject({ status: 'rejected', reason: { code: 'BAD_REQUEST' } });
    expect(stored.status).toBe('fulfilled');
    expect(await fetchOne('long')).toBeNull();
  });
});
