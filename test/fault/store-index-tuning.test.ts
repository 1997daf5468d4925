import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { EmbeddedStoreOptions } from '../../src/store/embedded/open-embedded-store.ts';
import type { ContextStore } from '../../src/store/store.ts';
import { put, sample, vectorOf } from '../contract/store-samples.ts';
import { eventually, openAt, temporaryFolder } from './store-setup.ts';

const DIMENSION = 64;
/** In more dimensions all are about equally far from one another. */
const HARD_DIMENSION = 128;
const COUNT = { easy: 1_500, hard: 6_000 };
const OPTIONS: Partial<EmbeddedStoreOptions> = { dimension: DIMENSION, indexingThreshold: 500 };

/** Vectors even over all directions are the hardest to find; those around a few middles are easy. */
type Vectors = 'hard' | 'easy';
/** Nearly all of what is nearest is wanted. */
const HARD: Partial<EmbeddedStoreOptions> = { dimension: HARD_DIMENSION, hnsw: { recall: 0.999 } };

function contexts(kind: Vectors, count = COUNT[kind]): ReturnType<typeof put>[] {
  return Array.from({ length: count }, (_, i) => {
    if (kind === 'hard') return put(sample(`hard-${i}`, HARD_DIMENSION));
    const away = vectorOf(`${kind}-${i}`, DIMENSION);
    const middle = vectorOf(`middle-${i % 20}`, DIMENSION);
    const vector = unit(middle.map((value, at) => value + 0.3 * (away[at] as number)));
    return put({ ...sample(`${kind}-${i}`, DIMENSION), vector });
  });
}

function unit(vector: Float32Array): Float32Array {
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

/** What the index is built and searched with, once nothing is built any more. */
async function tuning(store: ContextStore, kind: Vectors = 'easy'): Promise<Record<string, unknown>> {
  const driver = await eventually(async () => {
    const figures = (await store.stats()).driver;
    return figures['index_building'] === false && figures['indexed_vectors'] === COUNT[kind] ? figures : undefined;
  });
  const { index_m: m, index_ef_construction: construction, index_ef_search: search, index_recall: recall } = driver;
  return { m, construction, search, recall };
}

async function storedIn(folder: string, kind: Vectors, options = OPTIONS): Promise<Record<string, unknown>> {
  const store = await openAt(folder, options);
  await store.write(contexts(kind));
  const tuned = await tuning(store, kind);
  await store.close();
  return tuned;
}

async function describedIn(folder: string): Promise<{ path: string; description: { parameters: object } }> {
  const name = (await readdir(join(folder, 'indexes'))).find((file) => file.endsWith('.json')) as string;
  const path = join(folder, 'indexes', name);
  return { path, description: JSON.parse(await readFile(path, 'utf8')) as { parameters: object } };
}

describe('an index without numbers in the settings', () => {
  it('keeps few links where its vectors are easy to find, and more where they are not', async () => {
    const easy = await storedIn(await temporaryFolder(), 'easy');
    expect(easy).toMatchObject({ m: 16, construction: 64 });
    expect(easy['recall']).toBeGreaterThanOrEqual(0.97);
    const hard = await openAt(await temporaryFolder(), { ...HARD, indexingThreshold: 500 });
    await hard.write(contexts('hard'));
    // The first index serves until the second one is there.
    await eventually(async () => {
      const { index_m: m, index_recall: recall } = (await hard.stats()).driver;
      return Number(m) > 16 && Number(recall) >= 0.999 ? true : undefined;
    });
  });

  it('is searched after a restart as it was measured before, or for another share', async () => {
    const folder = await temporaryFolder();
    await storedIn(folder, 'easy');
    const { path, description } = await describedIn(folder);
    const recalls = [
      [32, 0.98],
      [64, 0.9995],
    ];
    await writeFile(path, JSON.stringify({ ...description, measured: { recalls, count: COUNT.easy } }));
    const files = await readdir(join(folder, 'indexes'));
    for (const [recall, search] of [
      [0.97, 32],
      [0.999, 64],
    ] as const) {
      const store = await openAt(folder, { ...OPTIONS, hnsw: { recall } });
      expect(await tuning(store)).toMatchObject({ m: 16, search });
      await store.close();
    }
    expect(await readdir(join(folder, 'indexes'))).toEqual(files);
  });

  it('is built again where its measurements are damaged', async () => {
    const folder = await temporaryFolder();
    await storedIn(folder, 'easy');
    const { path, description } = await describedIn(folder);
    const damages = [
      ...[undefined, 'x', { recalls: [[1]], count: 5 }, { recalls: [], count: 0.5 }].map((measured) => ({ measured })),
      { parameters: { ...description.parameters, m: -1 } },
    ];
    for (const damage of damages) {
      await writeFile(path, JSON.stringify({ ...description, ...damage }));
      const store = await openAt(folder, OPTIONS);
      expect(await tuning(store)).toMatchObject({ m: 16, construction: 64 });
      await store.close();
    }
  });
});

describe('a level of some thousand vectors', () => {
  const MEASURED: Partial<EmbeddedStoreOptions> = { dimension: DIMENSION };

  it('has an index where that answers sooner than reading all', async () => {
    const store = await openAt(await temporaryFolder(), MEASURED);
    // So many that whatever the measurement says, within its noise, an index is worth it.
    await store.write(contexts('easy', 8_000));
    await eventually(async () => ((await store.stats()).driver['indexed_vectors'] === 8_000 ? true : undefined));
  });

  it('has none where it does not, which is not tried again before the level has grown', async () => {
    const folder = await temporaryFolder();
    const store = await openAt(folder, HARD);
    await store.write(contexts('hard', 4_100));
    const notes = await eventually(async () => {
      const files = await readdir(join(folder, 'indexes'));
      return files.length === 1 && files[0]?.endsWith('.exact') === true ? files : undefined;
    });
    expect((await store.stats()).driver).toMatchObject({ indexed_vectors: 0, index_building: false });
    await store.close();
    const again = await openAt(folder, HARD);
    expect((await again.stats()).driver).toMatchObject({ indexed_vectors: 0, index_building: false });
    expect(await readdir(join(folder, 'indexes'))).toEqual(notes);
    await again.close();
    // Of another model nothing is known, nor from a note that is damaged.
    const path = join(folder, 'indexes', notes[0] as string);
    for (const note of [(await readFile(path, 'utf8')).replace('model-a', 'model-b'), '{"until":', '5']) {
      await writeFile(path, note);
      const trying = await openAt(folder, HARD);
      expect((await trying.stats()).driver['index_building']).toBe(true);
      await trying.close();
    }
  });
});

describe('an index with numbers in the settings', () => {
  it('has these, also where it was built with others', async () => {
    const folder = await temporaryFolder();
    await storedIn(folder, 'easy');
    const given = { m: 8, efConstruction: 20, efSearch: 40 };
    const tuned = await tuning(await openAt(folder, { ...OPTIONS, hnsw: given }));
    expect(tuned).toMatchObject({ m: 8, construction: 20, search: 40 });
  });
});
