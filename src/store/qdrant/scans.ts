// Pages in an order, over the collections of several levels. Qdrant orders by one field and cannot go on from a place in it,
// so each page says what lies behind the last one as a filter, and places that are equal are ordered here.

import { LEVELS, type Level } from '../../base/context.ts';
import type { Found, Position, ScanOrder, ScanPage, ScanRequest } from '../driver.ts';
import { comparePositions } from '../generic/positions.ts';
import { replyBytes } from '../generic/reply-bytes.ts';
import { FEWER, type QuerySearch } from './collection-calls.ts';
import { at, beyond, reachFilter, type QdrantCondition } from './filters.ts';
import { isTooLong } from './http-client.ts';
import { newestOfEach, type Copy } from './held.ts';
import {
  DENSE,
  featuresOf,
  PASSAGES,
  RECORD_AND_FEATURE_FIELDS,
  RECORD_FIELDS,
  recordOf,
  type FoundPoint,
  type Payload,
} from './points.ts';
import { type PassageUse, storedVectors } from './passage-use.ts';
import type { ScoredQueries } from './scored-queries.ts';
import type { Similarity } from './similarity.ts';

const KEYS: Readonly<Record<ScanOrder, 'created_at' | 'entered' | 'expires_at'>> = {
  creation: 'created_at',
  entry: 'entered',
  expiry: 'expires_at',
};

const ARRIVAL = 'arrival';

/** One level's part of one request. */
interface Part {
  readonly request: ScanRequest;
  readonly level: Level;
  points: FoundPoint[];
}

export class Scans {
  readonly #queries: ScoredQueries;
  readonly #similarity: Similarity;
  readonly #passages: PassageUse;

  constructor(queries: ScoredQueries, similarity: Similarity, passages: PassageUse) {
    this.#queries = queries;
    this.#similarity = similarity;
    this.#passages = passages;
  }

  async pages(requests: readonly ScanRequest[], signal?: AbortSignal): Promise<ScanPage[]> {
    const parts = requests.map((request) => {
      return (request.levels ?? LEVELS).map((level): Part => ({ request, level, points: [] }));
    });
    try {
      await this.#fill(parts.flat(), signal);
    } catch (error) {
      if (!isTooLong(error)) throw error;
      return this.#shorter(requests, signal, error);
    }
    return requests.map((request, i) => this.#page(request, parts[i] as Part[]));
  }

  /** Each by itself, and those that may end early with fewer contexts. */
  async #shorter(requests: readonly ScanRequest[], signal: AbortSignal | undefined, error: unknown) {
    const pages: ScanPage[] = [];
    for (const request of requests) {
      const { bytesMax = Infinity, limit } = request;
      const mayEnd = bytesMax !== Infinity && limit > 1;
      if (requests.length === 1 && !mayEnd) throw error;
      const shorter = mayEnd && requests.length === 1 ? { ...request, limit: Math.ceil(limit / FEWER) } : request;
      pages.push(...(await this.pages([shorter], signal)));
    }
    return pages;
  }

  async #fill(parts: readonly Part[], signal: AbortSignal | undefined): Promise<void> {
    await this.#inOrder(parts, signal);
    const asking = parts.filter(({ request }) => request.question?.vector !== undefined);
    for (const [vector, asked] of Map.groupBy(asking, ({ request }) => request.question?.vector as Float32Array)) {
      await Promise.all(
        LEVELS.map((level) => {
          const points = asked.filter((part) => part.level === level).flatMap((part) => part.points);
          return this.#queries.score(level, points, vector, signal);
        }),
      );
    }
  }

  async #inOrder(parts: readonly Part[], signal: AbortSignal | undefined): Promise<void> {
    await this.#ask(parts, (part) => this.#searches(part), signal);
    // Of equal places at the end of a part, Qdrant gives any: those are asked for once more, in the order of arrival.
    const torn = parts.filter(isTorn);
    if (torn.length === 0) return;
    const whole = torn.map((part) => part.points.filter((point) => valueOf(part, point) !== lastValue(part)));
    await this.#ask(torn, (part) => [this.#search(part, ARRIVAL, [at(keyOf(part), lastValue(part))])], signal);
    torn.forEach((part, i) => (part.points = [...(whole[i] as FoundPoint[]), ...part.points]));
  }

  async #ask(
    parts: readonly Part[],
    searchesOf: (part: Part) => QuerySearch[],
    signal: AbortSignal | undefined,
  ): Promise<void> {
    await Promise.all(
      LEVELS.map(async (level) => {
        const here = parts.filter((part) => part.level === level);
        if (here.length === 0) return;
        const asked = here.map(searchesOf);
        const searches = asked.flat().map((search) => ({ search }));
        const found = await this.#queries.query(level, searches, signal);
        let next = 0;
        here.forEach((part, i) => {
          const ofPart = found.slice(next, (next += (asked[i] as QuerySearch[]).length));
          part.points = ofPart.flat().slice(0, part.request.limit + 1);
        });
      }),
    );
  }

  /**
   * Behind a place stand those as late that arrived later, and then those that are later. Each are a search of their own,
   * which Qdrant begins where they begin: of both in one it would read every point of that moment.
   */
  #searches(part: Part): QuerySearch[] {
    const { descending, after } = part.request;
    const key = keyOf(part);
    if (after === undefined) return [this.#search(part, key, [])];
    const [value, arrival] = after.map(Number) as [number, number];
    return [
      this.#search(part, ARRIVAL, [at(key, value), beyond(ARRIVAL, arrival, descending)], arrival),
      this.#search(part, key, [beyond(key, value, descending)], value + (descending ? -1 : 1)),
    ];
  }

  #search({ request, level }: Part, key: string, more: readonly QdrantCondition[], start?: number): QuerySearch {
    const { descending, limit, vectors = false, question } = request;
    const from = start === undefined ? {} : { start_from: start };
    return {
      query: { order_by: { key, direction: descending ? 'desc' : 'asc', ...from } },
      filter: reachFilter(request, level, more),
      limit: limit + 1,
      with_payload: question === undefined ? RECORD_FIELDS : RECORD_AND_FEATURE_FIELDS,
      with_vector: vectors ? storedVectors(this.#passages) : false,
    };
  }

  #page(
    { order, descending, limit, bytesMax = Infinity, vectors = false, question }: ScanRequest,
    parts: readonly Part[],
  ): ScanPage {
    const copies = parts.flatMap(({ level, points }) => points.map((point): Copy => ({ level, point })));
    const placed = newestOfEach(copies)
      .map((copy) => ({ copy, position: positionOf(copy.point.payload, order) }))
      .sort(
        (a, b) =>
          (descending ? -1 : 1) *
          (comparePositions(a.position, b.position) || (a.copy.point.id < b.copy.point.id ? -1 : 1)),
      );
    const found: Found[] = [];
    let bytes = 0;
    for (const { copy, position } of placed) {
      const { level, point } = copy;
      const record = recordOf(point.payload, level);
      bytes += bytesMax === Infinity ? 0 : replyBytes(record) + passageBytes(point);
      if (found.length === limit || (found.length > 0 && bytes > bytesMax)) return { found, more: true };
      found.push({
        record,
        position,
        ...(vectors ? { ...vectorsOf(point), entered: point.payload.entered } : {}),
        ...(question === undefined
          ? {}
          : { features: featuresOf(point.payload, question, this.#similarity.cosineOf(question, point)) }),
      });
    }
    return { found, more: false };
  }
}

function vectorsOf({ vector, payload: { unembedded } }: FoundPoint): Pick<Found, 'vector' | 'passages' | 'unembedded'> {
  const passages = vector?.[PASSAGES]?.map((one) => Float32Array.from(one));
  const whole = { vector: Float32Array.from(vector?.[DENSE] ?? []), ...(passages && { passages }) };
  return { ...whole, ...(unembedded && { unembedded }) };
}

function passageBytes({ vector }: FoundPoint): number {
  return (vector?.[PASSAGES] ?? []).reduce((sum, { length }) => sum + 4 * length, 0);
}

/** The page ends among equals, and more of them may lie behind it. */
function isTorn(part: Part): boolean {
  const { limit, after } = part.request;
  const [last, next] = [part.points[limit - 1], part.points[limit]];
  if (last === undefined || next === undefined || valueOf(part, last) !== valueOf(part, next)) return false;
  // Those as late as the place that the page begins behind come in the order of arrival.
  return valueOf(part, last) !== after?.[0];
}

function keyOf({ request }: Part): (typeof KEYS)[ScanOrder] {
  return KEYS[request.order];
}

function valueOf({ request }: Part, { payload }: FoundPoint): number {
  return payload[KEYS[request.order]] ?? NaN;
}

function lastValue(part: Part): number {
  return valueOf(part, part.points.at(-1) as FoundPoint);
}

function positionOf(payload: Payload, order: ScanOrder): Position {
  return [payload[KEYS[order]] ?? 0, payload.arrival];
}
