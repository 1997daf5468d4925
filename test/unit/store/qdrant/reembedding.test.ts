import { expect, it } from 'vitest';
import { badRequest } from '../../../../src/base/errors.ts';
import { openQdrantReembedding } from '../../../../src/store/qdrant/qdrant-reembedding.ts';
import type { EmbedTexts } from '../../../../src/store/reembedding.ts';
import { idOf, NOW_MS, put, sample } from '../../../contract/store-samples.ts';
import { startQdrantDouble } from '../../../support/qdrant-double/start-qdrant-double.ts';
import { DIMENSION, openOver, optionsOver } from './opened.ts';

const NEW_DIMENSION = 8;

function unit(place: number): Float32Array {
  return new Float32Array(NEW_DIMENSION).fill(1, place, place + 1);
}

/** Long texts have two vectors, and one is refused. */
const embed: EmbedTexts = (texts) =>
  Promise.resolve(
    texts.map(({ text }) => {
      if (text.includes('refused')) return badRequest('/text', 'is refused');
      return text.includes('long') ? { vector: unit(0), passages: [unit(1)] } : { vector: unit(2) };
    }),
  );

it('takes passages and refusals over into the collections of the new model', async () => {
  const qdrant = await startQdrantDouble();
  const old = await openOver(qdrant.url);
  await old.write(['short', 'long', 'refused'].map((name) => put(sample(name, DIMENSION))));
  await old.close();
  const embedding = { id: 'new', dimension: NEW_DIMENSION };
  const reembedding = await openQdrantReembedding({ ...optionsOver(qdrant.url), embedding });
  const { contexts, embedded, refused } = (await reembedding?.pass({ embed, batchTexts: 2 })) ?? {};
  await reembedding?.close();
  expect({ contexts, embedded }).toEqual({ contexts: 3, embedded: 2 });
  expect(refused).toMatchObject([{ namespace: 'space', id: idOf('refused') }]);

  const reader = await openOver(qdrant.url);
  await reader.touch([{ namespace: 'space', id: idOf('short'), count: 7 }]);
  await reader.close();
  const store = await openOver(qdrant.url, { embedding, embed });
  expect(await store.fetch('space', [idOf('short')], NOW_MS)).toMatchObject([{ accessCount: 7 }]);
  expect(await store.unembedded()).toEqual({ pending: 0, refused: 1 });
  const loaded = await store.load({ namespace: 'space', agentId: 'agent', sessionId: 'session' }, 'immediate', NOW_MS);
  const vectors = loaded.map(({ record, vector, passages }) => [record.id, vector, passages ?? []]);
  expect(vectors).toHaveLength(3);
  expect(vectors).toEqual(
    expect.arrayContaining([
      [idOf('short'), unit(2), []],
      [idOf('long'), unit(0), [unit(1)]],
      [idOf('refused'), new Float32Array(NEW_DIMENSION), []],
    ]),
  );
  await store.close();
  await qdrant.close();
});
