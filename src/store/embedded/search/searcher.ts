// One search: candidates of both sides of every level, their neighbours, and both scores for all of them.

import { NO_LENGTHS } from '../../../base/text/bm25.ts';
import type { NamespaceIndex } from '../memory/namespace-index.ts';
import { type ScoredOrdinal, TopList } from '../arrays/top-list.ts';
import type { LevelNumber } from '../border/rows.ts';
import type { WireFindings, WireLevel, WireSearch, WireStatistics } from '../border/messages.ts';
import { hostsAmong } from '../../neighbour-hosts.ts';
import { termColumns } from '../../term-columns.ts';
import type { DenseQuery } from './dense-query.ts';
import type { DenseSearch } from './dense-search.ts';
import type { FilterCheck } from './filter-check.ts';
import { firstTexts } from './first-texts.ts';
import { packCandidates } from './found-candidates.ts';
import { FoundDocuments } from './found-documents.ts';
import { lexicalHits } from './lexical-hits.ts';
import { Neighbours } from './neighbours.ts';
import { QueryTerms } from './query-terms.ts';
import { SearchScope } from './search-scope.ts';
import type { VectorScorer } from './vector-scorer.ts';

const NOTHING_SEARCHED: WireLevel = { searched: 0, denseMedian: null, hasEnds: false };

export function noStatistics(terms: readonly string[]): WireStatistics {
  return { documentCount: 0, ...NO_LENGTHS, frequencies: terms.map(() => 0) };
}

/** What a namespace without contexts answers. */
export function noCandidates({ terms, weights, termsMax, levels }: WireSearch): WireFindings {
  const { frequencies, ...totals } = noStatistics(terms);
  const { own } = termColumns(weights, frequencies, totals.documentCount, termsMax);
  return {
    levels: levels.map(() => NOTHING_SEARCHED),
    terms: own,
    statistics: { ...totals, frequencies: own.map(() => 0) },
    count: 0,
    termCount: own.length,
    columns: new ArrayBuffer(0),
    ids: '',
    idEnds: new Uint32Array(0),
    texts: null,
  };
}

/** What all levels of one search share. */
interface Search {
  readonly index: NamespaceIndex;
  readonly request: WireSearch;
  readonly terms: QueryTerms;
  /** null: no dense side. */
  readonly dense: DenseQuery | null;
  readonly found: FoundDocuments;
  readonly neighbours: Neighbours;
  readonly filter: FilterCheck | null;
}

export interface Findings {
  readonly findings: WireFindings;
  /** Those whose texts come along. */
  readonly firstRows: readonly number[];
}

export class Searcher {
  readonly #dense: DenseSearch;
  readonly #scorer: VectorScorer;

  constructor(dense: DenseSearch, scorer: VectorScorer) {
    this.#dense = dense;
    this.#scorer = scorer;
  }

  /**
   * `filter`: that of the request. `attempt` runs the search of one level: with `dense` it loads the level's vectors first,
   * and it answers for what fails. Texts are left to be read.
   */
  search(
    index: NamespaceIndex,
    request: WireSearch,
    filter: FilterCheck | null,
    dense: DenseQuery | null,
    attempt: (level: LevelNumber, search: () => WireLevel) => WireLevel,
  ): Findings {
    const found = new FoundDocuments(index.documents.count);
    try {
      const neighbours = new Neighbours(index.documents, found, index.documents.momentOf(request));
      const terms = new QueryTerms(index, request);
      const search: Search = { index, request, filter, dense, found, neighbours, terms };
      const levels = request.levels.map((level) => attempt(level, () => this.#searchLevel(search, level)));
      this.#completeDense(search);
      const { columns, statistics } = terms;
      const candidates = packCandidates(index, request, terms, found, neighbours);
      const findings = { levels, terms: columns.own, statistics, ...candidates, texts: null };
      return { findings, firstRows: firstTexts(index.documents, found, request.texts) };
    } finally {
      found.release();
    }
  }

  #searchLevel(search: Search, level: LevelNumber): WireLevel {
    const { index, request, filter, dense } = search;
    if (index.lexical(level).documentCount === 0) return NOTHING_SEARCHED;
    const scope = new SearchScope(index, request, level, filter);
    const hasEnds = index.documents.endingIn(level) > 0;
    if (scope.ownedCount === 0)
      return { searched: scope.countSeen(), denseMedian: this.#denseMedian(index, request, level, dense), hasEnds };
    // A graph may be searched in the thread beside this one meanwhile.
    const lexical = lexicalHits(index, search.terms, request.candidates, scope);
    const denseMedian = this.#denseMedian(index, request, level, dense);
    const byVector = this.#addNearest(search, scope);
    const byWords = addLexicalHits(search, lexical);
    const hosts = vectorsSpeakForNeighbours(request, search.terms) ? new Set([...byVector, ...byWords]) : byWords;
    search.neighbours.addAround(hosts, request.neighbours, scope);
    return { searched: scope.countSeen(), denseMedian, hasEnds };
  }

  /** The hosts among those found. */
  #addNearest({ index, request, dense, found }: Search, scope: SearchScope): number[] {
    const vectors = index.vectors(scope.level);
    if (dense === null || vectors === null) return [];
    const nearest = new TopList(request.candidates);
    const wanted = { count: request.candidates, surely: request.surely };
    for (const { ordinal, score } of this.#dense.top(index, vectors, dense, wanted, scope))
      nearest.push(ordinal, score);
    const items = nearest.items();
    for (const { ordinal, score } of items) found.dense[found.add(ordinal, true)] = score;
    return hostsOf(items, index, request);
  }

  /** The cosine of what only the lexical side or a neighbour brought. */
  #completeDense({ index, dense, found, request, terms }: Search): void {
    if (dense === null) return;
    const speak = vectorsSpeakForNeighbours(request, terms);
    const needsTrue = (ordinal: number): boolean => speak || found.direct[found.placeOf(ordinal)] === true;
    const missing = found.ordinals.filter((_, place) => Number.isNaN(found.dense[place]));
    const scores = this.#scorer.scores(index, missing, dense, needsTrue);
    missing.forEach((ordinal, i) => (found.dense[found.placeOf(ordinal)] = scores[i] as number));
  }

  #denseMedian(
    index: NamespaceIndex,
    { denseSamples }: WireSearch,
    level: LevelNumber,
    dense: DenseQuery | null,
  ): number | null {
    const vectors = index.vectors(level);
    if (dense === null || vectors === null || denseSamples === 0) return null;
    return this.#dense.median(index, vectors, dense, denseSamples);
  }
}

/** Without words they always do. */
function vectorsSpeakForNeighbours({ denseNeighbours }: WireSearch, { known }: QueryTerms): boolean {
  return denseNeighbours || known.length === 0;
}

/** The hosts among those found. */
function addLexicalHits({ index, request, found }: Search, hits: readonly ScoredOrdinal[]): number[] {
  for (const { ordinal } of hits) found.add(ordinal, true);
  return hostsOf(hits, index, request);
}

/** Those whose neighbours come along. */
function hostsOf(
  hits: readonly ScoredOrdinal[],
  { documents }: NamespaceIndex,
  { neighbourHosts }: WireSearch,
): number[] {
  const hosts = hostsAmong(hits, neighbourHosts, ({ ordinal, score }) => {
    const createdAtMs = documents.createdAtMs[ordinal] as number;
    return { score, createdAtMs, id: documents.ids[ordinal] as string };
  });
  return hosts.map(({ ordinal }) => ordinal);
}
