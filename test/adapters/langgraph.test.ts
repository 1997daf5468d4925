import { AsyncBatchedStore, InMemoryStore, type BaseStore, type Operation } from '@langchain/langgraph-checkpoint';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ContextManagerStore, type ContextManagerStoreOptions } from '../../clients/adapters/langgraph/src/index.ts';
import { contextId, placeTags } from '../../clients/adapters/shared/names.ts';
import formatVectors from '../../clients/adapters/format-vectors.json' with { type: 'json' };
import type { Client } from '../../clients/typescript/src/index.ts';
import { World, type ServerProcess } from '../e2e/support/processes.ts';

const world = new World();
let server: ServerProcess;
let client: Client;
let agents = 0;

beforeAll(async () => {
  server = await world.serve(world.folder());
  client = await server.connect();
});

afterAll(async () => {
  await client.close();
  await world.cleanUp();
});

/** Of an agent of its own. */
const newStore = (options: Partial<ContextManagerStoreOptions> = {}): ContextManagerStore =>
  new ContextManagerStore({ client, agentId: `agent-${++agents}`, ...options });

/** With keys in an order of their own, and without times. */
const named = (found: readonly { namespace: string[]; key: string; value: object }[]): string[] =>
  found.map(({ namespace, key, value }) => JSON.stringify([namespace, key, value])).sort();

const NAMESPACES = [
  ['users'],
  ['users', '1'],
  ['users1'],
  ['users', '1', '%'],
  ['%', '_'],
  ['_'],
  ['*'],
  ['é', '日本語', '🙂'],
  ['a b', '__proto__'],
];

describe('the store', () => {
  it('keeps values exactly, and when items were made and changed', async () => {
    const store = newStore();
    const value = {
      text: '%_é🙂\ud800',
      n: -0.1,
      nothing: null,
      list: [1, { deep: [] }],
      '': 1,
      'a.b"c': true,
      __proto__x: '\0',
    };
    await store.put(['users', '1'], 'k', value);
    const first = await store.get(['users', '1'], 'k');
    expect(first).toEqual({
      namespace: ['users', '1'],
      key: 'k',
      value,
      createdAt: first!.createdAt,
      updatedAt: first!.createdAt,
    });
    expect(JSON.stringify(first!.value)).toBe(JSON.stringify(value));
    await store.put(['users', '1'], 'k', { other: 'x' });
    const second = await store.get(['users', '1'], 'k');
    expect(second).toMatchObject({ value: { other: 'x' }, createdAt: first!.createdAt });
    expect(second!.updatedAt.getTime()).toBeGreaterThanOrEqual(first!.updatedAt.getTime());
    await store.delete(['users', '1'], 'k');
    expect(await store.get(['users', '1'], 'k')).toBeNull();
    await store.delete(['users', '1'], 'k');
  });

  it('takes a value that only differs in what is not searched', async () => {
    const store = newStore({ fields: ['text'] });
    await store.put(['a'], 'k', { text: 'same', n: 1 });
    await store.put(['a'], 'k', { text: 'same', n: 2 });
    expect((await store.get(['a'], 'k'))?.value).toEqual({ text: 'same', n: 2 });
  });

  it('finds lists and what is nested by their content', async () => {
    const store = newStore();
    await store.put(['a'], 'k', { colors: ['red', 7], at: { lat: 1, lon: 2 } });
    const holds = async (filter: Record<string, unknown>): Promise<boolean> =>
      (await store.search(['a'], { filter })).length === 1;
    for (const colors of [['red', 7], { $eq: ['red', 7] }, { $in: ['red', ['red', 7]] }, { $ne: ['red'] }])
      expect(await holds({ colors }), JSON.stringify(colors)).toBe(true);
    for (const colors of [['red'], [7, 'red'], { $ne: ['red', 7] }, { $nin: [['red', 7]] }])
      expect(await holds({ colors }), JSON.stringify(colors)).toBe(false);
    expect(await holds({ at: { lon: 2, lat: 1 } })).toBe(true);
    expect(await holds({ at: { lat: 1 } })).toBe(false);
  });

  it('takes long values, and refuses in words what is too long', async () => {
    const store = newStore();
    const long = { text: 'é'.repeat(100_000), fields: 'x' };
    await store.put(['a'], 'long', long);
    await store.put(
      ['a'],
      'fields',
      Object.fromEntries(Array.from({ length: 40 }, (_, place) => [`${place}${'日'.repeat(100)}`, '本'.repeat(128)])),
    );
    expect((await store.get(['a'], 'long'))?.value).toEqual(long);
    expect((await store.search(['a'], { filter: { fields: 'x' } })).map(({ key }) => key)).toEqual(['long']);
    await expect(store.put(['a'], 'k', { text: 'x'.repeat(262_145) })).rejects.toThrow(
      /characters as JSON, 262144 at most/,
    );
    await expect(store.put(['a'], 'x'.repeat(8_192), {})).rejects.toThrow(/8192 at most/);
    await expect(store.put(['\ud800'], 'k', {})).rejects.toThrow(/surrogate/);
    await expect(
      store.put(
        Array.from({ length: 63 }, () => 'x'),
        'k',
        {},
      ),
    ).rejects.toThrow(/62 at most/);
    // Of a batch with one that is refused nothing is done.
    const batch: Operation[] = [
      { namespace: ['b'], key: 'k', value: {} },
      { namespace: ['b.c'], key: 'k', value: {} },
    ];
    await expect(store.batch(batch)).rejects.toThrow(/periods/);
    expect(await store.get(['b'], 'k')).toBeNull();
  });

  it.each([[[]], [['a.b']], [['a:b']], [['a', '']], [['langgraph']], [['a\0']]])(
    'refuses the namespace %j as LangGraph does',
    async (namespace) => {
      const refusal = await new InMemoryStore().put(namespace, 'k', {}).catch((error: Error) => error);
      const ours = await newStore()
        .put(namespace, 'k', {})
        .catch((error: Error) => error);
      expect(ours).toBeInstanceOf(Error);
      expect((ours as Error).message).toBe((refusal as Error).message);
    },
  );

  it('finds what a query is about first, and everything where it is asked for all', async () => {
    const store = newStore();
    await store.put(['notes'], 'flights', { text: 'Mara prefers morning flights', kind: 'preference' });
    await store.put(['notes'], 'same', { text: 'Mara prefers morning flights', kind: 'preference' });
    await store.put(['notes', 'food'], 'nuts', { text: 'Mara is allergic to nuts', kind: 'health' });
    await store.put(['notes'], 'hidden', { text: 'Mara prefers morning flights on Mondays' }, false);
    await store.put(['others'], 'bob', { text: 'Bob prefers evening flights' });
    const found = await store.search(['notes'], { query: 'which flights does Mara prefer?' });
    expect(named(found).length).toBe(4);
    // Of two that say the same one is ranked, as in every answer; the other one comes with what nothing leads to.
    const ranked = found.filter(({ score }) => score !== undefined);
    expect(ranked.map(({ value }) => value['text'] as string)).toEqual([
      'Mara prefers morning flights',
      'Mara is allergic to nuts',
    ]);
    expect(ranked[0]!.score).toBeGreaterThan(ranked[1]!.score!);
    expect(found.slice(0, 2)).toEqual(ranked);
    const filtered = await store.search([], { query: 'Mara', filter: { kind: { $in: ['health'] } }, limit: 1 });
    expect(filtered.map(({ key }) => key)).toEqual(['nuts']);
    const pages = await Promise.all(
      [0, 1, 2, 3, 4].map((offset) => store.search(['notes'], { query: 'flights', limit: 1, offset })),
    );
    expect(
      pages
        .flat()
        .map(({ key }) => key)
        .sort(),
    ).toEqual(['flights', 'hidden', 'nuts', 'same']);
  });

  it('finds by words nothing that has none', async () => {
    const store = newStore();
    await store.put(['a'], 'empty', { n: null });
    await store.put(['a'], 'words', { text: 'something to search' });
    const found = await store.search(['a'], { query: 'nothing to search' });
    expect(found.map(({ key, score }) => [key, typeof score])).toEqual([
      ['words', 'number'],
      ['empty', 'undefined'],
    ]);
  });

  it.each<[string, string[], string]>([
    ['all of it', ['$'], 'a: one\nb: 2\nc: three\nd: 4'],
    ['fields', ['a', 'c.d'], 'one\n4'],
    ['lists', ['l[*].t', 'l[-1].t', 'l[0].t', 'l[9].t'], 'x\ny\ny\nx'],
    ['choices', ['{a,b}', '*'], 'one\n2\none\n2\n{"c":"three","d":4}\n[{"t":"x"},{"t":"y"}]'],
    ['nothing', ['none', 'a.b'], '(nothing to search)'],
  ])('searches %s', async (what, fields, text) => {
    const value =
      what === 'all of it'
        ? { a: 'one', b: 2, c: ['three', null, { d: 4 }] }
        : { a: 'one', b: 2, c: { c: 'three', d: 4 }, l: [{ t: 'x' }, { t: 'y' }] };
    const store = newStore();
    await store.put(['a'], 'k', value, fields);
    const { contexts } = await client.list({ agent_id: `agent-${agents}` }).page();
    expect(contexts.map((context) => context.text)).toEqual([text]);
  });

  it('keeps stores apart by their agent, and shares one among programs', async () => {
    const [one, another] = [newStore(), newStore()];
    await one.put(['a'], 'k', { of: 'one' });
    expect(await another.get(['a'], 'k')).toBeNull();
    expect(await another.search([])).toEqual([]);
    const elsewhere = await server.connect({ sender: 'somebody else' });
    const same = new ContextManagerStore({ client: elsewhere, agentId: `agent-${agents - 1}` });
    expect((await same.get(['a'], 'k'))?.value).toEqual({ of: 'one' });
    await elsewhere.close();
  });

  it('leaves one of many puts and deletions at once whole', async () => {
    const store = newStore();
    await Promise.all(
      Array.from({ length: 30 }, (_, place) =>
        place % 3 === 0 ? store.delete(['a'], 'k') : store.put(['a'], 'k', { place, text: `put ${place}` }),
      ),
    );
    const left = await store.search(['a']);
    expect(left.length).toBeLessThanOrEqual(1);
    for (const { value } of left)
      expect(value).toEqual({ place: value['place'] as number, text: `put ${value['place'] as number}` });
  });

  it('works behind the batching that LangGraph puts before stores', async () => {
    const store = new AsyncBatchedStore(newStore());
    void store.start();
    await Promise.all(NAMESPACES.map((namespace) => store.put(namespace, 'k', { namespace })));
    const found = await Promise.all(NAMESPACES.map((namespace) => store.get(namespace, 'k')));
    expect(found.map((item) => item?.value)).toEqual(NAMESPACES.map((namespace) => ({ namespace })));
    await store.stop();
  });

  it('names contexts as every language does', () => {
    for (const { texts, id } of formatVectors.ids) expect(contextId(texts)).toBe(id);
    for (const { kind, texts, place } of formatVectors.places) expect(placeTags(kind, texts).at(-1)).toBe(place);
  });
});

describe('random histories', () => {
  const namespace = fc.constantFrom(...NAMESPACES);
  const key = fc.constantFrom('k', '%', 'a.b', '🙂', '');
  const field = fc.oneof(
    fc.constantFrom('red', 'blue', '', '7', 'x'.repeat(129)),
    fc.integer({ min: -2, max: 9 }),
    fc.boolean(),
    fc.constant(null),
    fc.constantFrom(['red'], []),
  );
  const value = fc.dictionary(fc.constantFrom('color', 'n', 'a.b', 'a"b'), field, {
    maxKeys: 3,
    noNullPrototype: true,
  });
  const operand = fc.oneof(field, fc.constantFrom(3, '3'));
  const wanted = fc.dictionary(
    fc.constantFrom('color', 'n', 'a.b', 'a"b', 'none'),
    fc.oneof(
      operand,
      fc.dictionary(
        fc.constantFrom('$eq', '$ne', '$gt', '$gte', '$lt', '$lte', '$in', '$nin'),
        fc.oneof(operand, fc.array(operand, { maxLength: 2 })),
        { maxKeys: 2, noNullPrototype: true },
      ),
    ),
    { maxKeys: 2, noNullPrototype: true },
  );
  const prefix = fc.oneof(namespace, fc.constantFrom<string[]>([], ['user'], ['é']));
  const path = fc.array(fc.constantFrom('users', '1', '*', '%', '_'), { minLength: 1, maxLength: 2 });
  const operation = fc.oneof(
    { weight: 4, arbitrary: fc.record({ namespace, key, value }) },
    { weight: 1, arbitrary: fc.record({ namespace, key, value: fc.constant(null) }) },
    { weight: 2, arbitrary: fc.record({ namespace, key }) },
    {
      weight: 3,
      arbitrary: fc.record({
        namespacePrefix: prefix,
        filter: fc.option(wanted, { nil: undefined }),
        limit: fc.constant(1_000),
        query: fc.constantFrom(undefined, 'red', ''),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        matchConditions: fc.array(
          fc.record({ matchType: fc.constantFrom('prefix' as const, 'suffix' as const), path }),
          { maxLength: 2 },
        ),
        maxDepth: fc.constantFrom(undefined, 1, 2),
        limit: fc.integer({ min: 0, max: 4 }),
        offset: fc.nat(1),
      }),
    },
  ) as fc.Arbitrary<Operation>;

  /** The store of LangGraph also lists namespaces that hold nothing any more. */
  async function withoutEmpty(store: InMemoryStore): Promise<InMemoryStore> {
    const fresh = new InMemoryStore();
    for (const item of await store.search([], { limit: Infinity }))
      await fresh.put(item.namespace, item.key, item.value);
    return fresh;
  }

  /**
   * The operation with one object for all lists of the same content: LangGraph's store in memory asks whether they
   * are the very same, where what they hold is compared here.
   */
  function withSharedLists(operation: Operation, lists: Map<string, unknown>): Operation {
    return JSON.parse(JSON.stringify(operation), (_, held: unknown) => {
      if (!Array.isArray(held)) return held;
      const content = JSON.stringify(held);
      if (!lists.has(content)) lists.set(content, held);
      return lists.get(content);
    }) as Operation;
  }

  it('answer and leave the same as the store of LangGraph', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(operation, { minLength: 1, maxLength: 4 }), { minLength: 3, maxLength: 12 }),
        async (batches) => {
          const [ours, theirs] = [newStore(), new InMemoryStore()];
          const lists = new Map<string, unknown>();
          for (const batch of batches) {
            const operations = batch.map((one) => withSharedLists(one, lists));
            const listing = await withoutEmpty(theirs);
            const expected = await Promise.all(
              operations.map(async (one) =>
                // As it is now: its store changes the items that it has given.
                structuredClone(
                  (
                    (await ('matchConditions' in one ? listing : theirs).batch(
                      'value' in one ? [] : [one],
                    )) as unknown[]
                  )[0],
                ),
              ),
            );
            await theirs.batch(operations.filter((one) => 'value' in one));
            const answered: unknown[] = await ours.batch(operations);
            for (const [place, one] of operations.entries()) {
              const [answer, right] = [answered[place], expected[place] ?? null];
              const what = JSON.stringify(one);
              if ('namespacePrefix' in one) expect(named(answer as never), what).toEqual(named(right as never));
              else if ('matchConditions' in one) expect(answer, what).toEqual(right);
              else
                expect(named(answer === null ? [] : [answer as never]), what).toEqual(
                  named(right === null ? [] : [right as never]),
                );
            }
          }
          const all = async (store: BaseStore): Promise<string[]> => named(await store.search([], { limit: 1_000 }));
          expect(await all(ours)).toEqual(await all(theirs));
        },
      ),
      { numRuns: Number(process.env['ADAPTER_HISTORIES'] ?? 12) },
    );
  });
});
