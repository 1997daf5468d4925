// What a search found, as columns: one query looks at some hundred contexts and shows a dozen, so that an object for
// each of them would cost more than the comparison.

import { LEVELS, type Level } from '../base/context.ts';
import type { NamedDate } from '../base/text/dates.ts';
import { tellsOfDates } from '../base/text/time-spans.ts';
import { tellsWhen } from '../base/text/told-times.ts';
import type { TextTraits } from '../base/text/traits.ts';

/** One context that may answer, with its scores but without its text. */
export interface Candidate {
  readonly id: string;
  readonly level: Level;
  readonly createdAtMs: number;
  readonly accessCount: number;
  readonly tokenCount: number;
  /** Cosine with the query's vector, -1..1; null without a dense side. */
  readonly dense: number | null;
  /** What each query term adds to the BM25 score (weight x idf x saturated frequency), by its column (`termColumns`). */
  readonly termScores: ArrayLike<number>;
  /** Bits by what its text is like (`flagsOfTraits`). */
  readonly traitFlags: number;
  /** False: it is here only as somebody's neighbour. */
  readonly direct: boolean;
  /**
   * The context before and after it in the same session and agent, whatever their level, by creation. Contexts
   * without a session have one where both are turns of one conversation (`followsInConversation`). Those that are no candidates
   * themselves may be left out (`SearchRequest.namesNeighbours`).
   */
  readonly previousId: string | null;
  readonly nextId: string | null;
}

/** Bits of `CandidateColumns.flags`. */
export const DIRECT_FLAG = 1;
/** The text starts with the name of a speaker whom the query names (`textTraits`, `namesSpeaker`). */
export const SPEAKER_FLAG = 2;
/** The text ends by asking (`textTraits`): what answers it stands behind it. */
export const QUESTION_FLAG = 4;
/** The text has words of time (`tellsWhen`). */
export const TIME_FLAG = 8;
/** It tells of a time that the query names, counted from when it was made (`tellsOfDates`). */
export const DATE_FLAG = 16;
/** It has neither a session nor anybody who says it: its neighbours are those of its time (`followsInConversation`). */
export const TIME_ONLY_FLAG = 32;

/** What of a query texts are looked at for. */
export interface AskedTraits {
  readonly names: ReadonlySet<string>;
  readonly dates: readonly NamedDate[];
}

/** All but `DIRECT_FLAG`. */
export function flagsOfTraits(
  { speaker, isQuestion, times }: TextTraits,
  { createdAtMs, sessionId }: { readonly createdAtMs: number; readonly sessionId: string | null },
  { names, dates }: AskedTraits,
): number {
  return (
    (names.size > 0 && speaker.some((word) => names.has(word)) ? SPEAKER_FLAG : 0) |
    (isQuestion ? QUESTION_FLAG : 0) |
    (tellsWhen(times) ? TIME_FLAG : 0) |
    (dates.length > 0 && times.length > 0 && tellsOfDates(times, createdAtMs, dates) ? DATE_FLAG : 0) |
    (sessionId === null && speaker.length === 0 ? TIME_ONLY_FLAG : 0)
  );
}

/** No place, in `previous` and `next`. */
export const NOBODY = -1;

/** The fields of `Candidate` for many of them, each at its place from 0 to `count` - 1. */
export class CandidateColumns {
  readonly count: number;
  readonly termCount: number;
  /** Holds all columns, so that they can change threads together. */
  readonly buffer: ArrayBuffer;
  readonly createdAtMs: Float64Array;
  /** NaN: no dense side. */
  readonly dense: Float64Array;
  /** BM25 with namespace-wide statistics, >= 0: the sum of the term scores. */
  readonly lexical: Float64Array;
  /** `termCount` for each candidate, one candidate after the other. */
  readonly termScores: Float32Array;
  readonly accessCounts: Uint32Array;
  readonly tokenCounts: Uint32Array;
  /**
   * Places of the contexts before and after, or `NOBODY`; from `count` on contexts that are no candidates themselves, with an id or
   * without one: of hits that nothing but time puts beside others, it is told that there is one (`TIME_ONLY_FLAG`).
   */
  readonly previous: Int32Array;
  readonly next: Int32Array;
  /** Places in `LEVELS`. */
  readonly levels: Uint8Array;
  readonly flags: Uint8Array;

  constructor(count: number, termCount: number, buffer?: ArrayBuffer) {
    this.count = count;
    this.termCount = termCount;
    this.buffer = buffer ?? new ArrayBuffer(count * (3 * 8 + (termCount + 4) * 4 + 2));
    let at = 0;
    const place = (bytes: number): number => (at += bytes) - bytes;
    this.createdAtMs = new Float64Array(this.buffer, place(count * 8), count);
    this.dense = new Float64Array(this.buffer, place(count * 8), count);
    this.lexical = new Float64Array(this.buffer, place(count * 8), count);
    this.termScores = new Float32Array(this.buffer, place(count * termCount * 4), count * termCount);
    this.accessCounts = new Uint32Array(this.buffer, place(count * 4), count);
    this.tokenCounts = new Uint32Array(this.buffer, place(count * 4), count);
    this.previous = new Int32Array(this.buffer, place(count * 4), count);
    this.next = new Int32Array(this.buffer, place(count * 4), count);
    this.levels = new Uint8Array(this.buffer, place(count), count);
    this.flags = new Uint8Array(this.buffer, place(count), count);
  }
}

/** Ids at places: those of the candidates, and behind them those of contexts that only `previous` and `next` point to. */
export interface CandidateIds {
  readonly length: number;
  at(place: number): string | undefined;
}

export interface Candidates {
  readonly columns: CandidateColumns;
  readonly ids: CandidateIds;
}

/** Columns from one object each, for drivers that get their candidates so. Each id once. */
export function toCandidates(given: readonly Candidate[], termCount: number): Candidates {
  const columns = new CandidateColumns(given.length, termCount);
  const ids = given.map(({ id }) => id);
  const places = new Map(ids.map((id, place) => [id, place]));
  const placeOf = (id: string | null): number => {
    if (id === null) return NOBODY;
    let place = places.get(id);
    if (place === undefined) places.set(id, (place = ids.push(id) - 1));
    return place;
  };
  given.forEach((candidate, place) => {
    columns.createdAtMs[place] = candidate.createdAtMs;
    columns.dense[place] = candidate.dense ?? Number.NaN;
    for (let term = 0; term < termCount; term++) {
      const score = candidate.termScores[term] ?? 0;
      columns.termScores[place * termCount + term] = score;
      columns.lexical[place] = (columns.lexical[place] as number) + score;
    }
    columns.accessCounts[place] = candidate.accessCount;
    columns.tokenCounts[place] = candidate.tokenCount;
    columns.previous[place] = placeOf(candidate.previousId);
    columns.next[place] = placeOf(candidate.nextId);
    columns.levels[place] = LEVELS.indexOf(candidate.level);
    columns.flags[place] = (candidate.direct ? DIRECT_FLAG : 0) | candidate.traitFlags;
  });
  return { columns, ids };
}

/** Those of several searches by the same terms, each once; what the earlier ones found is as they have it. */
export function joinCandidates(parts: readonly Candidates[]): Candidates {
  const [first, ...others] = parts.filter(({ columns }) => columns.count > 0);
  if (first === undefined) return toCandidates([], 0);
  if (others.length === 0) return first;
  const { termCount } = first.columns;
  const byId = new Map<string, Candidate>();
  for (const part of [first, ...others]) {
    if (part.columns.termCount !== termCount) continue;
    for (let place = 0; place < part.columns.count; place++) {
      const candidate = candidateAt(part, place);
      if (!byId.has(candidate.id)) byId.set(candidate.id, candidate);
    }
  }
  return toCandidates([...byId.values()], termCount);
}

function candidateAt({ columns, ids }: Candidates, place: number): Candidate {
  const { termCount, termScores } = columns;
  const dense = columns.dense[place] as number;
  const flags = columns.flags[place] as number;
  return {
    id: ids.at(place) as string,
    level: LEVELS[columns.levels[place] as number] as Level,
    createdAtMs: columns.createdAtMs[place] as number,
    accessCount: columns.accessCounts[place] as number,
    tokenCount: columns.tokenCounts[place] as number,
    dense: Number.isNaN(dense) ? null : dense,
    termScores: termScores.subarray(place * termCount, (place + 1) * termCount),
    traitFlags: flags & ~DIRECT_FLAG,
    direct: (flags & DIRECT_FLAG) !== 0,
    previousId: ids.at(columns.previous[place] as number) ?? null,
    nextId: ids.at(columns.next[place] as number) ?? null,
  };
}
