// What is asked of the collections of a store, each request in its own words.

import type { Level } from '../../base/context.ts';
import { collectionOf } from './collections.ts';
import type { QdrantCondition, QdrantFilter } from './filters.ts';
import { type How, type HttpClient, isTooLong } from './http-client.ts';
import type { FoundPoint, Payload, Point } from './points.ts';

interface ScrolledPoints {
  readonly points: FoundPoint[];
  readonly next_page_offset?: string | null;
}

/** One search of `/points/query/batch`. */
export type QuerySearch = Readonly<Record<string, unknown>>;

/** One operation of `/points/batch`. */
export type WriteOperation =
  | {
      readonly upsert: {
        readonly points: readonly Point[];
        readonly update_mode?: 'insert_only' | 'update_only';
        readonly update_filter?: QdrantFilter;
      };
    }
  | { readonly set_payload: { readonly payload: Partial<Payload>; readonly filter: QdrantFilter } }
  | { readonly delete: { readonly filter: QdrantFilter } };

export type ReadConsistency = 'one' | 'majority' | 'quorum' | 'all';

/** Qdrant takes 32 MB; one operation more gets in below this. */
const REQUEST_BYTES_MAX = 12 * 1024 * 1024;
/** Ids, times, terms and names of fields of a point. */
const POINT_BYTES = 4096;
const BYTES_PER_NUMBER = 14;
/** A sign that JSON escapes. */
const BYTES_PER_CHAR_MAX = 6;
/** Searches of one request to Qdrant. */
const SEARCHES_AT_ONCE = 100;
/** What was too long is asked for again so much shorter. */
export const FEWER = 8;

export class CollectionCalls {
  readonly #http: HttpClient;
  readonly #prefix: string;
  readonly #reading: string;
  readonly #isUrgent: boolean;

  /** `isUrgent`: of calls that are never refused, as others bound and await what they are part of. */
  constructor(http: HttpClient, prefix: string, readConsistency: ReadConsistency, isUrgent: boolean) {
    this.#http = http;
    this.#prefix = prefix;
    this.#isUrgent = isUrgent;
    this.#reading = readConsistency === 'one' ? '' : `?consistency=${readConsistency}`;
  }

  /** What is there of these points, in no order. */
  async retrieve(
    level: Level,
    ids: readonly string[],
    fields: readonly (keyof Payload)[] | true,
    vectors: readonly string[] | false,
    signal?: AbortSignal,
  ): Promise<FoundPoint[]> {
    if (ids.length === 0) return [];
    const path = this.#path(level, `/points${this.#reading}`);
    const body = { ids, with_payload: fields, with_vector: vectors };
    try {
      return await this.#http.call<FoundPoint[]>('POST', path, body, this.#how(signal));
    } catch (error) {
      if (!isTooLong(error) || ids.length === 1) throw error;
      const half = ids.length >> 1;
      const first = await this.retrieve(level, ids.slice(0, half), fields, vectors, signal);
      return [...first, ...(await this.retrieve(level, ids.slice(half), fields, vectors, signal))];
    }
  }

  /** Points in the order of their ids, without vectors, from one on; `next`: where to go on, null at the end. */
  async scroll(
    level: Level,
    from: string | null,
    limit: number,
    fields: readonly (keyof Payload)[],
  ): Promise<{ readonly points: FoundPoint[]; readonly next: string | null }> {
    const path = this.#path(level, `/points/scroll${this.#reading}`);
    const body = { limit, with_payload: fields, with_vector: false, ...(from === null ? {} : { offset: from }) };
    const found = await this.#http.call<ScrolledPoints>('POST', path, body, this.#how());
    return { points: found.points, next: found.next_page_offset ?? null };
  }

  /** Whole points that came into their level at that stamp or later, in the order of their ids, some at a time. */
  async *enteredSince(level: Level, since: number, limit: number): AsyncGenerator<readonly FoundPoint[]> {
    const path = this.#path(level, `/points/scroll${this.#reading}`);
    const filter = { must: [{ key: 'entered', range: { gte: since } }] };
    let from: string | null = null;
    for (let count = limit; ; ) {
      const body: object = {
        filter,
        limit: count,
        with_payload: true,
        with_vector: true,
        ...(from && { offset: from }),
      };
      let found: ScrolledPoints;
      try {
        found = await this.#http.call<ScrolledPoints>('POST', path, body, this.#how());
      } catch (error) {
        if (!isTooLong(error) || count === 1) throw error;
        count = Math.ceil(count / FEWER);
        continue;
      }
      yield found.points;
      from = found.next_page_offset ?? null;
      if (from === null) return;
    }
  }

  /** The same as `query`, with fewer points where those asked for are too long for one reply. */
  async queryFewer(level: Level, searches: readonly QuerySearch[], signal?: AbortSignal): Promise<FoundPoint[][]> {
    try {
      return await this.query(level, searches, signal);
    } catch (error) {
      const most = Math.max(...searches.map(({ limit }) => Number(limit)));
      if (!isTooLong(error) || most === 1) throw error;
      return this.queryFewer(level, searches.map(fewer), signal);
    }
  }

  /** A list of points for each of the searches. */
  async query(level: Level, searches: readonly QuerySearch[], signal?: AbortSignal): Promise<FoundPoint[][]> {
    const path = this.#path(level, `/points/query/batch${this.#reading}`);
    const chunks: Promise<{ readonly points: FoundPoint[] }[]>[] = [];
    for (let from = 0; from < searches.length; from += SEARCHES_AT_ONCE) {
      const body = { searches: searches.slice(from, from + SEARCHES_AT_ONCE) };
      chunks.push(this.#http.call('POST', path, body, this.#how(signal)));
    }
    return (await Promise.all(chunks)).flat().map(({ points }) => points);
  }

  async count(level: Level, filter: QdrantFilter, signal?: AbortSignal): Promise<number> {
    const path = this.#path(level, `/points/count${this.#reading}`);
    const { count } = await this.#http.call<{ count: number }>(
      'POST',
      path,
      { filter, exact: true },
      this.#how(signal),
    );
    return count;
  }

  /** The values of a field with how many points hold each, the most frequent first. */
  async facet(
    level: Level,
    key: string,
    limit: number,
    filter: QdrantFilter,
  ): Promise<{ value: string; count: number }[]> {
    const path = this.#path(level, `/facet${this.#reading}`);
    const body = { key, limit, filter, exact: true };
    return (await this.#http.call<{ hits: { value: string; count: number }[] }>('POST', path, body, this.#how())).hits;
  }

  /** One after the other. When it resolves they are on disk and seen by every later read. */
  async write(level: Level, operations: readonly WriteOperation[]): Promise<void> {
    // One after the other on all copies: else two conditional writes at once could leave each copy with another one.
    const path = this.#path(level, '/points/batch?wait=true&ordering=medium');
    for (let from = 0; from < operations.length; ) {
      let to = from;
      for (let bytes = 0; to < operations.length && (to === from || bytes < REQUEST_BYTES_MAX); to++)
        bytes += bytesOf(operations[to] as WriteOperation);
      await this.#http.call('POST', path, { operations: operations.slice(from, to) }, this.#how());
      from = to;
    }
  }

  async ping(): Promise<void> {
    await this.#http.call('GET', this.#path('long_term', '/exists'), undefined, { isUrgent: true });
  }

  #how(signal?: AbortSignal): How {
    return { signal, isUrgent: this.#isUrgent };
  }

  #path(level: Level, rest: string): string {
    return `/collections/${collectionOf(this.#prefix, level)}${rest}`;
  }
}

/** These points, where they are still at one of these revisions. */
export function unchanged(points: readonly FoundPoint[]): QdrantFilter {
  return atRevisions(
    points.map(({ id }) => id),
    points.map(({ payload }) => payload.revision),
  );
}

export function atRevisions(ids: readonly string[], revisions: readonly string[]): QdrantFilter {
  const revision: QdrantCondition = { key: 'revision', match: { any: revisions } };
  return { must: [{ has_id: ids }, revision] };
}

/** With as many fewer of what it chooses from, each by its own order: else only what comes first in the last order is left. */
function fewer({ limit, prefetch, ...search }: QuerySearch): QuerySearch {
  const within = prefetch === undefined ? {} : { prefetch: (prefetch as readonly QuerySearch[]).map(fewer) };
  return { ...search, ...within, limit: Math.ceil(Number(limit) / FEWER) };
}

/** At most so many bytes of JSON, about. */
export function bytesOf(operation: WriteOperation): number {
  if ('delete' in operation) return POINT_BYTES;
  if ('set_payload' in operation) return POINT_BYTES + charsOf(operation.set_payload.payload) * BYTES_PER_CHAR_MAX;
  return operation.upsert.points.reduce((sum, point) => sum + pointBytes(point), 0);
}

export function pointBytes({ vector, payload }: Point): number {
  const vectors = 1 + (vector.passages?.length ?? 0);
  return POINT_BYTES + vectors * vector.dense.length * BYTES_PER_NUMBER + charsOf(payload) * BYTES_PER_CHAR_MAX;
}

function charsOf({ text = '', metadata_json: metadata = '' }: Partial<Payload>): number {
  return text.length + 2 * metadata.length;
}
