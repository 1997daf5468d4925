import { describe, expect, it } from 'vitest';
import { CodedError } from '../../../../src/base/errors.ts';
import { silentLog } from '../../../../src/base/log.ts';
import type { Access } from '../../../../src/store/store.ts';
import { AccessCounts } from '../../../../src/hirag/tiers/access-counts.ts';
import { FaultyStore } from '../../../support/faulty-store.ts';

class Recording extends FaultyStore {
  readonly touched: (readonly Access[])[] = [];

  override touch(accesses: readonly Access[]): Promise<void> {
    this.touched.push(accesses);
    return super.touch(accesses);
  }
}

function start(accessFlushEntries = 100, accesses: 'returned' | 'used' = 'returned') {
  const store = new Recording();
  const counts = new AccessCounts({ store, log: silentLog }, { accessFlushEntries, accesses });
  return { store, counts };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe('access counts', () => {
  it('are gathered and written together, when they are asked for', async () => {
    const { store, counts } = start();
    counts.add('n', ['a', 'b']);
    counts.add('n', ['a']);
    counts.add('m', ['a']);
    expect(counts.pendingIn('n')('a')).toBe(2);
    expect(store.touched).toEqual([]);
    await counts.flush();
    expect(store.touched).toEqual([
      [
        { namespace: 'n', id: 'a', count: 2 },
        { namespace: 'n', id: 'b', count: 1 },
        { namespace: 'm', id: 'a', count: 1 },
      ],
    ]);
    expect(counts.pendingIn('n')('a')).toBe(0);
    await counts.flush();
    expect(store.touched).toHaveLength(1);
  });

  it('are those of use alone, where it is told so', async () => {
    const { store, counts } = start(100, 'used');
    counts.returned('n', ['a', 'b']);
    counts.add('n', ['b']);
    await counts.flush();
    expect(store.touched).toEqual([[{ namespace: 'n', id: 'b', count: 1 }]]);
  });

  it('of the time while some are written are written, too, for whoever asks then', async () => {
    const { store, counts } = start();
    counts.add('n', ['a']);
    const first = counts.flush();
    counts.add('n', ['b']);
    await counts.flush();
    await first;
    expect(store.touched.flat().map(({ id }) => id)).toEqual(['a', 'b']);
  });

  it('are written sooner where many wait, and at the end', async () => {
    const { store, counts } = start(3);
    counts.add('n', ['a', 'b', 'c']);
    await settled();
    expect(store.touched).toHaveLength(1);
    counts.add('n', ['d']);
    await counts.close();
    expect(store.touched).toHaveLength(2);
  });

  it('are not lost where the store fails, but held in bounds', async () => {
    const { store, counts } = start(3);
    store.failures.set('touch', new CodedError('STORE_UNAVAILABLE', 'down'));
    for (let i = 0; i < 20; i++) {
      counts.add('n', [`id${i}`]);
      await settled();
    }
    counts.add('n', ['id0']);
    await settled();
    expect(counts.pendingIn('n')('id0')).toBe(2);
    expect(counts.pendingIn('n')('id11')).toBe(1);
    expect(counts.pendingIn('n')('id12')).toBe(0);
    await expect(counts.flush()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    store.failures.clear();
    await counts.flush();
    expect(store.touched.at(-1)).toHaveLength(12);
    expect(counts.pendingIn('n')('id0')).toBe(0);
  });
});
