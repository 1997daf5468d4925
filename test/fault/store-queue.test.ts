import { describe, expect, it } from 'vitest';
import { CodedError } from '../../src/base/errors.ts';
import { idOf, NOW_MS, put, sample, searchIn, searchOf, vectorOf } from '../contract/store-samples.ts';
import { DIMENSION, eventually, openAt, recordingLog, temporaryFolder } from './store-setup.ts';

const CRASHING_WORKER = new URL('./crashing-worker.ts', import.meta.url);

describe('calls that wait for the store', () => {
  it('are refused past their bound, and the others are answered', async () => {
    const store = await openAt(await temporaryFolder(), { queueCallsMax: 3 });
    const calls = Array.from({ length: 5 }, (_, i) => store.write([put(sample(`q-${i}`, DIMENSION))]));
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'rejected',
      'rejected',
    ]);
    expect((outcomes[4] as PromiseRejectedResult).reason).toMatchObject({ code: 'OVERLOADED', retryable: true });
    expect((await store.stats()).counts.immediate).toBe(3);
  });

  it.each([
    ['texts', { text: 'x'.repeat(100_000) }],
    ['metadata', { metadata: { notes: new Array<string>(100).fill('x'.repeat(1_000)) } }],
    ['tags', { tags: Array.from({ length: 1_000 }, (_, n) => `${n} ${'x'.repeat(100)}`) }],
  ])('are bounded by the bytes of their %s, too', async (_what, given) => {
    const store = await openAt(await temporaryFolder(), { queueBytesMax: 250_000 });
    const calls = Array.from({ length: 6 }, (_, i) => store.write([put(sample(`q-${i}`, DIMENSION, given))]));
    const outcomes = await Promise.allSettled(calls);
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
    for (const outcome of outcomes.slice(3))
      expect(outcome).toMatchObject({ reason: { code: 'OVERLOADED', retryable: true, retryAfterMs: 100 } });
    // What was answered counts no more; one that is larger than the bound gets in alone.
    const text = 'y'.repeat(1_000_000);
    await store.write([put(sample('large', DIMENSION, { text }))]);
    await store.write([put(sample('after', DIMENSION))]);
    expect((await store.stats()).counts.immediate).toBe(5);
  });

  it('are given up when their caller does', async () => {
    const store = await openAt(await temporaryFolder());
    const request = searchOf({ vector: vectorOf('q', DIMENSION) });
    await expect(store.search(request, AbortSignal.abort())).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    const controller = new AbortController();
    const waiting = store.search(request, controller.signal);
    controller.abort(new CodedError('SHUTTING_DOWN', 'the server stops'));
    await expect(waiting).rejects.toMatchObject({ code: 'SHUTTING_DOWN' });
    expect((await searchIn(store, request)).candidates).toEqual([]);
  });

  it('are finished before it closes, and refused after', async () => {
    const folder = await temporaryFolder();
    const store = await openAt(folder);
    const writing = Promise.all(Array.from({ length: 20 }, (_, i) => store.write([put(sample(`c-${i}`, DIMENSION))])));
    await store.close();
    expect(await writing).toHaveLength(20);
    await expect(store.ping()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await store.close();
    const again = await openAt(folder);
    expect((await again.stats()).counts.immediate).toBe(20);
  });

  it('keep a store that is full of them from nothing when it closes', async () => {
    const folder = await temporaryFolder();
    const store = await openAt(folder, { queueCallsMax: 2, queueBytesMax: 1 });
    const writing = store.write([put(sample('last', DIMENSION))]);
    await expect(store.ping()).rejects.toMatchObject({ code: 'OVERLOADED' });
    await store.close();
    expect(await writing).toHaveLength(1);
  });

  it('of another dimension are refused', async () => {
    const store = await openAt(await temporaryFolder());
    await expect(store.write([put(sample('a', 4))])).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    await expect(store.search(searchOf({ vector: vectorOf('q', 4) }))).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  });
});

describe('a store worker that dies', () => {
  it('fails what waits, comes back, and has all that it acknowledged', async () => {
    const messages: string[] = [];
    const store = await openAt(await temporaryFolder(), { workerUrl: CRASHING_WORKER, log: recordingLog(messages) });
    await store.write([put(sample('before', DIMENSION))]);
    const dying = store.fetch('crash', ['x'], 0);
    const beside = store.write([put(sample('beside', DIMENSION))]);
    for (const call of [dying, beside])
      await expect(call).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true });
    await expect(store.ping()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await eventually(() =>
      store.ping().then(
        () => true,
        () => undefined,
      ),
    );
    expect((await store.stats()).counts.immediate).toBe(1);
    expect(await store.write([put(sample('beside', DIMENSION))])).toMatchObject([{ created: true }]);
    expect(messages).toContain('the store worker ended and will be started again');
  });

  it('may be closed while it is away', async () => {
    const store = await openAt(await temporaryFolder(), { workerUrl: CRASHING_WORKER });
    await expect(store.fetch('crash', ['x'], 0)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await store.close();
    await expect(store.ping()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', message: 'the store is closed' });
  });
});

describe('the write-ahead log', () => {
  it('stays a few megabytes long, however long the texts are', async () => {
    const store = await openAt(await temporaryFolder());
    const text = 'harbour lights and rain '.repeat(8_000);
    for (let i = 0; i < 40; i++) await store.write([put(sample(`long-${i}`, DIMENSION, { text: `${text}${i}` }))]);
    expect((await store.stats()).driver['wal_bytes']).toBeLessThan(12 * 1024 * 1024);
    const records = await store.fetch('space', [idOf('long-0'), idOf('long-39')], NOW_MS);
    expect(records.map((record) => record?.text.length)).toEqual([text.length + 1, text.length + 2]);
  });
});
