import { describe, expect, it } from 'vitest';
import { CodedError } from '../../../../src/base/errors.ts';
import type { ScanPage, ScanRequest } from '../../../../src/store/driver.ts';
import { GenericStore } from '../../../../src/store/generic/generic-store.ts';
import { MemoryDriver } from '../../../../src/store/memory/memory-driver.ts';
import type { Change, ChangeResult, WriteOp } from '../../../../src/store/store.ts';
import { FOR_GOOD, idOf, NOW_MS, put, sample, untilOf } from '../../../contract/store-samples.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

const DIMENSION = 4;
const SPACE = 'space';

/** Lets another server do something right after a scan, or dies before its next changes. */
class SharedDriver extends MemoryDriver {
  afterScan: (() => readonly Change[]) | null = null;
  appliesLeft = Infinity;

  override async scan(requests: readonly ScanRequest[]): Promise<ScanPage[]> {
    const pages = await super.scan(requests);
    const changes = this.afterScan?.() ?? [];
    this.afterScan = null;
    await super.apply(changes, NOW_MS);
    return pages;
  }

  override apply(changes: readonly Change[], nowMs: number): Promise<ChangeResult[]> {
    if (this.appliesLeft-- > 0) return super.apply(changes, nowMs);
    return Promise.reject(new CodedError('STORE_UNAVAILABLE', 'gone'));
  }
}

function open(): { driver: SharedDriver; store: GenericStore } {
  const driver = new SharedDriver();
  const deps = { dimension: DIMENSION, cursorKey: new Uint8Array(16), clock: new FakeClock(NOW_MS) };
  return { driver, store: new GenericStore(driver, deps) };
}

const add = (store: GenericStore, name: string, fields = {}) => store.write([put(sample(name, DIMENSION, fields))]);
const change = (name: string, patch: Extract<Change, { op: 'update' }>['patch']): Change => {
  return { op: 'update', namespace: SPACE, id: idOf(name), patch, updatedAtMs: NOW_MS };
};
const trimTo = (keep: number): WriteOp => ({
  op: 'trim',
  trim: {
    namespace: SPACE,
    agentId: 'agent',
    level: 'immediate',
    keep,
    move: { to: 'short_term', lifetime: FOR_GOOD },
  },
});

describe('what another server does between two steps', () => {
  it('a lifetime that a client has just prolonged is not ended', async () => {
    const { driver, store } = open();
    await add(store, 'saved', untilOf(NOW_MS + 1));
    await add(store, 'due', untilOf(NOW_MS + 1));
    driver.afterScan = () => [change('saved', { lifetime: untilOf(NOW_MS + 1000) })];
    const { deleted } = await store.expire(NOW_MS + 1, 10, FOR_GOOD);
    expect(deleted.map(({ id }) => id)).toEqual([idOf('due')]);
    expect(await store.fetch(SPACE, [idOf('saved')], NOW_MS + 2)).toMatchObject([{ id: idOf('saved') }]);
  });

  it('what was just read often enough is not deleted, and moves with the next sweep', async () => {
    const { driver, store } = open();
    const passing = { ...untilOf(NOW_MS + 1), expiryAction: 'promote', level: 'short_term' } as const;
    await add(store, 'read', passing);
    await add(store, 'unread', passing);
    driver.afterScan = () => [{ op: 'update', namespace: SPACE, id: idOf('read'), patch: { accesses: 2 } }];
    const promotion = { ...FOR_GOOD, accessesMin: 2 };
    expect(await store.expire(NOW_MS + 1, 10, promotion)).toMatchObject({
      deleted: [{ id: idOf('unread') }],
      promoted: [],
    });
    expect(await store.expire(NOW_MS + 1, 10, promotion)).toMatchObject({
      deleted: [],
      promoted: [{ accessCount: 2 }],
    });
  });

  it('what was moved elsewhere is not moved again by a trim', async () => {
    const { driver, store } = open();
    for (const name of ['a', 'b', 'c']) await add(store, name);
    driver.afterScan = () => [change('a', { move: { to: 'long_term', lifetime: FOR_GOOD } })];
    expect(await store.write([trimTo(1)])).toMatchObject([{ moved: [{ id: idOf('b') }] }]);
    expect((await store.stats()).counts).toEqual({ immediate: 1, short_term: 1, long_term: 1 });
  });

  it('what matches a filter no more is not deleted by it', async () => {
    const { driver, store } = open();
    for (const name of ['a', 'b']) await add(store, name, { tags: ['old'] });
    driver.afterScan = () => [change('a', { tags: ['new'] })];
    const filter = { must: [{ key: 'tags', match: { value: 'old' } }] };
    const deletion: WriteOp = { op: 'delete_where', namespace: SPACE, filter };
    expect(await store.write([deletion])).toMatchObject([{ deletedIds: [idOf('b')] }]);
  });
});

describe('what a kill between two steps leaves', () => {
  it('is a level that the next write of its owner brings back within its bounds', async () => {
    const { driver, store } = open();
    await add(store, 'a');
    driver.appliesLeft = 1;
    await expect(store.write([put(sample('b', DIMENSION)), trimTo(1)])).rejects.toThrow('gone');
    expect((await store.stats()).counts).toEqual({ immediate: 2, short_term: 0, long_term: 0 });
    driver.appliesLeft = Infinity;
    await store.write([put(sample('c', DIMENSION)), trimTo(1)]);
    expect((await store.stats()).counts).toEqual({ immediate: 1, short_term: 2, long_term: 0 });
  });

  it('is as due as before, and ended by the next sweep', async () => {
    const { driver, store } = open();
    await add(store, 'due', untilOf(NOW_MS + 1));
    driver.appliesLeft = 0;
    await expect(store.expire(NOW_MS + 1, 10, FOR_GOOD)).rejects.toThrow('gone');
    driver.appliesLeft = Infinity;
    expect((await store.expire(NOW_MS + 1, 10, FOR_GOOD)).deleted).toHaveLength(1);
  });

  it('is no turn that others wait for in vain', async () => {
    const { driver, store } = open();
    await add(store, 'a');
    driver.appliesLeft = 0;
    const calls = [1, 2, 3].map(() => store.write([put(sample('b', DIMENSION)), trimTo(0)]));
    for (const call of calls) await expect(call).rejects.toThrow('gone');
    driver.appliesLeft = Infinity;
    expect(await store.write([trimTo(0)])).toMatchObject([{ moved: [{ id: idOf('a') }] }]);
  });
});
