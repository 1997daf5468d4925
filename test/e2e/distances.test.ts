// `vector_db.distance` names how vectors are compared; what is similar to what it must not change.

import { afterAll, describe, expect, it } from 'vitest';
import { type QdrantDouble, startQdrantDouble } from '../support/qdrant-double/start-qdrant-double.ts';
import { type Variables, World } from './support/processes.ts';

const world = new World();
let qdrant: QdrantDouble | undefined;
afterAll(async () => {
  await world.cleanUp();
  await qdrant?.close();
});

const TEXTS = ['the ferry leaves at noon', 'ferries carry cars, too', 'we had soup for lunch', 'the soup was cold'];

async function scores(variables: Variables): Promise<{ text: string; similarity: number }[]> {
  const server = await world.serve(world.folder(), { VECTOR_DB__VECTOR_SIZE: '64', ...variables });
  const client = await server.connect();
  await client.storeBatch({ contexts: TEXTS.map((text) => ({ text, level: 'long_term' as const })) });
  const { contexts } = await client.query({ query: 'when does the ferry leave?', levels: ['long_term'] });
  await client.close();
  await server.end('SIGTERM');
  return contexts.map(({ text, scores }) => ({ text, similarity: Number(scores.similarity.toFixed(4)) }));
}

describe('every distance', () => {
  it('finds the same in every store, equally similar', async () => {
    qdrant = await startQdrantDouble();
    const expected = await scores({});
    expect(expected.map(({ text }) => text)[0]).toBe(TEXTS[0]);
    for (const distance of ['Dot', 'Euclid']) {
      for (const driver of ['embedded', 'qdrant']) {
        const variables = {
          VECTOR_DB__DRIVER: driver,
          VECTOR_DB__DISTANCE: distance,
          ...(driver === 'qdrant' ? { VECTOR_DB__URL: qdrant.url, VECTOR_DB__COLLECTION_PREFIX: distance } : {}),
        };
        expect(await scores(variables), `${driver}, ${distance}`).toEqual(expected);
      }
    }
  });
});
