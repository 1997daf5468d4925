// The collections that a store has in Qdrant, as they are made and as they must be.

import { LEVELS, type Level } from '../../base/context.ts';
import { StartupError } from '../../base/errors.ts';
import type { HttpClient } from './http-client.ts';
import { DENSE, PASSAGES, WORDS } from './points.ts';

/** A server may refuse by default what no index answers: revisions, metadata and claims are read from the payload. */
export const FILTERS_WITHOUT_INDEX = {
  strict_mode_config: { unindexed_filtering_retrieve: true, unindexed_filtering_update: true },
};

export interface CollectionSettings {
  readonly prefix: string;
  readonly dimension: number;
  readonly distance: 'Cosine' | 'Dot' | 'Euclid';
  readonly hnsw: { readonly m: number; readonly efConstruction: number };
  readonly quantization: 'none' | 'scalar' | 'binary' | 'product';
  readonly onDisk: boolean;
  readonly shardNumber: number;
  readonly replicationFactor: number;
  readonly writeConsistencyFactor: number;
  /** Nothing is made: what is missing is refused. */
  readonly mustExist?: boolean | undefined;
  /** Long texts are to be stored in passages; absent: no. */
  readonly needsPassages?: boolean | undefined;
}

/** What is asked of a field's index: equality of texts or numbers, or order. */
const FIELD_INDEXES: Readonly<Record<string, object>> = {
  namespace: { type: 'keyword', is_tenant: true },
  agent_id: { type: 'keyword' },
  session_id: { type: 'keyword' },
  tags: { type: 'keyword' },
  moved_from: { type: 'keyword' },
  unembedded: { type: 'keyword' },
  created_at: { type: 'integer', lookup: false, range: true },
  updated_at: { type: 'integer', lookup: false, range: true },
  arrival: { type: 'integer', lookup: false, range: true },
  entered: { type: 'integer', lookup: false, range: true },
  expires_at: { type: 'integer', lookup: false, range: true },
  hidden_from: { type: 'integer', lookup: false, range: true },
  valid_from: { type: 'integer', lookup: false, range: true },
  holds_until: { type: 'integer', lookup: false, range: true },
  linked: { type: 'keyword' },
  supersedes: { type: 'keyword' },
  terms: { type: 'integer', lookup: true, range: false },
};

interface CollectionInfo {
  readonly config: {
    readonly params: {
      readonly vectors?: Readonly<Record<string, { readonly size?: number; readonly distance?: string }>>;
    };
  };
  readonly payload_schema?: Readonly<Record<string, unknown>>;
}

const CONFLICT = 409;

export function collectionOf(prefix: string, level: Level): string {
  return `${prefix}_${level}`;
}

export interface PreparedCollections {
  /** All of them have room for the vectors of passages; those of earlier versions have none. */
  readonly takePassages: boolean;
}

/** Makes what is missing, and leaves what is there. Throws `StartupError` where that is of another kind. */
export async function prepareCollections(http: HttpClient, settings: CollectionSettings): Promise<PreparedCollections> {
  const names = LEVELS.map((level) => collectionOf(settings.prefix, level));
  const prepared = await Promise.all(names.map((name) => prepare(http, name, settings)));
  const without = names.filter((_, i) => prepared[i] === false);
  if (without.length > 0 && settings.needsPassages === true) throw lackingPassages(without);
  return { takePassages: without.length === 0 };
}

/** Whether it takes passages. */
async function prepare(http: HttpClient, name: string, settings: CollectionSettings): Promise<boolean> {
  const path = `/collections/${name}`;
  const known = await http.ask<CollectionInfo>('GET', path);
  if ('status' in known) {
    if (settings.mustExist === true) {
      throw new StartupError(
        `there is no collection ${name}`,
        'Correct the prefix (vector_db.collection_prefix) or the address (vector_db.url).',
      );
    }
    const made = await http.ask('PUT', path, creationOf(settings));
    // Another server that starts just now may have been faster.
    if ('status' in made && made.status !== CONFLICT) throw refusedCreation(name, made.message);
  }
  const info = await http.call<CollectionInfo>('GET', path);
  check(name, info, settings);
  const takesPassages = PASSAGES in (info.config.params.vectors ?? {});
  if (settings.mustExist === true) return takesPassages;
  const indexed = info.payload_schema ?? {};
  for (const [field, schema] of Object.entries(FIELD_INDEXES)) {
    if (field in indexed) continue;
    await http.call('PUT', `${path}/index?wait=true`, { field_name: field, field_schema: schema });
  }
  return takesPassages;
}

function creationOf(settings: CollectionSettings): object {
  const { dimension, distance, hnsw, onDisk } = settings;
  return {
    vectors: {
      [DENSE]: { size: dimension, distance, on_disk: onDisk },
      // Without a graph: to link two long texts, all passages of one are compared with all of the other.
      [PASSAGES]: {
        size: dimension,
        distance,
        on_disk: onDisk,
        multivector_config: { comparator: 'max_sim' },
        hnsw_config: { m: 0 },
      },
    },
    sparse_vectors: { [WORDS]: { index: { on_disk: onDisk } } },
    hnsw_config: { m: hnsw.m, ef_construct: hnsw.efConstruction, on_disk: onDisk },
    ...quantizationOf(settings.quantization),
    on_disk_payload: onDisk,
    ...FILTERS_WITHOUT_INDEX,
    shard_number: settings.shardNumber,
    replication_factor: settings.replicationFactor,
    write_consistency_factor: settings.writeConsistencyFactor,
  };
}

function quantizationOf(quantization: CollectionSettings['quantization']): object {
  switch (quantization) {
    case 'none':
      return {};
    case 'scalar':
      return { quantization_config: { scalar: { type: 'int8', quantile: 0.99, always_ram: true } } };
    case 'binary':
      return { quantization_config: { binary: { always_ram: true } } };
    case 'product':
      return { quantization_config: { product: { compression: 'x16', always_ram: true } } };
  }
}

function check(name: string, { config }: CollectionInfo, { dimension, distance }: CollectionSettings): void {
  const vectors = config.params.vectors?.[DENSE];
  if (vectors === undefined) {
    throw new StartupError(
      `the collection ${name} was not made by this program: it has no vector named "${DENSE}"`,
      'Set vector_db.collection_prefix to a name of its own.',
    );
  }
  if (vectors.size === dimension && vectors.distance === distance) return;
  throw new StartupError(
    `the collection ${name} holds vectors of ${vectors.size} numbers compared by ${vectors.distance}, the configuration says ${dimension} and ${distance}`,
    'Nothing was changed. Set vector_db.vector_size and vector_db.distance (and the model) back, or vector_db.collection_prefix to another name.',
  );
}

function lackingPassages(names: readonly string[]): StartupError {
  return new StartupError(
    `embedding.max_input_tokens is set, and ${names.join(', ')} ${names.length === 1 ? 'has' : 'have'} no room for passages`,
    'Nothing was changed. Leave the setting out, or set vector_db.collection_prefix to a new name and move the contexts there: docs/qdrant.md.',
  );
}

function refusedCreation(name: string, message: string): StartupError {
  return new StartupError(
    `the collection ${name} could not be made: ${message}`,
    'Check vector_db.shard_number, replication_factor and write_consistency_factor against the cluster.',
  );
}
