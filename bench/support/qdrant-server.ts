import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

/** Collections of one measurement in the Qdrant server that `QDRANT_URL` names, with `QDRANT_API_KEY` where it asks for one. */
export interface QdrantCollections {
  /** Of a server of ours, as environment overrides. */
  readonly settings: Readonly<Record<string, string>>;
  /** Resolves when Qdrant has built its indexes of what is stored. */
  readonly indexed: () => Promise<void>;
  /** Once no server uses them any more. */
  readonly drop: () => Promise<void>;
}

const POLL_MS = 250;
const COLLECTIONS = ['immediate', 'short_term', 'long_term', 'meta'];

/** Under names that no other measurement has. Throws where `QDRANT_URL` is not set. */
export function newCollections(): QdrantCollections {
  const { QDRANT_URL: url, QDRANT_API_KEY: apiKey } = process.env;
  if (url === undefined || url === '')
    throw new Error('QDRANT_URL is not set: it names the Qdrant server to measure, as http://127.0.0.1:6333');
  const prefix = `bench_${randomUUID()}`;
  const ask = (method: string, collection: string): Promise<Response> =>
    fetch(new URL(`/collections/${prefix}_${collection}`, url), {
      method,
      headers: apiKey === undefined ? {} : { 'api-key': apiKey },
    });
  return {
    settings: {
      VECTOR_DB__DRIVER: 'qdrant',
      VECTOR_DB__URL: url,
      VECTOR_DB__COLLECTION_PREFIX: prefix,
      ...(apiKey === undefined ? {} : { VECTOR_DB__API_KEY: apiKey }),
    },
    async indexed() {
      for (const collection of COLLECTIONS) {
        for (let status = ''; status !== 'green'; await sleep(POLL_MS)) {
          const { result } = (await (await ask('GET', collection)).json()) as { result: { status: string } };
          status = result.status;
        }
      }
    },
    async drop() {
      for (const collection of COLLECTIONS) await (await ask('DELETE', collection)).body?.cancel();
    },
  };
}
