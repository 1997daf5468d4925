import { chmod, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { EmbeddedStoreOptions } from '../../src/store/embedded/open-embedded-store.ts';
import type { ContextStore } from '../../src/store/store.ts';
import { dot, idOf, put, sample, searchIn, searchOf, vectorOf } from '../contract/store-samples.ts';
import { DIMENSION, eventually, indexed, openAt, recordingLog, temporaryFolder } from './store-setup.ts';

const COUNT = 60;
const SMALL: Partial<EmbeddedStoreOptions> = { indexingThreshold: 40 };
const DAMAGED = 'a saved vector index is damaged and is built again';
const names = Array.from({ length: COUNT }, (_, i) => `v-${i}`);

/** A closed folder with one indexed level, and its index files. */
async function indexedFolder(options = SMALL): Promise<{ folder: string; files: string[] }> {
  const folder = await temporaryFolder();
  const store = await openAt(folder, options);
  await store.write(names.map((name) => put(sample(name, DIMENSION))));
  await indexed(store, COUNT);
  await store.close();
  return { folder, files: await indexFiles(folder) };
}

async function indexFiles(folder: string): Promise<string[]> {
  return (await readdir(join(folder, 'indexes'))).sort();
}

/** The five nearest of those that should be there. */
async function expectNearest(store: ContextStore, present: readonly string[] = names): Promise<void> {
  const vector = vectorOf('query', DIMENSION);
  const nearest = [...present]
    .sort((a, b) => dot(vector, vectorOf(b, DIMENSION)) - dot(vector, vectorOf(a, DIMENSION)))
    .slice(0, 5);
  const { candidates } = await searchIn(store, searchOf({ vector, candidates: 5 }));
  expect([...candidates].sort((a, b) => (b.dense ?? 0) - (a.dense ?? 0)).map(({ id }) => id)).toEqual(
    nearest.map(idOf),
  );
}

describe('a saved vector index', () => {
  it('is used at once after a restart', async () => {
    const { folder, files } = await indexedFolder();
    expect(files).toHaveLength(4);
    const store = await openAt(folder, SMALL);
    expect((await store.stats()).driver['indexed_vectors']).toBe(COUNT);
    await expectNearest(store);
    expect(await indexFiles(folder)).toEqual(files);
  });

  it.skipIf(process.platform === 'win32')('is closed to others, also one that was not', async () => {
    const { folder, files } = await indexedFolder();
    const modes = async (): Promise<number[]> =>
      Promise.all(files.map(async (file) => (await stat(join(folder, 'indexes', file))).mode & 0o777));
    expect(await modes()).toEqual(files.map(() => 0o600));
    for (const file of files) await chmod(join(folder, 'indexes', file), 0o644);
    const store = await openAt(folder, SMALL);
    expect(await modes()).toEqual(files.map(() => 0o600));
    await expectNearest(store);
  });

  it.each(['.json', '.usearch', '.entries', '.vectors'])('without its %s is built again', async (extension) => {
    const { folder, files } = await indexedFolder();
    for (const file of files) if (file.endsWith(extension)) await rm(join(folder, 'indexes', file));
    const store = await openAt(folder, SMALL);
    await expectNearest(store);
    await indexed(store, COUNT);
    await expectNearest(store);
  });

  it('that vanishes while the server runs changes no answer', async () => {
    const { folder } = await indexedFolder();
    const store = await openAt(folder, SMALL);
    await rm(join(folder, 'indexes'), { recursive: true });
    await expectNearest(store);
  });

  it('that is being built when the store closes leaves nothing, and is built by the next', async () => {
    const folder = await temporaryFolder();
    const slow: Partial<EmbeddedStoreOptions> = { ...SMALL, hnsw: { efConstruction: 4_000 } };
    const store = await openAt(folder, slow);
    const many = Array.from({ length: 3_000 }, (_, i) => put(sample(`many-${i}`, DIMENSION)));
    await store.write([...names.map((name) => put(sample(name, DIMENSION))), ...many]);
    await eventually(async () => ((await store.stats()).driver['index_building'] === true ? true : undefined));
    await store.close();
    expect(await indexFiles(folder)).toEqual([]);
    const again = await openAt(folder, SMALL);
    await indexed(again, COUNT + many.length);
  });

  it('that is cut off is built again', async () => {
    const { folder, files } = await indexedFolder();
    for (const file of files) await truncate(join(folder, 'indexes', file), 100);
    const store = await openAt(folder, SMALL);
    await expectNearest(store);
    await indexed(store, COUNT);
  });

  it.each(['.usearch', '.vectors'])(
    'with one bit of its %s turned, wherever it is, is built again',
    async (extension) => {
      const { folder, files } = await indexedFolder();
      const path = join(folder, 'indexes', files.find((file) => file.endsWith(extension)) as string);
      for (const share of [0.001, 0.5, 0.999]) {
        const messages: string[] = [];
        // The one that was built last: built on several processors none is as long as the one before.
        const bytes = await readFile(path);
        const at = Math.floor(bytes.length * share);
        bytes[at] = (bytes[at] as number) ^ 0x10;
        await writeFile(path, bytes);
        const store = await openAt(folder, { ...SMALL, log: recordingLog(messages) });
        await expectNearest(store);
        expect(messages).toContain(DAMAGED);
        await indexed(store, COUNT);
        await store.close();
      }
    },
  );

  it('from before later changes is completed from the rows', async () => {
    const { folder } = await indexedFolder();
    const store = await openAt(folder, { indexingThreshold: 4000 });
    await store.write([
      put(sample('late', DIMENSION)),
      { op: 'delete', namespace: 'space', ids: names.slice(0, 5).map(idOf) },
    ]);
    await store.close();
    const again = await openAt(folder, SMALL);
    await expectNearest(again, [...names.slice(5), 'late']);
  });

  it('made with other settings is built again, and leftovers are removed', async () => {
    const { folder, files } = await indexedFolder({
      ...SMALL,
      hnsw: { m: 16, efConstruction: 128 },
      quantization: 'f32',
    });
    expect(files).toHaveLength(3);
    await writeFile(join(folder, 'indexes', '9-1-0-5.usearch.tmp'), 'half');
    await writeFile(join(folder, 'indexes', 'notes.txt'), '');
    const store = await openAt(folder, SMALL);
    await expectNearest(store);
    await indexed(store, COUNT);
    await expectNearest(store);
    const [graph = ''] = files.filter((name) => name.endsWith('.usearch'));
    expect(await indexFiles(folder)).toEqual([...files, graph.replace('.usearch', '.vectors')]);
  });

  it('of contexts that all died while it was built changes no answer, now or after a restart', async () => {
    const { folder } = await indexedFolder();
    const store = await openAt(folder, SMALL);
    await expectNearest(store);
    const brief = Array.from({ length: 10 }, (_, i) => `brief-${i}`);
    await store.write(brief.map((name) => put(sample(name, DIMENSION))));
    // The build has been asked for, and its thread needs longer than this to look.
    await store.write([{ op: 'delete', namespace: 'space', ids: brief.map(idOf) }]);
    await indexed(store, COUNT);
    await expectNearest(store);
    await store.close();
    await expectNearest(await openAt(folder, SMALL));
  });

  it('follows a level that grows, changes and shrinks', async () => {
    const { folder } = await indexedFolder();
    const store = await openAt(folder, SMALL);
    const present = [...names];
    for (let round = 0; round < 6; round++) {
      const added = Array.from({ length: 15 }, (_, i) => `r-${round}-${i}`);
      await store.write(added.map((name) => put(sample(name, DIMENSION))));
      present.push(...added);
      const gone = present.splice(0, 4);
      await store.write([{ op: 'delete', namespace: 'space', ids: gone.map(idOf) }]);
      await expectNearest(store, present);
      await indexed(store, present.length);
      await expectNearest(store, present);
    }
    await store.write([{ op: 'delete', namespace: 'space', ids: present.splice(0, present.length - 10).map(idOf) }]);
    await expectNearest(store, present);
    await indexed(store, 0);
    await expectNearest(store, present);
    expect(await indexFiles(folder)).toEqual([]);
  });
});
