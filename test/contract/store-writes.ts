import { describe, expect, it } from 'vitest';
import type { ContextRecord } from '../../src/base/context.ts';
import type { MovedContext, Trim, WriteOp, WriteResult } from '../../src/store/store.ts';
import type { ContractSubject } from './store-contract.ts';
import {
  idOf,
  NOW_MS,
  FOR_GOOD,
  movedOf,
  put,
  sample,
  sampleRecord,
  searchIn,
  searchOf,
  termsOf,
  untilOf,
  vectorOf,
} from './store-samples.ts';

function movedBy(result: WriteResult | undefined): readonly MovedContext[] {
  return result?.op === 'trim' ? result.moved : [];
}

function deletedBy(result: WriteResult | undefined): readonly string[] {
  return result !== undefined && 'deletedIds' in result ? result.deletedIds : [];
}

export function describeWrites(subject: ContractSubject): void {
  const fetchOne = async (id: string): Promise<ContextRecord | null> =>
    (await subject.store.fetch(subject.namespace, [id], NOW_MS))[0] ?? null;
  const fresh = (name: string, fields: Partial<ContextRecord> = {}) =>
    sample(name, subject.dimension, { namespace: subject.namespace, ...fields });

  describe('put', () => {
    it('keeps every field', async () => {
      const context = fresh('full', {
        text: 'Zoë — "quoted"\nline\u0000two 日本語 😀',
        metadata: { a: { b: [1, 'x', null, true, { deep: 1.5 }] }, 'key "with.dots': -0.25, __proto__x: {} },
        tags: ['one', 'two'],
        level: 'long_term',
        sessionId: null,
        createdAtMs: NOW_MS - 5,
        updatedAtMs: NOW_MS - 4,
        expiresAtMs: NOW_MS + 1000,
        expiryAction: 'promote',
        version: 3,
        accessCount: 7,
        tokenCount: 12,
      });
      expect(await subject.write([context])).toEqual([{ op: 'put', created: true, record: context.record }]);
      expect(await fetchOne(context.record.id)).toEqual(context.record);
    });

    it('keeps keys that JSON writes with an escape, whatever was read before', async () => {
      for (const key of ['\\', '"', '\n', '\u0001', 'a\\', 'a"'])
        await subject.add(`key ${JSON.stringify(key)}`, { metadata: { before: [], [key]: { [key]: 0 } } });
      for (const key of ['\\', '"', '\n', '\u0001', 'a\\', 'a"']) {
        const { record } = await subject.add(`again ${JSON.stringify(key)}`, { metadata: { before: 1, [key]: 2 } });
        expect((await fetchOne(record.id))?.metadata).toEqual(record.metadata);
      }
    });

    it('of an id that exists with the same text is a success that changes nothing', async () => {
      const context = await subject.add('again', { metadata: { first: true } });
      const again = { ...context, record: { ...context.record, metadata: { first: false }, createdAtMs: NOW_MS + 9 } };
      expect(await subject.write([again])).toEqual([{ op: 'put', created: false, record: context.record }]);
      expect(await fetchOne(context.record.id)).toEqual(context.record);
    });

    it('of an id that exists with another text is a conflict, and the others of the call are written', async () => {
      const { record } = await subject.add('taken');
      const results = await subject.write([fresh('before'), fresh('taken', { text: 'another' }), fresh('after')]);
      expect(results.map((result) => 'conflict' in result)).toEqual([false, true, false]);
      expect(await fetchOne(record.id)).toEqual(record);
      expect(await subject.store.fetch(subject.namespace, [idOf('before'), idOf('after')], NOW_MS)).not.toContain(null);
    });

    it('of one id twice in a call is one context', async () => {
      const results = await subject.write([fresh('twin'), fresh('twin')]);
      expect(results).toMatchObject([{ created: true }, { created: false }]);
      expect((await subject.store.stats(subject.namespace)).counts.immediate).toBe(1);
    });

    it('of the same id in two namespaces is two contexts', async () => {
      const one = fresh('shared', { text: 'mine' });
      const other = fresh('shared', { namespace: `${subject.namespace}-b`, text: 'theirs' });
      expect(await subject.write([one, other])).toMatchObject([{ created: true }, { created: true }]);
      expect((await fetchOne(one.record.id))?.text).toBe('mine');
    });

    it('leaves the vector to the caller', async () => {
      const context = fresh('vector');
      const before = context.vector.slice();
      await subject.write([context]);
      expect(context.vector).toEqual(before);
    });
  });

  describe('delete', () => {
    it('tells which of the ids were there', async () => {
      const { record } = await subject.add('doomed');
      const op: WriteOp = { op: 'delete', namespace: subject.namespace, ids: [idOf('absent'), record.id, record.id] };
      expect(await subject.store.write([op])).toEqual([{ op: 'delete', deletedIds: [record.id] }]);
      expect(await fetchOne(record.id)).toBeNull();
      const dense = await searchIn(
        subject.store,
        searchOf({
          namespace: subject.namespace,
          vector: vectorOf('doomed', subject.dimension),
          terms: termsOf('doomed'),
        }),
      );
      expect(dense.candidates).toEqual([]);
    });

    it('frees the id', async () => {
      await subject.add('phoenix', { text: 'first life' });
      const results = await subject.store.write([
        { op: 'delete', namespace: subject.namespace, ids: [idOf('phoenix')] },
        put(fresh('phoenix', { text: 'second life' })),
      ]);
      expect(results).toMatchObject([{ deletedIds: [idOf('phoenix')] }, { created: true }]);
    });

    it('by level and filter takes what matches both, of its namespace alone', async () => {
      const keep = fresh('keep', { tags: ['red'], level: 'long_term' });
      await subject.write([fresh('go', { tags: ['red'] }), fresh('stay', { tags: ['blue'] }), keep]);
      await subject.write([fresh('foreign', { namespace: `${subject.namespace}-b`, tags: ['red'] })]);
      const filter = { must: [{ key: 'tags', match: { value: 'red' } }] };
      expect(
        await subject.store.write([{ op: 'delete_where', namespace: subject.namespace, level: 'immediate', filter }]),
      ).toEqual([{ op: 'delete_where', deletedIds: [idOf('go')] }]);
      expect((await subject.store.stats(`${subject.namespace}-b`)).counts.immediate).toBe(1);
      const [all] = await subject.store.write([{ op: 'delete_where', namespace: subject.namespace }]);
      expect(new Set(deletedBy(all))).toEqual(new Set([idOf('stay'), idOf('keep')]));
    });
  });

  describe('trim', () => {
    const trim = (fields: Partial<Trim>): WriteOp => ({
      op: 'trim',
      trim: { namespace: subject.namespace, agentId: 'agent', level: 'immediate', keep: 2, ...fields },
    });
    const lifetime = { expiresAtMs: NOW_MS + 1000, expiryAction: 'promote', expirySetBy: 'level' } as const;
    const down = { to: 'short_term', lifetime } as const;

    it('moves all but the newest on, oldest first, with the new lifetime', async () => {
      for (const name of ['a', 'b', 'c', 'd']) await subject.add(name, { createdAtMs: NOW_MS - name.charCodeAt(0) });
      const [result] = await subject.store.write([trim({ sessionId: 'session', move: down })]);
      const moved = movedBy(result);
      expect(deletedBy(result)).toEqual([]);
      expect(moved.map(({ id }) => id)).toEqual([idOf('a'), idOf('b')]);
      const record = sampleRecord('a', {
        namespace: subject.namespace,
        createdAtMs: NOW_MS - 97,
        level: 'short_term',
        ...lifetime,
      });
      expect(moved[0]).toEqual(movedOf(record));
      expect(await fetchOne(idOf('a'))).toEqual(record);
      expect((await subject.store.stats(subject.namespace)).counts).toEqual({
        immediate: 2,
        short_term: 2,
        long_term: 0,
      });
    });

    it('counts by when a context entered the level, not by when it was created', async () => {
      await subject.add('new', { createdAtMs: NOW_MS + 500 });
      await subject.add('old', { createdAtMs: NOW_MS - 500 });
      const [result] = await subject.store.write([trim({ sessionId: 'session', keep: 1, move: down })]);
      expect(movedBy(result).map(({ id }) => id)).toEqual([idOf('new')]);
      const back: WriteOp = {
        op: 'update',
        namespace: subject.namespace,
        id: idOf('new'),
        patch: { move: { to: 'immediate', lifetime: FOR_GOOD } },
        updatedAtMs: NOW_MS,
      };
      const [, again] = await subject.store.write([back, trim({ sessionId: 'session', keep: 1, move: down })]);
      expect(movedBy(again).map(({ id }) => id)).toEqual([idOf('old')]);
    });

    it('leaves a lifetime that the client gave', async () => {
      await subject.add('mortal', untilOf(NOW_MS + 10));
      await subject.add('other');
      const [result] = await subject.store.write([trim({ keep: 0, move: down })]);
      expect(movedBy(result)).toMatchObject([
        { id: idOf('mortal'), level: 'short_term', expiresAtMs: NOW_MS + 10, expiryAction: 'delete' },
        { id: idOf('other'), expiresAtMs: NOW_MS + 1000, expiryAction: 'promote' },
      ]);
    });

    it('leaves what a client keeps without an end, but takes it down, where it stays without one', async () => {
      const kept = { expiresAtMs: null, expiryAction: 'delete', expirySetBy: 'client' } as const;
      await subject.add('kept', kept);
      await subject.add('other');
      const [deleting] = await subject.store.write([trim({ keep: 0 })]);
      expect(deleting).toMatchObject({ deletedIds: [idOf('other')] });
      const [moving] = await subject.store.write([trim({ keep: 0, move: down })]);
      expect(movedBy(moving)).toMatchObject([{ id: idOf('kept'), level: 'short_term', ...kept }]);
    });

    it('keeps to one session, to those without one, or to the agent', async () => {
      const sessions = { s1: 'one', s2: 'two', none: null };
      for (const [name, sessionId] of Object.entries(sessions)) {
        for (const i of [1, 2, 3]) await subject.add(`${name}-${i}`, { sessionId });
      }
      await subject.add('foreign', { agentId: 'somebody' });
      const ids = async (op: WriteOp) => movedBy((await subject.store.write([op]))[0]).map(({ id }) => id);
      expect(await ids(trim({ sessionId: 'one', move: down }))).toEqual([idOf('s1-1')]);
      expect(await ids(trim({ sessionId: null, move: down }))).toEqual([idOf('none-1')]);
      expect(await ids(trim({ keep: 4, move: down }))).toEqual([idOf('s1-2'), idOf('s1-3'), idOf('s2-1')]);
    });

    it('deletes where there is no level below', async () => {
      for (const name of ['x', 'y', 'z']) await subject.add(name);
      expect(await subject.store.write([trim({})])).toEqual([{ op: 'trim', moved: [], deletedIds: [idOf('x')] }]);
      expect(await fetchOne(idOf('x'))).toBeNull();
    });

    it('sees the operations before it in the same call', async () => {
      const results = await subject.store.write([
        put(fresh('p')),
        put(fresh('q')),
        put(fresh('r')),
        trim({ move: down }),
      ]);
      expect(movedBy(results[3]).map(({ id }) => id)).toEqual([idOf('p')]);
    });
  });

  it('many calls at once are all applied, each in its order', async () => {
    const calls = Array.from({ length: 40 }, (_, i) =>
      subject.write([fresh(`many-${i}`), fresh(`many-${i}`), fresh(`more-${i}`)]),
    );
    for (const results of await Promise.all(calls))
      expect(results).toMatchObject([{ created: true }, { created: false }, { created: true }]);
    expect((await subject.store.stats(subject.namespace)).counts.immediate).toBe(80);
  });

  it('a call is seen as a whole or not at all, where the store says so', async ({ skip }) => {
    if (!subject.store.capabilities.atomicBatches)
      skip('this store applies the operations of a call one after the other');
    const trim: Trim = {
      namespace: subject.namespace,
      agentId: 'agent',
      level: 'immediate',
      keep: 30,
      move: { to: 'short_term', lifetime: FOR_GOOD },
    };
    const seen = new Set<string>();
    let isDone = false;
    const writing = subject.store
      .write([...Array.from({ length: 120 }, (_, i) => put(fresh(`part-${i}`))), { op: 'trim', trim }])
      .then(() => (isDone = true));
    do {
      const { immediate, short_term: shortTerm } = (await subject.store.stats(subject.namespace)).counts;
      seen.add(`${immediate}/${shortTerm}`);
    } while (!isDone);
    await writing;
    expect([...seen].filter((counts) => counts !== '0/0' && counts !== '30/90')).toEqual([]);
  });

  it('many calls at once that overflow their levels leave each level its newest', async () => {
    const bound = (
      level: 'immediate' | 'short_term',
      keep: number,
      move: Trim['move'],
      sessionId?: string,
    ): WriteOp => ({
      op: 'trim',
      trim: {
        namespace: subject.namespace,
        agentId: 'agent',
        level,
        keep,
        ...(sessionId === undefined ? {} : { sessionId }),
        ...(move === undefined ? {} : { move }),
      },
    });
    const below = {
      to: 'short_term',
      lifetime: { expiresAtMs: NOW_MS + 1000, expiryAction: 'promote', expirySetBy: 'level' },
    } as const;
    const last = { to: 'long_term', lifetime: FOR_GOOD } as const;
    const names = Array.from({ length: 30 }, (_, i) => `turn-${i}`);
    const results = await Promise.all(
      names.map((name, i) => {
        const sessionId = i % 2 === 0 ? 'even' : 'odd';
        return subject.store.write([
          put(fresh(name, { sessionId })),
          bound('immediate', 2, below, sessionId),
          bound('short_term', 5, last),
        ]);
      }),
    );
    const places = new Map<string, Pick<ContextRecord, 'level' | 'expiresAtMs'>>();
    for (const result of results.flat()) {
      if (result.op === 'put' && 'created' in result) places.set(result.record.id, result.record);
      else for (const context of movedBy(result)) places.set(context.id, context);
    }
    const records = await subject.store.fetch(subject.namespace, names.map(idOf), NOW_MS);
    expect(records.map((record) => record?.level)).toEqual(
      names.map((_, i) => (i >= 26 ? 'immediate' : i >= 21 ? 'short_term' : 'long_term')),
    );
    for (const record of records)
      expect(places.get(record?.id ?? '')).toMatchObject({ level: record?.level, expiresAtMs: record?.expiresAtMs });
    expect((await subject.store.stats(subject.namespace)).counts).toEqual({
      immediate: 4,
      short_term: 5,
      long_term: 21,
    });
  });
}
