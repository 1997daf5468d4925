import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Filter, FilterCondition, JsonObject } from '../../../../src/base/context.ts';
import { matchesFilter } from '../../../../src/store/filter-match.ts';
import { checkFilter } from '../../../../src/store/filter.ts';
import { reachFilter } from '../../../../src/store/qdrant/filters.ts';
import type { ContextStore } from '../../../../src/store/store.ts';
import { NOW_MS, put, sample } from '../../../contract/store-samples.ts';
import { type QdrantDouble, startQdrantDouble } from '../../../support/qdrant-double/start-qdrant-double.ts';
import { DIMENSION, openOver } from './opened.ts';

const LEVELS = ['immediate', 'short_term', 'long_term'] as const;
const words = fc.constantFrom('a', 'b', '', 'true', '1', 'Ä', 'a b');
const numbers = fc.constantFrom(0, 1, -1, 1.5, 0.1 + 0.2, 2 ** 53, 1e21, -1e300, NOW_MS);
const scalar = fc.oneof(words, numbers, fc.boolean(), fc.constant(null));
const { value: json } = fc.letrec((tie) => ({
  value: fc.oneof({ depthSize: 'small', maxDepth: 3 }, scalar, fc.array(tie('value'), { maxLength: 3 }), tie('object')),
  object: fc.dictionary(fc.constantFrom('a', 'b', 'c.d', 'ä ö', '0', 'x-y'), tie('value'), { maxKeys: 3 }),
}));
const metadata = fc.dictionary(fc.constantFrom('a', 'b', 'c.d', 'ä ö', '0', 'x-y'), json, { maxKeys: 4, minKeys: 1 });

const anyKey = fc.constantFrom(
  'metadata.a',
  'metadata.b',
  'metadata.a.b',
  'metadata."c.d"',
  'metadata."ä ö".a',
  'metadata.0',
  'metadata.x-y',
  'metadata.missing',
);
const textKey = fc.constantFrom('tags', 'agent_id', 'session_id', 'level');
const numberKey = fc.constantFrom('created_at', 'updated_at');
const texts = fc.constantFrom('a', 'b', '', 'agent', 'other', 's1', ...LEVELS);
const times = fc.constantFrom(NOW_MS, NOW_MS + 1, NOW_MS + 0.5, NOW_MS - 1, 0, -1.5, 1e300, -1e300);

const matchOf = (key: fc.Arbitrary<string>, value: fc.Arbitrary<string | number | boolean>) =>
  fc.record({ key, match: fc.record({ value }) });
const anyOf = (key: fc.Arbitrary<string>, value: fc.Arbitrary<string | number>) =>
  fc.record({ key, match: fc.record({ any: fc.array(value, { maxLength: 10 }) }) });
const rangeOf = (key: fc.Arbitrary<string>, bound: fc.Arbitrary<number>) =>
  fc.record({ key, range: fc.record({ gt: bound, gte: bound, lt: bound, lte: bound }, { requiredKeys: [] }) });

const { filter } = fc.letrec<{ filter: Filter; condition: FilterCondition }>((tie) => ({
  condition: fc.oneof(
    { depthSize: 'small', maxDepth: 3 },
    matchOf(anyKey, fc.oneof(words, numbers, fc.boolean())),
    matchOf(textKey, texts),
    matchOf(numberKey, times),
    anyOf(anyKey, fc.oneof(words, numbers)),
    anyOf(textKey, texts),
    anyOf(numberKey, times),
    rangeOf(anyKey, numbers),
    rangeOf(numberKey, times),
    fc.record({ is_empty: fc.record({ key: fc.oneof(anyKey, textKey, numberKey) }) }),
    tie('filter'),
  ),
  filter: fc.record(
    {
      must: fc.array(tie('condition'), { maxLength: 2 }),
      should: fc.array(tie('condition'), { maxLength: 3 }),
      must_not: fc.array(tie('condition'), { maxLength: 2 }),
    },
    { requiredKeys: [] },
  ),
}));

const contexts = fc
  .sample(
    fc.record({
      level: fc.constantFrom(...LEVELS),
      metadata: metadata as fc.Arbitrary<JsonObject>,
      tags: fc.array(fc.constantFrom('a', 'b', ''), { maxLength: 2 }),
      agentId: fc.constantFrom('agent', 'other'),
      sessionId: fc.constantFrom('s1', '', null),
      createdAtMs: fc.constantFrom(NOW_MS, NOW_MS + 1, NOW_MS - 1),
      updatedAtMs: fc.constantFrom(NOW_MS, NOW_MS + 1),
    }),
    { numRuns: 60, seed: 7 },
  )
  .map((fields, i) => sample(`context ${i}`, DIMENSION, fields));

describe('filters in Qdrant', () => {
  let qdrant: QdrantDouble;
  let store: ContextStore;
  beforeAll(async () => {
    qdrant = await startQdrantDouble();
    store = await openOver(qdrant.url);
    await store.write(contexts.map(put));
  });
  afterAll(async () => {
    await store.close();
    await qdrant.close();
  });

  const listed = async (wanted: Filter) => {
    const { records } = await store.list({ namespace: 'space', limit: 100, nowMs: NOW_MS, filter: wanted });
    return records.map(({ id }) => id).sort();
  };

  it('let the same contexts through as in every other store', { timeout: 120_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(filter, async (wanted) => {
        checkFilter(wanted);
        const expected = contexts.filter(({ record }) => matchesFilter(record, wanted)).map(({ record }) => record.id);
        expect(await listed(wanted)).toEqual(expected.sort());
      }),
      { numRuns: 200 },
    );
  });

  it('have one bound on each side, as indexes of Qdrant overlook the second', () => {
    const rangeFor = (range: { gt?: number; gte?: number; lt?: number; lte?: number }) => {
      return reachFilter({ filter: { must: [{ key: 'created_at', range }] } }, 'immediate').must;
    };
    const only = (range: object) => [{ must: [{ key: 'created_at', range }] }];
    expect(rangeFor({ gt: 1, gte: 5, lt: 20, lte: 10 })).toEqual(only({ gte: 5, lte: 10 }));
    expect(rangeFor({ gt: 5, gte: 5, lt: 10, lte: 10 })).toEqual(only({ gt: 5, lt: 10 }));
    expect(rangeFor({ gt: 6, gte: 5 })).toEqual(only({ gt: 6 }));
    expect(rangeFor({ lte: 10 })).toEqual(only({ lte: 10 }));
  });

  it('name a key that Qdrant cannot look for', async () => {
    const wanted: Filter = { must: [{ key: 'metadata.back\\slash', match: { value: 1 } }] };
    await expect(listed(wanted)).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  });
});
