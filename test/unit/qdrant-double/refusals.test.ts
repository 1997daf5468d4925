import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { askDouble } from '../../support/qdrant-double/ask-double.ts';
import { startQdrantDouble, type QdrantDouble } from '../../support/qdrant-double/start-qdrant-double.ts';

let double: QdrantDouble;
beforeAll(async () => {
  double = await startQdrantDouble();
  await askDouble(double, 'PUT', '/collections/c', {
    vectors: {
      v: { size: 2, distance: 'Dot' },
      m: { size: 2, distance: 'Dot', multivector_config: { comparator: 'max_sim' } },
    },
    sparse_vectors: { s: {} },
  });
  await askDouble(double, 'PUT', '/collections/c/index?wait=true', { field_name: 'at', field_schema: 'integer' });
  const points = [{ id: 1, vector: { v: [1, 2] }, payload: { at: 1 } }];
  await askDouble(double, 'PUT', '/collections/c/points?wait=true', { points });
});
afterAll(() => double.close());

const C = '/collections/c';
const nested = (depth: number): unknown => (depth === 0 ? 1 : [nested(depth - 1)]);
const upsert = (point: object): object => ({ points: [{ id: 1, vector: {}, ...point }] });
const count = (condition: unknown): object => ({ filter: { must: [condition] } });
const sparse = (indices: number[], values: number[]): object => upsert({ vector: { s: { indices, values } } });

const MANY = Array.from({ length: 2 ** 19 }, () => [1, 2]);

type Case = readonly [what: string, method: string, path: string, body: unknown, status: number, text: RegExp];

const CASES: readonly Case[] = [
  ['a body that is no JSON', 'PUT', `${C}/points`, '{"points":', 400, /^Format error in JSON body/],
  ['no body', 'POST', `${C}/points/scroll`, undefined, 400, /EOF while parsing/],
  ['no points', 'PUT', `${C}/points`, { point: [] }, 400, /missing field `points`/],
  ['a vector of one name as a text', 'PUT', `${C}/points`, upsert({ vector: { v: 'x' } }), 400, /VectorStruct/],
  ['a negative id', 'PUT', `${C}/points`, upsert({ id: -1 }), 400, /^Format error/],
  ['a fraction as id', 'POST', `${C}/points`, { ids: [1.5] }, 400, /^Format error/],
  ['a payload that is a list', 'PUT', `${C}/points`, upsert({ payload: [1] }), 400, /^Format error/],
  ['half a surrogate pair', 'PUT', `${C}/points`, upsert({ payload: { a: '\ud800' } }), 400, /surrogate/],
  ['a payload that is too deep', 'PUT', `${C}/points`, upsert({ payload: { a: nested(124) } }), 400, /recursion limit/],
  ['an empty dense vector', 'PUT', `${C}/points`, upsert({ vector: { v: [] } }), 422, /must not be empty/],
  [
    'several vectors where one is kept',
    'PUT',
    `${C}/points?wait=true`,
    upsert({ vector: { v: [[1, 2]] } }),
    400,
    /between multi/,
  ],
  ['an empty vector among several', 'PUT', `${C}/points`, upsert({ vector: { m: [[]] } }), 422, /must be non-empty/],
  [
    'several vectors of two lengths',
    'PUT',
    `${C}/points`,
    upsert({ vector: { m: [[0.5, 2], [1]] } }),
    422,
    /found vector with dimension 1/,
  ],
  [
    'several vectors of a wrong length',
    'PUT',
    `${C}/points?wait=true`,
    upsert({ vector: { m: [[1]] } }),
    400,
    /expected dim: 2, got 1/,
  ],
  [
    'too many numbers by one name',
    'PUT',
    `${C}/points`,
    upsert({ vector: { m: MANY } }),
    422,
    /must be less than 1048576/,
  ],
  [
    'two vectors that it takes for a sparse one',
    'PUT',
    `${C}/points?wait=true`,
    upsert({
      vector: {
        m: [
          [1, 2],
          [1, 2],
        ],
      },
    }),
    400,
    /between sparse/,
  ],
  [
    'two vectors that it takes for a sparse one with an index twice',
    'PUT',
    `${C}/points`,
    upsert({
      vector: {
        m: [
          [0, 0],
          [1, 2],
        ],
      },
    }),
    422,
    /indices: .*must be unique/,
  ],
  ['an index twice', 'PUT', `${C}/points`, sparse([1, 1], [1, 1]), 422, /indices: .*must be unique/],
  ['fewer values than indices', 'PUT', `${C}/points`, sparse([1, 2], [1]), 422, /must be the same length as indices/],
  ['an index that is too large', 'PUT', `${C}/points`, sparse([2 ** 32], [1]), 400, /^Format error/],
  [
    'a dense vector in place of a sparse one',
    'PUT',
    `${C}/points?wait=true`,
    upsert({ vector: { s: [1, 2] } }),
    400,
    /Conversion between sparse and regular/,
  ],
  [
    'an unknown update mode',
    'PUT',
    `${C}/points`,
    { ...upsert({}), update_mode: 'maybe' },
    400,
    /unknown variant `maybe`/,
  ],
  ['a condition on no field', 'POST', `${C}/points/count`, count({ match: { value: 1 } }), 400, /^Format error/],
  ['an unknown part of a filter', 'POST', `${C}/points/count`, { filter: { musts: [] } }, 400, /^Format error/],
  [
    'a match of a list with both kinds',
    'POST',
    `${C}/points/count`,
    count({ key: 'a', match: { any: [1, 'x'] } }),
    400,
    /MatchInterface/,
  ],
  [
    'a range of no time',
    'POST',
    `${C}/points/count`,
    count({ key: 'a', range: { gte: 'yesterday' } }),
    400,
    /^Format error/,
  ],
  [
    'a path that cannot be read',
    'POST',
    `${C}/points/count`,
    count({ key: 'a b', match: { value: 1 } }),
    400,
    /Invalid json path: 'a b'/,
  ],
  ['an empty path', 'POST', `${C}/points/payload`, { payload: {}, points: [1], key: '' }, 400, /Invalid json path: ''/],
  [
    'limit 0 in a prefetch',
    'POST',
    `${C}/points/query`,
    { prefetch: [{ query: [1, 2], using: 'v', limit: 0 }], query: [1, 2], using: 'v' },
    422,
    /internal\.prefetch\[0\]\.limit: value 0 invalid/,
  ],
  [
    'limit 0 in a batch',
    'POST',
    `${C}/points/query/batch`,
    { searches: [{ limit: 0 }] },
    422,
    /searches\[0\]\.internal\.limit: value 0 invalid/,
  ],
  ['a negative limit', 'POST', `${C}/points/scroll`, { limit: -1 }, 400, /^Format error/],
  [
    'a fusion of nothing',
    'POST',
    `${C}/points/query`,
    { query: { fusion: 'rrf' } },
    400,
    /cannot apply Fusion without prefetches/,
  ],
  [
    'prefetches without a query',
    'POST',
    `${C}/points/query`,
    { prefetch: {} },
    400,
    /cannot have prefetches without a query/,
  ],
  ['a query of no kind', 'POST', `${C}/points/query`, { query: { best: 1 } }, 400, /QueryInterface/],
  [
    'a query by a point that is not there',
    'POST',
    `${C}/points/query`,
    { query: 9, using: 'v' },
    404,
    /No point with id 9 found/,
  ],
  [
    'a query order without ranges',
    'POST',
    `${C}/points/query`,
    { query: { order_by: 'a' } },
    400,
    /No range index for `order_by` key: `a`/,
  ],
  ['a facet without an index', 'POST', `${C}/facet`, { key: 'a' }, 400, /No appropriate index for faceting: `a`/],
  [
    'a vector to show that is not there',
    'POST',
    `${C}/points`,
    { ids: [1], with_vector: ['w'] },
    400,
    /Not existing vector name error: w/,
  ],
  [
    'a payload for nobody',
    'POST',
    `${C}/points/payload`,
    { payload: {} },
    400,
    /Either list of point ids or filter must be provided/,
  ],
  ['a deletion of nobody', 'POST', `${C}/points/delete`, {}, 400, /^Format error/],
  [
    'vectors of a point that is not there',
    'PUT',
    `${C}/points/vectors?wait=true`,
    { points: [{ id: 9, vector: { v: [1, 2] } }] },
    404,
    /No point with id 9 found/,
  ],
  ['an unknown index type', 'PUT', `${C}/index`, { field_name: 'a', field_schema: 'words' }, 400, /^Format error/],
  [
    'a dimension of 0',
    'PUT',
    '/collections/d',
    { vectors: { v: { size: 0, distance: 'Dot' } } },
    422,
    /vectors\.v\.size: value 0 invalid/,
  ],
  [
    'a dimension that is too large',
    'PUT',
    '/collections/d',
    { vectors: { v: { size: 65_537, distance: 'Dot' } } },
    422,
    /from 1 to 65536/,
  ],
  [
    'an unknown distance',
    'PUT',
    '/collections/d',
    { vectors: { v: { size: 1, distance: 'cosine' } } },
    400,
    /^Format error/,
  ],
  [
    'a quantile beyond 1',
    'PUT',
    '/collections/d',
    { quantization_config: { scalar: { type: 'int8', quantile: 2 } } },
    422,
    /quantile: value 2 invalid/,
  ],
  ['no replicas', 'PUT', '/collections/d', { replication_factor: 0 }, 422, /replication_factor: value 0 invalid/],
  ['a name with a slash', 'PUT', '/collections/a%2Fb', {}, 422, /collection name cannot contain "\/" char/],
  ['a collection that is not there', 'POST', '/collections/d/points/count', {}, 404, /Collection `d` doesn't exist!/],
  [
    'a change of a vector that is not there',
    'PATCH',
    C,
    { vectors: { w: { on_disk: true } } },
    400,
    /Not existing vector name error: w/,
  ],
  ['a wait of neither kind', 'PUT', `${C}/points?wait=yes`, upsert({}), 400, /query parameters/],
  ['an unknown ordering', 'PUT', `${C}/points?ordering=best`, upsert({}), 400, /unknown variant `best`/],
  ['an unknown consistency', 'POST', `${C}/points/count?consistency=0`, {}, 400, /read consistency/],
  ['no time at all', 'POST', `${C}/points/count?timeout=0`, {}, 422, /timeout: value 0 invalid/],
];

describe('the double of Qdrant refuses', () => {
  it.each(CASES)('%s', async (_what, method, path, body, status, text) => {
    const got = await askDouble(double, method, path, body);
    expect(got).toMatchObject({ status, reply: { status: { error: expect.stringMatching(text) as string } } });
  });

  it('what is not called JSON, and what is larger than 32 MB', async () => {
    const asText = await askDouble(double, 'POST', `${C}/points/count`, {}, { 'content-type': 'text/plain' });
    expect(asText).toMatchObject({ status: 400, reply: { status: { error: 'Content type error' } } });
    const large = await askDouble(double, 'POST', `${C}/points/count`, `{}${' '.repeat(32 * 1024 * 1024)}`);
    expect(large).toMatchObject({
      status: 400,
      reply: { status: { error: expect.stringMatching(/larger than allowed/) as string } },
    });
  });

  it('paths and methods that it does not have, and says of some things that it is a double', async () => {
    expect(await askDouble(double, 'POST', '/collections', {})).toEqual({ status: 404, reply: '' });
    expect(await askDouble(double, 'GET', '/nothing')).toEqual({ status: 404, reply: '' });
    const geo = await askDouble(double, 'PUT', `${C}/index?wait=true`, { field_name: 'a', field_schema: 'geo' });
    expect(geo.status).toBe(501);
  });

  it('whoever has no key, but for what tells whether it is well', async () => {
    const locked = await startQdrantDouble({ apiKey: 'key' });
    try {
      const message = 'Must provide an API key or an Authorization bearer token';
      expect(await askDouble(locked, 'GET', '/collections')).toEqual({ status: 401, reply: message });
      const bearer = await askDouble(locked, 'GET', '/collections', undefined, { authorization: 'Bearer key' });
      expect(bearer.status).toBe(200);
      for (const path of ['/', '/healthz', '/readyz']) expect((await askDouble(locked, 'GET', path)).status).toBe(200);
    } finally {
      await locked.close();
    }
  });

  it('nothing of what it has refused is left behind', async () => {
    expect(await askDouble(double, 'GET', '/collections')).toMatchObject({
      reply: { result: { collections: [{ name: 'c' }] } },
    });
    const { reply } = await askDouble(double, 'POST', `${C}/points`, {
      ids: [1],
      with_payload: true,
      with_vector: true,
    });
    expect(reply).toMatchObject({ result: [{ id: 1, payload: { at: 1 }, vector: { v: [1, 2] } }] });
  });
});
