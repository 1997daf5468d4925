// Searches whose points a question scores. Where contexts have passages, the same points are scored a second time by these:
// Qdrant compares by one named vector at a time, and leaves points out that have none of that name.

import type { Level } from '../../base/context.ts';
import type { CollectionCalls, QuerySearch } from './collection-calls.ts';
import { isTooLong } from './http-client.ts';
import type { PassageUse } from './passage-use.ts';
import type { FoundPoint, Payload } from './points.ts';
import type { Similarity } from './similarity.ts';

/** `search` says which points; with `vector` they get a score, and come in its order. */
export interface ScoredSearch {
  readonly search: QuerySearch;
  readonly vector?: Float32Array | undefined;
  /** Every point is compared, whatever an index would leave out. */
  readonly isExact?: boolean;
}

/** Points that one search scores. */
const SCORED_AT_ONCE = 1_000;

type Ask = (level: Level, searches: readonly QuerySearch[], signal?: AbortSignal) => Promise<FoundPoint[][]>;

export class ScoredQueries {
  readonly #calls: CollectionCalls;
  readonly #similarity: Similarity;
  readonly #passages: PassageUse;

  constructor(calls: CollectionCalls, similarity: Similarity, passages: PassageUse) {
    this.#calls = calls;
    this.#similarity = similarity;
    this.#passages = passages;
  }

  /** A list of points for each of the searches. */
  query(level: Level, searches: readonly ScoredSearch[], signal?: AbortSignal): Promise<FoundPoint[][]> {
    return this.#run((...asked) => this.#calls.query(...asked), level, searches, signal);
  }

  /** The same with fewer points where those asked for are too long for one reply. */
  queryFewer(level: Level, searches: readonly ScoredSearch[], signal?: AbortSignal): Promise<FoundPoint[][]> {
    return this.#run((...asked) => this.#calls.queryFewer(...asked), level, searches, signal);
  }

  /** The `count` points that are nearest to `vector`, by whichever of their vectors, and others. */
  nearest(vector: Float32Array, filter: QuerySearch['filter'], count: number): ScoredSearch {
    const limit = { filter, limit: count };
    if (!this.#passages.isBegun) return { search: limit, vector };
    const prefetch = [this.#similarity.query(vector), this.#similarity.passageQuery(vector)];
    return { search: { prefetch: prefetch.map((near) => ({ ...near, ...limit })), limit: 2 * count }, vector };
  }

  /**
   * Gives points that were found in another order their scores: with one search for all of them, as each search of an
   * order would carry the whole vector. What has been deleted meanwhile stays without.
   */
  async score(
    level: Level,
    points: readonly FoundPoint[],
    vector: Float32Array,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const ids = [...new Set(points.map(({ id }) => id))];
    const scored = await this.#ofIds(level, ids, vector, false, signal);
    const byId = new Map(scored.map((point) => [point.id, point]));
    for (const point of points) {
      const { score, passageScore } = byId.get(point.id) ?? {};
      Object.assign(point, { score, passageScore });
    }
  }

  /** What is there of these points, scored where there is a vector to compare them with. */
  read(
    level: Level,
    ids: readonly string[],
    vector: Float32Array | undefined,
    fields: readonly (keyof Payload)[],
    signal: AbortSignal | undefined,
  ): Promise<FoundPoint[]> {
    if (vector === undefined) return this.#calls.retrieve(level, ids, fields, false, signal);
    return this.#ofIds(level, ids, vector, fields, signal);
  }

  async #ofIds(
    level: Level,
    ids: readonly string[],
    vector: Float32Array,
    fields: readonly (keyof Payload)[] | false,
    signal: AbortSignal | undefined,
  ): Promise<FoundPoint[]> {
    const found: Promise<FoundPoint[]>[] = [];
    for (let from = 0; from < ids.length; from += SCORED_AT_ONCE)
      found.push(this.#halved(level, ids.slice(from, from + SCORED_AT_ONCE), vector, fields, signal));
    return (await Promise.all(found)).flat();
  }

  /** In halves where they are too long for one reply. */
  async #halved(
    level: Level,
    ids: readonly string[],
    vector: Float32Array,
    fields: readonly (keyof Payload)[] | false,
    signal: AbortSignal | undefined,
  ): Promise<FoundPoint[]> {
    const filter = { must: [{ has_id: ids }] };
    const search = { filter, limit: ids.length, with_payload: fields, with_vector: false };
    try {
      return (await this.query(level, [{ search, vector, isExact: true }], signal)).flat();
    } catch (error) {
      if (!isTooLong(error) || ids.length === 1) throw error;
      const half = ids.length >> 1;
      const first = await this.#halved(level, ids.slice(0, half), vector, fields, signal);
      return [...first, ...(await this.#halved(level, ids.slice(half), vector, fields, signal))];
    }
  }

  async #run(
    ask: Ask,
    level: Level,
    searches: readonly ScoredSearch[],
    signal: AbortSignal | undefined,
  ): Promise<FoundPoint[][]> {
    const first = searches.map(({ search, vector, isExact }) =>
      vector === undefined ? search : { ...search, ...this.#similarity.query(vector, isExact) },
    );
    const scored = this.#passages.isBegun ? searches.filter(({ vector }) => vector !== undefined) : [];
    const second = scored.map(({ search, vector }) => {
      const bare = { with_payload: false, with_vector: false };
      return { ...search, ...bare, ...this.#similarity.passageQuery(vector as Float32Array) };
    });
    const found = await ask(level, [...first, ...second], signal);
    scored.forEach((search, i) => {
      const own = found[searches.indexOf(search)] ?? [];
      const byId = new Map((found[first.length + i] ?? []).map(({ id, score }) => [id, score]));
      for (const point of own) point.passageScore = byId.get(point.id);
    });
    return found.slice(0, first.length);
  }
}
