import type { CreateCollection, UpdateCollection } from './collection-config.ts';
import { facet, retrieve, scroll } from './point-reads.ts';
import type { FieldSchema } from './payload-index.ts';
import type { QdrantState } from './qdrant-state.ts';
import { formatError } from './qdrant-error.ts';
import type {
  FacetRequest,
  Filter,
  Json,
  PointId,
  QueryRequest,
  ScrollRequest,
  Selection,
  SetPayload,
  UpdateOperation,
  UpdateVectors,
  Upsert,
  WithPayload,
  WithVector,
} from './requests.ts';

export interface Call {
  readonly state: QdrantState;
  /** Of the collection, and of the field at its end; empty where the path has none. */
  readonly name: string;
  readonly field: string;
  readonly body: unknown;
  readonly wait: boolean;
}

export interface Endpoint {
  readonly method: string;
  /** Over the whole path. */
  readonly path: RegExp;
  /** Schema of the body; absent: none is read. */
  readonly body?: string;
  /** Gives `result` of the reply. */
  readonly answer: (call: Call) => Json;
}

const COLLECTION = '/collections/([^/]+)';

function endpoint(method: string, path: string, answer: Endpoint['answer'], body?: string): Endpoint {
  return { method, path: new RegExp(`^${path}$`), answer, ...(body === undefined ? {} : { body }) };
}

/** Of an endpoint that makes one operation of its body. */
function update(method: string, path: string, body: string, operation: (body: unknown) => UpdateOperation): Endpoint {
  const answer = ({ state, name, body: read, wait }: Call): Json =>
    state.update(name, [operation(read)], wait)[0] ?? null;
  return endpoint(method, `${COLLECTION}${path}`, answer, body);
}

const selected = <Body extends Selection>(body: Body): Body => {
  if (!body.points && !body.filter) throw formatError('Either list of point ids or filter must be provided');
  return body;
};

const collections: readonly Endpoint[] = [
  endpoint('GET', '/collections', ({ state }) => ({ collections: state.names().map((name) => ({ name })) })),
  endpoint('GET', COLLECTION, ({ state, name }) => state.get(name).describe()),
  endpoint('GET', `${COLLECTION}/exists`, ({ state, name }) => ({ exists: state.has(name) })),
  endpoint(
    'PUT',
    COLLECTION,
    ({ state, name, body }) => state.create(name, body as CreateCollection),
    'CreateCollection',
  ),
  endpoint(
    'PATCH',
    COLLECTION,
    ({ state, name, body }) => {
      state.get(name).config.update(body as UpdateCollection);
      return true;
    },
    'UpdateCollection',
  ),
  endpoint('DELETE', COLLECTION, ({ state, name }) => state.delete(name)),
  endpoint(
    'PUT',
    `${COLLECTION}/index`,
    ({ state, name, body, wait }) => {
      const { field_name: field, field_schema: schema } = body as { field_name: string; field_schema?: FieldSchema };
      return state.change(name, wait, (collection) => {
        collection.createIndex(field, schema);
        return collection.nextOperation();
      });
    },
    'CreateFieldIndex',
  ),
  endpoint('DELETE', `${COLLECTION}/index/([^/]+)`, ({ state, name, field, wait }) =>
    state.change(name, wait, (collection) => {
      collection.deleteIndex(field);
      return collection.nextOperation();
    }),
  ),
  endpoint('GET', `${COLLECTION}/cluster`, ({ state, name }) => {
    const points = state.get(name).matching(undefined).length;
    const remote = Array.from({ length: state.remoteShards }, (_, i) => ({
      shard_id: i + 1,
      peer_id: 2,
      state: 'Active',
    }));
    const local = [{ shard_id: 0, points_count: points, state: 'Active' }];
    return {
      peer_id: 1,
      shard_count: 1 + remote.length,
      local_shards: local,
      remote_shards: remote,
      shard_transfers: [],
    };
  }),
  endpoint('GET', '/cluster', () => ({ status: 'disabled' })),
];

const snapshots: readonly Endpoint[] = [
  endpoint('GET', `${COLLECTION}/snapshots`, ({ state, name }) => {
    state.get(name);
    return state.snapshots.list(name);
  }),
  endpoint('POST', `${COLLECTION}/snapshots`, ({ state, name }) => state.snapshots.create(name, state.get(name))),
  endpoint('DELETE', `${COLLECTION}/snapshots/([^/]+)`, ({ state, name, field }) => {
    state.get(name);
    return state.snapshots.delete(name, field);
  }),
];

interface PointRequest {
  readonly ids: readonly PointId[];
  readonly with_payload?: WithPayload | null;
  readonly with_vector?: WithVector | null;
}

const reads: readonly Endpoint[] = [
  endpoint(
    'POST',
    `${COLLECTION}/points`,
    ({ state, name, body }) => {
      const { ids, ...shown } = body as PointRequest;
      return retrieve(state.get(name), ids, shown);
    },
    'PointRequest',
  ),
  endpoint(
    'POST',
    `${COLLECTION}/points/scroll`,
    ({ state, name, body }) => scroll(state.get(name), body as ScrollRequest),
    'ScrollRequest',
  ),
  endpoint(
    'POST',
    `${COLLECTION}/points/count`,
    ({ state, name, body }) => ({ count: state.get(name).matching((body as { filter?: Filter }).filter).length }),
    'CountRequest',
  ),
  endpoint(
    'POST',
    `${COLLECTION}/facet`,
    ({ state, name, body }) => facet(state.get(name), body as FacetRequest),
    'FacetRequest',
  ),
  endpoint(
    'POST',
    `${COLLECTION}/points/query`,
    ({ state, name, body }) => state.queries(name).query(body as QueryRequest),
    'QueryRequest',
  ),
  endpoint(
    'POST',
    `${COLLECTION}/points/query/batch`,
    ({ state, name, body }) => {
      const queries = state.queries(name);
      return (body as { searches: QueryRequest[] }).searches.map((search) => queries.query(search));
    },
    'QueryRequestBatch',
  ),
];

const updates: readonly Endpoint[] = [
  update('PUT', '/points', 'PointInsertOperations', (body) => ({ upsert: body as Upsert })),
  update('POST', '/points/delete', 'PointsSelector', (body) => ({ delete: body as Selection })),
  update('POST', '/points/payload', 'SetPayload', (body) => ({ set_payload: selected(body as SetPayload) })),
  update('PUT', '/points/payload', 'SetPayload', (body) => ({ overwrite_payload: selected(body as SetPayload) })),
  update('POST', '/points/payload/delete', 'DeletePayload', (body) => ({
    delete_payload: selected(body as Selection & { keys: string[] }),
  })),
  update('POST', '/points/payload/clear', 'PointsSelector', (body) => ({ clear_payload: body as Selection })),
  update('PUT', '/points/vectors', 'UpdateVectors', (body) => ({ update_vectors: body as UpdateVectors })),
  update('POST', '/points/vectors/delete', 'DeleteVectors', (body) => ({
    delete_vectors: selected(body as Selection & { vector: string[] }),
  })),
  endpoint(
    'POST',
    `${COLLECTION}/points/batch`,
    ({ state, name, body, wait }) => {
      const { operations } = body as { operations: UpdateOperation[] };
      for (const one of operations) for (const inner of Object.values(one)) checkSelection(inner);
      return state.update(name, operations, wait);
    },
    'UpdateOperations',
  ),
];

/** Of those operations that need one. */
function checkSelection(body: unknown): void {
  const { payload, keys, vector } = body as { payload?: unknown; keys?: unknown; vector?: unknown };
  if (payload !== undefined || keys !== undefined || Array.isArray(vector)) selected(body as Selection);
}

export const ENDPOINTS: readonly Endpoint[] = [...collections, ...snapshots, ...reads, ...updates];
