// What all servers over one set of collections must agree on, in a collection of its own: by what the vectors were made,
// and the key by which each goes on with a list of another.

import { StartupError } from '../../base/errors.ts';
import type { Random } from '../../base/random.ts';
import type { CollectionSettings } from './collections.ts';
import type { HttpClient } from './http-client.ts';

export interface Meta {
  readonly cursorKey: Uint8Array;
  /** Contexts with passages have been written. */
  readonly hasPassages: boolean;
}

interface MetaPayload {
  readonly embedding_id: string;
  readonly dimension: number;
  readonly cursor_key: string;
  readonly has_passages?: boolean;
}

const META_ID = 1;
const CURSOR_KEY_BYTES = 16;
const CONFLICT = 409;

/** Throws `StartupError` where the stored vectors are of another model. */
export async function agreeOnMeta(
  http: HttpClient,
  { prefix, replicationFactor, mustExist }: Pick<CollectionSettings, 'prefix' | 'replicationFactor' | 'mustExist'>,
  embedding: { readonly id: string; readonly dimension: number },
  random: Random,
): Promise<Meta> {
  const path = `/collections/${prefix}_meta`;
  const made = mustExist
    ? { result: true }
    : await http.ask('PUT', path, { vectors: {}, replication_factor: replicationFactor });
  if ('status' in made && made.status !== CONFLICT) {
    throw new StartupError(
      `the collection ${prefix}_meta could not be made: ${made.message}`,
      'Check vector_db.replication_factor against the cluster, and what the key of vector_db.api_key may do.',
    );
  }
  const own: MetaPayload = {
    embedding_id: embedding.id,
    dimension: embedding.dimension,
    cursor_key: Buffer.from(random.bytes(CURSOR_KEY_BYTES)).toString('base64url'),
  };
  const known = (await read(http, path)) ?? (mustExist ? missing(prefix) : await agree(http, path, own));
  if (known.embedding_id !== embedding.id || known.dimension !== embedding.dimension) {
    throw new StartupError(
      `the stored contexts were embedded with ${known.embedding_id} (${known.dimension} dimensions), the configuration says ${embedding.id} (${embedding.dimension} dimensions)`,
      'Set the model and vector_db.vector_size back, or set vector_db.collection_prefix to another name.',
    );
  }
  return { cursorKey: Buffer.from(known.cursor_key, 'base64url'), hasPassages: known.has_passages ?? false };
}

/** Tells every server that starts from now on. */
export async function notePassages(http: HttpClient, prefix: string): Promise<void> {
  const path = `/collections/${prefix}_meta/points/payload?wait=true&ordering=strong`;
  await http.call('POST', path, { points: [META_ID], payload: { has_passages: true } });
}

function missing(prefix: string): never {
  throw new StartupError(
    `the collection ${prefix}_meta does not say by which model the vectors were made`,
    'Start a server over these collections once.',
  );
}

/** Of several servers that start together the first one's stands. */
async function agree(http: HttpClient, path: string, own: MetaPayload): Promise<MetaPayload> {
  const points = [{ id: META_ID, vector: {}, payload: own }];
  await http.call('PUT', `${path}/points?wait=true&ordering=strong`, { points, update_mode: 'insert_only' });
  return (await read(http, path)) ?? own;
}

async function read(http: HttpClient, path: string): Promise<MetaPayload | undefined> {
  const found = await http.call<{ payload: MetaPayload }[]>('POST', `${path}/points`, {
    ids: [META_ID],
    with_payload: true,
  });
  return found[0]?.payload;
}
