import { describe, expect, it } from 'vitest';
import type { ContractSubject } from './store-contract.ts';
import { FOR_GOOD, idOf, NOW_MS, sample, searchIn, searchOf, termsOf, untilOf, vectorOf } from './store-samples.ts';

export function describeExpiry(subject: ContractSubject): void {
  const mortal = untilOf(NOW_MS + 100);
  const passing = { expiresAtMs: NOW_MS + 100, expiryAction: 'promote', level: 'short_term' } as const;
  /** Everything due in the whole store, so that the tests do not see each other's. */
  const sweepAll = async (nowMs: number) => {
    const sweep = await subject.store.expire(nowMs, 1000, FOR_GOOD);
    expect(sweep.more).toBe(false);
  };

  describe('a lifetime that has ended in deletion', () => {
    it('hides the context from every read, before the sweep comes by', async () => {
      await subject.add('mortal', mortal);
      await subject.add('eternal');
      const ids = async (nowMs: number) => {
        const { namespace } = subject;
        const search = await searchIn(
          subject.store,
          searchOf({
            namespace,
            nowMs,
            vector: vectorOf('q', subject.dimension),
            terms: termsOf('text'),
            neighbours: 1,
          }),
        );
        const list = await subject.store.list({ namespace, limit: 9, nowMs });
        const load = await subject.store.load(
          { namespace, agentId: 'agent', sessionId: 'session' },
          'immediate',
          nowMs,
        );
        const [fetched] = await subject.store.fetch(namespace, [idOf('mortal')], nowMs);
        return [
          search.candidates.length,
          search.searched,
          list.records.length,
          load.length,
          fetched === null ? 0 : 1,
          search.candidates.filter(({ nextId, previousId }) => nextId !== null || previousId !== null).length,
        ];
      };
      expect(await ids(NOW_MS + 99)).toEqual([2, 2, 2, 2, 1, 2]);
      expect(await ids(NOW_MS + 100)).toEqual([1, 1, 1, 1, 0, 0]);
      await sweepAll(NOW_MS + 100);
    });

    it('is changed by an update', async () => {
      await subject.add('saved', mortal);
      await subject.store.write([
        {
          op: 'update',
          namespace: subject.namespace,
          id: idOf('saved'),
          patch: { lifetime: untilOf(NOW_MS + 1000) },
          updatedAtMs: NOW_MS,
        },
      ]);
      const found = await searchIn(
        subject.store,
        searchOf({ namespace: subject.namespace, nowMs: NOW_MS + 500, terms: termsOf('saved') }),
      );
      expect(found.candidates).toHaveLength(1);
    });
  });

  describe('the sweep', () => {
    it('deletes, promotes, and says what it did', async () => {
      await sweepAll(NOW_MS + 10_000);
      await subject.add('mortal', { ...mortal, level: 'long_term' });
      await subject.add('passing', passing);
      await subject.add('later', { ...mortal, expiresAtMs: NOW_MS + 101 });
      const promoted = { expiresAtMs: NOW_MS + 5000, expiryAction: 'delete', expirySetBy: 'level' } as const;
      const sweep = await subject.store.expire(NOW_MS + 100, 10, promoted);
      expect(sweep.more).toBe(false);
      expect(sweep.deleted).toEqual([{ namespace: subject.namespace, id: idOf('mortal'), level: 'long_term' }]);
      expect(sweep.promoted).toMatchObject([
        {
          id: idOf('passing'),
          namespace: subject.namespace,
          level: 'long_term',
          ...promoted,
          version: 1,
        },
      ]);
      expect((await subject.store.stats(subject.namespace)).counts).toEqual({
        immediate: 1,
        short_term: 0,
        long_term: 1,
      });
      const found = await searchIn(
        subject.store,
        searchOf({ namespace: subject.namespace, levels: ['long_term'], terms: termsOf('passing') }),
      );
      expect(found.candidates).toMatchObject([{ id: idOf('passing'), level: 'long_term' }]);
      await sweepAll(NOW_MS + 10_000);
    });

    it('does no more than it is asked to at a time', async () => {
      await sweepAll(NOW_MS + 10_000);
      await subject.write(
        Array.from({ length: 5 }, (_, i) =>
          sample(`m-${i}`, subject.dimension, { namespace: subject.namespace, ...mortal }),
        ),
      );
      const first = await subject.store.expire(NOW_MS + 200, 3, FOR_GOOD);
      const second = await subject.store.expire(NOW_MS + 200, 3, FOR_GOOD);
      expect([first.deleted.length, first.more, second.deleted.length, second.more]).toEqual([3, true, 2, false]);
    });

    it('deletes what would be promoted where nothing is to be', async () => {
      await sweepAll(NOW_MS + 10_000);
      await subject.add('passing', passing);
      await subject.add('mortal', mortal);
      const sweep = await subject.store.expire(NOW_MS + 100, 10, null);
      const { namespace } = subject;
      expect(sweep).toEqual({
        promoted: [],
        deleted: [
          { namespace, id: idOf('passing'), level: 'short_term' },
          { namespace, id: idOf('mortal'), level: 'immediate' },
        ],
        more: false,
      });
      expect((await subject.store.stats(namespace)).counts).toEqual({ immediate: 0, short_term: 0, long_term: 0 });
    });

    it('promotes what was returned often enough, whole, and deletes the rest', async () => {
      await sweepAll(NOW_MS + 10_000);
      const { namespace, store } = subject;
      const metadata = { from: 'mail' };
      const { vector } = await subject.add('often', { ...passing, metadata, tags: ['kept'], createdAtMs: NOW_MS - 5 });
      for (const name of ['twice', 'never', 'elsewhere']) await subject.add(name, passing);
      await subject.add('mortal', { ...mortal, level: 'short_term' });
      await subject.add('arrived', { ...passing, level: 'long_term' });
      const access = (name: string, count: number) => ({ namespace, id: idOf(name), count });
      await store.touch([access('often', 2), access('twice', 2), access('mortal', 9)]);
      await store.touch([access('often', 1), { ...access('elsewhere', 5), namespace: 'another' }]);
      const sweep = await store.expire(NOW_MS + 100, 10, { ...FOR_GOOD, accessesMin: 3 });
      expect(sweep.promoted.map(({ id }) => id)).toEqual([idOf('often')]);
      expect(sweep.deleted.map(({ id }) => id).sort()).toEqual(
        ['twice', 'never', 'elsewhere', 'mortal'].map(idOf).sort(),
      );
      const scope = { namespace, agentId: 'agent', sessionId: 'session' };
      const loaded = await store.load(scope, 'long_term', NOW_MS + 500);
      expect(loaded.map(({ record }) => record.id).sort()).toEqual([idOf('often'), idOf('arrived')].sort());
      expect(loaded.find(({ record }) => record.id === idOf('often'))).toMatchObject({
        record: { metadata, tags: ['kept'], createdAtMs: NOW_MS - 5, accessCount: 3, version: 1, ...FOR_GOOD },
        vector,
      });
      expect((await store.stats(namespace)).counts).toEqual({ immediate: 0, short_term: 0, long_term: 2 });
    });

    it('leaves in the last level for good what would be promoted there', async () => {
      await sweepAll(NOW_MS + 10_000);
      await subject.add('arrived', { ...passing, level: 'long_term' });
      expect(await subject.store.expire(NOW_MS + 100, 10, FOR_GOOD)).toEqual({
        promoted: [],
        deleted: [],
        more: false,
      });
      const [record] = await subject.store.fetch(subject.namespace, [idOf('arrived')], NOW_MS + 500);
      expect(record).toMatchObject({ level: 'long_term', ...FOR_GOOD, version: 1 });
    });

    it('still shows what waits for its promotion', async () => {
      await subject.add('passing', passing);
      const [record] = await subject.store.fetch(subject.namespace, [idOf('passing')], NOW_MS + 500);
      expect(record?.level).toBe('short_term');
      await sweepAll(NOW_MS + 10_000);
    });
  });
}
