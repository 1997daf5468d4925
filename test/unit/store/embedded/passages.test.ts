import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { EmbeddedStoreOptions } from '../../../../src/store/embedded/open-embedded-store.ts';
import type { ContextStore, NewContext } from '../../../../src/store/store.ts';
import {
  dot,
  FOR_GOOD,
  idOf,
  put,
  sample,
  searchIn,
  searchOf,
  vectorBetween,
  vectorOf,
} from '../../../contract/store-samples.ts';
import { DIMENSION, indexed, openAt, temporaryFolder } from '../../../fault/store-setup.ts';

const THRESHOLD = 40;
const vector = (name: string) => vectorOf(name, DIMENSION);
const near = (name: string) => vectorBetween(name, `beside ${name}`, 0.15, DIMENSION);
const passage = (name: string, number: number) => `${name}, part ${number}`;

function article(name: string, passages: number): NewContext {
  return {
    ...sample(name, DIMENSION),
    passages: Array.from({ length: passages }, (_, i) => vector(passage(name, i + 1))),
  };
}

/** The nearest context of all to a vector near `part`, with its score. */
async function expectFound(
  store: ContextStore,
  name: string,
  part: string,
  levels = ['immediate'] as const,
): Promise<void> {
  const { candidates } = await searchIn(store, searchOf({ vector: near(part), candidates: 3, levels }));
  const [best] = candidates.toSorted((a, b) => (b.dense ?? -2) - (a.dense ?? -2));
  expect([best?.id, best?.dense?.toFixed(4)]).toEqual([idOf(name), dot(near(part), vector(part)).toFixed(4)]);
}

const WAYS: Readonly<Record<string, Partial<EmbeddedStoreOptions>>> = {
  'shortened vectors': { indexingThreshold: THRESHOLD },
  'full vectors': { indexingThreshold: THRESHOLD, quantization: 'f32' },
};

describe.each(Object.entries(WAYS))('passages in a graph of %s', (_, options) => {
  const names = Array.from({ length: 60 }, (_unused, i) => `article-${i}`);
  const filled = async (folder: string): Promise<ContextStore> => {
    const store = await openAt(folder, options);
    await store.write(names.map((name, i) => put(article(name, i % 5))));
    await indexed(store, names.length);
    return store;
  };
  const expectAll = async (store: ContextStore, present: readonly string[] = names): Promise<void> => {
    for (const name of present) {
      await expectFound(store, name, name);
      const last = names.indexOf(name) % 5;
      if (last > 0) await expectFound(store, name, passage(name, last));
    }
  };

  it('are found, also after a restart', async () => {
    const folder = await temporaryFolder();
    const store = await filled(folder);
    await expectAll(store);
    await store.close();
    const again = await openAt(folder, options);
    expect((await again.stats()).driver['indexed_vectors']).toBe(names.length);
    await expectAll(again);
  });

  it('stand beside those that no graph has yet', async () => {
    const store = await filled(await temporaryFolder());
    await store.write([put(article('late', 1))]);
    await expectAll(store);
    await expectFound(store, 'late', passage('late', 1));
    expect((await store.stats()).driver['indexed_vectors']).toBe(names.length);
  });

  it('go with their context, and move with it', async () => {
    const store = await filled(await temporaryFolder());
    const [deleted, moved] = ['article-4', 'article-9'];
    await store.write([
      { op: 'delete', namespace: 'space', ids: [idOf(deleted)] },
      { op: 'update', namespace: 'space', id: idOf(moved), patch: { move: { to: 'long_term', lifetime: FOR_GOOD } } },
    ]);
    await expectAll(
      store,
      names.filter((name) => name !== deleted && name !== moved),
    );
    const { candidates } = await searchIn(store, searchOf({ vector: near(passage(deleted, 4)), candidates: 5 }));
    expect(candidates.map(({ id }) => id)).not.toContain(idOf(deleted));
    const below = searchOf({ vector: near(passage(moved, 4)), candidates: 1, levels: ['long_term'] });
    expect((await searchIn(store, below)).candidates.map(({ id }) => id)).toEqual([idOf(moved)]);
  });

  it('are added to a graph that was made for one vector of each context', async () => {
    const store = await openAt(await temporaryFolder(), options);
    const short = Array.from({ length: 50 }, (_unused, i) => `short-${i}`);
    await store.write(short.map((name) => put(sample(name, DIMENSION))));
    await indexed(store, short.length);
    await store.write(names.map((name, i) => put(article(name, i % 5))));
    await indexed(store, short.length + names.length);
    await expectAll(store);
    for (const name of short) await expectFound(store, name, name);
  });

  it('of few contexts make a graph where they are many, once they are searched, and it is not built again and again', async () => {
    const folder = await temporaryFolder();
    const store = await openAt(folder, options);
    const few = Array.from({ length: 8 }, (_unused, i) => `book-${i}`);
    await store.write(few.map((name) => put(article(name, 10))));
    await expectFound(store, 'book-3', passage('book-3', 10));
    await store.write([put(sample('another', DIMENSION))]);
    await indexed(store, few.length + 1);
    const files = await readdir(join(folder, 'indexes'));
    for (const name of few) await expectFound(store, name, passage(name, 10));
    await store.write([put(sample('one more', DIMENSION))]);
    await expectFound(store, 'one more', 'one more');
    expect(await readdir(join(folder, 'indexes'))).toEqual(files);
  });
});
