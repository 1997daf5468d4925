import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { noMetrics } from '../../../../src/base/metrics.ts';
import { BLOCK_ROWS } from '../../../../src/store/embedded/columns/column-kernel.generated.ts';
import { type EmbeddedStoreOptions, openEmbeddedStore } from '../../../../src/store/embedded/open-embedded-store.ts';
import type { ContextStore, SearchRequest } from '../../../../src/store/store.ts';
import {
  dot,
  idOf,
  normalize,
  put,
  sample,
  searchIn,
  searchOf,
  termsOf,
  vectorOf,
} from '../../../contract/store-samples.ts';

const DIMENSION = 256;
const COUNT = 3_000;
const WANTED = 20;
const COLUMNS = { levelCountMin: BLOCK_ROWS };

/** Zero in five numbers of six, as the vectors of the local embedder are. */
function sparse(name: string): Float32Array {
  const dense = vectorOf(name, DIMENSION);
  const shift = name.length + name.charCodeAt(name.length - 1);
  return normalize(dense.map((value, i) => ((i * 7 + shift) % 6 === 0 ? value : 0)));
}

/** A third are the same but for their seventh digit, others but for their second, and some point one way alone. */
function vectorAt(i: number): Float32Array {
  const own = sparse(`v-${i}`);
  if (i % 3 === 1) return beside('alike', own, 1e-4);
  if (i % 18 === 2) return beside('related', own, 0.1);
  return i % 50 === 0 ? Float32Array.from({ length: DIMENSION }, (_, place) => (place === i % DIMENSION ? 1 : 0)) : own;
}

function beside(name: string, vector: Float32Array, share: number): Float32Array {
  return normalize(sparse(name).map((value, place) => value + (vector[place] as number) * share));
}

const vectors = Array.from({ length: COUNT }, (_, i) => vectorAt(i));
const deleted = new Set<number>();

describe('a level that is compared column by column', () => {
  let dataDir: string;
  let store: ContextStore;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'store-columns-'));
    store = await openEmbeddedStore({
      dataDir,
      dimension: DIMENSION,
      embeddingId: 'sparse',
      indexingThreshold: 2_500,
      hnsw: { efConstruction: 16, efSearch: 16 },
      columns: COLUMNS,
      clock: systemClock,
      log: silentLog,
      metrics: noMetrics,
    });
    await write(0, 2_400);
  });
  afterAll(async () => {
    await store.close();
    await rm(dataDir, { recursive: true });
  });

  async function write(from: number, to: number): Promise<void> {
    await store.write(
      Array.from({ length: to - from }, (_, place) => {
        const i = from + place;
        return put({
          ...sample(`c-${i}`, DIMENSION, { sessionId: `s-${i % 4}`, metadata: { group: i % 7 } }),
          vector: vectors[i] as Float32Array,
        });
      }),
    );
  }

  /** Scores of the best, and those that there should be. */
  async function compare(
    name: string,
    among: (i: number) => boolean,
    fields: Partial<SearchRequest> = {},
  ): Promise<void> {
    const vector = sparse(name);
    const count = (await store.stats('space')).counts.immediate + deleted.size;
    const { candidates } = await searchIn(store, searchOf({ vector, candidates: WANTED, ...fields }));
    const expected = vectors
      .slice(0, count)
      .flatMap((other, i) => (among(i) && !deleted.has(i) ? [dot(vector, other)] : []))
      .sort((a, b) => b - a);
    const found = candidates.map(({ dense }) => dense as number).sort((a, b) => b - a);
    expect(found).toEqual(expected.slice(0, WANTED).map((score) => expect.closeTo(score, 5) as number));
  }

  async function compareAll(): Promise<void> {
    for (const name of ['alike', 'related', 'v-3', 'v-150', 'something else', 'x']) {
      await compare(name, () => true);
      await compare(name, (i) => i % 4 === 1, { agentId: 'agent', sessionId: 's-1' });
      await compare(name, (i) => i % 7 !== 3, {
        filter: { must_not: [{ key: 'metadata.group', match: { value: 3 } }] },
      });
    }
  }

  async function memoryBytes(): Promise<number> {
    return (await store.stats('space')).driver['memory_bytes'] as number;
  }

  it('is answered right from the first search on, while the columns fill', async () => {
    await compare('first', () => true);
    const before = await memoryBytes();
    await compareAll();
    // The first search has filled a part; another byte for each number of the others.
    expect((await memoryBytes()) - before).toBeGreaterThan(BLOCK_ROWS * DIMENSION);
    expect((await memoryBytes()) - before).toBeLessThan(2 * BLOCK_ROWS * DIMENSION);
  });

  it('follows what is stored and deleted', async () => {
    await write(2_400, 2_500);
    for (let i = 0; i < 2_500; i += 9) deleted.add(i);
    await store.write([{ op: 'delete', namespace: 'space', ids: [...deleted].map((i) => idOf(`c-${i}`)) }]);
    await compareAll();
  });

  it('gives about the scores of mere neighbours', async () => {
    const vector = beside('v-3', sparse('v-78'), 0.8);
    const { candidates } = await searchIn(
      store,
      searchOf({ vector, terms: termsOf('c-74'), candidates: 1, neighbours: 3, denseNeighbours: false }),
    );
    const place = new Map(vectors.map((_, i) => [idOf(`c-${i}`), i]));
    const neighbours = candidates
      .filter(({ direct }) => !direct)
      .map(({ id, dense }) => ({ i: place.get(id) as number, dense }));
    expect(neighbours.map(({ i }) => i)).toContain(78);
    for (const { i, dense } of neighbours)
      expect(Math.abs((dense as number) - dot(vector, vectors[i] as Float32Array))).toBeLessThan(0.01);
    expect(dot(vector, vectors[78] as Float32Array)).toBeGreaterThan(0.5);
  });

  it('misses nothing once there is a graph, which would', async () => {
    await write(2_500, COUNT);
    while (
      (await store.stats()).driver['indexed_vectors'] === 0 ||
      (await store.stats()).driver['index_building'] === true
    ) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await compareAll();
  });

  it('needs the memory no more when it has become small', async () => {
    const before = await memoryBytes();
    const gone = Array.from({ length: 1_500 }, (_, i) => COUNT - 1 - i).filter((i) => !deleted.has(i));
    await store.write([{ op: 'delete', namespace: 'space', ids: gone.map((i) => idOf(`c-${i}`)) }]);
    await store.search(searchOf({ vector: sparse('v-2'), candidates: WANTED }));
    expect(before - (await memoryBytes())).toBeGreaterThan(2 * BLOCK_ROWS * DIMENSION);
  });
});

describe('where memory is short, columns', () => {
  const SPACES = ['a', 'b', 'c', 'd'];
  const EACH = 2_200;
  const COLUMN_BYTES = Math.ceil(EACH / BLOCK_ROWS) * BLOCK_ROWS * DIMENSION;

  async function withStore<T>(
    dataDir: string,
    options: Partial<EmbeddedStoreOptions>,
    use: (store: ContextStore) => Promise<T>,
  ): Promise<T> {
    const store = await openEmbeddedStore({
      dataDir,
      dimension: DIMENSION,
      embeddingId: 'sparse',
      clock: systemClock,
      log: silentLog,
      metrics: noMetrics,
      columns: COLUMNS,
      ...options,
    });
    try {
      return await use(store);
    } finally {
      await store.close();
    }
  }

  /** Asks every namespace in turn until nothing fills any more, and gives what is in memory after each search from then on. */
  async function askInTurn(store: ContextStore): Promise<{ bytes: number; resident: number }[]> {
    const seen = [];
    for (let round = 0; round < 7; round++) {
      for (const namespace of SPACES) {
        await store.search(searchOf({ namespace, vector: sparse(`q-${round}`), candidates: 5 }));
        const { driver } = await store.stats();
        if (round >= 4)
          seen.push({ bytes: driver['memory_bytes'] as number, resident: driver['resident_namespaces'] as number });
      }
    }
    return seen;
  }

  it('are done without before an index is dropped, and take no room that others need', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'store-columns-'));
    onTestFinished(() => rm(dataDir, { recursive: true }));
    await withStore(dataDir, {}, async (store) => {
      for (const namespace of SPACES) {
        await store.write(
          vectors
            .slice(0, EACH)
            .map((vector, i) => put({ ...sample(`${namespace}-${i}`, DIMENSION, { namespace }), vector })),
        );
      }
    });
    const without = (await withStore(dataDir, { columns: { levelCountMin: 1e9 } }, askInTurn)).at(-1)?.bytes as number;
    const free = await withStore(dataDir, {}, askInTurn);
    expect((free.at(-1)?.bytes as number) - without).toBeGreaterThan(SPACES.length * COLUMN_BYTES);

    const memoryBytesMax = without + 1.5 * COLUMN_BYTES;
    const tight = await withStore(dataDir, { memoryBytesMax }, askInTurn);
    const bytes = tight[0]?.bytes as number;
    expect(bytes).toBeGreaterThan(without + COLUMN_BYTES);
    expect(bytes).toBeLessThanOrEqual(memoryBytesMax);
    // What is kept is kept: nobody's is taken for the next one's.
    expect(tight).toEqual(tight.map(() => ({ bytes, resident: SPACES.length })));
  });
});
