import { expect, it } from 'vitest';
import type { EmbeddedStoreOptions } from '../../src/store/embedded/open-embedded-store.ts';
import type { ContextStore } from '../../src/store/store.ts';
import { dot, idOf, put, sample, searchIn, searchOf, vectorOf } from '../contract/store-samples.ts';
import { DIMENSION, indexed, openAt, temporaryFolder } from './store-setup.ts';

const WANTED = 8;
/** More than may wait in the middle of their work. */
const AT_ONCE = 24;
const BATCH = 2_000;

/** A store of so many contexts under an index that finds all; a search of it takes the longer the more there are. */
async function indexedStore(count: number): Promise<ContextStore> {
  const exact: Partial<EmbeddedStoreOptions> = {
    indexingThreshold: 100,
    hnsw: { m: 16, efConstruction: 64, efSearch: 2_000 },
  };
  const store = await openAt(await temporaryFolder(), exact);
  for (let first = 0; first < count; first += BATCH) {
    const names = Array.from({ length: Math.min(BATCH, count - first) }, (_, i) => nameOf(first + i));
    await store.write(names.map((name) => put(sample(name, DIMENSION))));
  }
  await indexed(store, count);
  return store;
}

function nameOf(i: number): string {
  return `v-${i}`;
}

const askedOf = (round: number): Float32Array[] =>
  Array.from({ length: AT_ONCE }, (_, i) => vectorOf(`question ${round} ${i}`, DIMENSION));

async function nearest(store: ContextStore, vector: Float32Array): Promise<string[]> {
  const { candidates } = await searchIn(store, searchOf({ vector, candidates: WANTED }));
  return [...candidates].sort((a, b) => (b.dense ?? 0) - (a.dense ?? 0)).map(({ id }) => id);
}

function trueNearest(vector: Float32Array, names: readonly string[]): string[] {
  const scored = names.map((name) => ({ name, score: dot(vector, vectorOf(name, DIMENSION)) }));
  scored.sort((a, b) => b.score - a.score);
  return scored.slice(0, WANTED).map(({ name }) => idOf(name));
}

it('questions that come together are answered as each of them alone, while contexts come and go', async () => {
  const store = await indexedStore(2_000);
  const alone = async (vectors: readonly Float32Array[]): Promise<string[][]> => {
    const answers: string[][] = [];
    for (const vector of vectors) answers.push(await nearest(store, vector));
    return answers;
  };
  for (let round = 0; round < 4; round++) {
    const vectors = askedOf(round);
    const before = await alone(vectors);
    const answered = Promise.all(vectors.map((vector) => nearest(store, vector)));
    const deleted = store.write([{ op: 'delete', namespace: 'space', ids: before.slice(0, 3).map(([id = '']) => id) }]);
    const answers = await answered;
    await deleted;
    const after = await alone(vectors);
    expect(after).not.toEqual(before);
    for (const [i, found] of answers.entries()) expect([before[i], after[i]]).toContainEqual(found);
    expect(await Promise.all(vectors.map((vector) => nearest(store, vector)))).toEqual(after);
  }
});

it('questions whose graph takes long are all answered, and others meanwhile', async () => {
  const count = 11_000;
  const store = await indexedStore(count);
  const names = Array.from({ length: count }, (_, i) => nameOf(i));
  const vectors = askedOf(0);
  const answered = Promise.all(vectors.map((vector) => nearest(store, vector)));
  const others = Promise.all([
    store.write([put(sample('new', DIMENSION))]),
    store.fetch('space', [idOf(nameOf(3))], Date.now()),
  ]);
  const [, [fetched]] = await others;
  expect(fetched?.id).toBe(idOf(nameOf(3)));
  const found = await answered;
  const sure = vectors.map((vector) => trueNearest(vector, [...names, 'new']));
  const right = found.map((ids, i) => ids.filter((id) => sure[i]?.includes(id)).length);
  // A graph may miss one now and then.
  expect(right.reduce((sum, count) => sum + count)).toBeGreaterThan(0.97 * AT_ONCE * WANTED);
});
