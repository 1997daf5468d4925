import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { askDouble, type Asked } from '../../support/qdrant-double/ask-double.ts';
import { comparedServers, type ComparedServer } from '../../support/qdrant-double/compared-servers.ts';
import { startQdrantDouble } from '../../support/qdrant-double/start-qdrant-double.ts';

let server: Awaited<ReturnType<ComparedServer['start']>>;

const C = '/collections/double_answers';

async function ask(method: string, path: string, body?: unknown): Promise<Asked> {
  return askDouble(server, method, path, body);
}

/** `result` of a request that is answered. */
async function result<Result>(method: string, path: string, body?: unknown): Promise<Result> {
  const { status, reply } = await ask(method, path, body);
  expect(reply).toMatchObject({ status: 'ok' });
  expect(status).toBe(200);
  return (reply as { result: Result }).result;
}

interface Found {
  readonly points: readonly { id: number; score: number; version: number; order_value?: number }[];
  readonly next_page_offset?: number | null;
}

const idsOf = (found: Found): number[] => found.points.map(({ id }) => id);
const query = (body: object): Promise<Found> => result('POST', `${C}/points/query`, body);
const scrolled = async (filter: object): Promise<number[]> =>
  idsOf(await result<Found>('POST', `${C}/points/scroll`, { filter, limit: 100 }));

async function put(points: readonly object[], more: object = {}): Promise<void> {
  await result('PUT', `${C}/points?wait=true`, { points, ...more });
}

async function payloadOf(id: number): Promise<unknown> {
  const points = await result<{ payload: unknown }[]>('POST', `${C}/points`, { ids: [id], with_payload: true });
  return points[0]?.payload;
}

async function create(body: object): Promise<void> {
  await result('DELETE', C);
  await result('PUT', C, body);
}

const index = (name: string, schema: unknown): Promise<unknown> =>
  result('PUT', `${C}/index?wait=true`, { field_name: name, field_schema: schema });

describe.each(comparedServers())('$name', ({ start, isDouble }) => {
  beforeAll(async () => {
    server = await start();
  });
  afterAll(async () => {
    await askDouble(server, 'DELETE', C);
    await server.close();
  });

  describe('several vectors of one name', () => {
    const vectors = (distance: string) => ({
      one: { size: 2, distance },
      many: { size: 2, distance, multivector_config: { comparator: 'max_sim' }, hnsw_config: { m: 0 } },
    });

    it('count as the nearest of them, and points without any are left out', async () => {
      for (const [distance, scores] of [
        ['Dot', [4, 2]],
        ['Euclid', [1, 2]],
        ['Cosine', [1, 0.6]],
      ] as const) {
        await create({ vectors: vectors(distance) });
        await put([
          {
            id: 1,
            vector: {
              one: [1, 0],
              many: [
                [0, 2],
                [0, -5],
                [3, 2],
              ],
            },
          },
          { id: 2, vector: { one: [0, 1] } },
          {
            id: 3,
            vector: {
              one: [0, 1],
              many: [
                [0.8, 0.6],
                [-2, 1],
              ],
            },
          },
        ]);
        const asked = distance === 'Euclid' ? { query: [[0, 1]] } : { query: [[0, 2]] };
        const found = await query({ ...asked, using: 'many', with_vector: ['many'], limit: 10 });
        const best = distance === 'Euclid' ? [1, 0.894_427] : distance === 'Cosine' ? [1, 0.6] : scores;
        expect(new Set(idsOf(found))).toEqual(new Set([1, 3]));
        const byId = new Map(found.points.map(({ id, score }) => [id, score]));
        expect(byId.get(1)).toBeCloseTo(best[0], 4);
        expect(byId.get(3)).toBeCloseTo(best[1], 4);
        const again = await query({ ...asked, using: 'many', prefetch: [{ query: [1, 0], using: 'one', limit: 10 }] });
        expect(idsOf(again)).toEqual(idsOf(found));
        const single = await query({ query: asked.query[0], using: 'many' });
        expect(single.points.map(({ score }) => score)).toEqual(found.points.map(({ score }) => score));
      }
    });

    it('come back as they were sent, stay with a change of the payload, and go with another point', async () => {
      await create({ vectors: vectors('Dot') });
      const many = [
        [0, 2],
        [3, 4],
        [1, 1],
      ];
      await put([{ id: 1, vector: { one: [1, 0], many } }]);
      await result('POST', `${C}/points/payload?wait=true`, { points: [1], payload: { a: 1 } });
      const read = async () =>
        (await result<{ vector: unknown }[]>('POST', `${C}/points`, { ids: [1], with_vector: ['many', 'one'] }))[0]
          ?.vector;
      expect(await read()).toEqual({ one: [1, 0], many });
      await put([{ id: 1, vector: { one: [1, 0] } }]);
      expect(await read()).toEqual({ one: [1, 0] });
    });
  });

  describe('queries', () => {
    it('score by the distance of the collection, and leave out what a threshold is not passed by', async () => {
      const vectors = { dot: { size: 2, distance: 'Dot' }, far: { size: 2, distance: 'Euclid' } };
      await create({ vectors });
      await put([
        { id: 1, vector: { dot: [3, 4], far: [3, 4] } },
        { id: 2, vector: { dot: [1, 0], far: [1, 0] } },
        { id: 3, vector: { dot: [-1, 0] } },
      ]);
      const dot = await query({ query: [1, 1], using: 'dot' });
      expect(dot.points).toEqual([
        { id: 1, score: 7, version: 1 },
        { id: 2, score: 1, version: 1 },
        { id: 3, score: -1, version: 1 },
      ]);
      expect(idsOf(await query({ query: [1, 1], using: 'dot', score_threshold: 1 }))).toEqual([1]);
      const far = await query({ query: [0, 0], using: 'far' });
      expect(far.points.map(({ id, score }) => [id, score])).toEqual([
        [2, 1],
        [1, 5],
      ]);
      expect(idsOf(await query({ query: [0, 0], using: 'far', score_threshold: 5 }))).toEqual([2]);
      // The point that a query names is the example, not an answer.
      expect(idsOf(await query({ query: 2, using: 'far' }))).toEqual([1]);
    });

    it('weigh indexes of sparse vectors by how many have them, and leave out those that share none', async () => {
      await create({ vectors: {}, sparse_vectors: { plain: {}, idf: { modifier: 'idf' } } });
      // A vector of no index counts for nothing.
      const rows = [[1, 2], [2], [2, 3], []];
      await put(
        rows.map((indices, place) => {
          const vector = { indices, values: indices.map(() => 2) };
          return { id: place + 1, vector: { plain: vector, idf: vector } };
        }),
      );
      const asked = { indices: [1, 2], values: [1, 1] };
      expect((await query({ query: asked, using: 'plain' })).points.map(({ score }) => score)).toEqual([4, 2, 2]);
      expect(idsOf(await query({ query: { indices: [3, 9], values: [1, 1] }, using: 'plain' }))).toEqual([3]);
      const idf = (df: number): number => Math.log((3 - df + 0.5) / (df + 0.5) + 1);
      const found = await query({ query: asked, using: 'idf', limit: 1 });
      expect(found.points[0]?.score).toBeCloseTo(2 * idf(1) + 2 * idf(3), 5);
    });

    it('score again what prefetches found, and only that', async () => {
      await create({ vectors: { a: { size: 1, distance: 'Dot' }, b: { size: 1, distance: 'Dot' } } });
      await put([1, 2, 3, 4].map((id) => ({ id, vector: { a: [id], b: [-id] }, payload: { even: id % 2 === 0 } })));
      const prefetch = { query: [1], using: 'a', limit: 2 };
      expect(idsOf(await query({ prefetch, query: [1], using: 'b' }))).toEqual([3, 4]);
      expect(idsOf(await query({ prefetch, query: [1], using: 'b', offset: 1 }))).toEqual([4]);
      const filter = { must: [{ key: 'even', match: { value: true } }] };
      expect(idsOf(await query({ prefetch: { ...prefetch, filter }, query: [1], using: 'b' }))).toEqual([2, 4]);
      // A filter outside holds inside: it is not what is left of two.
      expect(idsOf(await query({ prefetch, query: [1], using: 'b', filter }))).toEqual([2, 4]);
      const nested = { prefetch: [prefetch], query: [1], using: 'b', limit: 1 };
      expect(idsOf(await query({ prefetch: nested, query: [1], using: 'a' }))).toEqual([3]);
      const weighed = {
        prefetch: [prefetch, { query: [1], using: 'b', limit: 1 }],
        query: { rrf: { k: 1, weights: [1, 2] } },
      };
      expect((await query(weighed)).points.map(({ id, score }) => [id, score])).toEqual([
        [1, 2],
        [4, 1],
        [3, 0.5],
      ]);
    });

    it('order by payloads from a value on, which counts in; a point comes once for each of its values', async () => {
      await create({ vectors: {} });
      await put([[1], 2, 2, [2, 9], 'none', 3.5].map((at, place) => ({ id: place + 1, vector: {}, payload: { at } })));
      await index('at', 'integer');
      const order = (order_by: object, limit = 10): Promise<Found> =>
        result('POST', `${C}/points/scroll`, { order_by, limit });
      expect((await order({ key: 'at' })).points.map(({ order_value }) => order_value)).toEqual([1, 2, 2, 2, 9]);
      const down = await order({ key: 'at', direction: 'desc', start_from: 2 });
      expect(down.points.map(({ order_value }) => order_value)).toEqual([2, 2, 2, 1]);
      expect(down.next_page_offset).toBeNull();
      const asQuery = await query({ query: { order_by: { key: 'at', start_from: 3 } } });
      expect(asQuery.points).toEqual([{ id: 4, score: 1, version: 0, order_value: 9 }]);
      // Equal values keep no order of ids.
      if (!isDouble) return;
      expect((await order({ key: 'at', start_from: 2 }, 3)).points.map(({ id }) => id)).toEqual([2, 4, 3]);
    });

    it('take samples of what a filter finds', async () => {
      await create({ vectors: {} });
      await put([1, 2, 3].map((id) => ({ id, vector: {} })));
      const filter = { must_not: [{ has_id: [2] }] };
      expect(idsOf(await query({ query: { sample: 'random' }, filter })).sort()).toEqual([1, 3]);
      expect(idsOf(await query({ query: { sample: 'random' }, limit: 2 }))).toHaveLength(2);
    });
  });

  describe('updates', () => {
    beforeEach(async () => {
      await create({ vectors: { v: { size: 2, distance: 'Dot' } } });
      await put([{ id: 1, vector: { v: [1, 2] }, payload: { a: 1, b: null, c: { d: [{ e: 1 }, { e: 2, f: 3 }] } } }]);
    });

    it('set keys of payloads, where null takes one away; overwriting keeps null', async () => {
      await result('POST', `${C}/points/payload?wait=true`, { payload: { a: null, x: { y: null } }, points: [1] });
      expect(await payloadOf(1)).toEqual({ b: null, x: { y: null }, c: { d: [{ e: 1 }, { e: 2, f: 3 }] } });
      await result('POST', `${C}/points/payload?wait=true`, { payload: { e: 5 }, points: [1], key: 'c.d[1]' });
      expect(await payloadOf(1)).toMatchObject({ c: { d: [{ e: 1 }, { e: 5, f: 3 }] } });
      await result('POST', `${C}/points/payload/delete?wait=true`, { keys: ['x', 'c.d[].e', 'none'], points: [1] });
      expect(await payloadOf(1)).toEqual({ b: null, c: { d: [{}, { f: 3 }] } });
      await result('PUT', `${C}/points/payload?wait=true`, { payload: { b: null }, filter: {} });
      expect(await payloadOf(1)).toEqual({ b: null });
      await result('POST', `${C}/points/payload/clear?wait=true`, { points: [1] });
      expect(await payloadOf(1)).toEqual({});
    });

    it('upsert as they are told to', async () => {
      const filter = (a: number): object => ({ must: [{ key: 'a', match: { value: a } }] });
      const points = (n: number): object[] => [1, 2].map((id) => ({ id, vector: {}, payload: { a: n } }));
      await put(points(2), { update_filter: filter(7) });
      expect([await payloadOf(1), await payloadOf(2)]).toMatchObject([{ a: 1 }, { a: 2 }]);
      await put([{ id: 3, vector: {} }, ...points(3)], { update_mode: 'update_only', update_filter: filter(2) });
      expect([await payloadOf(1), await payloadOf(2)]).toMatchObject([{ a: 1 }, { a: 3 }]);
      expect(await scrolled({})).toEqual([1, 2]);
      await put(points(4), { update_mode: 'insert_only' });
      expect([await payloadOf(1), await payloadOf(2)]).toMatchObject([{ a: 1 }, { a: 3 }]);
    });

    it('are not seen at once where nobody waits for them, and keep their order', async () => {
      const update = { points: [{ id: 1, vector: { v: [5, 6] } }] };
      expect(await result('PUT', `${C}/points/vectors`, update)).toMatchObject({ status: 'acknowledged' });
      const vector = async (): Promise<unknown> =>
        result('POST', `${C}/points`, { ids: [1], with_payload: false, with_vector: true });
      // A real one may be done before the next request comes.
      if (isDouble) expect(await vector()).toEqual([{ id: 1, vector: { v: [1, 2] } }]);
      await expect.poll(vector, { timeout: 20_000 }).toEqual([{ id: 1, vector: { v: [5, 6] } }]);
      await result('PUT', `${C}/points`, { points: [{ id: 2, vector: {} }] });
      await result('POST', `${C}/points/delete?wait=true`, { filter: {} });
      expect(await scrolled({})).toEqual([]);
    });

    it('of a batch are done up to the one that is refused', async () => {
      const operations = [
        { upsert: { points: [{ id: 2, vector: {} }] } },
        { set_payload: { payload: { a: 9 }, points: [1, 77] } },
        { delete: { points: [1] } },
      ];
      const { status, reply } = await ask('POST', `${C}/points/batch?wait=true`, { operations });
      expect([status, reply]).toMatchObject([404, { status: { error: 'Not found: No point with id 77 found' } }]);
      expect(await scrolled({})).toEqual([1, 2]);
    });
  });

  describe('payloads', () => {
    it('are shown as asked', async () => {
      await create({ vectors: {} });
      await put([{ id: 1, vector: {}, payload: { a: { b: 1, c: 2 }, 'x.y': [{ z: 1, w: 2 }], t: 'text' } }]);
      const shown = async (with_payload: unknown): Promise<unknown> => {
        const found = await result<{ points: { payload?: unknown }[] }>('POST', `${C}/points/scroll`, { with_payload });
        return found.points[0]?.payload;
      };
      expect(await shown(['a.b', '"x.y"[].z'])).toEqual({ a: { b: 1 }, 'x.y': [{ z: 1 }] });
      expect(await shown({ exclude: ['a.b', '"x.y"'] })).toEqual({ a: { c: 2 }, t: 'text' });
      expect(await shown({ include: [] })).toEqual({});
      expect(await shown(false)).toBeUndefined();
      expect(await query({})).toEqual({ points: [{ id: 1, score: 1, version: 0 }] });
    });

    it('are described by their indexes', async () => {
      await create({ vectors: { v: { size: 2, distance: 'Dot' } } });
      await put([
        { id: 1, vector: {}, payload: { s: ['x'] } },
        { id: 2, vector: {}, payload: { s: 1 } },
      ]);
      await index('s', { type: 'keyword', is_tenant: true });
      await result('PATCH', C, { vectors: { v: { on_disk: true } }, params: { replication_factor: 2 } });
      expect(await result('GET', C)).toMatchObject({
        points_count: 2,
        payload_schema: { s: { data_type: 'keyword', params: { type: 'keyword', is_tenant: true }, points: 1 } },
        config: {
          params: { vectors: { v: { size: 2, on_disk: true } }, replication_factor: 2 },
          quantization_config: null,
        },
      });
      await result('DELETE', `${C}/index/s?wait=true`);
      expect(await result('GET', C)).toMatchObject({ payload_schema: {} });
    });
  });
});

describe('a double of an older server', () => {
  it('does not look at the conditions of an update', async () => {
    const old = await startQdrantDouble({ version: '1.15.5' });
    try {
      await askDouble(old, 'PUT', C, { vectors: {} });
      const write = (text: string): Promise<Asked> =>
        askDouble(old, 'PUT', `${C}/points?wait=true`, {
          points: [{ id: 1, vector: {}, payload: { text } }],
          update_filter: { must: [{ has_id: [2] }] },
          update_mode: 'insert_only',
        });
      await write('before');
      expect((await write('after')).status).toBe(200);
      const { reply } = await askDouble(old, 'POST', `${C}/points`, { ids: [1], with_payload: true });
      expect(reply).toMatchObject({ result: [{ payload: { text: 'after' } }] });
    } finally {
      await old.close();
    }
  });
});
