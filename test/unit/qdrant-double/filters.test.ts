import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { askDouble } from '../../support/qdrant-double/ask-double.ts';
import { comparedServers, type ComparedServer } from '../../support/qdrant-double/compared-servers.ts';

const C = '/collections/double_filters';

let server: Awaited<ReturnType<ComparedServer['start']>>;

async function scrolled(filter: object): Promise<number[]> {
  const { status, reply } = await askDouble(server, 'POST', `${C}/points/scroll`, { filter, limit: 100 });
  expect(status).toBe(200);
  return (reply as { result: { points: { id: number }[] } }).result.points.map(({ id }) => id);
}

describe.each(comparedServers())('filters of $name', ({ start }) => {
  beforeAll(async () => {
    server = await start();
  });
  afterAll(async () => {
    await askDouble(server, 'DELETE', C);
    await server.close();
  });

  const PAYLOADS: readonly object[] = [
    { n: 1, s: 'red', list: ['red', 'blue'], deep: { 'a b': [{ c: 1 }, { c: 2 }] }, ok: true },
    { n: 2.5, s: 'green', list: [], nothing: null },
    { n: 3, s: null, list: null },
    { n: '3', list: [1, 2.5, 'red'], nothing: [null, 1] },
    { n: [1, 10], s: ['red'], at: '2024-05-01T10:00:00Z' },
    { s: 'dark red', list: [['red']], ok: false },
  ];
  /** Filter, and the points (the first is 1) that it finds without and with indexes on its fields. */
  const CASES: readonly (readonly [object, readonly number[], (readonly number[])?])[] = [
    [{}, [1, 2, 3, 4, 5, 6]],
    [{ must: [] }, [1, 2, 3, 4, 5, 6]],
    [{ should: [] }, [1, 2, 3, 4, 5, 6]],
    [{ must: { key: 'n', match: { value: 1 } } }, [1, 5]],
    [{ must_not: [{ key: 'n', match: { value: 1 } }] }, [2, 3, 4, 6]],
    [{ must: [{ key: 'ok', match: { value: false } }] }, [6]],
    [{ must: [{ key: 's', match: { value: 'red' } }] }, [1, 5]],
    [{ must: [{ key: 's', match: { any: ['red', 'green'] } }] }, [1, 2, 5]],
    [{ must: [{ key: 's', match: { any: [] } }] }, []],
    // An index knows only of texts: lists of something else, empty ones and null are nothing to it.
    [{ must: [{ key: 's', match: { except: ['red'] } }] }, [2, 6]],
    [{ must: [{ key: 'list', match: { except: ['blue'] } }] }, [1, 4, 6], [1, 4]],
    [{ must: [{ key: 's', match: { text: 'red' } }] }, [1, 5, 6]],
    [{ must: [{ key: 's', match: { text_any: 'green dark' } }] }, [2, 6]],
    // An index of integers has no fractions.
    [{ must: [{ key: 'n', range: { gte: 1, lte: 3 } }] }, [1, 2, 3, 5], [1, 3, 5]],
    [{ must: [{ key: 'n', range: { gt: 1, lt: 10 } }] }, [2, 3], [3]],
    [{ must: [{ key: 'n', range: { gt: 9 } }] }, [5]],
    [{ must: [{ key: 'at', range: { gte: '2024-05-01T00:00:00Z', lt: '2024-05-02T00:00:00+02:00' } }] }, [5]],
    [{ must: [{ key: 'list', values_count: { gte: 2 } }] }, [1, 4]],
    [{ must: [{ key: 'list', values_count: { lt: 1 } }] }, [2, 3]],
    [{ must: [{ is_empty: { key: 'list' } }] }, [2, 3, 5]],
    [{ must: [{ key: 'list', is_empty: false }] }, [1, 4, 6]],
    [{ must: [{ is_null: { key: 'nothing' } }] }, [2], [2, 4]],
    [{ must: [{ key: 'nothing', is_null: true }] }, [2, 4]],
    [{ must: [{ key: 'nothing', is_null: false }] }, [1, 3, 5, 6]],
    [{ must: [{ has_id: [2, 5, 77] }] }, [2, 5]],
    [{ must: [{ has_vector: 'v' }] }, [1, 2, 3, 4, 5, 6]],
    [{ must: [{ has_vector: 'w' }] }, []],
    [{ must: [{ key: 'deep."a b"[].c', match: { value: 2 } }] }, [1]],
    [{ must: [{ key: 'deep."a b"[0].c', match: { value: 2 } }] }, []],
    [{ must: [{ key: 'deep."a b".c', match: { value: 2 } }] }, []],
    [{ must: [{ nested: { key: 'deep."a b"', filter: { must: [{ key: 'c', range: { gt: 1 } }] } } }] }, [1]],
    [{ must: [{ nested: { key: 'deep."a b"', filter: { should: [] } } }] }, []],
    [
      {
        should: [
          {
            must: [
              { key: 'n', match: { value: 1 } },
              { key: 's', match: { value: 'red' } },
            ],
          },
          { has_id: [3] },
        ],
      },
      [1, 3, 5],
    ],
    [
      {
        min_should: {
          conditions: [{ has_id: [1, 2] }, { has_id: [2, 3] }, { key: 's', match: { value: 'red' } }],
          min_count: 2,
        },
      },
      [1, 2],
    ],
  ];

  beforeEach(async () => {
    await askDouble(server, 'DELETE', C);
    await askDouble(server, 'PUT', C, { vectors: { v: { size: 2, distance: 'Dot' } } });
    const points = PAYLOADS.map((payload, place) => ({ id: place + 1, vector: { v: [1, 0] }, payload }));
    await askDouble(server, 'PUT', `${C}/points?wait=true`, { points });
  });

  it('find what Qdrant finds without indexes', async () => {
    for (const [filter, ids] of CASES) expect.soft([filter, await scrolled(filter)]).toEqual([filter, ids]);
  });

  it('find with indexes what those hold', async () => {
    for (const [name, type] of Object.entries({
      n: 'integer',
      s: 'keyword',
      list: 'keyword',
      ok: 'bool',
      at: 'datetime',
      nothing: 'keyword',
    })) {
      await askDouble(server, 'PUT', `${C}/index?wait=true`, { field_name: name, field_schema: type });
    }
    for (const [filter, ids, indexed = ids] of CASES) {
      expect.soft([filter, await scrolled(filter)]).toEqual([filter, indexed]);
    }
  });
});
