// One search: candidates of both sides, their neighbours, and both scores for all of them.

import type { DenseSearch } from './dense-search.ts';
import type { DocumentTable } from '../memory/document-table.ts';
import type { FilterReader } from './filter-check.ts';
import {
  CANDIDATE_FIELDS, DIRECT_FLAG, QUESTION_FLAG, SPEAKER_FLAG, type WireCandidates, type WireSearch, type WireStatistics,
} from '../messages.ts';
import type { NamespaceIndex } from '../memory/namespace-index.ts';
import { AFTER, BEFORE, neighbourOf, neighboursOf } from './neighbours.ts';
import { QueryTerms } from './query-terms.ts';
import { SearchScope } from './search-scope.ts';
import type { Space } from '../database/spaces.ts';
import { TopList } from '../memory/top-list.ts';

interface Found {
  /** NaN: not known yet, or no dense side. */
  dense: number;
  readonly direct: boolean;
}

export function noStatistics(terms: readonly string[]): WireStatistics {
  return { documentCount: 0, averageTermCount: 0, frequencies: terms.map(() => 0) };
}

/** What a namespace without contexts answers. */
export function noCandidates(terms: readonly string[]): WireCandidates {
  return {
    searched: 0, count: 0, statistics: noStatistics(terms), denseMedian: null,
    numbers: new Float64Array(0), termScores: new Float32Array(0), ids: [], previousIds: [], nextIds: [], owners: [],
  };
}

export class Searcher {
  readonly #dense: DenseSearch;
  readonly #filters: FilterReader;

  constructor(dense: DenseSearch, filters: FilterReader) {
    this.#dense = dense;
    this.#filters = filters;
  }

  /** With a vector in the request, the level's vectors must be loaded. */
  search(space: Space, index: NamespaceIndex, request: WireSearch): WireCandidates {
    const scope = new SearchScope(index, space.id, request, this.#filters);
    const terms = new QueryTerms(index, request);
    const found = this.#direct(index, request, scope, terms);
    for (const ordinal of neighboursOf(index.documents, [...found.keys()], request.neighbours, scope)) {
      if (!found.has(ordinal)) found.set(ordinal, { dense: Number.NaN, direct: false });
    }
    if (request.vector !== null) this.#completeDense(index, request.vector, found);
    const denseMedian = this.#denseMedian(index, request);
    return { searched: scope.countSeen(), statistics: terms.statistics, denseMedian, ...encode(index, request, scope, terms, found) };
  }

  #direct(index: NamespaceIndex, request: WireSearch, scope: SearchScope, terms: QueryTerms): Map<number, Found> {
    const { vector, candidates, level } = request;
    const found = new Map<number, Found>();
    const vectors = index.vectors(level);
    if (vector !== null && vectors !== null) {
      const nearest = new TopList(candidates);
      for (const { ordinal, score } of this.#dense.top(index, vectors, vector, candidates, scope)) nearest.push(ordinal, score);
      for (const { ordinal, score } of nearest.items()) found.set(ordinal, { dense: score, direct: true });
    }
    const hits = index.lexical(level).search(terms.known, terms.statistics.averageTermCount, candidates, scope.eligible);
    for (const { ordinal } of hits) if (!found.has(ordinal)) found.set(ordinal, { dense: Number.NaN, direct: true });
    return found;
  }

  /** The cosine of what only the lexical side or a neighbour brought. */
  #completeDense(index: NamespaceIndex, vector: Float32Array, found: Map<number, Found>): void {
    const missing: number[] = [];
    for (const [ordinal, { dense }] of found) if (Number.isNaN(dense)) missing.push(ordinal);
    const scores = this.#dense.scores(index, missing, vector);
    missing.forEach((ordinal, i) => {
      (found.get(ordinal) as Found).dense = scores[i] as number;
    });
  }

  #denseMedian(index: NamespaceIndex, { vector, denseSamples, level }: WireSearch): number | null {
    const vectors = index.vectors(level);
    if (vector === null || vectors === null || denseSamples === 0) return null;
    return this.#dense.median(index, vectors, vector, denseSamples);
  }
}

type Encoded = Omit<WireCandidates, 'searched' | 'statistics' | 'denseMedian'>;

function encode(
  index: NamespaceIndex, request: WireSearch, scope: SearchScope, terms: QueryTerms, found: ReadonlyMap<number, Found>,
): Encoded {
  const { documents } = index;
  const names = new Set(request.names);
  const numbers = new Float64Array(found.size * CANDIDATE_FIELDS);
  const termScores = new Float32Array(found.size * terms.count);
  const owners = new OwnerPlaces(documents);
  const ids: string[] = [];
  const previousIds: (string | null)[] = [];
  const nextIds: (string | null)[] = [];
  for (const [ordinal, { dense, direct }] of found) {
    const at = ids.length * CANDIDATE_FIELDS;
    numbers[at] = owners.placeOf(ordinal);
    numbers[at + 1] = documents.levels[ordinal] as number;
    numbers[at + 2] = documents.createdAtMs[ordinal] as number;
    numbers[at + 3] = documents.accessCounts[ordinal] as number;
    numbers[at + 4] = documents.tokenCounts[ordinal] as number;
    numbers[at + 5] = dense;
    numbers[at + 6] = terms.score(ordinal, termScores, ids.length * terms.count);
    numbers[at + 7] = flagsOf(documents, ordinal, names) | (direct ? DIRECT_FLAG : 0);
    ids.push(documents.ids[ordinal] as string);
    previousIds.push(idAt(documents, neighbourOf(documents, ordinal, BEFORE, scope)));
    nextIds.push(idAt(documents, neighbourOf(documents, ordinal, AFTER, scope)));
  }
  return { count: ids.length, numbers, termScores, ids, previousIds, nextIds, owners: owners.list };
}

function flagsOf(documents: DocumentTable, ordinal: number, names: ReadonlySet<string>): number {
  const traits = documents.traitsOf(ordinal);
  const speakerNamed = names.size > 0 && traits.speaker.some((word) => names.has(word));
  return (speakerNamed ? SPEAKER_FLAG : 0) | (traits.isQuestion ? QUESTION_FLAG : 0);
}

function idAt(documents: DocumentTable, ordinal: number): string | null {
  return ordinal < 0 ? null : (documents.ids[ordinal] as string);
}

/** Each pair of agent and session crosses the thread border once. */
class OwnerPlaces {
  readonly list: (readonly [string, string | null])[] = [];
  readonly #documents: DocumentTable;
  readonly #places = new Map<number, number>();

  constructor(documents: DocumentTable) {
    this.#documents = documents;
  }

  placeOf(ordinal: number): number {
    const owner = this.#documents.ownerOf(ordinal);
    let place = this.#places.get(owner.index);
    if (place === undefined) {
      place = this.list.push([owner.agentId, owner.sessionId]) - 1;
      this.#places.set(owner.index, place);
    }
    return place;
  }
}
