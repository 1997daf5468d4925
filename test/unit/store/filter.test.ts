import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Filter, FilterCondition, JsonValue } from '../../../src/base/context.ts';
import { checkFilter, FILTER_CONDITIONS_MAX, FILTER_DEPTH_MAX, metadataPath } from '../../../src/store/filter.ts';
import { FilterProgram, matchesFilter } from '../../../src/store/filter-match.ts';
import { NOW_MS, sampleRecord } from '../../contract/store-samples.ts';

describe('metadataPath', () => {
  it.each([
    ['metadata.a', ['a']],
    ['metadata.a.b', ['a', 'b']],
    ['metadata."a.b".c d', ['a.b', 'c d']],
    ['metadata.日本', ['日本']],
    ['metadata.__proto__', ['__proto__']],
    ['metadata', null],
    ['metadata.', null],
    ['metadata.a.', null],
    ['metadata..a', null],
    ['metadata.a[0]', null],
    ['metadata."a', null],
    ['metadata."a"b', null],
    ['metadata.""', null],
    ['metadata.done\0note', null],
    ['metadata."\0"', null],
    ['tags', null],
  ])('%s', (key, path) => {
    expect(metadataPath(key)).toEqual(path);
  });
});

describe('checkFilter', () => {
  const match = (value: unknown) => ({ must: [{ key: 'metadata.a', match: { value } }] });
  const deep = (levels: number): unknown => (levels === 0 ? {} : { must: [deep(levels - 1)] });

  it.each<[string, unknown, string]>([
    ['no object', [], '/filter'],
    ['an unknown group', { any: [] }, '/filter'],
    ['a group that is no list', { must: {} }, '/filter/must'],
    ['a condition that is no object', { must: ['x'] }, '/filter/must/0'],
    ['an unknown key', { should: [{}, { key: 'colour', match: { value: 1 } }] }, '/filter/should/1/key'],
    ['a path that is none', { must: [{ key: 'metadata.a..b', match: { value: 1 } }] }, '/filter/must/0/key'],
    ['a NUL in a path', { must: [{ is_empty: { key: 'metadata.a\0b' } }] }, '/filter/must/0/is_empty/key'],
    ['a condition of two kinds', { must: [{ key: 'tags', match: { value: 'a' }, range: {} }] }, '/filter/must/0'],
    ['value and any', { must: [{ key: 'tags', match: { value: 'a', any: [] } }] }, '/filter/must/0/match'],
    ['neither value nor any', { must: [{ key: 'tags', match: {} }] }, '/filter/must/0/match'],
    ['an any that is no list', { must: [{ key: 'tags', match: { any: 'a' } }] }, '/filter/must/0/match/any'],
    ['a boolean in any', { must: [{ key: 'metadata.a', match: { any: [true] } }] }, '/filter/must/0/match/any/0'],
    ['null as a value', match(null), '/filter/must/0/match/value'],
    ['a number that is none', match(Number.NaN), '/filter/must/0/match/value'],
    ['a number for tags', { must: [{ key: 'tags', match: { value: 5 } }] }, '/filter/must/0/match/value'],
    ['a string for a time', { must: [{ key: 'created_at', match: { value: '5' } }] }, '/filter/must/0/match/value'],
    ['a range of names', { must: [{ key: 'agent_id', range: { gt: 1 } }] }, '/filter/must/0/range'],
    ['an unknown bound', { must: [{ key: 'created_at', range: { above: 1 } }] }, '/filter/must/0/range'],
    ['a bound that is no number', { must: [{ key: 'created_at', range: { gt: '1' } }] }, '/filter/must/0/range/gt'],
    ['an is_empty of nothing', { must: [{ is_empty: {} }] }, '/filter/must/0/is_empty/key'],
    [
      'too many conditions',
      { must: new Array(FILTER_CONDITIONS_MAX + 1).fill({ is_empty: { key: 'tags' } }) },
      '/filter',
    ],
  ])('refuses %s and says where', (_, filter, place) => {
    expect(() => checkFilter(filter as Filter)).toThrow(
      expect.objectContaining({
        code: 'BAD_REQUEST',
        details: { fields: [{ field: place, reason: expect.any(String) as string }] },
      }),
    );
  });

  it('bounds the depth', () => {
    checkFilter(deep(FILTER_DEPTH_MAX - 1) as Filter);
    expect(() => checkFilter(deep(FILTER_DEPTH_MAX) as Filter)).toThrow(
      expect.objectContaining({ code: 'BAD_REQUEST' }),
    );
  });

  it('takes every kind of condition', () => {
    checkFilter({
      must: [match(true) as Filter, { key: 'created_at', range: { gte: NOW_MS } }, { is_empty: { key: 'session_id' } }],
      should: [{ key: 'level', match: { any: ['immediate'] } }],
      must_not: [{ key: 'metadata."x.y"', range: {} }],
    });
  });
});

describe('matchesFilter', () => {
  it('reads no inherited property', () => {
    const record = sampleRecord('a', { metadata: { a: {} } });
    for (const key of ['metadata.toString', 'metadata.a.constructor', 'metadata.__proto__']) {
      expect(matchesFilter(record, { must: [{ is_empty: { key } }] })).toBe(true);
    }
  });
});

describe('FilterProgram', () => {
  it('finds the keys of all groups and levels, each once', () => {
    const filter: Filter = {
      must: [{ key: 'tags', match: { value: 'a' } }, { should: [{ is_empty: { key: 'metadata.b' } }] }],
      must_not: [
        { key: 'created_at', range: { gt: 1 } },
        { key: 'tags', match: { any: [] } },
      ],
    };
    const program = new FilterProgram(filter);
    expect([...program.keys].sort()).toEqual(['created_at', 'metadata.b', 'tags']);
    expect(program.conditionCount).toBe(5);
  });

  it('knows a key again that is spelled in another way', () => {
    const must = ['a.b', '"a".b', 'a."b"', '"a"."b"'].map((path) => ({ is_empty: { key: `metadata.${path}` } }));
    expect(new FilterProgram({ must }).keys).toEqual(['metadata.a.b']);
  });

  it('finds one of a few values and one of many', () => {
    const record = sampleRecord('a', { metadata: { size: [7, 'x'] } });
    for (const count of [1, 500]) {
      const any = [...new Array<number>(count).keys()].map((i) => i + 7);
      expect(matchesFilter(record, { must: [{ key: 'metadata.size', match: { any } }] })).toBe(true);
      expect(matchesFilter(record, { must: [{ key: 'metadata.size', match: { any: any.map(String) } }] })).toBe(false);
    }
  });

  it('says of a long list that many conditions ask about what each of them says alone', () => {
    const scalar = fc.oneof(fc.integer({ min: -3, max: 12 }), fc.constantFrom('1', 'a', 'b', '', 0.5, -0));
    const item = fc.oneof(scalar, fc.constantFrom(null, true, false, {}, []));
    const bound = fc.option(fc.oneof(fc.integer({ min: -4, max: 13 }), fc.constant(0.5)), { nil: undefined });
    const range = fc.record({ gt: bound, gte: bound, lt: bound, lte: bound }, { requiredKeys: [] });
    const condition = fc.oneof(
      fc.oneof(scalar, fc.boolean()).map((value) => ({ match: { value } })),
      fc.array(scalar, { maxLength: 12 }).map((any) => ({ match: { any } })),
      range.map((bounds) => ({ range: bounds })),
    );
    fc.assert(
      fc.property(
        fc.array(fc.array(item, { maxLength: 40 }), { minLength: 1, maxLength: 3 }),
        fc.array(condition, { minLength: 5, maxLength: 9 }),
        (lists, wanted) => {
          const conditions = wanted.map((one) => ({ key: 'metadata.list', ...one }) as FilterCondition);
          // Of each condition, whether the whole holds with it, and which record is asked about changes in between.
          const programs = conditions.map((one) => ({
            alone: new FilterProgram({ must: [one] }),
            beside: new FilterProgram({ must: [one], should: [...conditions, { is_empty: { key: 'tags' } }] }),
          }));
          for (const list of lists) {
            const read = (program: FilterProgram) => (place: number) =>
              program.keys[place] === 'tags' ? [] : (list as JsonValue[]);
            for (const { alone, beside } of programs)
              expect(beside.passes(read(beside))).toBe(alone.passes(read(alone)));
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
