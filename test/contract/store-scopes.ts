import { describe, expect, it } from 'vitest';
import type { Filter } from '../../src/base/context.ts';
import { CodedError } from '../../src/base/errors.ts';
import type { SearchRequest } from '../../src/store/store.ts';
import type { ContractSubject } from './store-contract.ts';
import { idOf, NOW_MS, searchIn, searchOf, termsOf, vectorOf } from './store-samples.ts';

export function describeScopes(subject: ContractSubject): void {
  /** Names of what a search of both sides finds. */
  const seen = async (fields: Partial<SearchRequest>, names: readonly string[]) => {
    const vector = vectorOf('query', subject.dimension);
    const request = searchOf({
      namespace: subject.namespace,
      vector,
      terms: termsOf('text'),
      candidates: 100,
      ...fields,
    });
    const { candidates } = await searchIn(subject.store, request);
    const ids = new Set(candidates.map(({ id }) => id));
    return names.filter((name) => ids.has(idOf(name)));
  };

  describe('scope', () => {
    const names = ['mine', 'mine elsewhere', 'mine at large', 'foreign', 'foreign at large'];
    const fill = async () => {
      await subject.add('mine', { agentId: 'me', sessionId: 'here' });
      await subject.add('mine elsewhere', { agentId: 'me', sessionId: 'there' });
      await subject.add('mine at large', { agentId: 'me', sessionId: null });
      await subject.add('foreign', { agentId: 'you', sessionId: 'here' });
      await subject.add('foreign at large', { agentId: 'you', sessionId: null });
      await subject.add('another namespace', { namespace: `${subject.namespace}-b`, agentId: 'me', sessionId: 'here' });
    };

    it('of a search is the namespace, the agent, the session', async () => {
      await fill();
      expect(await seen({}, names)).toEqual(names);
      expect(await seen({ agentId: 'me' }, names)).toEqual(['mine', 'mine elsewhere', 'mine at large']);
      expect(await seen({ agentId: 'me', sessionId: 'here' }, names)).toEqual(['mine', 'mine at large']);
      expect(await seen({ agentId: 'me', sessionId: 'here', includeSessionless: false }, names)).toEqual(['mine']);
      expect(await seen({ sessionId: 'here' }, names)).toEqual([
        'mine',
        'mine at large',
        'foreign',
        'foreign at large',
      ]);
      expect(await seen({ agentId: 'nobody' }, names)).toEqual([]);
      const { searched, candidates } = await searchIn(
        subject.store,
        searchOf({ namespace: subject.namespace, agentId: 'me', terms: termsOf('text'), neighbours: 3 }),
      );
      expect(searched).toBe(3);
      expect(candidates.map(({ id }) => id)).not.toContain(idOf('another namespace'));
    });

    it('of a search is also when contexts were created, which takes their neighbours away, too', async () => {
      const days = ['first', 'second', 'third', 'fourth', 'fifth'];
      for (const [day, name] of days.entries())
        await subject.add(name, {
          agentId: 'me',
          sessionId: day === 4 ? null : 'here',
          createdAtMs: NOW_MS - 5_000 + day,
        });
      const from = (first: number, count: number) => ({
        fromMs: NOW_MS - 5_000 + first,
        untilMs: NOW_MS - 5_000 + first + count,
      });
      const within = async (spans: SearchRequest['createdWithin'], more: Partial<SearchRequest> = {}) =>
        seen({ neighbours: 3, ...(spans && { createdWithin: spans }), ...more }, days);
      expect(await within([from(1, 2)])).toEqual(['second', 'third']);
      expect(await within([from(4, 9), from(0, 1)])).toEqual(['first', 'fifth']);
      expect(await within([from(0, 3), from(1, 1), from(2, 2)])).toEqual(['first', 'second', 'third', 'fourth']);
      expect(await within([from(9, 1)])).toEqual([]);
      const key = 'created_at';
      const filter = { must: [{ key, range: { gt: NOW_MS - 5_000 + 1 } }] };
      expect(await within([from(1, 2)], { filter, agentId: 'me' })).toEqual(['third']);
    });

    it('of a list is exactly the session', async () => {
      await fill();
      const listed = async (scope: object) => {
        const { records } = await subject.store.list({
          namespace: subject.namespace,
          limit: 10,
          nowMs: NOW_MS,
          ...scope,
        });
        return names.filter((name) => records.some(({ id }) => id === idOf(name)));
      };
      expect(await listed({})).toEqual(names);
      expect(await listed({ agentId: 'me' })).toEqual(['mine', 'mine elsewhere', 'mine at large']);
      expect(await listed({ agentId: 'me', sessionId: 'here' })).toEqual(['mine']);
      expect(await listed({ sessionId: 'here' })).toEqual(['mine', 'foreign']);
      expect(await listed({ agentId: 'me', sessionId: 'here', levels: ['long_term'] })).toEqual([]);
    });

    it('of ids and statistics is the namespace', async () => {
      await fill();
      expect(await subject.store.fetch(subject.namespace, [idOf('another namespace')], NOW_MS)).toEqual([null]);
      const elsewhere = searchOf({ namespace: `${subject.namespace}-b`, terms: termsOf('mine') });
      expect((await subject.store.search(elsewhere)).statistics.documentCount).toBe(1);
      const stats = await subject.store.stats(subject.namespace);
      expect(stats.counts.immediate).toBe(5);
      expect(JSON.stringify(stats)).not.toContain('-b');
    });
  });

  describe('filter', () => {
    const names = ['red', 'blue', 'plain'];
    const fill = async () => {
      await subject.add('red', {
        tags: ['red', 'warm'],
        metadata: { size: 5, name: 'one', on: true, deep: { list: [1, 'x'] } },
        createdAtMs: NOW_MS - 10,
      });
      await subject.add('blue', {
        tags: ['blue'],
        metadata: { size: 7.5, sizes: [1, '5', [5], 9], name: '5', on: false, 'odd.key': 1 },
        sessionId: null,
      });
      await subject.add('plain', {
        agentId: 'other',
        metadata: { size: '5', none: null, empty: [], 'on\0note': true, deep: { 'x\0': 1 } },
        updatedAtMs: NOW_MS + 10,
      });
    };
    const cases: [string, Filter, string[]][] = [
      ['nothing', {}, names],
      ['a tag', { must: [{ key: 'tags', match: { value: 'warm' } }] }, ['red']],
      ['any of some tags', { must: [{ key: 'tags', match: { any: ['blue', 'red'] } }] }, ['red', 'blue']],
      ['any of none', { must: [{ key: 'tags', match: { any: [] } }] }, []],
      ['a number', { must: [{ key: 'metadata.size', match: { value: 5 } }] }, ['red']],
      ['a string that looks like a number', { must: [{ key: 'metadata.size', match: { value: '5' } }] }, ['plain']],
      ['a boolean', { must: [{ key: 'metadata.on', match: { value: false } }] }, ['blue']],
      [
        'a name that another one begins with, before a NUL',
        { must: [{ key: 'metadata.on', match: { value: true } }] },
        ['red'],
      ],
      ['the same deeper', { must_not: [{ is_empty: { key: 'metadata.deep.x' } }] }, []],
      ['a range', { must: [{ key: 'metadata.size', range: { gt: 5, lte: 7.5 } }] }, ['blue']],
      [
        'a range, which a number of a list may lie in',
        { must: [{ key: 'metadata.deep.list', range: { lt: 2 } }] },
        ['red'],
      ],
      ['a range, bounded by one number of a list', { must: [{ key: 'metadata.sizes', range: { gt: 2, lt: 8 } }] }, []],
      ['a range, over text that looks like a number', { must: [{ key: 'metadata.size', range: { lt: 6 } }] }, ['red']],
      ['none of a list in a range', { must_not: [{ key: 'metadata.sizes', range: { gte: 9 } }] }, ['red', 'plain']],
      ['a nested path into a list', { must: [{ key: 'metadata.deep.list', match: { value: 'x' } }] }, ['red']],
      ['a key with a dot', { must: [{ key: 'metadata."odd.key"', match: { value: 1 } }] }, ['blue']],
      ['an object, which equals nothing', { must: [{ key: 'metadata.deep', match: { value: 1 } }] }, []],
      [
        'missing, null or an empty list',
        { must: [{ is_empty: { key: 'metadata.none' } }, { is_empty: { key: 'metadata.empty' } }] },
        names,
      ],
      ['what is there', { must_not: [{ is_empty: { key: 'metadata.name' } }] }, ['red', 'blue']],
      ['no session', { must: [{ is_empty: { key: 'session_id' } }] }, ['blue']],
      ['no tags', { must: [{ is_empty: { key: 'tags' } }] }, ['plain']],
      ['an agent', { must: [{ key: 'agent_id', match: { value: 'other' } }] }, ['plain']],
      ['a session, where some have none', { must_not: [{ key: 'session_id', match: { value: 'session' } }] }, ['blue']],
      ['a time', { must: [{ key: 'created_at', range: { lt: NOW_MS } }] }, ['red']],
      ['the time of the last change', { must: [{ key: 'updated_at', range: { gt: NOW_MS } }] }, ['plain']],
      ['a level', { must: [{ key: 'level', match: { any: ['immediate', 'long_term'] } }] }, names],
      [
        'one of several',
        {
          should: [
            { key: 'tags', match: { value: 'blue' } },
            { key: 'agent_id', match: { value: 'other' } },
          ],
        },
        ['blue', 'plain'],
      ],
      ['an empty list of choices', { should: [] }, names],
      [
        'filters in filters',
        {
          must: [{ should: [{ must_not: [{ is_empty: { key: 'tags' } }] }] }],
          must_not: [{ key: 'metadata.on', match: { value: true } }],
        },
        ['blue'],
      ],
      [
        'all at once',
        {
          must: [{ key: 'metadata.size', range: { gte: 5 } }],
          should: [{ key: 'metadata.name', match: { value: '5' } }],
          must_not: [{ key: 'tags', match: { value: 'red' } }],
        },
        ['blue'],
      ],
      ['text that means something in SQL', { must: [{ key: "metadata.x'", match: { value: `' OR 1=1 --` } }] }, []],
    ];

    it.each(cases)('on %s', async (_, filter, expected) => {
      await fill();
      expect(await seen({ filter }, names)).toEqual(expected);
      const { records } = await subject.store.list({ namespace: subject.namespace, filter, limit: 10, nowMs: NOW_MS });
      expect(names.filter((name) => records.some(({ id }) => id === idOf(name)))).toEqual(expected);
    });

    it('that is malformed is refused', async () => {
      const filter = { must: [{ key: 'colour', match: { value: 'red' } }] } as Filter;
      const refused = { code: 'BAD_REQUEST' };
      await expect(subject.store.search(searchOf({ namespace: subject.namespace, filter }))).rejects.toMatchObject(
        refused,
      );
      await expect(
        subject.store.list({ namespace: subject.namespace, filter, limit: 1, nowMs: NOW_MS }),
      ).rejects.toMatchObject(refused);
      await expect(
        subject.store.write([{ op: 'delete_where', namespace: subject.namespace, filter }]),
      ).rejects.toBeInstanceOf(CodedError);
    });
  });
}
