import { describe, expect, it } from 'vitest';
import type { ContextRecord, ContextTimes } from '../../src/base/context.ts';
import type { WriteResult } from '../../src/store/store.ts';
import { SUPERSESSIONS_KEPT_MAX, supersededBy, type TimeView, validUntil } from '../../src/store/times.ts';
import type { ContractSubject } from './store-contract.ts';
import {
  FOR_GOOD,
  idOf,
  NOW_MS,
  sample,
  searchIn,
  searchOf,
  termsOf,
  untilOf,
  vectorBetween,
  vectorOf,
} from './store-samples.ts';
import { describeTimeHistories } from './store-time-histories.ts';

const HOUR = 3_600_000;
const NOW: TimeView = { asOfMs: NOW_MS, isNow: true };

function at(asOfMs: number, more: Partial<TimeView> = {}): TimeView {
  return { asOfMs, isNow: false, ...more };
}

export function describeTimes(subject: ContractSubject): void {
  /** Names of what a search by both sides and a list find, which must be the same. */
  async function found(names: readonly string[], time: TimeView | undefined): Promise<string[]> {
    const { store, namespace, dimension } = subject;
    const scope = { namespace, ...(time && { time }) };
    const search = searchOf({
      ...scope,
      vector: vectorOf('question', dimension),
      terms: termsOf('text'),
      candidates: 100,
    });
    const byIds = new Map(names.map((name) => [idOf(name), name]));
    const nameOf = (id: string): string => byIds.get(id) ?? id;
    const searched = (await searchIn(store, search)).candidates.map(({ id }) => nameOf(id)).sort();
    const listed = (await store.list({ ...scope, limit: 100, nowMs: NOW_MS })).records
      .map(({ id }) => nameOf(id))
      .sort();
    expect(searched).toEqual(listed);
    return listed;
  }

  async function recordOf(name: string): Promise<ContextRecord | null> {
    const [record] = await subject.store.fetch(subject.namespace, [idOf(name)], NOW_MS);
    return record ?? null;
  }

  async function supersede(
    name: string,
    supersedes: readonly string[],
    times: ContextTimes = {},
    fields: Partial<ContextRecord> = {},
  ): Promise<WriteResult | undefined> {
    const { namespace, dimension } = subject;
    const all = { ...times, supersedes: supersedes.map(idOf) };
    const [result] = await subject.write([sample(name, dimension, { namespace, times: all, ...fields })]);
    return result;
  }

  describe('time', () => {
    it('leaves out what does not hold at the moment, and its end itself', async () => {
      await subject.add('plain', { createdAtMs: NOW_MS - 10 });
      await subject.add('ended', { createdAtMs: NOW_MS - 10, times: { validUntilMs: NOW_MS } });
      await subject.add('ending', { createdAtMs: NOW_MS - 10, times: { validUntilMs: NOW_MS + 1 } });
      await subject.add('to come', { createdAtMs: NOW_MS - 10, times: { validFromMs: NOW_MS + 1 } });
      const names = ['plain', 'ended', 'ending', 'to come'];
      expect(await found(names, NOW)).toEqual(['ending', 'plain']);
      expect(await found(names, at(NOW_MS + 1))).toEqual(['plain', 'to come']);
      expect(await found(names, at(NOW_MS - 5))).toEqual(['ended', 'ending', 'plain']);
      expect(await found(names, at(NOW_MS - 11))).toEqual([]);
      expect(await found(names, at(NOW_MS, { includePast: true }))).toEqual(['ended', 'ending', 'plain']);
      expect(await found(names, undefined)).toEqual(names.toSorted());
    });

    it('finds what another clock created later, unless a moment is named', async () => {
      await subject.add('ahead', { createdAtMs: NOW_MS + HOUR });
      expect(await found(['ahead'], NOW)).toEqual(['ahead']);
      expect(await found(['ahead'], at(NOW_MS))).toEqual([]);
      expect(await found(['ahead'], at(NOW_MS + HOUR))).toEqual(['ahead']);
    });

    it('lets what holds no more take no place from what does', async () => {
      const { store, namespace, dimension } = subject;
      for (const name of ['a', 'b', 'c', 'd'])
        await subject.add(name, { text: 'lives in Berlin Berlin', times: { validUntilMs: NOW_MS } });
      const now = sample('now', dimension, { namespace, text: 'lives somewhere else, far away from Berlin' });
      await subject.write([{ ...now, vector: vectorBetween('a', 'far', 0.9, dimension) }]);
      const near = { namespace, vector: vectorOf('a', dimension), candidates: 1, time: NOW };
      expect((await searchIn(store, searchOf(near))).candidates.map(({ id }) => id)).toEqual([idOf('now')]);
      const worded = { namespace, terms: termsOf('Berlin'), candidates: 1, time: NOW };
      expect((await searchIn(store, searchOf(worded))).candidates.map(({ id }) => id)).toEqual([idOf('now')]);
    });

    it('lets a copy that holds stand where a younger one holds no more', async () => {
      const { store, namespace, dimension } = subject;
      await subject.add('old', { text: 'the same words', createdAtMs: NOW_MS - 20 });
      await subject.add('young', { text: 'the same words', createdAtMs: NOW_MS - 10, times: { validUntilMs: NOW_MS } });
      const search = { namespace, vector: vectorOf('young', dimension), distinct: true, time: NOW };
      expect((await searchIn(store, searchOf(search))).candidates.map(({ id }) => id)).toEqual([idOf('old')]);
    });

    it('steps over neighbours that do not hold', async () => {
      const { store, namespace } = subject;
      await subject.add('before', { text: 'one', createdAtMs: NOW_MS - 40 });
      await subject.add('past', { text: 'two', createdAtMs: NOW_MS - 30, times: { validUntilMs: NOW_MS } });
      await subject.add('hit', { text: 'needle', createdAtMs: NOW_MS - 20 });
      await subject.add('behind', { text: 'four', createdAtMs: NOW_MS - 10 });
      const search = searchOf({ namespace, terms: termsOf('needle'), neighbours: 1 });
      const idsAt = async (time: TimeView) =>
        (await searchIn(store, { ...search, time })).candidates.map(({ id }) => id).sort();
      expect(await idsAt(NOW)).toEqual([idOf('before'), idOf('hit'), idOf('behind')].sort());
      expect(await idsAt(at(NOW_MS - 15))).toEqual([idOf('past'), idOf('hit')].sort());
      const { candidates } = await searchIn(store, { ...search, time: NOW });
      expect(candidates.find(({ id }) => id === idOf('hit'))?.previousId).toBe(idOf('before'));
    });

    it('is a key of filters', async () => {
      const { store, namespace } = subject;
      await subject.add('plain', { createdAtMs: NOW_MS - 10 });
      await subject.add('timed', { times: { validFromMs: NOW_MS - 100, validUntilMs: NOW_MS - 50 } });
      const idsBy = async (filter: object): Promise<string[]> => {
        const { candidates } = await searchIn(store, searchOf({ namespace, terms: termsOf('text'), filter }));
        const listed = await store.list({ namespace, filter, limit: 10, nowMs: NOW_MS });
        const ids = listed.records.map(({ id }) => id).sort();
        expect(candidates.map(({ id }) => id).sort()).toEqual(ids);
        return ids;
      };
      expect(await idsBy({ must: [{ key: 'valid_from', range: { lt: NOW_MS - 50 } }] })).toEqual([idOf('timed')]);
      expect(await idsBy({ must: [{ key: 'valid_from', match: { value: NOW_MS - 10 } }] })).toEqual([idOf('plain')]);
      expect(await idsBy({ must: [{ key: 'valid_until', range: { lte: NOW_MS } }] })).toEqual([idOf('timed')]);
      expect(await idsBy({ must: [{ is_empty: { key: 'valid_until' } }] })).toEqual([idOf('plain')]);
      expect(await idsBy({ must: [{ is_empty: { key: 'valid_from' } }] })).toEqual([]);
    });

    it('changes by an update, and stays through moves and transfers', async () => {
      const { store, namespace, dimension } = subject;
      await subject.add('one', { createdAtMs: NOW_MS - 10 });
      const patch = { times: { validFromMs: NOW_MS - 30, validUntilMs: NOW_MS - 20 } };
      await store.write([{ op: 'update', namespace, id: idOf('one'), patch, updatedAtMs: NOW_MS }]);
      const lifetime = { expiresAtMs: null, expiryAction: 'delete', expirySetBy: 'level' } as const;
      const move = { move: { to: 'short_term', lifetime } } as const;
      await store.write([{ op: 'update', namespace, id: idOf('one'), patch: move }]);
      const record = (await recordOf('one')) as ContextRecord;
      expect(record).toMatchObject({ version: 2, level: 'short_term', times: patch.times });
      expect(await store.list({ namespace, limit: 10, nowMs: NOW_MS, time: NOW })).toEqual({ records: [] });
      const other = { ...record, namespace: `${namespace}-copy` };
      await store.write([
        { op: 'transfer', context: { record: other, vector: vectorOf('one', dimension) }, entered: 5 },
      ]);
      const [copy] = await store.fetch(other.namespace, [record.id], NOW_MS);
      expect(copy?.times).toEqual(patch.times);
    });
  });

  describe('supersession', () => {
    it('ends what it names from its own beginning on', async () => {
      await subject.add('Berlin', { createdAtMs: NOW_MS - 100 });
      const result = await supersede('Porto', ['Berlin'], { validFromMs: NOW_MS - 50, recordedAtMs: NOW_MS - 20 });
      expect(result).toMatchObject({ op: 'put', created: true });
      const names = ['Berlin', 'Porto'];
      expect(await found(names, NOW)).toEqual(['Porto']);
      expect(await found(names, at(NOW_MS - 51))).toEqual(['Berlin']);
      expect(await found(names, at(NOW_MS - 50))).toEqual(['Porto']);
      expect(await found(names, { ...NOW, includePast: true })).toEqual(names);
      const berlin = (await recordOf('Berlin')) as ContextRecord;
      expect([validUntil(berlin), supersededBy(berlin), berlin.version]).toEqual([NOW_MS - 50, idOf('Porto'), 1]);
      expect((await recordOf('Porto'))?.times?.supersedes).toEqual([idOf('Berlin')]);
    });

    it('is not known before it was recorded', async () => {
      await subject.add('Berlin', { createdAtMs: NOW_MS - 100 });
      await supersede('Porto', ['Berlin'], { validFromMs: NOW_MS - 50, recordedAtMs: NOW_MS - 20 });
      const names = ['Berlin', 'Porto'];
      expect(await found(names, { ...NOW, knownAtMs: NOW_MS - 21 })).toEqual(['Berlin']);
      expect(await found(names, { ...NOW, knownAtMs: NOW_MS - 20 })).toEqual(['Porto']);
      expect(await found(names, at(NOW_MS - 60, { knownAtMs: NOW_MS - 21 }))).toEqual(['Berlin']);
      expect(await found(names, { ...NOW, knownAtMs: NOW_MS - 101 })).toEqual([]);
      const berlin = (await recordOf('Berlin')) as ContextRecord;
      expect([validUntil(berlin, NOW_MS - 21), supersededBy(berlin, NOW_MS - 21)]).toEqual([Infinity, null]);
    });

    it('stores nothing where one of those it names is not there', async () => {
      await subject.add('Berlin');
      const result = await supersede('Porto', ['Berlin', 'nobody']);
      expect(result).toEqual({ op: 'put', missing: [idOf('nobody')] });
      expect(await recordOf('Porto')).toBeNull();
      expect((await recordOf('Berlin'))?.times).toBeUndefined();
    });

    it('of several counts the earliest, and an end of its own where that is earlier', async () => {
      await subject.add('first', { createdAtMs: NOW_MS - 100, times: { validUntilMs: NOW_MS - 40 } });
      await supersede('late', ['first'], { validFromMs: NOW_MS - 30 });
      expect(validUntil((await recordOf('first')) as ContextRecord)).toBe(NOW_MS - 40);
      expect(supersededBy((await recordOf('first')) as ContextRecord)).toBe(idOf('late'));
      await supersede('early', ['first'], { validFromMs: NOW_MS - 60 });
      const record = (await recordOf('first')) as ContextRecord;
      expect([validUntil(record), supersededBy(record)]).toEqual([NOW_MS - 60, idOf('early')]);
    });

    it('is taken back with the context that said so, however it goes', async () => {
      const { store, namespace } = subject;
      const ways = {
        deleted: () => store.write([{ op: 'delete', namespace, ids: [idOf('by deleted')] }]),
        filtered: () =>
          store.write([
            { op: 'delete_where', namespace, filter: { must: [{ key: 'tags', match: { value: 'by filtered' } }] } },
          ]),
        expired: () => store.expire(NOW_MS, 10, null),
        trimmed: () => {
          const trim = { namespace, agentId: 'trimmed', level: 'immediate', keep: 0 } as const;
          return store.write([{ op: 'trim', trim }]);
        },
      };
      for (const [way, remove] of Object.entries(ways)) {
        await subject.add(way, { agentId: 'other' });
        const lifetime = way === 'expired' ? untilOf(NOW_MS) : {};
        await supersede(`by ${way}`, [way], {}, { agentId: way, tags: [`by ${way}`], ...lifetime });
        // What is to expire at once is over already, and its supersession goes with the sweep.
        expect(await found([way], NOW), way).not.toContain(way);
        await remove();
        expect(await recordOf(`by ${way}`), way).toBeNull();
        expect((await recordOf(way))?.times, way).toBeUndefined();
        expect(await found([way], NOW), way).toEqual([way]);
        await store.write([{ op: 'delete', namespace, ids: [idOf(way)] }]);
      }
    });

    it('costs a context no more, however many supersede it, and each that goes brings up the next', async () => {
      const { store, namespace, dimension } = subject;
      await subject.add('first', { createdAtMs: NOW_MS - 1000 });
      await subject.add('second', { createdAtMs: NOW_MS - 1000 });
      const count = 60;
      const successors = Array.from({ length: count }, (_, i) =>
        sample(`successor ${i}`, dimension, {
          namespace,
          createdAtMs: NOW_MS - 500 + i,
          times: { validFromMs: NOW_MS - 500 + i, supersedes: [idOf('first'), idOf('second')] },
        }),
      );
      await subject.write(successors);
      const first = (await recordOf('first')) as ContextRecord;
      expect(first.times?.superseded?.length).toBeLessThanOrEqual(SUPERSESSIONS_KEPT_MAX);
      for (let gone = 0; gone < count; gone += 12) {
        const record = (await recordOf('second')) as ContextRecord;
        expect([validUntil(record), supersededBy(record)]).toEqual([NOW_MS - 500 + gone, idOf(`successor ${gone}`)]);
        const ids = Array.from({ length: 12 }, (_, i) => idOf(`successor ${gone + i}`));
        await store.write([{ op: 'delete', namespace, ids }]);
      }
      expect(await found(['first', 'second'], NOW)).toEqual(['first', 'second']);
      expect((await recordOf('first'))?.times).toBeUndefined();
    });

    it('that began later than those kept takes its place when the one that counted is moved behind it', async () => {
      const { store, namespace, dimension } = subject;
      await subject.add('first', { createdAtMs: NOW_MS - 1000 });
      const names = Array.from({ length: 40 }, (_, i) => `successor ${i}`);
      await subject.write(
        names.map((name, i) => {
          const times = { validFromMs: NOW_MS - 500 + i, supersedes: [idOf('first')] };
          return sample(name, dimension, { namespace, createdAtMs: NOW_MS - 500 + i, times });
        }),
      );
      const patch = { times: { validFromMs: NOW_MS + 1 } };
      for (const name of names.slice(0, 30))
        await store.write([{ op: 'update', namespace, id: idOf(name), patch, updatedAtMs: NOW_MS }]);
      const record = (await recordOf('first')) as ContextRecord;
      expect([validUntil(record), supersededBy(record)]).toEqual([NOW_MS - 470, idOf('successor 30')]);
    });

    it.each(['short_term', 'long_term'] as const)(
      'is taken back for what the same sweep keeps of %s',
      async (level) => {
        const { store, namespace, dimension } = subject;
        const due = { expiresAtMs: NOW_MS - 1, expiryAction: 'promote', expirySetBy: 'level' } as const;
        await subject.add('kept', { ...due, level });
        await supersede('gone', ['kept'], {}, { ...untilOf(NOW_MS - 2), level });
        // So that what is known of it is in memory.
        const search = { namespace, levels: ['long_term'], time: NOW, vector: vectorOf('kept', dimension) } as const;
        expect((await searchIn(store, searchOf(search))).candidates.length).toBe(0);
        await store.expire(NOW_MS, 10, FOR_GOOD);
        expect((await searchIn(store, searchOf(search))).candidates.map(({ id }) => id)).toEqual([idOf('kept')]);
        const { records } = await store.list({ namespace, limit: 10, nowMs: NOW_MS, time: NOW });
        expect(records.map(({ id }) => id)).toEqual([idOf('kept')]);
      },
    );

    it('does not depend on what it ended', async () => {
      const { store, namespace } = subject;
      await subject.add('Berlin');
      await supersede('Porto', ['Berlin']);
      await store.write([{ op: 'delete', namespace, ids: [idOf('Berlin')] }]);
      expect(await found(['Porto'], NOW)).toEqual(['Porto']);
      // As whoever lost the connection says it again.
      expect(await supersede('Porto', ['Berlin'])).toMatchObject({ op: 'put', created: false });
      await store.write([{ op: 'delete', namespace, ids: [idOf('Porto')] }]);
      expect(await found([], NOW)).toEqual([]);
    });

    it('moves with the beginning of the context that says so', async () => {
      const { store, namespace } = subject;
      await subject.add('Berlin', { createdAtMs: NOW_MS - 100 });
      await supersede('Porto', ['Berlin'], { validFromMs: NOW_MS - 50 });
      const patch = { times: { validFromMs: NOW_MS - 10 } };
      await store.write([{ op: 'update', namespace, id: idOf('Porto'), patch, updatedAtMs: NOW_MS }]);
      expect(validUntil((await recordOf('Berlin')) as ContextRecord)).toBe(NOW_MS - 10);
      expect(await found(['Berlin', 'Porto'], at(NOW_MS - 20))).toEqual(['Berlin']);
    });

    it('may name what the same call stores before it', async () => {
      const { namespace, dimension } = subject;
      const one = sample('one', dimension, { namespace });
      const two = sample('two', dimension, { namespace, times: { supersedes: [idOf('one')] } });
      const early = sample('early', dimension, { namespace, times: { supersedes: [idOf('late')] } });
      const results = await subject.write([early, one, two, sample('late', dimension, { namespace })]);
      expect(results).toMatchObject([
        { missing: [idOf('late')] },
        { created: true },
        { created: true },
        { created: true },
      ]);
      expect(await found(['one', 'two', 'late'], NOW)).toEqual(['late', 'two']);
    });

    it('comes along where another store hands both over, in either order', async () => {
      const { store, namespace, dimension } = subject;
      await subject.add('Berlin', { createdAtMs: NOW_MS - 100 });
      await supersede('Porto', ['Berlin'], { validFromMs: NOW_MS - 50 });
      const records = [await recordOf('Berlin'), await recordOf('Porto')] as ContextRecord[];
      for (const [i, order] of [records, records.toReversed()].entries()) {
        const target = `${namespace}-${i}`;
        const transfers = order.map((record, entered) => {
          const context = { record: { ...record, namespace: target }, vector: vectorOf(record.id, dimension) };
          return { op: 'transfer', context, entered: entered + 1 } as const;
        });
        await store.write(transfers);
        const outcomes = (await store.write(transfers)).map((result) => 'outcome' in result && result.outcome);
        expect(outcomes).toEqual(['same', 'same']);
        const { records: listed } = await store.list({ namespace: target, limit: 10, nowMs: NOW_MS, time: NOW });
        expect(listed.map(({ id }) => id)).toEqual([idOf('Porto')]);
        await store.write([{ op: 'delete', namespace: target, ids: [idOf('Porto')] }]);
        const after = await store.list({ namespace: target, limit: 10, nowMs: NOW_MS, time: NOW });
        expect(after.records.map(({ id }) => id)).toEqual([idOf('Berlin')]);
      }
    });

    it('that is known later is taken over by a second transfer', async () => {
      const { store, namespace, dimension } = subject;
      await subject.add('Berlin', { createdAtMs: NOW_MS - 100 });
      const transfer = async (name: string, entered: number) => {
        const record = { ...((await recordOf(name)) as ContextRecord), namespace: `${namespace}-target` };
        return { op: 'transfer', context: { record, vector: vectorOf(name, dimension) }, entered } as const;
      };
      await store.write([await transfer('Berlin', 1)]);
      await supersede('Porto', ['Berlin'], { validFromMs: NOW_MS - 50 });
      const again = await store.write([await transfer('Berlin', 1), await transfer('Porto', 2)]);
      expect(again).toMatchObject([{ outcome: 'replaced' }, { outcome: 'created' }]);
      const page = await store.list({ namespace: `${namespace}-target`, limit: 10, nowMs: NOW_MS, time: NOW });
      expect(page.records.map(({ id }) => id)).toEqual([idOf('Porto')]);
    });

    it('is found by whoever looks for damage of what a kill cut off', async () => {
      const { store, namespace } = subject;
      await subject.add('Berlin', { createdAtMs: NOW_MS - 100 });
      await supersede('Porto', ['Berlin']);
      // As if it had been killed before it told, or after it deleted.
      await store.driver.apply(
        [{ op: 'update', namespace, id: idOf('Berlin'), patch: { times: { withdrawn: idOf('Porto') } } }],
        NOW_MS,
      );
      await subject.add('Rome');
      const supersession = { by: idOf('nobody'), fromMs: NOW_MS - 5, recordedAtMs: NOW_MS };
      await store.driver.apply(
        [{ op: 'update', namespace, id: idOf('Rome'), patch: { times: { supersessions: [supersession] } } }],
        NOW_MS,
      );
      if (store.driver.tellsSuperseded === true) return;
      expect(await found(['Berlin', 'Porto', 'Rome'], NOW)).toEqual(['Berlin', 'Porto']);
      // A sweep goes through some of them, so that others' tests may come first.
      for (let sweep = 0; sweep < 20; sweep++) await store.expire(NOW_MS, 10, null);
      expect(await found(['Berlin', 'Porto', 'Rome'], NOW)).toEqual(['Porto', 'Rome']);
    });
  });

  describeTimeHistories(subject);
}
