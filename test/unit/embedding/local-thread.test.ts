import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { CodedError } from '../../../src/base/errors.ts';
import { silentLog } from '../../../src/base/log.ts';
import { createLocalProvider } from '../../../src/embedding/local.ts';
import { createLocalThread, type LocalThreadOptions } from '../../../src/embedding/local-thread.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const DIMENSION = 64;
const local = createLocalProvider({ dimension: DIMENSION, table: null });
const lengthWorker = new URL('./length-worker.ts', import.meta.url);
/** 250,000 characters of different words. */
const LONG = Array.from({ length: 31_250 }, (_, i) => `w${String(i).padStart(6, '0')} `).join('');
let running: ReturnType<typeof createLocalThread> | null = null;
afterEach(() => running?.close());

function start(options: Partial<LocalThreadOptions> = {}) {
  const clock = new FakeClock();
  const thread = (running = createLocalThread({
    dimension: DIMENSION,
    table: null,
    clock,
    log: silentLog,
    ...options,
  }));
  const firstOf = async (text: string): Promise<number> => (await thread.embed([text], 'passage'))[0]?.[0] as number;
  /** Until the thread that tells lengths is the one that answers. */
  const untilUp = async (): Promise<void> => {
    while ((await firstOf('abcde')) !== 5) await sleep(5);
  };
  /** Until the real thread is up: calls before that are embedded here. */
  const untilReal = async (): Promise<void> => {
    await firstOf('up');
    await sleep(500);
  };
  return { thread, clock, firstOf, untilUp, untilReal };
}

describe('the embedding thread', () => {
  it('gives each call the vectors of its texts, as the local provider makes them', async () => {
    const { thread } = start();
    expect(thread).toMatchObject({ id: local.id, dimension: DIMENSION, kind: 'lexical' });
    const calls = Array.from({ length: 30 }, (_, call) =>
      Array.from({ length: call % 7 }, (_, i) => `text ${i} of call ${call} about harbours`),
    );
    for (let round = 0; round < 20; round++) {
      const vectors = await Promise.all(calls.map((texts) => thread.embed(texts, 'passage')));
      expect(vectors).toEqual(await Promise.all(calls.map((texts) => local.embed(texts, 'passage'))));
      await sleep(10);
    }
  });

  it('gives each text its vector', async () => {
    const { thread, untilUp } = start({ workerUrl: lengthWorker });
    await untilUp();
    const vectors = await thread.embed(['a', 'bb'], 'passage');
    expect(vectors.map((vector) => [vector[0], vector.length])).toEqual([
      [1, DIMENSION],
      [2, DIMENSION],
    ]);
  });

  it('is not waited for by queries', async () => {
    const { thread, untilUp } = start({ workerUrl: lengthWorker });
    await untilUp();
    expect(await thread.embed(['harbour'], 'query')).toEqual(await local.embed(['harbour'], 'query'));
  });

  it('that ends leaves no call without its vectors, and comes back later', async () => {
    const { thread, clock, firstOf, untilUp } = start({ workerUrl: lengthWorker });
    await untilUp();
    const texts = ['first', 'die', 'last'];
    const vectors = await Promise.all(texts.map((text) => thread.embed([text], 'passage')));
    expect(vectors).toEqual(await Promise.all(texts.map((text) => local.embed([text], 'passage'))));
    await sleep(50);
    expect(await firstOf('abcde')).not.toBe(5);
    clock.advance(60_000);
    await untilUp();
  });

  it('that cannot start is done without', async () => {
    const { thread } = start({ workerUrl: new URL('./no-such-worker.ts', import.meta.url) });
    for (let i = 0; i < 5; i++) {
      expect(await thread.embed(['harbour'], 'passage')).toEqual(await local.embed(['harbour'], 'passage'));
      await sleep(20);
    }
  });

  it('gets no text of a call that was given up', async () => {
    const { thread, untilUp } = start({ workerUrl: lengthWorker });
    await untilUp();
    const controller = new AbortController();
    const call = thread.embed(['die'], 'passage', controller.signal);
    controller.abort(new CodedError('DEADLINE_EXCEEDED', 'too late'));
    await expect(call).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect((await thread.embed(['abc'], 'passage'))[0]?.[0]).toBe(3);
  });

  it('that is closed embeds what waits', async () => {
    const { thread, untilUp } = start({ workerUrl: lengthWorker });
    await untilUp();
    const call = thread.embed(['harbour'], 'passage');
    await thread.close();
    expect((await call)[0]).toHaveLength(DIMENSION);
    expect(await thread.embed(['harbour'], 'passage')).toEqual(await local.embed(['harbour'], 'passage'));
  });

  it('embeds long texts, of queries as well, as the local provider does', async () => {
    const { thread, untilReal } = start();
    await untilReal();
    for (const texts of [[LONG], ['short', LONG, ''], Array.from({ length: 300 }, (_, i) => `turn ${i} of many`)]) {
      const expected = await local.embed(texts, 'passage');
      expect(await thread.embed(texts, 'query')).toEqual(expected);
      expect(await thread.embed(texts, 'passage')).toEqual(expected);
    }
  });

  it('gets long queries, and answers short ones here', async () => {
    const { thread, untilUp } = start({ workerUrl: lengthWorker });
    await untilUp();
    expect((await thread.embed(['a'.repeat(5_000)], 'query'))[0]?.[0]).toBe(5_000);
    expect((await thread.embed(['a'.repeat(1_000)], 'query'))[0]?.[0]).not.toBe(1_000);
  });

  it('lets nobody wait for the long texts of others', async () => {
    const { thread, untilReal } = start();
    await untilReal();
    const done: string[] = [];
    const calls = [
      ...Array.from({ length: 20 }, () => thread.embed([LONG], 'passage').then(() => done.push('long'))),
      ...['a note', 'another'].map((text) => thread.embed([text], 'passage').then(() => done.push('short'))),
      thread.embed([LONG.slice(0, 20_000)], 'passage').then(() => done.push('middling')),
    ];
    await Promise.all(calls);
    expect(done.slice(0, 2)).toEqual(['short', 'short']);
    // Of two slices one is its own; the other goes to the oldest, which may be done first.
    expect(done.indexOf('middling')).toBeLessThan(6);
  });

  it('ends long calls that nobody waits for, wherever they are', async () => {
    const { thread, untilReal } = start();
    await untilReal();
    const controllers = Array.from({ length: 8 }, () => new AbortController());
    const calls = controllers.map(({ signal }) =>
      thread.embed([LONG], 'passage', signal).catch((error: unknown) => error),
    );
    await sleep(20);
    for (const controller of controllers) controller.abort(new CodedError('DEADLINE_EXCEEDED', 'too late'));
    for (const call of calls) expect(await call).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(await thread.embed([LONG], 'passage')).toEqual(await local.embed([LONG], 'passage'));
  });

  it('that ends while it has long calls leaves none without its vectors', async () => {
    const { thread, untilReal } = start();
    await untilReal();
    const calls = Array.from({ length: 5 }, () => thread.embed([LONG], 'passage'));
    await sleep(20);
    await thread.close();
    const [expected] = await local.embed([LONG], 'passage');
    for (const [vector] of await Promise.all(calls)) expect(vector).toEqual(expected);
  });
});
