// One search: candidates of both sides, their neighbours, and both scores for all of them.

import type { DenseSearch } from './dense-search.ts';
import type { DocumentTable } from '../memory/document-table.ts';
import type { FilterReader } from './filter-check.ts';
import {
  CANDIDATE_FIELDS, DIRECT_FLAG, QUESTION_FLAG, SPEAKER_FLAG, type WireCandidates, type WireSearch, type WireStatistics,
} from '../messages.ts';
import type { NamespaceIndex } from '../memory/namespace-index.ts';
import { adjacent, neighboursOf, NOBODY } from './neighbours.ts';
import { QueryTerms } from './query-terms.ts';
import { SearchScope } from './search-scope.ts';
import type { Space } from '../database/spaces.ts';
import { TopList } from '../memory/top-list.ts';

/** Postings that are read through in the time of one look-up. */
const POSTINGS_PER_LOOKUP = 24;

interface Found {
  /** NaN: not known yet, or no dense side. */
  dense: number;
  readonly direct: boolean;
  /** Among the best of the lexical side. */
  byWords: boolean;
}

export function noStatistics(terms: readonly string[]): WireStatistics {
  return { documentCount: 0, averageTermCount: 0, frequencies: terms.map(() => 0) };
}

/** What a namespace without contexts answers. */
export function noCandidates(terms: readonly string[]): WireCandidates {
  return {
    searched: 0, count: 0, statistics: noStatistics(terms), denseMedian: null,
    numbers: new Float64Array(0), termScores: new Float32Array(0), ids: [], owners: [],
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
    for (const ordinal of neighboursOf(index.documents, hosts(found, request, terms), request.neighbours, scope)) {
      if (!found.has(ordinal)) found.set(ordinal, { dense: Number.NaN, direct: false, byWords: false });
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
      for (const { ordinal, score } of nearest.items()) found.set(ordinal, { dense: score, direct: true, byWords: false });
    }
    for (const { ordinal } of lexicalHits(index, terms, candidates, scope)) {
      const known = found.get(ordinal);
      if (known === undefined) found.set(ordinal, { dense: Number.NaN, direct: true, byWords: true });
      else known.byWords = true;
    }
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

/** Few contexts in scope are scored one by one: the lists of their terms may hold the whole namespace. */
/** Whose neighbours come along. */
function hosts(found: ReadonlyMap<number, Found>, request: WireSearch, terms: QueryTerms): number[] {
  const all = request.denseNeighbours || terms.known.length === 0;
  const ordinals: number[] = [];
  for (const [ordinal, { byWords }] of found) if (all || byWords) ordinals.push(ordinal);
  return ordinals;
}

function lexicalHits(index: NamespaceIndex, terms: QueryTerms, count: number, scope: SearchScope): { ordinal: number }[] {
  const lexical = index.lexical(scope.level);
  const postings = terms.known.reduce((sum, { term }) => sum + lexical.postingCount(term), 0);
  if (scope.ownedCount * terms.known.length * POSTINGS_PER_LOOKUP >= postings) {
    return lexical.search(terms.known, terms.statistics.averageTermCount, count, scope.eligible);
  }
  const ordinals = scope.eligibleOrdinals();
  const { sums } = terms.scores(ordinals);
  const best = new TopList(count);
  ordinals.forEach((ordinal, i) => {
    if ((sums[i] as number) > 0) best.push(ordinal, sums[i] as number);
  });
  return best.items();
}

type Encoded = Omit<WireCandidates, 'searched' | 'statistics' | 'denseMedian'>;

function encode(
  index: NamespaceIndex, request: WireSearch, scope: SearchScope, terms: QueryTerms, found: ReadonlyMap<number, Found>,
): Encoded {
  const { documents } = index;
  const ordinals = [...found.keys()];
  const names = new Set(request.names);
  const numbers = new Float64Array(ordinals.length * CANDIDATE_FIELDS);
  const { termScores, sums } = terms.scores(ordinals);
  const owners = new OwnerPlaces(documents);
  const ids = new IdPlaces(documents, ordinals);
  ordinals.forEach((ordinal, i) => {
    const { dense, direct } = found.get(ordinal) as Found;
    const { previous, next } = adjacent(documents, ordinal, scope);
    const at = i * CANDIDATE_FIELDS;
    numbers[at] = owners.placeOf(ordinal);
    numbers[at + 1] = documents.levels[ordinal] as number;
    numbers[at + 2] = documents.createdAtMs[ordinal] as number;
    numbers[at + 3] = documents.accessCounts[ordinal] as number;
    numbers[at + 4] = documents.tokenCounts[ordinal] as number;
    numbers[at + 5] = dense;
    numbers[at + 6] = sums[i] as number;
    numbers[at + 7] = flagsOf(documents, ordinal, names) | (direct ? DIRECT_FLAG : 0);
    numbers[at + 8] = ids.placeOf(previous);
    numbers[at + 9] = ids.placeOf(next);
  });
  return { count: ordinals.length, numbers, termScores, ids: ids.list, owners: owners.list };
}

function flagsOf(documents: DocumentTable, ordinal: number, names: ReadonlySet<string>): number {
  const traits = documents.traitsOf(ordinal);
  const speakerNamed = names.size > 0 && traits.speaker.some((word) => names.has(word));
  return (speakerNamed ? SPEAKER_FLAG : 0) | (traits.isQuestion ? QUESTION_FLAG : 0);
}

/** Each id crosses the thread border once, though it may be a candidate and two others' neighbour. */
class IdPlaces {
  readonly list: string[] = [];
  readonly #documents: DocumentTable;
  readonly #places = new Map<number, number>();

  constructor(documents: DocumentTable, candidates: readonly number[]) {
    this.#documents = documents;
    for (const ordinal of candidates) this.placeOf(ordinal);
  }

  placeOf(ordinal: number): number {
    if (ordinal === NOBODY) return -1;
    let place = this.#places.get(ordinal);
    if (place === undefined) {
      place = this.list.push(this.#documents.ids[ordinal] as string) - 1;
      this.#places.set(ordinal, place);
    }
    return place;
  }
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
