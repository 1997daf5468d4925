// Who stands before and after hits. Reading a point is what costs Qdrant most, so it is asked for ids in their order alone,
// and the few that are wanted are read by one search, which also scores them.

import type { Filter, Level } from '../../base/context.ts';
import { recentEntries } from '../../base/recent-entries.ts';
import type { AroundRequest, Hit, HitRecord, Neighbour, Position, Question, Surroundings } from '../driver.ts';
import { comparePositions } from '../generic/positions.ts';
import type { CollectionCalls, QuerySearch } from './collection-calls.ts';
import { at, reachFilter } from './filters.ts';
import { newestOfEach, type Copy } from './held.ts';
import { creationOf, featuresOf, hitRecordOf, NEIGHBOUR_FIELDS, pointIdOf, type FoundPoint } from './points.ts';
import { holds } from '../times.ts';
import type { ScoredQueries } from './scored-queries.ts';
import type { Similarity } from './similarity.ts';
import { timesOf } from './times-payload.ts';

/** Of a session with one hit so many ids are read in one piece, of one with several so many for each. */
const ROLL_IDS = 128;
const ROLL_IDS_MAX = 1024;
/** Besides those wanted on a side of a hit: itself, and what was created in the same millisecond. */
const BESIDES = 3;
/** Sessions that were too long to be read in one piece. */
const LONG_SESSIONS_KEPT = 10_000;

interface Place {
  readonly hit: Hit;
  readonly count: number;
  readonly pointId: string;
  readonly createdAt: number;
  readonly arrival: number;
}

/** Ids of contexts that may stand on one side of a place: whoever is wanted is among them. */
type Side = readonly string[];

/** null: it cannot be told like this. */
interface Sides {
  readonly before: Side;
  readonly after: Side;
}

interface Known {
  readonly position: Position;
  readonly neighbour: Neighbour;
}

/** One side of one place, as it is asked for in each level. */
interface Ask {
  readonly place: Place;
  readonly descending: boolean;
  /** Others were found that were created in the same millisecond: of these alone, in the order of arrival. */
  readonly isOfMoment: boolean;
}

export class Neighbours {
  readonly #calls: CollectionCalls;
  readonly #queries: ScoredQueries;
  readonly #similarity: Similarity;
  /** By session: how many ids were not all. Sessions hardly ever get shorter, and reading one twice is only slower. */
  readonly #long = recentEntries<number>(LONG_SESSIONS_KEPT);

  constructor(calls: CollectionCalls, queries: ScoredQueries, similarity: Similarity) {
    this.#calls = calls;
    this.#queries = queries;
    this.#similarity = similarity;
  }

  async around(request: AroundRequest, signal?: AbortSignal): Promise<(Surroundings | null)[]> {
    const { namespace, levels } = request;
    if (levels.length === 0) return request.places.map(() => ({ before: [], after: [] }));
    const places = request.places.map(({ hit, count }): Place => {
      const [createdAt, arrival] = hit.position.map(Number) as [number, number];
      return { hit, count, pointId: pointIdOf(namespace, hit.record.id), createdAt, arrival };
    });
    const sessions = [...Map.groupBy(places, keyOf).values()];
    const sides = new Map<Place, Sides | null>();
    const long = await this.#fromRolls(sessions, request, sides, signal);
    await this.#fromBothWays(long, request, sides, signal);
    return this.#read(places, sides, request, signal);
  }

  /** Sees short sessions whole. Gives the places in the others. */
  async #fromRolls(
    sessions: readonly Place[][],
    request: AroundRequest,
    sides: Map<Place, Sides | null>,
    signal: AbortSignal | undefined,
  ): Promise<Place[]> {
    const isShort = (session: readonly Place[]): boolean =>
      rollOf(session) > (this.#long.get(keyIn(request, session)) ?? 0);
    const short = sessions.filter(isShort);
    const long = sessions.filter((session) => !isShort(session)).flat();
    const rolls = await this.#ask(
      request,
      short.flatMap((session) => {
        const filter = (level: Level) => filterOf(session[0] as Place, request, level);
        return [ordered('created_at', filter, rollOf(session)), ordered('arrival', filter, rollOf(session))];
      }),
      signal,
    );
    short.forEach((session, i) => {
      const [byCreation, byArrival] = rolls.slice(2 * i, 2 * i + 2) as [FoundPoint[][], FoundPoint[][]];
      const roll = rollOf(session);
      if ([...byCreation, ...byArrival].some((points) => points.length === roll)) {
        this.#long.set(keyIn(request, session), roll);
        long.push(...session);
        return;
      }
      const line = lineOf(byCreation.flat(), byArrival.flat());
      for (const place of session) sides.set(place, sidesIn(line, place));
    });
    return long;
  }

  /** Looks each way from each place. */
  async #fromBothWays(
    places: readonly Place[],
    request: AroundRequest,
    sides: Map<Place, Sides | null>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const moments = Map.groupBy(places, (place) => `${keyOf(place)} ${place.createdAt}`);
    const asks = places.flatMap((place) => {
      const isOfMoment = (moments.get(`${keyOf(place)} ${place.createdAt}`)?.length ?? 0) > 1;
      return [true, false].map((descending): Ask => ({ place, descending, isOfMoment }));
    });
    const found = await this.#ask(
      request,
      asks.map((ask) => searchOf(ask, request)),
      signal,
    );
    places.forEach((place, i) => {
      const [before, after] = [2 * i, 2 * i + 1].map((at) => sideOf(asks[at] as Ask, found[at] ?? []));
      sides.set(place, before && after ? { before, after } : null);
    });
  }

  /** Of each search what each level has brought, in one round trip. */
  async #ask(
    { levels }: AroundRequest,
    searches: readonly ((level: Level) => QuerySearch)[],
    signal: AbortSignal | undefined,
  ): Promise<FoundPoint[][][]> {
    if (searches.length === 0) return [];
    const inLevel = (level: Level) =>
      this.#calls.query(
        level,
        searches.map((search) => search(level)),
        signal,
      );
    const found = await Promise.all(levels.map(inLevel));
    return searches.map((_, i) => found.map((ofLevel) => ofLevel[i] ?? []));
  }

  async #read(
    places: readonly Place[],
    sides: ReadonlyMap<Place, Sides | null>,
    request: AroundRequest,
    signal: AbortSignal | undefined,
  ): Promise<(Surroundings | null)[]> {
    const { levels, question, filter } = request;
    const hits = new Map(request.places.map(({ hit }, i) => [(places[i] as Place).pointId, hit]));
    const wanted = [...sides.values()].flatMap((both) => (both ? [...both.before, ...both.after] : []));
    const ids = [...new Set(wanted)].filter((id) => !hits.has(id));
    const passing = new Set<FoundPoint>();
    const copies = await Promise.all(
      levels.map(async (level) => {
        if (ids.length === 0) return [];
        const [points, through] = await Promise.all([
          this.#queries.read(level, ids, question.vector, NEIGHBOUR_FIELDS, signal),
          filter === undefined ? null : this.#through(level, ids, filter, signal),
        ]);
        for (const point of points) if (through?.has(point.id) !== false) passing.add(point);
        return points.map((point): Copy => ({ level, point }));
      }),
    );
    const known = new Map<string, Known>();
    for (const [id, hit] of hits) known.set(id, { position: hit.position, neighbour: { ...hit, passes: true } });
    // Of one that is gone or whose time is over it is not known who stands there instead.
    for (const copy of newestOfEach(copies.flat()))
      if (isCurrent(copy, request)) known.set(copy.point.id, this.#known(copy, question, passing.has(copy.point)));
    return places.map((place) => {
      const both = sides.get(place);
      const before = both && nearest(both.before, place, true, known);
      const after = both && nearest(both.after, place, false, known);
      return before && after ? { before, after } : null;
    });
  }

  /** Those that a filter lets through: what it looks at may be longer than all else that is read. */
  async #through(level: Level, ids: readonly string[], filter: Filter, signal?: AbortSignal): Promise<Set<string>> {
    const search = {
      filter: reachFilter({ filter }, level, [{ has_id: ids }]),
      limit: ids.length,
      with_payload: false,
      with_vector: false,
    };
    return new Set((await this.#calls.query(level, [search], signal)).flat().map(({ id }) => id));
  }

  #known({ level, point }: Copy, question: Question, passes: boolean): Known {
    const { payload } = point;
    const features = featuresOf(payload, question, this.#similarity.cosineOf(question, point));
    return { position: creationOf(payload), neighbour: { record: hitRecordOf(payload, level), features, passes } };
  }
}

function keyOf({ hit: { record } }: Place): string {
  return JSON.stringify([record.agentId, record.sessionId]);
}

function keyIn({ namespace }: AroundRequest, session: readonly Place[]): string {
  return JSON.stringify([namespace, keyOf(session[0] as Place)]);
}

function rollOf(session: readonly Place[]): number {
  return Math.min(ROLL_IDS_MAX, ROLL_IDS * session.length);
}

/** With those whose time is over: to leave them out costs Qdrant a third more, and they are seen when they are read. */
function filterOf({ hit: { record } }: Place, { namespace }: AroundRequest, level: Level) {
  return reachFilter({ namespace, agentId: record.agentId, sessionId: record.sessionId }, level);
}

function ordered(key: string, filter: (level: Level) => object, limit: number) {
  return (level: Level): QuerySearch => ({
    query: { order_by: { key } },
    filter: filter(level),
    limit,
    with_payload: false,
    with_vector: false,
  });
}

/** In the order of creation; null where something has come or gone between the two searches. */
function lineOf(byCreation: readonly FoundPoint[], byArrival: readonly FoundPoint[]) {
  const arrivals = new Map(byArrival.map((point) => [point.id, valueOf(point)]));
  const line = new Map<string, readonly [createdAt: number, arrival: number]>();
  for (const point of byCreation) {
    const arrival = arrivals.get(point.id);
    if (arrival === undefined) return null;
    line.set(point.id, [valueOf(point), arrival]);
  }
  if (line.size !== arrivals.size) return null;
  return [...line].sort(([, a], [, b]) => comparePositions(a, b));
}

function sidesIn(line: ReturnType<typeof lineOf>, { createdAt, arrival, count }: Place): Sides | null {
  if (line === null) return null;
  const before = line.filter(([, position]) => comparePositions(position, [createdAt, arrival]) < 0);
  const after = line.filter(([, position]) => comparePositions(position, [createdAt, arrival]) > 0);
  const idsOf = (some: typeof line): Side => some.map(([id]) => id);
  return { before: idsOf(before.slice(-count)), after: idsOf(after.slice(0, count)) };
}

/** Begins at the place itself where others may have been created in the same millisecond. */
function searchOf({ place, descending, isOfMoment }: Ask, request: AroundRequest) {
  const { createdAt, arrival, count } = place;
  const direction = descending ? 'desc' : 'asc';
  const [key, from, limit] = isOfMoment
    ? ['arrival', arrival + (descending ? -1 : 1), count]
    : ['created_at', createdAt, count + BESIDES];
  return (level: Level): QuerySearch => {
    const { must = [], ...rest } = filterOf(place, request, level);
    return {
      query: { order_by: { key, direction, start_from: from } },
      filter: { ...rest, must: isOfMoment ? [at('created_at', createdAt), ...must] : must },
      limit,
      with_payload: false,
      with_vector: false,
    };
  };
}

/** null where those wanted may not be among the found. */
function sideOf({ place, descending, isOfMoment }: Ask, levels: readonly (readonly FoundPoint[])[]): Side | null {
  const { count } = place;
  if (isOfMoment) {
    const sign = descending ? -1 : 1;
    const found = levels.flat().sort((a, b) => sign * (valueOf(a) - valueOf(b)));
    const ids = distinct(found.map(({ id }) => id));
    return ids.length < count ? null : ids.slice(0, count);
  }
  const sides = levels.map((points) => sureOf(points, place));
  return sides.every((side) => side !== null) ? distinct(sides.flat()) : null;
}

/** What is on its way from one level to another is found in both. */
function distinct(ids: readonly string[]): string[] {
  return [...new Set(ids)];
}

/** Of one level, by whole milliseconds: within one of them Qdrant gives any order, and at the end of a page any of them. */
function sureOf(points: readonly FoundPoint[], { pointId, createdAt, count }: Place): Side | null {
  const isAll = points.length < count + BESIDES;
  const last = points.at(-1);
  const sure: string[] = [];
  let beyond = 0;
  for (const moment of Map.groupBy(points, valueOf).values()) {
    const value = valueOf(moment[0] as FoundPoint);
    if (!isAll && value === valueOf(last as FoundPoint)) return null;
    sure.push(...moment.flatMap(({ id }) => (id === pointId ? [] : [id])));
    if (value !== createdAt) beyond += moment.length;
    if (beyond >= count) return sure;
  }
  return isAll ? sure : null;
}

/** Since its id was asked for, one may have been deleted and stored again for somebody else. */
function isBeside(hit: HitRecord, { agentId, sessionId }: HitRecord): boolean {
  return hit.agentId === agentId && hit.sessionId === sessionId;
}

/** null where one of the side is not known. */
function nearest(
  side: Side,
  { createdAt, arrival, count, hit: { record } }: Place,
  descending: boolean,
  known: ReadonlyMap<string, Known>,
): Neighbour[] | null {
  const sign = descending ? -1 : 1;
  const all = side.map((id) => known.get(id));
  if (!all.every((one) => one !== undefined && isBeside(record, one.neighbour.record))) return null;
  return all
    .filter((one) => one !== undefined)
    .filter(({ position }) => sign * comparePositions(position, [createdAt, arrival]) > 0)
    .sort((a, b) => sign * comparePositions(a.position, b.position))
    .slice(0, count)
    .map(({ neighbour }) => neighbour);
}

function valueOf({ order_value: value = 0 }: FoundPoint): number {
  return value;
}

function isCurrent({ point: { payload } }: Copy, { nowMs, time }: AroundRequest): boolean {
  if (!((payload.hidden_from ?? Infinity) > nowMs)) return false;
  const times = time && timesOf(payload);
  return time === undefined || holds({ createdAtMs: payload.created_at, ...(times && { times }) }, time);
}
