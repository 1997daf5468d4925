import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { ContextStore, WriteOp } from '../../../../src/store/store.ts';
import { FOR_GOOD, idOf, NOW_MS, put, sample, vectorOf } from '../../../contract/store-samples.ts';
import { type QdrantDouble, startQdrantDouble } from '../../../support/qdrant-double/start-qdrant-double.ts';
import { DIMENSION, openOver } from './opened.ts';

/** Long enough for the other server to be done. */
const DELAY_MS = 1_000;
const ID = idOf('shared');

describe('two servers that change one context at once', () => {
  let qdrant: QdrantDouble;
  let slow: ContextStore;
  let fast: ContextStore;
  beforeEach(async () => {
    qdrant = await startQdrantDouble();
    [slow, fast] = await Promise.all([openOver(qdrant.url), openOver(qdrant.url)]);
    await slow.write([put(sample('shared', DIMENSION))]);
    qdrant.requests.reset();
  });
  afterEach(async () => {
    await Promise.all([slow.close(), fast.close()]);
    await qdrant.close();
  });

  const update = (patch: Extract<WriteOp, { op: 'update' }>['patch']): WriteOp => {
    return { op: 'update', namespace: 'space', id: ID, patch };
  };
  const move = update({ move: { to: 'long_term', lifetime: FOR_GOOD } });
  const reword = update({ text: { text: 'other words', tokenCount: 2, vector: vectorOf('other', DIMENSION) } });
  const remove: WriteOp = { op: 'delete', namespace: 'space', ids: [ID] };
  const fetched = async () => (await fast.fetch('space', [ID], NOW_MS))[0];
  const counts = async () => (await fast.stats('space')).counts;
  /** The next request of the kind waits; resolves when it has come. */
  const delayed = async (on: string | RegExp, work: () => Promise<unknown>, times = 1) => {
    const before = qdrant.requests.count(on);
    qdrant.faults.add({ kind: 'delay', delayMs: DELAY_MS, on, times });
    const working = work();
    await vi.waitFor(() => expect(qdrant.requests.count(on)).toBeGreaterThanOrEqual(before + times), 10_000);
    return { result: working };
  };
  const deleted = [{ op: 'delete', deletedIds: [ID] }];
  const notFound = [{ op: 'update', failed: 'not_found' }];

  it.each([
    ['a new text', reword, 'test_immediate/points/batch'],
    ['a move', move, 'test_long_term/points/batch'],
  ])('%s does not bring back what was deleted meanwhile', async (_, change, on) => {
    const { result } = await delayed(on, () => slow.write([change]));
    expect(await fast.write([remove])).toEqual(deleted);
    expect(await result).toEqual(notFound);
    expect(await fetched()).toBeNull();
    expect(await counts()).toEqual({ immediate: 0, short_term: 0, long_term: 0 });
  });

  it('a deletion reaches what has moved meanwhile', async () => {
    const { result } = await delayed('test_immediate/points/batch', () => slow.write([remove]));
    expect(await fast.write([move])).toMatchObject([{ record: { level: 'long_term' } }]);
    expect(await result).toEqual(deleted);
    expect(await fetched()).toBeNull();
  });

  it('a move carries on what was changed meanwhile', async () => {
    const { result } = await delayed('test_long_term/points/batch', () => slow.write([move]));
    await fast.write([update({ metadata: { kept: true } })]);
    expect(await result).toMatchObject([{ record: { level: 'long_term', metadata: { kept: true } } }]);
    expect(await fetched()).toMatchObject({ level: 'long_term', metadata: { kept: true } });
    expect(await counts()).toEqual({ immediate: 0, short_term: 0, long_term: 1 });
  });

  it('a move that another one has finished is no deletion', async () => {
    const { result: moving } = await delayed('test_long_term/points/batch', () => slow.write([move]));
    // It looks at both levels when its copy is written, and the other server comes in between.
    const { result } = await delayed(/test_(immediate|long_term)\/points$/, () => Promise.resolve(moving), 2);
    expect(await counts()).toEqual({ immediate: 1, short_term: 0, long_term: 1 });
    expect(await fast.write([update({ accesses: 1 })])).toMatchObject([{ record: { level: 'long_term' } }]);
    expect(await counts()).toEqual({ immediate: 0, short_term: 0, long_term: 1 });
    expect(await result).toMatchObject([{ record: { level: 'long_term' } }]);
    expect(await fetched()).toMatchObject({ level: 'long_term', accessCount: 1 });
  });
});
