import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemRandom } from '../../../../src/base/random.ts';
import { LEVELS } from '../../../../src/base/context.ts';
import type { ContextStore, WriteOp, WriteResult } from '../../../../src/store/store.ts';
import {
  FOR_GOOD,
  foundIn,
  idOf,
  NOW_MS,
  put,
  sample,
  searchOf,
  termsOf,
  vectorOf,
} from '../../../contract/store-samples.ts';
import { type QdrantDouble, startQdrantDouble } from '../../../support/qdrant-double/start-qdrant-double.ts';
import { DIMENSION, openOver } from './opened.ts';

describe('several servers over one Qdrant', () => {
  let qdrant: QdrantDouble;
  let one: ContextStore;
  let other: ContextStore;
  beforeEach(async () => {
    qdrant = await startQdrantDouble();
    [one, other] = await Promise.all([openOver(qdrant.url), openOver(qdrant.url)]);
  });
  afterEach(async () => {
    await Promise.all([one.close(), other.close()]);
    await qdrant.close();
  });

  const context = (name: string, fields: Parameters<typeof sample>[2] = {}) => sample(name, DIMENSION, fields);
  const fetchOne = async (store: ContextStore, name: string) => (await store.fetch('space', [idOf(name)], NOW_MS))[0];
  const listed = async (store: ContextStore) =>
    (await store.list({ namespace: 'space', limit: 100, nowMs: NOW_MS })).records;
  const found = async (store: ContextStore, names: string) =>
    foundIn((await store.search(searchOf({ levels: LEVELS, terms: termsOf(names) }))).candidates).map(({ id }) => id);
  const move: WriteOp = {
    op: 'trim',
    trim: {
      namespace: 'space',
      agentId: 'agent',
      level: 'immediate',
      keep: 2,
      move: { to: 'long_term', lifetime: FOR_GOOD },
    },
  };

  it('find what the other has written into a level that was empty a moment ago', async () => {
    await one.write([put(context('first note'))]);
    expect(await found(one, 'note')).toEqual([idOf('first note')]);
    await other.write([put(context('second note', { level: 'long_term' }))]);
    expect(new Set(await found(one, 'note'))).toEqual(new Set([idOf('first note'), idOf('second note')]));
    await other.write([{ op: 'delete', namespace: 'space', ids: [idOf('second note')] }]);
    expect(await found(one, 'note')).toEqual([idOf('first note')]);
  });

  it('read what the other has moved since it was found', async () => {
    await one.write([put(context('note')), put(context('other'))]);
    const ids = ['note', 'other', 'nobody'].map(idOf);
    const patch = { move: { to: 'long_term', lifetime: FOR_GOOD } } as const;
    await other.write([{ op: 'update', namespace: 'space', id: idOf('note'), updatedAtMs: NOW_MS, patch }]);
    const read = await one.fetch('space', ids, NOW_MS);
    expect(read.map((record) => record?.level)).toEqual(['long_term', 'immediate', undefined]);
  });

  it('see at once what the other has written, and go on with each other’s lists', async () => {
    const names = Array.from({ length: 10 }, (_, i) => `note ${i}`);
    for (const [i, name] of names.entries()) {
      await (i % 2 === 0 ? one : other).write([put(context(name, { createdAtMs: NOW_MS + i }))]);
    }
    const request = { namespace: 'space', limit: 4, nowMs: NOW_MS };
    const first = await one.list(request);
    const second = await other.list({ ...request, cursor: first.cursor as string });
    expect([...first.records, ...second.records].map(({ id }) => id)).toEqual(names.toReversed().slice(0, 8).map(idOf));
    const { candidates } = await other.search(
      searchOf({ terms: termsOf('note'), vector: vectorOf('note 3', DIMENSION) }),
    );
    expect(
      foundIn(candidates)
        .map(({ id }) => id)
        .sort(),
    ).toEqual(names.map(idOf).sort());
  });

  it('find words that the other has just stored, though they have searched before', async () => {
    await other.write([put(context('first'))]);
    const search = () => other.search(searchOf({ terms: termsOf('zebra') }));
    expect(foundIn((await search()).candidates)).toEqual([]);
    await one.write([put(context('striped', { text: 'a zebra' }))]);
    expect(foundIn((await search()).candidates)).toMatchObject([{ id: idOf('striped') }]);
  });

  it('give contexts of the same moment places of their own, so that no page loses one', async () => {
    const names = ['north', 'south', 'east', 'west'];
    for (const [i, name] of names.entries()) {
      // Within the one moment of this clock each begins at a place of its own, as servers do but for one time in a thousand.
      const random = { ...systemRandom, bytes: (count: number) => new Uint8Array(count).fill(i, 0, 1) };
      const fresh = await openOver(qdrant.url, { random });
      await fresh.write([put(context(name)), put(context(`${name} ${i}`))]);
      await fresh.close();
    }
    const ids: string[] = [];
    for (let cursor: string | undefined; ids.length < 20; ) {
      const request = { namespace: 'space', limit: 1, nowMs: NOW_MS, ...(cursor === undefined ? {} : { cursor }) };
      const page = await one.list(request);
      ids.push(...page.records.map(({ id }) => id));
      if (page.cursor === undefined) break;
      cursor = page.cursor;
    }
    expect(new Set(ids).size).toBe(8);
  });

  it('close when what was called before is done', async () => {
    qdrant.faults.add({ kind: 'delay', delayMs: 200, on: '/points' });
    const writing = one.write([put(context('last words'))]);
    const searching = one.search(searchOf({ terms: termsOf('words'), neighbours: 1 }));
    await one.close();
    expect(await writing).toMatchObject([{ created: true }]);
    expect((await searching).levels).toHaveLength(1);
    expect(await fetchOne(other, 'last words')).toMatchObject({ id: idOf('last words') });
  });

  it('store one id with two texts once, whoever is faster', async () => {
    for (let round = 0; round < 10; round++) {
      const name = `raced ${round}`;
      const results = await Promise.all([
        one.write([put(context(name, { text: 'one text' }))]),
        other.write([put(context(name, { text: 'another text' }))]),
      ]);
      expect(
        results
          .flat()
          .map((result) => 'conflict' in result)
          .sort(),
      ).toEqual([false, true]);
      const kept = results
        .flat()
        .flatMap((result) => (result.op === 'put' && 'record' in result ? [result.record] : []));
      expect([await fetchOne(one, name)]).toEqual(kept);
    }
  });

  it('let one of two updates with the same version through, and neither of two without it is lost', async () => {
    await one.write([put(context('shared', { metadata: { n: 0 } }))]);
    const update = (fields: Partial<Extract<WriteOp, { op: 'update' }>>): WriteOp => ({
      op: 'update',
      namespace: 'space',
      id: idOf('shared'),
      patch: {},
      updatedAtMs: NOW_MS,
      ...fields,
    });
    const guarded = await Promise.all(
      [one, other].map((store, i) => store.write([update({ patch: { metadata: { n: i } }, ifVersion: 1 })])),
    );
    expect(guarded.flat().filter((result) => 'failed' in result)).toEqual([
      { op: 'update', failed: 'version_conflict', version: 2 },
    ]);
    const counted = Array.from({ length: 5 }, () =>
      [one, other].map((store) => store.write([update({ patch: { accesses: 1 } })])),
    );
    await Promise.all(counted.flat());
    expect(await fetchOne(one, 'shared')).toMatchObject({ version: 12, accessCount: 10 });
  });

  it('trim and sweep at once without harm', async () => {
    const stores = [one, other];
    const written = await Promise.all(
      stores.flatMap((store, i) =>
        Array.from({ length: 8 }, (_, j) => store.write([put(context(`turn ${i} ${j}`)), move])),
      ),
    );
    expect(written.flat().filter((result: WriteResult) => result.op === 'put' && 'created' in result)).toHaveLength(16);
    await one.write([move]);
    const records = await listed(other);
    expect(records).toHaveLength(16);
    expect(records.filter(({ level }) => level === 'immediate')).toHaveLength(2);
    const due = { expiresAtMs: NOW_MS - 1, expiryAction: 'promote', expirySetBy: 'level' } as const;
    await one.write([put(context('due', { level: 'short_term', ...due }))]);
    const sweeps = await Promise.all(stores.map((store) => store.expire(NOW_MS, 100, FOR_GOOD)));
    expect(sweeps.flatMap(({ promoted }) => promoted.map(({ id }) => id))).toEqual([idOf('due')]);
    expect(await fetchOne(one, 'due')).toMatchObject({ level: 'long_term', ...FOR_GOOD });
  });

  it('read the text that counts of a context whose move was cut in two, wherever it was found', async () => {
    await one.write([put(context('cut', { text: 'the zebra is old', level: 'long_term' }))]);
    qdrant.faults.add({ kind: 'status', status: 500, on: 'test_long_term/points/batch', times: 1 });
    const patch = {
      text: { text: 'the horse is new', tokenCount: 4, vector: vectorOf('new', DIMENSION) },
      move: { to: 'immediate', lifetime: FOR_GOOD },
    } as const;
    const moved = one.write([{ op: 'update', namespace: 'space', id: idOf('cut'), patch, updatedAtMs: NOW_MS }]);
    await expect(moved).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(await found(other, 'zebra')).toEqual([idOf('cut')]);
    expect(await fetchOne(other, 'cut')).toMatchObject({ level: 'immediate', version: 2, text: 'the horse is new' });
  });

  it('show a context once whose move was cut in two, and finish it', async () => {
    await one.write([put(context('cut', { text: 'a turn that moves' }))]);
    // The copy is written where it goes, and its deletion where it was never arrives.
    qdrant.faults.add({ kind: 'status', status: 500, on: 'test_immediate/points/batch', times: 1 });
    const moved = one.write([
      {
        op: 'update',
        namespace: 'space',
        id: idOf('cut'),
        patch: { move: { to: 'long_term', lifetime: FOR_GOOD } },
        updatedAtMs: NOW_MS,
      },
    ]);
    await expect(moved).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    const both = await Promise.all(LEVELS.map((level) => other.stats('space').then(({ counts }) => counts[level])));
    expect(both).toEqual([1, 0, 1]);
    expect(await fetchOne(other, 'cut')).toMatchObject({ level: 'long_term', version: 2 });
    expect(await listed(other)).toMatchObject([{ id: idOf('cut'), level: 'long_term' }]);
    const found = await other.search(
      searchOf({ levels: LEVELS, terms: termsOf('turn'), vector: vectorOf('cut', DIMENSION) }),
    );
    expect(foundIn(found.candidates)).toMatchObject([{ id: idOf('cut') }]);
    await other.expire(NOW_MS + 3_600_000, 100, FOR_GOOD);
    expect((await other.stats('space')).counts).toEqual({ immediate: 0, short_term: 0, long_term: 1 });
    expect(await fetchOne(one, 'cut')).toMatchObject({ level: 'long_term', version: 2 });
  });
});
