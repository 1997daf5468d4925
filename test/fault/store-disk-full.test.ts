import { describe, expect, it } from 'vitest';
import type { ContextStore } from '../../src/store/store.ts';
import { idOf, NOW_MS, put, sample, searchIn, searchOf, termsOf } from '../contract/store-samples.ts';
import { DIMENSION, openAt, temporaryFolder } from './store-setup.ts';

/** SQLite refuses pages past its bound with the code that it gives for a full disk (SQLITE_FULL). */
const OPTIONS = { databasePagesMax: 200, compressionThresholdBytes: 0 };

/** Writes until the disk is full; gives the names of what was acknowledged. */
async function fill(store: ContextStore): Promise<string[]> {
  const stored: string[] = [];
  for (let i = 0; ; i++) {
    const name = `filler-${i}`;
    try {
      await store.write([put(sample(name, DIMENSION, { text: `${name} ${'x'.repeat(3000)}` }))]);
    } catch (error) {
      expect(error).toMatchObject({
        code: 'STORE_UNAVAILABLE',
        retryable: true,
        message: expect.stringContaining('the disk is full') as string,
      });
      return stored;
    }
    stored.push(name);
  }
}

describe('a full disk', () => {
  it('refuses writes, answers reads, and takes writes again when there is room', async () => {
    const store = await openAt(await temporaryFolder(), OPTIONS);
    const stored = await fill(store);
    expect(stored.length).toBeGreaterThan(10);
    const records = await store.fetch('space', stored.map(idOf), NOW_MS);
    expect(records.every((record) => record !== null)).toBe(true);
    expect((await searchIn(store, searchOf({ terms: termsOf('filler') }))).searched).toBe(stored.length);
    expect((await store.stats()).counts.immediate).toBe(stored.length);
    await expect(store.ping()).rejects.toMatchObject({ message: 'the store takes no writes: the disk is full' });

    await store.write([{ op: 'delete', namespace: 'space', ids: stored.slice(0, 10).map(idOf) }]);
    expect(await store.write([put(sample('walrus', DIMENSION))])).toMatchObject([{ created: true }]);
    expect((await searchIn(store, searchOf({ terms: termsOf('walrus') }))).candidates).toHaveLength(1);
    await store.ping();
  });

  it('takes nothing of a call that does not fit, and loses nothing of those before it', async () => {
    const folder = await temporaryFolder();
    const store = await openAt(folder, OPTIONS);
    await store.write([put(sample('first', DIMENSION))]);
    const large = Array.from({ length: 500 }, (_, i) =>
      put(sample(`large-${i}`, DIMENSION, { namespace: 'other', text: 'y'.repeat(3000) })),
    );
    const outcomes = await Promise.allSettled([
      store.write([put(sample('small-a', DIMENSION))]),
      store.write(large),
      store.write([put(sample('small-b', DIMENSION))]),
    ]);
    expect(outcomes[1]).toMatchObject({ status: 'rejected', reason: { code: 'STORE_UNAVAILABLE' } });
    const acknowledged = outcomes.filter(({ status }) => status === 'fulfilled').length + 1;
    expect((await store.stats()).counts.immediate).toBe(acknowledged);
    expect((await store.stats('other')).counts.immediate).toBe(0);
    await store.close();
    const again = await openAt(folder);
    expect((await again.stats()).counts.immediate).toBe(acknowledged);
    expect((await again.stats('other')).counts).toEqual({ immediate: 0, short_term: 0, long_term: 0 });
  });
});
