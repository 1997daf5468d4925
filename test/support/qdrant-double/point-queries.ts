import { inOrder, showPoints } from './point-reads.ts';
import { normalId, type Point } from './point.ts';
import type { QdrantCollection } from './qdrant-collection.ts';
import { notFound, notInDouble, wrongInput, type QdrantError } from './qdrant-error.ts';
import type { Filter, MultiVector, Payload, PointId, Prefetch, Query, QueryRequest, Vector } from './requests.ts';
import {
  denseScore,
  denseValues,
  type DenseSpace,
  idf,
  isDistance,
  multiScore,
  multiValues,
  sparseScore,
  sparseValues,
} from './vectors.ts';

interface Scored {
  readonly point: Point;
  readonly score: number;
  /** 0 for what no search has found. */
  readonly version: number;
  readonly orderValue?: number;
}

const LIMIT = 10;
const PREFETCH_DEPTH_MAX = 64;
const RRF_K = 2;

/** Answers of `/points/query`. */
export class PointQueries {
  readonly #collection: QdrantCollection;
  readonly #random: () => number;

  /** `random`: numbers from 0 to 1, for samples. */
  constructor(collection: QdrantCollection, random: () => number) {
    this.#collection = collection;
    this.#random = random;
  }

  query(request: QueryRequest): Payload {
    const { offset, limit, filter } = request;
    const start = offset ?? 0;
    const found = this.#run({ ...request, limit: (limit ?? LIMIT) + start }, filter ? [filter] : [], 0);
    const page = found.slice(start);
    const records = showPoints(
      this.#collection,
      page.map(({ point }) => point),
      request,
    );
    const points = page.map(({ version, score, orderValue }, place) => ({
      ...records[place],
      version,
      score,
      ...(orderValue === undefined ? {} : { order_value: orderValue }),
    }));
    return { points };
  }

  /** Filters hold for what the prefetches inside of it find: there is no other place where they are looked at. */
  #run(request: Prefetch, filters: readonly Filter[], depth: number): Scored[] {
    if (depth > PREFETCH_DEPTH_MAX) {
      throw wrongInput(`Validation failed: prefetches depth ${depth} exceeds max depth ${PREFETCH_DEPTH_MAX}`);
    }
    if (request.lookup_from) throw notInDouble('`lookup_from`');
    const { query, prefetch } = request;
    const limit = request.limit ?? LIMIT;
    const inner: readonly Prefetch[] = prefetch ? [prefetch].flat() : [];
    if (inner.length === 0) {
      if (isFusion(query)) throw wrongInput('Validation failed: cannot apply Fusion without prefetches');
      return this.#score(request, this.#collection.matching({ must: filters })).slice(0, limit);
    }
    if (query === null || query === undefined) {
      throw wrongInput('Validation failed: cannot have prefetches without a query');
    }
    const sources = inner.map((one) => this.#run(one, one.filter ? [...filters, one.filter] : filters, depth + 1));
    if (isFusion(query)) {
      const { score_threshold: threshold } = request;
      return fuse(sources, query)
        .filter(({ score }) => typeof threshold !== 'number' || score >= threshold)
        .slice(0, limit);
    }
    const points = new Set(sources.flat().map(({ point }) => point));
    return this.#score(request, [...points]).slice(0, limit);
  }

  /** All of the points, the best first. */
  #score(request: Prefetch, points: readonly Point[]): Scored[] {
    const { query, using, score_threshold: threshold } = request;
    const plain = (point: Point): Scored => ({ point, score: 1, version: 0 });
    if (query === null || query === undefined) return points.map(plain);
    if (isObject(query)) {
      if ('order_by' in query) {
        const ordered = inOrder(this.#collection, points, query.order_by);
        return ordered.map(({ point, value }) => ({ ...plain(point), orderValue: value }));
      }
      if ('sample' in query) return this.#shuffled(points).map(plain);
      if ('nearest' in query) {
        if (query.mmr) throw notInDouble('queries by maximal marginal relevance');
        return this.#nearest(query.nearest, using ?? '', threshold, points);
      }
      if (!('indices' in query)) throw notInDouble(`queries by \`${Object.keys(query).join('`, `')}\``);
    }
    return this.#nearest(query, using ?? '', threshold, points);
  }

  #nearest(
    query: Vector | PointId,
    using: string,
    threshold: number | null | undefined,
    points: readonly Point[],
  ): Scored[] {
    const { spaces } = this.#collection.config;
    const space = spaces.dense.get(using);
    const example = typeof query === 'object' ? undefined : this.#example(query);
    const scoreOf =
      space === undefined ? this.#sparseScorer(query, using, example) : this.#denseScorer(query, using, example);
    const sign = space !== undefined && isDistance(space.distance) ? -1 : 1;
    return points
      .filter((point) => point !== example)
      .flatMap((point) => {
        const score = scoreOf(point);
        const isWorse = score !== null && typeof threshold === 'number' && sign * (score - threshold) <= 0;
        return score === null || isWorse ? [] : [{ point, score, version: point.version }];
      })
      .sort((one, other) => sign * (other.score - one.score) || one.point.tie - other.point.tie);
  }

  #example(id: PointId): Point {
    const point = this.#collection.get(normalId(id));
    if (point === undefined) throw notFound(`No point with id ${id} found`);
    return point;
  }

  #denseScorer(query: Vector | PointId, using: string, example: Point | undefined): (point: Point) => number | null {
    const space = this.#collection.config.spaces.dense.get(using);
    if (space === undefined) throw wrongInput(`Not existing vector name error: ${using}`);
    if (space.multivector_config) return this.#multiScorer(query, using, space, example);
    const values = example === undefined ? denseValues(query as Vector, space) : example.dense.get(using);
    if (values === undefined) throw lacking(example, using);
    return ({ dense }) => {
      const vector = dense.get(using);
      return vector === undefined ? null : denseScore(space.distance, values, vector);
    };
  }

  #multiScorer(
    query: Vector | PointId,
    using: string,
    space: DenseSpace,
    example: Point | undefined,
  ): (point: Point) => number | null {
    const values = example === undefined ? multiValues(query as Vector, space) : example.multi.get(using);
    if (values === undefined) throw lacking(example, using);
    return ({ multi }) => {
      const vectors = multi.get(using);
      return vectors === undefined ? null : multiScore(space.distance, values, vectors);
    };
  }

  #sparseScorer(query: Vector | PointId, using: string, example: Point | undefined): (point: Point) => number | null {
    const space = this.#collection.config.spaces.sparse.get(using);
    if (space === undefined) throw wrongInput(`Not existing vector name error: ${using}`);
    const given = example === undefined ? sparseValues(query as Vector) : example.sparse.get(using);
    if (given === undefined) throw lacking(example, using);
    const n = this.#collection.sparseCount(using);
    const weighed = [...given].map(([index, value]): [number, number] => [
      index,
      space.isIdf ? Math.fround(value * idf(n, this.#collection.documentFrequency(using, index))) : value,
    ]);
    const weights = new Map(weighed);
    return ({ sparse }) => {
      const vector = sparse.get(using);
      return vector === undefined ? null : sparseScore(weights, vector);
    };
  }

  #shuffled(points: readonly Point[]): Point[] {
    const keyed = points.map((point) => ({ point, key: this.#random() }));
    return keyed.sort((one, other) => one.key - other.key).map(({ point }) => point);
  }
}

const isObject = (query: Query): query is Exclude<Query, PointId | readonly number[] | MultiVector> =>
  typeof query === 'object' && !Array.isArray(query);

const lacking = (point: Point | undefined, vector: string): QdrantError =>
  wrongInput(`Point ${point?.id ?? ''} does not have vector ${vector}`);

type Fusion = Extract<Query, { fusion: unknown } | { rrf: unknown }>;

const isFusion = (query: Query | null | undefined): query is Fusion =>
  query !== null && query !== undefined && isObject(query) && ('fusion' in query || 'rrf' in query);

/** Reciprocal rank fusion (Cormack et al., SIGIR 2009) with Qdrant's constant and weights. */
function fuse(sources: readonly (readonly Scored[])[], query: Fusion): Scored[] {
  if ('fusion' in query && query.fusion === 'dbsf') throw notInDouble('fusion by `dbsf`');
  const { k, weights } = 'rrf' in query ? query.rrf : {};
  if (weights && weights.length !== sources.length) {
    throw wrongInput(
      `Validation failed: Number of weights in RRF should match number of pre-fetches: got ${weights.length}, expected ${sources.length}`,
    );
  }
  const fused = new Map<Point, Scored>();
  sources.forEach((source, place) => {
    const weight = weights?.[place] ?? 1;
    source.forEach((one, rank) => {
      const score = weight <= 0 ? 0 : 1 / ((rank + 1) / weight + (k ?? RRF_K) - 1);
      fused.set(one.point, { ...one, score: Math.fround(score + (fused.get(one.point)?.score ?? 0)) });
    });
  });
  return [...fused.values()].sort((one, other) => other.score - one.score);
}
