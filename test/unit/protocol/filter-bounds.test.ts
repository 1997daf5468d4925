import { describe, expect, it } from 'vitest';
import { restrictsAnything } from '../../../src/protocol/filter-bounds.ts';
import { createValidators } from '../../../src/protocol/messages.ts';

const validators = createValidators();
const tagged = { key: 'tags', match: { value: 'a' } };
const anyOfNothing = { key: 'metadata.a', match: { any: [] } };
const unknownLevel = { key: 'level', match: { value: 'longterm' } };

describe('a filter that every context passes', () => {
  it.each<[string, unknown]>([
    ['is empty', {}],
    ['has empty lists', { must: [], should: [], must_not: [] }],
    ['holds empty filters', { must: [{}, { should: [] }], should: [{ must_not: [] }] }],
    ['excludes any of nothing', { must_not: [anyOfNothing] }],
    ['excludes any of nothing, deeper', { must: [{ must_not: [{ must: [tagged, anyOfNothing] }] }] }],
    ['excludes a choice of nothing', { must_not: [{ should: [anyOfNothing, anyOfNothing] }] }],
    ['has a choice that is none', { should: [tagged, { must_not: [anyOfNothing] }] }],
    ['excludes an exclusion of all', { must_not: [{ must_not: [{}] }] }],
    ['excludes a level that there is not', { must_not: [unknownLevel] }],
    ['excludes several of them', { must_not: [{ key: 'level', match: { any: ['L1', 'longterm'] } }, anyOfNothing] }],
    ...['created_at', 'updated_at', 'agent_id', 'level'].map((key): [string, unknown] => [
      `excludes those without ${key}`,
      { must_not: [{ is_empty: { key } }] },
    ]),
    ['excludes an impossible range', { must_not: [{ key: 'metadata.n', range: { gt: 5, lt: 3 } }] }],
    ['excludes a range of one number without it', { must_not: [{ key: 'created_at', range: { gte: 5, lt: 5 } }] }],
  ])('%s', (_, filter) => {
    expect(restrictsAnything(filter)).toBe(false);
    expect(() => validators.payload('context.delete', { filter })).toThrow(
      expect.objectContaining({
        code: 'BAD_REQUEST',
        details: { fields: [{ field: '/filter', reason: expect.stringContaining('level.clear') as string }] },
      }),
    );
    expect(validators.payload('context.list', { filter })).toEqual({ filter });
  });
});

describe('a filter that restricts', () => {
  it.each<[string, unknown]>([
    ['to a tag', { must: [tagged] }],
    ['to nothing', { must: [anyOfNothing] }],
    ['to nothing, by its choices', { should: [anyOfNothing, unknownLevel] }],
    ['beside what does not', { must: [{}, tagged], must_not: [anyOfNothing] }],
    ['by excluding all', { must_not: [{}] }],
    ['by an exclusion', { must_not: [{ is_empty: { key: 'session_id' } }] }],
    ['by a level', { must_not: [{ key: 'level', match: { any: ['longterm', 'long_term'] } }] }],
    ['by a range of one number', { must_not: [{ key: 'metadata.n', range: { gte: 5, lte: 5 } }] }],
    ['by times, all of them', { must: [{ key: 'created_at', range: { gte: 0 } }] }],
  ])('%s', (_, filter) => {
    expect(restrictsAnything(filter)).toBe(true);
    expect(validators.payload('context.delete', { filter })).toEqual({ filter });
  });
});

describe('a filter on a key that there is not', () => {
  it.each(['role', 'metadata', 'metadata.', 'metadata.a..b', 'metadata.a[0]', 'metadata.a\0b', 'Tags', 'x\ntags'])(
    '%j is told which there are',
    (key) => {
      for (const condition of [
        { key, match: { value: 'user' } },
        { key, match: { any: ['user'] } },
        { key, range: { gt: 1 } },
        { is_empty: { key } },
      ]) {
        const place = 'key' in condition ? 'key' : 'is_empty/key';
        const reason = expect.stringMatching(
          /^must be tags, created_at, updated_at, valid_from, valid_until, agent_id, session_id, level or metadata/,
        ) as string;
        expect(() => validators.payload('context.list', { filter: { must: [tagged, condition] } })).toThrow(
          expect.objectContaining({ details: { fields: [{ field: `/filter/must/1/${place}`, reason }] } }),
        );
      }
    },
  );

  it('tells of each, and of what is wrong beside it', () => {
    const filter = {
      must: [{ key: 'role', match: { value: 'user' } }, 5],
      should: [{ must: [{ key: 'kind', range: { gt: 1 } }] }],
    };
    const found = (() => {
      try {
        validators.payload('context.list', { filter, limit: 0 });
      } catch (error) {
        return (error as { details: { fields: { field: string }[] } }).details.fields.map(({ field }) => field);
      }
      return [];
    })();
    expect(found.sort()).toEqual(['/filter/must/0/key', '/filter/must/1', '/filter/should/0/must/0/key', '/limit']);
  });
});
