import { parseJsonPath, pathKey, selectPayload } from './json-path.ts';
import { compareIds, normalId, type Point } from './point.ts';
import type { QdrantCollection } from './qdrant-collection.ts';
import { wrongInput } from './qdrant-error.ts';
import type {
  FacetRequest,
  Json,
  OrderBy,
  Payload,
  PointId,
  ScrollRequest,
  WithPayload,
  WithVector,
} from './requests.ts';
import { sparseVector } from './vectors.ts';
import { microseconds } from './payload-index.ts';

const INDEXING =
  'Check https://qdrant.tech/documentation/concepts/indexing/#payload-index to see which payload schemas';

interface Shown {
  readonly with_payload?: WithPayload | null;
  readonly with_vector?: WithVector | null;
}

/** Points as replies have them. Absent selectors are what the endpoint takes for them. */
export function showPoints(collection: QdrantCollection, points: readonly Point[], shown: Shown): Payload[] {
  const names = Array.isArray(shown.with_vector) ? (shown.with_vector as readonly string[]) : [];
  if (points.length > 0) for (const name of names) collection.config.checkVector(name);
  return points.map((point) => showPoint(point, shown));
}

function showPoint(point: Point, { with_payload: payload, with_vector: vector }: Shown): Payload {
  return {
    id: point.id,
    ...(payload === false || payload === null || payload === undefined
      ? {}
      : { payload: shownPayload(point, payload) }),
    ...(vector === false || vector === null || vector === undefined ? {} : { vector: shownVectors(point, vector) }),
  };
}

function shownPayload({ payload }: Point, selector: WithPayload): Payload {
  if (typeof selector === 'boolean') return payload;
  const [paths, how] =
    'exclude' in selector
      ? [selector.exclude, 'exclude' as const]
      : ['include' in selector ? selector.include : selector, 'include' as const];
  return selectPayload(payload, paths.map(parseJsonPath), how);
}

function shownVectors({ dense, multi, sparse }: Point, selector: true | readonly string[]): Json {
  const isShown = (name: string): boolean => selector === true || selector.includes(name);
  const shown: [string, Json][] = [
    ...[...dense].map(([name, values]): [string, Json] => [name, [...values]]),
    ...[...multi].map(([name, values]): [string, Json] => [name, values.map((one) => [...one])]),
    ...[...sparse].map(([name, values]): [string, Json] => [name, sparseVector(values) as unknown as Payload]),
  ].filter(([name]) => isShown(name));
  const unnamed = shown.find(([name]) => name === '');
  return shown.length === 1 && unnamed !== undefined ? unnamed[1] : Object.fromEntries(shown);
}

/** Each once, in the order of the first mention; those that are not there are left out. Payloads only where they are asked for. */
export function retrieve(collection: QdrantCollection, ids: readonly PointId[], shown: Shown): Payload[] {
  const points = [...new Set(ids.map(normalId))].flatMap((id) => collection.get(id) ?? []);
  return showPoints(collection, points, shown);
}

export function scroll(collection: QdrantCollection, request: ScrollRequest): Payload {
  const { filter, offset, order_by: order } = request;
  const limit = request.limit ?? 10;
  const shown = { ...request, with_payload: request.with_payload ?? true };
  if (order !== null && order !== undefined) {
    if (offset !== null && offset !== undefined) {
      throw wrongInput(
        'Cannot use an `offset` when using `order_by`. The alternative for paging is to use `order_by.start_from` and ' +
          "a filter to exclude the IDs that you've already seen for the `order_by.start_from` value",
      );
    }
    const found = inOrder(collection, collection.matching(filter), order).slice(0, limit);
    const records = showPoints(
      collection,
      found.map(({ point }) => point),
      shown,
    );
    const points = records.map((record, place) => ({ ...record, order_value: found[place]?.value ?? 0 }));
    return { points, next_page_offset: null };
  }
  const start = offset === null || offset === undefined ? undefined : normalId(offset);
  const points = collection
    .matching(filter)
    .filter(({ id }) => start === undefined || compareIds(id, start) >= 0)
    .slice(0, limit + 1);
  const next = points.length > limit ? points.pop() : undefined;
  return { points: showPoints(collection, points, shown), next_page_offset: next?.id ?? null };
}

/** A point comes as often as it has values. `start_from` itself is among them; equal values have no order to rely on. */
export function inOrder(
  collection: QdrantCollection,
  points: readonly Point[],
  order: string | OrderBy,
): { readonly point: Point; readonly value: number }[] {
  const { key, direction, start_from: start }: OrderBy = typeof order === 'string' ? { key: order } : order;
  const index = collection.indexes.get(pathKey(parseJsonPath(key)));
  if (index?.hasRanges !== true) {
    throw wrongInput(
      `No range index for \`order_by\` key: \`${key}\`. Please create one to use \`order_by\`. ${INDEXING} support Range conditions`,
    );
  }
  const sign = direction === 'desc' ? -1 : 1;
  const from = typeof start === 'string' ? microseconds(start) : (start ?? null);
  return points
    .flatMap((point) => index.valuesOf(point.payload).map((value) => ({ point, value: Number(value) })))
    .filter(({ value }) => from === null || sign * (value - from) >= 0)
    .sort((one, other) => sign * (one.value - other.value || one.point.tie - other.point.tie));
}

export function facet(collection: QdrantCollection, { key, limit, filter }: FacetRequest): Payload {
  const index = collection.indexes.get(pathKey(parseJsonPath(key)));
  if (index?.hasValues !== true) {
    throw wrongInput(
      `No appropriate index for faceting: \`${key}\`. Please create one to facet on this field. ${INDEXING} support Match conditions`,
    );
  }
  const counts = new Map<string | number | boolean, number>();
  for (const { payload } of collection.matching(filter)) {
    for (const value of new Set(index.valuesOf(payload))) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  const hits = [...counts]
    .sort(([one, times], [other, otherTimes]) => otherTimes - times || (one < other ? -1 : 1))
    .slice(0, limit ?? 10);
  return { hits: hits.map(([value, count]) => ({ value, count })) };
}
