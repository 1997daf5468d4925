import { randomUUID } from 'node:crypto';

/** Collections of one measurement in the Qdrant server that `QDRANT_URL` names, with `QDRANT_API_KEY` where it asks for one. */
export interface QdrantCollections {
  /** Of a server of ours, as environment overrides. */
  readonly settings: Readonly<Record<string, string>>;
  /** Once no server uses them any more. */
  readonly drop: () => Promise<void>;
}

const COLLECTIONS = ['immediate', 'short_term', 'long_term', 'meta'];

/** Under names that no other measurement has. Throws where `QDRANT_URL` is not set. */
export function newCollections(): QdrantCollections {
  const { QDRANT_URL: url, QDRANT_API_KEY: apiKey } = process.env;
  if (url === undefined || url === '')
    throw new Error('QDRANT_URL is not set: it names the Qdrant server to measure, as http://127.0.0.1:6333');
  const prefix = `bench_${randomUUID()}`;
  return {
    settings: {
      VECTOR_DB__DRIVER: 'qdrant',
      VECTOR_DB__URL: url,
      VECTOR_DB__COLLECTION_PREFIX: prefix,
      ...(apiKey === undefined ? {} : { VECTOR_DB__API_KEY: apiKey }),
    },
    async drop() {
      for (const collection of COLLECTIONS) {
        const response = await fetch(new URL(`/collections/${prefix}_${collection}`, url), {
          method: 'DELETE',
          headers: apiKey === undefined ? {} : { 'api-key': apiKey },
        });
        await response.body?.cancel();
      }
    },
  };
}
