import { mergeAt, parseJsonPath, removeAt } from './json-path.ts';
import { filterMatcher } from './filter-matcher.ts';
import { normalId, type Point } from './point.ts';
import type { QdrantCollection } from './qdrant-collection.ts';
import { notFound, notInDouble } from './qdrant-error.ts';
import type {
  Filter,
  Payload,
  PointId,
  Selection,
  SetPayload,
  UpdateOperation,
  UpdateVectors,
  Upsert,
  VectorStruct,
} from './requests.ts';
import { denseValues, multiValues, namedVectors, sparseValues } from './vectors.ts';

type Vectors = Pick<Point, 'dense' | 'multi' | 'sparse'>;

/** Applies one operation whose body has been checked; what it refuses has changed nothing but may have taken a number. */
export function applyUpdate(collection: QdrantCollection, operation: UpdateOperation): number {
  if ('upsert' in operation) return upsert(collection, operation.upsert);
  if ('update_vectors' in operation) return updateVectors(collection, operation.update_vectors);
  if ('delete_vectors' in operation) {
    const { vector: names, ...selection } = operation.delete_vectors;
    for (const name of names) collection.config.checkVector(name);
    return change(collection, selection, (point) => ({
      ...point,
      dense: new Map([...point.dense].filter(([name]) => !names.includes(name))),
      multi: new Map([...point.multi].filter(([name]) => !names.includes(name))),
      sparse: new Map([...point.sparse].filter(([name]) => !names.includes(name))),
    }));
  }
  if ('delete' in operation) {
    const version = collection.nextOperation();
    const selection = operation.delete;
    const ids = selection.points?.map(normalId) ?? collection.matching(selection.filter).map(({ id }) => id);
    for (const id of ids) collection.delete(id);
    return version;
  }
  const [changes, changed] = payloadChange(operation);
  return change(collection, changes, (point) => ({ ...point, payload: changed(structuredClone(point.payload)) }));
}

type PayloadOperation = Exclude<
  UpdateOperation,
  { upsert: Upsert } | { delete: unknown } | { update_vectors: unknown } | { delete_vectors: unknown }
>;

function payloadChange(operation: PayloadOperation): [Selection, (payload: Payload) => Payload] {
  if ('clear_payload' in operation) return [operation.clear_payload, () => ({})];
  if ('delete_payload' in operation) {
    const paths = operation.delete_payload.keys.map(parseJsonPath);
    return [
      operation.delete_payload,
      (payload) => {
        for (const path of paths) removeAt(payload, path);
        return payload;
      },
    ];
  }
  const {
    payload: source,
    key,
    ...selection
  }: SetPayload = 'set_payload' in operation ? operation.set_payload : operation.overwrite_payload;
  if ('overwrite_payload' in operation) return [selection, () => structuredClone(source)];
  const path = typeof key === 'string' ? parseJsonPath(key) : [];
  return [
    selection,
    (payload) => {
      mergeAt(payload, path, source);
      return payload;
    },
  ];
}

/** Of points that exist; those before the first that does not are changed all the same. */
function change(collection: QdrantCollection, selection: Selection, changed: (point: Point) => Point): number {
  const version = collection.nextOperation();
  const points = selection.points
    ? selection.points.map((id) => collection.get(normalId(id)) ?? id)
    : collection.matching(selection.filter);
  for (const point of points) if (typeof point === 'object') collection.put({ ...changed(point), version });
  const missing = points.find((point) => typeof point !== 'object');
  if (missing !== undefined) throw notFound(`No point with id ${String(missing)} found`);
  return version;
}

function upsert(collection: QdrantCollection, request: Upsert): number {
  const { points, update_filter: filter, update_mode: mode } = request;
  if (points === undefined) throw notInDouble('upserts in columns (`batch`)');
  const read = points.map(({ id, vector, payload }) => ({
    id: normalId(id),
    ...readVectors(collection, vector),
    payload: structuredClone(payload ?? {}),
  }));
  const version = collection.nextOperation();
  // Later ones with the same id replace earlier ones before anything is compared with what is there.
  const byId = new Map(read.map((point) => [point.id, point]));
  const isWanted = conditionOf(collection, filter);
  for (const point of byId.values()) {
    const before = collection.get(point.id);
    if (before === undefined ? mode === 'update_only' : mode === 'insert_only' || !isWanted(before)) continue;
    collection.put({ ...point, version, tie: collection.nextTie() });
  }
  return version;
}

function conditionOf(collection: QdrantCollection, filter: Filter | null | undefined): (point: Point) => boolean {
  return filterMatcher(filter, collection.indexes);
}

function updateVectors(collection: QdrantCollection, { points, update_filter: filter }: UpdateVectors): number {
  const read = points.map(({ id, vector }) => ({ id: normalId(id), ...readVectors(collection, vector) }));
  const isWanted = conditionOf(collection, filter);
  const excluded = new Set<PointId>();
  for (const { id } of read) {
    const before = collection.get(id);
    if (before !== undefined && !isWanted(before)) excluded.add(id);
  }
  const wanted = read.filter(({ id }) => !excluded.has(id));
  const version = collection.nextOperation();
  for (const { id, dense, multi, sparse } of wanted) {
    const before = collection.get(id);
    if (before === undefined) throw notFound(`No point with id ${id} found`);
    collection.put({
      ...before,
      dense: new Map([...before.dense, ...dense]),
      multi: new Map([...before.multi, ...multi]),
      sparse: new Map([...before.sparse, ...sparse]),
      version,
    });
  }
  return version;
}

function readVectors(collection: QdrantCollection, vector: VectorStruct): Vectors {
  const { spaces } = collection.config;
  const dense = new Map<string, Float32Array>();
  const multi = new Map<string, Float32Array[]>();
  const sparse = new Map<string, ReadonlyMap<number, number>>();
  for (const [name, values] of namedVectors(vector)) {
    collection.config.checkVector(name);
    const space = spaces.dense.get(name);
    // The number of an operation whose vectors have a wrong length is used up.
    if (space === undefined) sparse.set(name, sparseValues(values));
    else if (space.multivector_config) multi.set(name, multiValues(values, space, ` for vector '${name}'`));
    else dense.set(name, denseValues(values, space, ` for vector '${name}'`));
  }
  return { dense, multi, sparse };
}
