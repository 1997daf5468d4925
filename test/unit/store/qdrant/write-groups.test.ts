import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import { CodedError } from '../../../../src/base/errors.ts';
import type { ContextStore, WriteOp } from '../../../../src/store/store.ts';
import { FOR_GOOD, idOf, NOW_MS, put, sample, vectorOf } from '../../../contract/store-samples.ts';
import { type QdrantDouble, startQdrantDouble } from '../../../support/qdrant-double/start-qdrant-double.ts';
import { DIMENSION, openOver } from './opened.ts';

const DEADLINE = new CodedError('DEADLINE_EXCEEDED', 'too late');
const WRITES = '/points/batch';

describe('calls that are written to Qdrant together', () => {
  let qdrant: QdrantDouble;
  let store: ContextStore;
  beforeEach(async () => {
    qdrant = await startQdrantDouble();
    store = await openOver(qdrant.url, { clock: systemClock, timeoutMs: 30_000, maxQueue: 8, maxQueueBytes: 20_000 });
    for (const name of ['a', 'b', 'c']) await write(name);
  });
  afterEach(async () => {
    qdrant.faults.clear();
    await store.close();
    await qdrant.close();
  });
  const write = (name: string, fields = {}, signal?: AbortSignal) =>
    store.write([put(sample(name, DIMENSION, fields))], signal);
  const updateOf = (name: string, patch: Extract<WriteOp, { op: 'update' }>['patch']): WriteOp => {
    return { op: 'update', namespace: 'space', id: idOf(name), patch, updatedAtMs: NOW_MS };
  };
  const update = (name: string, signal?: AbortSignal) =>
    store.write([updateOf(name, { metadata: { changed: true } })], signal);
  const fetchOne = async (name: string) => (await store.fetch('space', [idOf(name)], NOW_MS))[0];
  const requestsOf = (on: string) => qdrant.requests.count(on);

  it('need no queue where nothing else is being written', async () => {
    const hasty = await openOver(qdrant.url, { clock: systemClock, maxQueue: 0 });
    const one = (name: string) => hasty.write([put(sample(name, DIMENSION))]);
    expect(await Promise.all([one('d'), one('e')])).toMatchObject([[{ created: true }], [{ created: true }]]);
    await hasty.close();
  });

  it.each([400, 413, 422])(
    'fail alone where one of them is refused with %i, and nothing is done twice',
    async (status) => {
      // Two levels are written at once: one takes its part, the other refuses it.
      qdrant.faults.add({ kind: 'status', status, on: `test_long_term${WRITES}` });
      const outcomes = await Promise.allSettled([
        update('a'),
        write('refused', { level: 'long_term' }),
        update('b'),
        write('new'),
        store.write([{ op: 'delete', namespace: 'space', ids: [idOf('c')] }]),
      ]);
      expect(outcomes).toMatchObject([
        { status: 'fulfilled', value: [{ op: 'update', record: { version: 2 } }] },
        { status: 'rejected', reason: { code: 'STORE_UNAVAILABLE', retryable: false } },
        { status: 'fulfilled', value: [{ op: 'update', record: { version: 2 } }] },
        { status: 'fulfilled', value: [{ op: 'put', created: true }] },
        { status: 'fulfilled', value: [{ op: 'delete', deletedIds: [idOf('c')] }] },
      ]);
      for (const name of ['a', 'b']) expect(await fetchOne(name)).toMatchObject({ version: 2 });
      expect(await fetchOne('refused')).toBeNull();
      qdrant.faults.clear();
      expect(await write('refused', { level: 'long_term' })).toMatchObject([{ created: true }]);
    },
  );

  it('say of an update that failed while it was written that nobody may simply make it again', async () => {
    qdrant.faults.once({ kind: 'status', status: 500, on: WRITES, isApplied: true });
    const [updated, stored] = await Promise.allSettled([update('a'), write('new')]);
    expect(updated).toMatchObject({ reason: { code: 'STORE_UNAVAILABLE', retryable: false } });
    expect(stored).toMatchObject({ reason: { code: 'STORE_UNAVAILABLE', retryable: true } });
    expect(await fetchOne('a')).toMatchObject({ version: 2 });
    expect(await write('new')).toMatchObject([{ created: false }]);
    qdrant.faults.once({ kind: 'status', status: 500, on: 'test_immediate/points' });
    await expect(update('b')).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true });
    expect(await fetchOne('b')).toMatchObject({ version: 1 });
  });

  it('are acknowledged where only a trim after them fails, and the next write trims', async () => {
    const move = { to: 'long_term', lifetime: FOR_GOOD } as const;
    const trim: WriteOp = {
      op: 'trim',
      trim: { namespace: 'space', agentId: 'agent', sessionId: 'session', level: 'immediate', keep: 1, move },
    };
    qdrant.faults.once({ kind: 'status', status: 500, on: '/points/count' });
    const [updated, trimmed] = await store.write([updateOf('a', { metadata: { changed: true } }), trim]);
    expect(updated).toMatchObject({ op: 'update', record: { version: 2 } });
    expect(trimmed).toEqual({ op: 'trim', moved: [], deletedIds: [] });
    expect((await store.stats()).counts.immediate).toBe(3);
    await store.write([put(sample('d', DIMENSION)), trim]);
    expect((await store.stats()).counts).toMatchObject({ immediate: 1, long_term: 3 });
  });

  it('wait no longer than their own deadlines, and leave nothing behind where they were not begun', async () => {
    qdrant.faults.add({ kind: 'hang', on: WRITES });
    const controller = new AbortController();
    const begun = write('begun', {}, controller.signal);
    const changing = update('a', controller.signal);
    await expect.poll(() => requestsOf(WRITES)).toBeGreaterThan(3);
    const waiting = write('waiting', {}, controller.signal);
    controller.abort(DEADLINE);
    expect(await Promise.allSettled([begun, changing, waiting])).toMatchObject([
      { reason: { code: 'STORE_UNAVAILABLE', retryable: true } },
      { reason: { code: 'STORE_UNAVAILABLE', retryable: false } },
      { reason: DEADLINE },
    ]);
    await expect(write('late', {}, controller.signal)).rejects.toBe(DEADLINE);
    qdrant.faults.clear();
    await qdrant.stop();
    await qdrant.resume();
    await write('after');
    for (const name of ['waiting', 'late']) expect(await fetchOne(name)).toBeNull();
  });

  it('are refused where too many or too much of them wait', async () => {
    const refused = { code: 'OVERLOADED', retryable: true, retryAfterMs: 250 };
    qdrant.faults.add({ kind: 'hang', on: WRITES });
    const begun = write('begun');
    await expect.poll(() => requestsOf(WRITES)).toBeGreaterThan(3);
    const waiting = Array.from({ length: 8 }, (_, i) => write(`waiting ${i}`));
    await expect(write('too many')).rejects.toMatchObject(refused);
    qdrant.faults.clear();
    await qdrant.stop();
    await qdrant.resume();
    await Promise.allSettled([begun, ...waiting]);

    qdrant.faults.add({ kind: 'hang', on: WRITES });
    const count = requestsOf(WRITES);
    const again = write('begun again');
    await expect.poll(() => requestsOf(WRITES)).toBeGreaterThan(count);
    const long = write('long', { text: 'word '.repeat(4_000) });
    await expect(write('too much')).rejects.toMatchObject(refused);
    qdrant.faults.clear();
    await qdrant.stop();
    await qdrant.resume();
    await Promise.allSettled([again, long]);
    for (const name of ['too many', 'too much']) expect(await fetchOne(name)).toBeNull();
    expect(await write('too many', { vector: vectorOf('x', DIMENSION) })).toMatchObject([{ created: true }]);
  });
});
