// What a disk does that says it cannot bring to the platter what it was given, and then says that it can.

import { randomBytes } from 'node:crypto';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { ContextStore } from '../../src/store/store.ts';
import { idOf, NOW_MS, put, sample, searchIn, searchOf, termsOf } from '../contract/store-samples.ts';
import { DIMENSION, eventually, openAt, recordingLog, temporaryFolder } from './store-setup.ts';

const WORKER = new URL('./failing-disk-worker.ts', import.meta.url);
const REFUSED = {
  code: 'STORE_UNAVAILABLE',
  retryable: true,
  message: 'the store takes no writes: the disk failed, and is tried again',
};
/** A log that is moved into the database after the commit. */
const LARGE = randomBytes(3_750_000).toString('base64');

async function opened() {
  const folder = join(await temporaryFolder(), 'data');
  const messages: string[] = [];
  const store = await openAt(folder, { workerUrl: WORKER, log: recordingLog(messages) });
  await store.write([put(sample('walrus', DIMENSION))]);
  return {
    folder,
    store,
    messages,
    fail: (what: string) => writeFile(`${folder}.fails`, what),
    mend: () => rm(`${folder}.fails`),
  };
}

const wellAgain = (store: ContextStore): Promise<true> =>
  eventually(() =>
    store.ping().then(
      () => true as const,
      () => undefined,
    ),
  );

async function present(store: ContextStore, names: readonly string[]): Promise<string[]> {
  const found = await store.fetch('space', names.map(idOf), NOW_MS);
  return names.filter((_, i) => found[i] !== null);
}

describe('a sync that fails', () => {
  it('when a write is committed stops writes until the disk has proved itself, and reads go on', async () => {
    const { folder, store, messages, fail, mend } = await opened();
    await fail('commits');
    const refused = await Promise.allSettled(
      ['a', 'b', 'c'].map((name) => store.write([put(sample(name, DIMENSION))])),
    );
    for (const outcome of refused)
      expect(outcome).toMatchObject({ status: 'rejected', reason: { code: 'STORE_UNAVAILABLE' } });
    // Commits would go through again, but what is in the log cannot be brought to the database.
    await fail('moves');
    await expect(store.write([put(sample('d', DIMENSION))])).rejects.toMatchObject(REFUSED);
    await expect(store.ping()).rejects.toMatchObject(REFUSED);
    const change = { namespace: 'space', kind: 'note', key: 'k', owner: 'me', order: 1, version: 1, body: {} };
    await expect(store.writeDocuments([{ op: 'put', document: change, ifVersion: null }])).rejects.toMatchObject(
      REFUSED,
    );
    await expect(store.expire(NOW_MS, 10, null)).rejects.toMatchObject(REFUSED);
    expect(await present(store, ['walrus', 'a', 'b', 'c', 'd'])).toEqual(['walrus']);
    expect((await searchIn(store, searchOf({ terms: termsOf('walrus') }))).candidates).toHaveLength(1);
    expect((await store.stats()).counts.immediate).toBe(1);

    await mend();
    await wellAgain(store);
    await store.write([put(sample('after', DIMENSION))]);
    await store.close();
    const again = await openAt(folder);
    expect(await present(again, ['walrus', 'a', 'b', 'c', 'd', 'after'])).toEqual(['walrus', 'after']);
    expect(messages.filter((message) => message.startsWith('the disk'))).toEqual([
      'the disk failed to keep what was written: no writes are taken until it does',
      'the disk keeps what is written again: writes are taken',
    ]);
  });

  it('when the log is moved into the database stops writes, too, and loses nothing of it', async () => {
    const { folder, store, fail, mend } = await opened();
    await fail('moves');
    await store.write([put(sample('large', DIMENSION, { text: LARGE }))]);
    await expect.poll(() => store.ping().catch((error: unknown) => error)).toMatchObject(REFUSED);
    await expect(store.write([put(sample('a', DIMENSION))])).rejects.toMatchObject(REFUSED);
    expect(await present(store, ['walrus', 'large', 'a'])).toEqual(['walrus', 'large']);
    await mend();
    await wellAgain(store);
    await store.write([put(sample('after', DIMENSION))]);
    await store.close();
    expect(await present(await openAt(folder), ['walrus', 'large', 'a', 'after'])).toEqual([
      'walrus',
      'large',
      'after',
    ]);
  });

  it('again and again keeps the store from taking writes, however often it is asked, and from no end', async () => {
    const { folder, store, messages, fail } = await opened();
    await fail('commits, moves');
    for (let round = 0; round < 3; round++) {
      await expect(store.write([put(sample(`a-${round}`, DIMENSION))])).rejects.toMatchObject({
        code: 'STORE_UNAVAILABLE',
      });
      await expect(store.ping()).rejects.toMatchObject(REFUSED);
      await sleep(600);
    }
    await store.close();
    expect(messages.filter((message) => message.startsWith('the disk'))).toHaveLength(1);
    expect(await present(await openAt(folder), ['walrus', 'a-0', 'a-1', 'a-2'])).toEqual(['walrus']);
  });
});
