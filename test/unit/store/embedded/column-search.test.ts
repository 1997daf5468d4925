import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import { silentLog } from '../../../../src/base/log.ts';
import { noMetrics } from '../../../../src/base/metrics.ts';
import { BLOCK_ROWS } from '../../../../src/store/embedded/columns/column-kernel.generated.ts';
import { openEmbeddedStore } from '../../../../src/store/embedded/open-embedded-store.ts';
import type { ContextStore, SearchRequest } from '../../../../src/store/store.ts';
import { dot, idOf, normalize, put, sample, searchIn, searchOf, vectorOf } from '../../../contract/store-samples.ts';

const DIMENSION = 256;
const COUNT = 6_000;
const WANTED = 20;

/** Zero in five numbers of six, as the vectors of the local embedder are. */
function sparse(name: string): Float32Array {
  const dense = vectorOf(name, DIMENSION);
  const shift = name.length + name.charCodeAt(name.length - 1);
  return normalize(dense.map((value, i) => ((i * 7 + shift) % 6 === 0 ? value : 0)));
}

/** A third are nearly the same, and some point one way alone. */
function vectorAt(i: number): Float32Array {
  const own = sparse(`v-${i}`);
  if (i % 3 === 1) return normalize(sparse('alike').map((value, place) => value + (own[place] as number) * 1e-4));
  return i % 50 === 0 ? Float32Array.from({ length: DIMENSION }, (_, place) => (place === i % DIMENSION ? 1 : 0)) : own;
}

const vectors = Array.from({ length: COUNT }, (_, i) => vectorAt(i));
const deleted = new Set<number>();

describe('a level that is compared column by column', () => {
  let dataDir: string;
  let store: ContextStore;
  beforeAll(async () => {
    dataDir = await mkdtemp(join(tmpdir(), 'store-columns-'));
    store = await openEmbeddedStore({
      dataDir, dimension: DIMENSION, embeddingId: 'sparse', indexingThreshold: 5_000, hnsw: { efConstruction: 16, efSearch: 16 },
      clock: systemClock, log: silentLog, metrics: noMetrics,
    });
    await write(0, 4_800);
  });
  afterAll(async () => {
    await store.close();
    await rm(dataDir, { recursive: true });
  });

  async function write(from: number, to: number): Promise<void> {
    await store.write(Array.from({ length: to - from }, (_, place) => {
      const i = from + place;
      return put({ ...sample(`c-${i}`, DIMENSION, { sessionId: `s-${i % 4}`, metadata: { group: i % 7 } }), vector: vectors[i] as Float32Array });
    }));
  }

  /** Scores of the best, and those that there should be. */
  async function compare(name: string, among: (i: number) => boolean, fields: Partial<SearchRequest> = {}): Promise<void> {
    const vector = sparse(name);
    const count = (await store.stats('space')).counts.immediate + deleted.size;
    const { candidates } = await searchIn(store, searchOf({ vector, candidates: WANTED, ...fields }));
    const expected = vectors.slice(0, count).flatMap((other, i) => (among(i) && !deleted.has(i) ? [dot(vector, other)] : [])).sort((a, b) => b - a);
    const found = candidates.map(({ dense }) => dense as number).sort((a, b) => b - a);
    expect(found).toEqual(expected.slice(0, WANTED).map((score) => expect.closeTo(score, 5) as number));
  }

  async function compareAll(): Promise<void> {
    for (const name of ['alike', 'v-2', 'v-50', 'something else', 'x']) {
      await compare(name, () => true);
      await compare(name, (i) => i % 4 === 1, { agentId: 'agent', sessionId: 's-1' });
      await compare(name, (i) => i % 7 !== 3, { filter: { must_not: [{ key: 'metadata.group', match: { value: 3 } }] } });
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
    expect((await memoryBytes()) - before).toBeGreaterThan(2 * BLOCK_ROWS * DIMENSION);
    expect((await memoryBytes()) - before).toBeLessThan(3 * BLOCK_ROWS * DIMENSION);
  });

  it('follows what is stored and deleted', async () => {
    await write(4_800, 5_000);
    for (let i = 0; i < 5_000; i += 9) deleted.add(i);
    await store.write([{ op: 'delete', namespace: 'space', ids: [...deleted].map((i) => idOf(`c-${i}`)) }]);
    await compareAll();
  });

  it('misses nothing once there is a graph, which would', async () => {
    await write(5_000, COUNT);
    while ((await store.stats()).driver['indexed_vectors'] === 0 || (await store.stats()).driver['index_building'] === true) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    await compareAll();
  });
});
