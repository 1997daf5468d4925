import { describe, expect, it } from 'vitest';
import type { ContextRecord, Level } from '../../src/base/context.ts';
import type { Condition, ContextPatch, Lifetime, WriteOp } from '../../src/store/store.ts';
import type { ContractSubject } from './store-contract.ts';
import { FOR_GOOD, idOf, NOW_MS, searchIn, searchOf, termsOf, untilOf, vectorOf } from './store-samples.ts';

export function describeUpdates(subject: ContractSubject): void {
  const fetchOne = async (id: string): Promise<ContextRecord | null> =>
    (await subject.store.fetch(subject.namespace, [id], NOW_MS))[0] ?? null;

  describe('update', () => {
    const update = (id: string, patch: ContextPatch, ifVersion?: number): WriteOp => ({
      op: 'update',
      namespace: subject.namespace,
      id,
      patch,
      updatedAtMs: NOW_MS + 50,
      ...(ifVersion === undefined ? {} : { ifVersion }),
    });

    it('changes what the patch names, and nothing else', async () => {
      const { record } = await subject.add('changing', { metadata: { a: 1 }, tags: ['old'] });
      const [result] = await subject.store.write([update(record.id, { metadata: { b: 2 } })]);
      const expected = { ...record, metadata: { b: 2 }, version: 2, updatedAtMs: NOW_MS + 50 };
      expect(result).toEqual({ op: 'update', record: expected });
      await subject.store.write([update(record.id, { tags: ['new'], lifetime: untilOf(NOW_MS + 99) })]);
      expect(await fetchOne(record.id)).toEqual({ ...expected, tags: ['new'], version: 3, ...untilOf(NOW_MS + 99) });
    });

    it('with a new text is found by the new text and vector alone', async () => {
      const { record } = await subject.add('old words', { text: 'the walrus sleeps' });
      const vector = vectorOf('something else', subject.dimension);
      await subject.store.write([update(record.id, { text: { text: 'a penguin swims', tokenCount: 3, vector } })]);
      const search = (query: string) =>
        searchIn(subject.store, searchOf({ namespace: subject.namespace, terms: termsOf(query) }));
      expect((await search('walrus')).candidates).toEqual([]);
      expect((await search('penguin')).candidates.map(({ id }) => id)).toEqual([record.id]);
      const dense = await searchIn(subject.store, searchOf({ namespace: subject.namespace, vector }));
      expect(dense.candidates[0]?.dense).toBeCloseTo(1, 3);
      expect((await fetchOne(record.id))?.text).toBe('a penguin swims');
      const [loaded] = await subject.store.load(
        { namespace: subject.namespace, agentId: 'agent', sessionId: 'session' },
        'immediate',
        NOW_MS,
      );
      expect(loaded?.vector).toEqual(vector);
    });

    it('moves to another level', async () => {
      const { record } = await subject.add('mover');
      await subject.store.write([update(record.id, { move: { to: 'long_term', lifetime: FOR_GOOD } })]);
      expect((await subject.store.stats(subject.namespace)).counts).toEqual({
        immediate: 0,
        short_term: 0,
        long_term: 1,
      });
      const found = await searchIn(
        subject.store,
        searchOf({ namespace: subject.namespace, levels: ['long_term'], terms: termsOf('mover') }),
      );
      expect(found.candidates.map(({ id, level }) => [id, level])).toEqual([[record.id, 'long_term']]);
    });

    it('with another version than expected fails and tells the version', async () => {
      const { record } = await subject.add('versioned');
      const results = await subject.store.write([
        update(record.id, { tags: ['a'] }, 1),
        update(record.id, { tags: ['b'] }, 1),
      ]);
      expect(results).toMatchObject([{ record: { version: 2 } }, { failed: 'version_conflict', version: 2 }]);
      expect((await fetchOne(record.id))?.tags).toEqual(['a']);
    });

    it('of what is not there fails', async () => {
      expect(await subject.store.write([update(idOf('nobody'), { tags: [] })])).toEqual([
        { op: 'update', failed: 'not_found' },
      ]);
    });

    it('of the server itself makes no new version, and reaches what is over', async () => {
      const { record } = await subject.add('over', untilOf(NOW_MS));
      const own = (patch: ContextPatch): WriteOp => ({
        op: 'update',
        namespace: subject.namespace,
        id: record.id,
        patch,
      });
      await subject.store.write([own({ lifetime: FOR_GOOD, accesses: 2 }), own({ accesses: 3 })]);
      expect(await fetchOne(record.id)).toEqual({ ...record, ...FOR_GOOD, accessCount: 5 });
    });
  });

  describe('what an update does follows from what is there when it is written', () => {
    const inL2: Lifetime = { expiresAtMs: NOW_MS + 1000, expiryAction: 'promote', expirySetBy: 'level' };
    const inL3: Lifetime = { expiresAtMs: NOW_MS + 2000, expiryAction: 'delete', expirySetBy: 'level' };
    const move = (to: Level): ContextPatch => ({
      move: { to, lifetime: { immediate: FOR_GOOD, short_term: inL2, long_term: inL3 }[to] },
    });
    /** Each in a call of its own, all on their way at the same time. */
    const pipelined = async (id: string, patches: readonly ContextPatch[]) => {
      const { namespace, store } = subject;
      const calls = patches.map((patch) => store.write([{ op: 'update', namespace, id, patch, updatedAtMs: NOW_MS }]));
      await Promise.all(calls);
      return fetchOne(id);
    };

    it('a lifetime that a client sets stays through a move, whichever comes first', async () => {
      const one = await subject.add('first', { level: 'short_term', ...inL2 });
      const other = await subject.add('then', { level: 'short_term', ...inL2 });
      const lifetime = untilOf(NOW_MS + 60_000);
      const expected = { level: 'long_term', version: 3, ...lifetime };
      expect(await pipelined(one.record.id, [{ lifetime }, move('long_term')])).toMatchObject(expected);
      expect(await pipelined(other.record.id, [move('long_term'), { lifetime }])).toMatchObject(expected);
    });

    it("a level's lifetime gives way to that of the next level", async () => {
      const { record } = await subject.add('wanderer', { level: 'long_term', ...inL3 });
      expect(await pipelined(record.id, [move('short_term')])).toMatchObject({ level: 'short_term', ...inL2 });
      expect(await pipelined(record.id, [move('immediate')])).toMatchObject({ level: 'immediate', ...FOR_GOOD });
    });

    it('the last of several moves holds, and one to where it is already changes no lifetime', async () => {
      const { record } = await subject.add('restless', { level: 'short_term', ...inL2 });
      const there = { to: 'short_term', lifetime: FOR_GOOD } as const;
      expect(await pipelined(record.id, [{ move: there }])).toMatchObject({ level: 'short_term', ...inL2, version: 2 });
      const back = await pipelined(record.id, [move('long_term'), { move: there }]);
      expect(back).toMatchObject({ level: 'short_term', ...FOR_GOOD, version: 4 });
    });

    it('of several texts the last holds, also where it is the first one', async () => {
      const { record, vector } = await subject.add('text A', { text: 'the walrus sleeps' });
      const reword = (text: string, of: Float32Array): ContextPatch => ({ text: { text, tokenCount: 3, vector: of } });
      const other = vectorOf('text B', subject.dimension);
      const patches = [reword('a penguin swims', other), reword('the walrus sleeps', vector)];
      expect(await pipelined(record.id, patches)).toMatchObject({ text: 'the walrus sleeps', version: 3 });
      const search = (fields: object) => searchIn(subject.store, searchOf({ namespace: subject.namespace, ...fields }));
      expect((await search({ terms: termsOf('penguin') })).candidates).toEqual([]);
      expect((await search({ terms: termsOf('walrus'), vector })).candidates[0]?.dense).toBeCloseTo(1, 3);
    });

    it('a text that is there already keeps its vector', async () => {
      const { record, vector } = await subject.add('same', { text: 'the walrus sleeps' });
      const text = { text: record.text, tokenCount: 99, vector: vectorOf('another', subject.dimension) };
      expect(await pipelined(record.id, [{ text, tags: ['new'] }])).toMatchObject({ tags: ['new'], tokenCount: 4 });
      const found = await searchIn(subject.store, searchOf({ namespace: subject.namespace, vector }));
      expect(found.candidates[0]?.dense).toBeCloseTo(1, 3);
    });

    it('a change on a condition that is not met finds nothing', async () => {
      const { record } = await subject.add('conditional', { ...inL2, tags: ['red'] });
      const { namespace } = subject;
      const red = { must: [{ key: 'tags', match: { value: 'red' } }] };
      const blue = { must: [{ key: 'tags', match: { value: 'blue' } }] };
      const due = { dueAtMs: NOW_MS + 1000 };
      const early = { dueAtMs: NOW_MS + 999 };
      const met: Condition[] = [{ level: 'immediate' }, { text: record.text }, { filter: red }, due];
      const unmet: Condition[] = [{ level: 'long_term' }, { text: 'another' }, { filter: blue }, early];
      for (const onlyIf of unmet) {
        const deletion: WriteOp = { op: 'delete', namespace, ids: [record.id], onlyIf };
        const update: WriteOp = { op: 'update', namespace, id: record.id, patch: { tags: [] }, onlyIf };
        expect(await subject.store.write([update, deletion])).toEqual([
          { op: 'update', failed: 'not_found' },
          { op: 'delete', deletedIds: [] },
        ]);
      }
      const together = met.reduce((all, one) => ({ ...all, ...one }), {});
      for (const onlyIf of [...met, together]) {
        const update: WriteOp = { op: 'update', namespace, id: record.id, patch: { metadata: {} }, onlyIf };
        expect(await subject.store.write([update])).toMatchObject([{ record: { id: record.id } }]);
      }
      const deletion: WriteOp = { op: 'delete', namespace, ids: [record.id], onlyIf: together };
      expect(await subject.store.write([deletion])).toEqual([{ op: 'delete', deletedIds: [record.id] }]);
    });
  });
}
