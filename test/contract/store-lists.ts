import { NamespaceSet } from '../../src/base/namespace-set.ts';
import { describe, expect, it } from 'vitest';
import type { ContextOutline } from '../../src/base/context.ts';
import type { ListRequest } from '../../src/store/store.ts';
import type { ContractSubject } from './store-contract.ts';
import { idOf, NOW_MS, put, sample, vectorOf } from './store-samples.ts';

export function describeLists(subject: ContractSubject): void {
  const list = (fields: Partial<ListRequest> = {}) =>
    subject.store.list({ namespace: subject.namespace, limit: 100, nowMs: NOW_MS, ...fields });

  describe('list', () => {
    it('goes from the newest to the oldest, page by page, each once', async () => {
      for (let i = 0; i < 23; i++)
        await subject.add(`item-${i}`, {
          createdAtMs: NOW_MS + Math.floor(i / 5),
          level: i % 2 === 0 ? 'immediate' : 'long_term',
        });
      const ids: string[] = [];
      let cursor: string | undefined;
      let pages = 0;
      do {
        const page = await list({ limit: 4, ...(cursor === undefined ? {} : { cursor }) });
        ids.push(...page.records.map(({ id }) => id));
        cursor = page.cursor;
        pages++;
      } while (cursor !== undefined);
      expect(ids).toEqual(Array.from({ length: 23 }, (_, i) => idOf(`item-${22 - i}`)));
      expect(pages).toBe(6);
    });

    it('ends a page early where its texts and metadata are long, but never before its first record', async () => {
      const long = 'x'.repeat(10_000);
      for (let i = 0; i < 7; i++) {
        await subject.add(`item-${i}`, {
          createdAtMs: NOW_MS + i,
          ...(i % 2 === 0 ? { text: long } : { metadata: { long } }),
        });
      }
      const pages: string[][] = [];
      let cursor: string | undefined;
      do {
        const page = await list({ bytesMax: 25_000, ...(cursor === undefined ? {} : { cursor }) });
        pages.push(page.records.map(({ id }) => id));
        cursor = page.cursor;
      } while (cursor !== undefined);
      const ids = Array.from({ length: 7 }, (_, i) => idOf(`item-${6 - i}`));
      expect(pages).toEqual([ids.slice(0, 2), ids.slice(2, 4), ids.slice(4, 6), ids.slice(6)]);
      expect((await list({ bytesMax: 1 })).records.map(({ id }) => id)).toEqual([ids[0]]);
      expect((await list({ bytesMax: 1, limit: 1 })).cursor).toEqual(expect.any(String));
    });

    it('holds about a mebibyte where the request says nothing', async () => {
      for (let i = 0; i < 6; i++) await subject.add(`item-${i}`, { text: 'x'.repeat(250_000) });
      const page = await list();
      expect(page.records).toHaveLength(4);
      expect((await list({ cursor: page.cursor as string })).records).toHaveLength(2);
    });

    it('goes on where it was, whatever is deleted or added meanwhile', async () => {
      for (let i = 0; i < 6; i++) await subject.add(`item-${i}`, { createdAtMs: NOW_MS + i });
      const first = await list({ limit: 3 });
      await subject.store.write([
        { op: 'delete', namespace: subject.namespace, ids: [idOf('item-3'), idOf('item-1')] },
      ]);
      await subject.add('late', { createdAtMs: NOW_MS + 99 });
      const second = await list({ limit: 3, cursor: first.cursor as string });
      expect(second.records.map(({ id }) => id)).toEqual([idOf('item-2'), idOf('item-0')]);
      expect(second.cursor).toBeUndefined();
    });

    it('keeps to the levels asked for', async () => {
      await subject.add('one', { level: 'immediate' });
      await subject.add('two', { level: 'short_term' });
      expect((await list({ levels: ['short_term'] })).records.map(({ id }) => id)).toEqual([idOf('two')]);
      expect((await list({ levels: [] })).records).toEqual([]);
      expect((await list({ namespace: 'nobody-here' })).records).toEqual([]);
    });

    it('refuses a cursor that is not its own', async () => {
      for (let i = 0; i < 3; i++) await subject.add(`item-${i}`);
      await subject.add('foreign', { namespace: `${subject.namespace}-b` });
      const { cursor } = await list({ limit: 1 });
      for (const bad of ['', 'x', 'AAAAAAAAAAAAAAAAAAAAAA', `${cursor}A`, '💥']) {
        await expect(list({ cursor: bad })).rejects.toMatchObject({ code: 'BAD_REQUEST' });
      }
      await expect(list({ namespace: `${subject.namespace}-b`, cursor: cursor as string })).rejects.toMatchObject({
        code: 'BAD_REQUEST',
      });
    });
  });

  describe('load', () => {
    it("gives a session's level with vectors, in the order in which they entered it", async () => {
      await subject.add('second', { createdAtMs: NOW_MS + 5 });
      await subject.add('first', { createdAtMs: NOW_MS });
      await subject.add('below', { level: 'short_term' });
      await subject.add('at large', { sessionId: null });
      const scope = { namespace: subject.namespace, agentId: 'agent', sessionId: 'session' };
      const loaded = await subject.store.load(scope, 'immediate', NOW_MS);
      expect(loaded.map(({ record }) => record.id)).toEqual([idOf('second'), idOf('first')]);
      expect(loaded.map(({ vector }) => vector)).toEqual([
        vectorOf('second', subject.dimension),
        vectorOf('first', subject.dimension),
      ]);
      const large = await subject.store.load({ ...scope, sessionId: null }, 'immediate', NOW_MS);
      expect(large.map(({ record }) => record.id)).toEqual([idOf('at large')]);
      expect(await subject.store.load({ ...scope, namespace: 'nobody-here' }, 'immediate', NOW_MS)).toEqual([]);
    });
  });

  describe('fetch', () => {
    it('answers in the order of the ids', async () => {
      await subject.add('a');
      await subject.add('b');
      const found = await subject.store.fetch(
        subject.namespace,
        [idOf('b'), idOf('none'), idOf('a'), idOf('b')],
        NOW_MS,
      );
      expect(found.map((record) => record?.id ?? null)).toEqual([idOf('b'), null, idOf('a'), idOf('b')]);
      expect(await subject.store.fetch(subject.namespace, [], NOW_MS)).toEqual([]);
    });
  });

  describe('outlines', () => {
    it('tell all but the contents, in the order of the ids', async () => {
      await subject.add('a', { metadata: { mood: 'well' }, tags: ['one'], expiresAtMs: NOW_MS + 1 });
      await subject.store.touch([{ namespace: subject.namespace, id: idOf('a'), count: 2 }]);
      await subject.add('b', { createdAtMs: NOW_MS - 5, times: { recordedAtMs: NOW_MS } });
      const ids = [idOf('b'), idOf('none'), idOf('a'), idOf('b')];
      const bare = (record: ContextOutline | null) => record && { ...record, text: '', metadata: {}, tags: [] };
      const outlines = await subject.store.outlines(subject.namespace, ids, NOW_MS);
      const records = await subject.store.fetch(subject.namespace, ids, NOW_MS);
      expect(outlines.map(bare)).toEqual(records.map(bare));
      expect(records.map((record) => record?.id ?? null)).toEqual([idOf('b'), null, idOf('a'), idOf('b')]);
      expect(await subject.store.outlines(subject.namespace, [idOf('a')], NOW_MS + 1)).toEqual([null]);
      expect(await subject.store.outlines(subject.namespace, [], NOW_MS)).toEqual([]);
    });
  });

  describe('touch', () => {
    it('adds to access counts, seen by the next read and by those after later writes', async () => {
      await subject.add('popular');
      await subject.store.touch([
        { namespace: subject.namespace, id: idOf('popular'), count: 2 },
        { namespace: subject.namespace, id: idOf('popular'), count: 3 },
        { namespace: subject.namespace, id: idOf('gone'), count: 1 },
      ]);
      const [unwritten] = await subject.store.fetch(subject.namespace, [idOf('popular')], NOW_MS);
      expect(unwritten?.accessCount).toBe(5);
      await subject.store.write([put(sample('another', subject.dimension, { namespace: subject.namespace }))]);
      const [record] = await subject.store.fetch(subject.namespace, [idOf('popular')], NOW_MS);
      expect(record?.accessCount).toBe(5);
      expect(record?.version).toBe(1);
    });
  });

  it('answers a ping, and counts by level', async () => {
    await subject.store.ping();
    await subject.add('x', { level: 'short_term' });
    const before = (await subject.store.stats()).counts.short_term;
    await subject.add('y', { level: 'short_term' });
    expect((await subject.store.stats()).counts.short_term).toBe(before + 1);
    expect((await subject.store.stats('nobody-here')).counts).toEqual({ immediate: 0, short_term: 0, long_term: 0 });
  });

  it('tells its namespaces by name, of those asked for or of all that hold what can be seen', async () => {
    const { namespace } = subject;
    const [full, gone] = [`${namespace}-full`, `${namespace}-gone`];
    await subject.add('a', { namespace: full, level: 'immediate' });
    await subject.add('b', { namespace: full, level: 'long_term' });
    await subject.add('c', { namespace: full, level: 'long_term' });
    await subject.add('d', { namespace: gone, expiresAtMs: NOW_MS - 1, expiryAction: 'delete' });
    const counts = { immediate: 1, short_term: 0, long_term: 2 };
    const nothing = { immediate: 0, short_term: 0, long_term: 0 };
    const asked = await subject.store.namespaces([`${namespace}-none`, gone, full]);
    expect(asked).toEqual([
      { namespace: full, counts },
      { namespace: gone, counts: nothing },
      { namespace: `${namespace}-none`, counts: nothing },
    ]);
    const all = await subject.store.namespaces();
    expect(all.filter((found) => found.namespace.startsWith(`${namespace}-`))).toEqual([{ namespace: full, counts }]);
    const names = all.map((found) => found.namespace);
    expect(names).toEqual([...names].sort());
    await subject.add('e', { namespace: `${namespace}:one` });
    await subject.add('f', { namespace: `${namespace}:two` });
    const among = new NamespaceSet([full, `${namespace}:*`]);
    const some = await subject.store.namespaces(undefined, among);
    expect(some.map((found) => found.namespace)).toEqual([full, `${namespace}:one`, `${namespace}:two`]);
  });
}
