import { CollectionConfig, type CreateCollection } from './collection-config.ts';
import { filterMatcher } from './filter-matcher.ts';
import { parseJsonPath, pathKey } from './json-path.ts';
import { PayloadIndex, type FieldSchema } from './payload-index.ts';
import { compareIds, tieOf, type Point, type SparseValues } from './point.ts';
import type { Filter, Payload, PointId } from './requests.ts';

/** Points of one collection, its indexes and its settings. */
export class QdrantCollection {
  readonly config: CollectionConfig;
  readonly indexes = new Map<string, PayloadIndex>();
  readonly #fields = new Map<string, string>();
  readonly #points = new Map<PointId, Point>();
  /** In the order of ids, until a point comes or goes. */
  #sorted: readonly Point[] | null = null;
  /** How many vectors hold an index, by the name of the vector. */
  readonly #documentCounts = new Map<string, Map<number, number>>();
  readonly #sparseCounts = new Map<string, number>();
  #operations = 0;
  #writes = 0;

  readonly #request: CreateCollection;
  readonly #schemas = new Map<string, FieldSchema | null | undefined>();

  constructor(request: CreateCollection) {
    this.#request = request;
    this.config = new CollectionConfig(request);
  }

  /** As it was made, with the points and indexes of now. */
  copy(): QdrantCollection {
    const copy = new QdrantCollection(this.#request);
    for (const [field, schema] of this.#schemas) copy.createIndex(field, schema);
    for (const point of this.#points.values()) copy.put(structuredClone(point));
    return copy;
  }

  nextOperation(): number {
    return ++this.#operations;
  }

  nextTie(): number {
    return tieOf(++this.#writes);
  }

  get(id: PointId): Point | undefined {
    return this.#points.get(id);
  }

  put(point: Point): void {
    const before = this.#points.get(point.id);
    if (before !== undefined) this.#countSparse(before.sparse, -1);
    this.#countSparse(point.sparse, 1);
    this.#points.set(point.id, point);
    this.#sorted = null;
  }

  delete(id: PointId): void {
    const point = this.#points.get(id);
    if (point === undefined) return;
    this.#countSparse(point.sparse, -1);
    this.#points.delete(id);
    this.#sorted = null;
  }

  /** In the order of ids. */
  matching(filter: Filter | null | undefined): Point[] {
    this.#sorted ??= [...this.#points.values()].sort((one, other) => compareIds(one.id, other.id));
    return this.#sorted.filter(filterMatcher(filter, this.indexes));
  }

  /** Among all points, those too that a filter leaves out. */
  documentFrequency(vector: string, index: number): number {
    return this.#documentCounts.get(vector)?.get(index) ?? 0;
  }

  sparseCount(vector: string): number {
    return this.#sparseCounts.get(vector) ?? 0;
  }

  createIndex(field: string, schema: FieldSchema | null | undefined): void {
    const index = new PayloadIndex(field, schema);
    this.#schemas.set(field, schema);
    this.indexes.set(index.key, index);
    this.#fields.set(index.key, field);
    // Qdrant takes two numbers for it.
    this.nextOperation();
  }

  deleteIndex(field: string): void {
    const key = pathKey(parseJsonPath(field));
    this.indexes.delete(key);
    this.#fields.delete(key);
    this.#schemas.delete(field);
  }

  describe(): Payload {
    const points = [...this.#points.values()];
    const indexed = [...this.indexes.values()].map((index) => [
      this.#fields.get(index.key) ?? '',
      index.describe(points.filter(({ payload }) => index.valuesOf(payload).length > 0).length),
    ]);
    return {
      status: 'green',
      optimizer_status: 'ok',
      indexed_vectors_count: 0,
      points_count: points.length,
      segments_count: 2,
      config: this.config.describe(),
      payload_schema: Object.fromEntries(indexed) as Payload,
      update_queue: { length: 0 },
    };
  }

  #countSparse(vectors: ReadonlyMap<string, SparseValues>, by: 1 | -1): void {
    for (const [name, values] of vectors) {
      // Vectors without any index are none to the index of the vectors.
      if (values.size === 0) continue;
      this.#sparseCounts.set(name, this.sparseCount(name) + by);
      const counts = this.#documentCounts.get(name) ?? new Map<number, number>();
      this.#documentCounts.set(name, counts);
      for (const index of values.keys()) counts.set(index, (counts.get(index) ?? 0) + by);
    }
  }
}
