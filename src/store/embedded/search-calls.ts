// Searches as calls ask for them. Large graphs are searched in the thread beside this one, while a question's words are looked
// for here, and others are read.

import type { CallFailures } from './call-failures.ts';
import type { AccessCounts } from './database/access-counts.ts';
import type { Reader } from './database/reader.ts';
import type { Spaces } from './database/spaces.ts';
import { graphNs } from './hnsw/graph-cost.ts';
import type { HnswSegment } from './hnsw/hnsw-segment.ts';
import type { AheadSearch, SearchAhead } from './hnsw/search-ahead.ts';
import type { WireCall, WireFindings, WireLevel, WireSearch } from './border/messages.ts';
import type { Steps } from './border/steps.ts';
import { packRows } from './border/rows.ts';
import type { LevelVectors } from './memory/level-vectors.ts';
import type { NamespaceIndexes } from './namespace-indexes.ts';
import { DenseQuery } from './search/dense-query.ts';
import type { DenseSearch } from './search/dense-search.ts';
import { UNDECIDED } from './search/filter-check.ts';
import { noCandidates, type Searcher } from './search/searcher.ts';
import { SearchScope } from './search/search-scope.ts';
import type { SearchSteps } from './search-steps.ts';

/** An answer that is expected to take longer is waited for in steps, between which others have their turn. */
const LONG_NS = 2_000_000;
/** So long in one step. */
const WAIT_MS = 4;

export interface SearchCallsDeps {
  readonly spaces: Spaces;
  readonly indexes: NamespaceIndexes;
  readonly searches: SearchSteps;
  readonly searcher: Searcher;
  readonly dense: DenseSearch;
  readonly reader: Reader;
  readonly accesses: AccessCounts;
  readonly failures: CallFailures;
  readonly ahead: SearchAhead;
  readonly dimension: number;
}

export class SearchCalls {
  readonly #deps: SearchCallsDeps;
  /** By the ids of their calls. */
  readonly #asked = new Map<number, AheadSearch>();

  constructor(deps: SearchCallsDeps) {
    this.#deps = deps;
  }

  /** To be told of each call that is read after others. `vectors`: of its message. */
  announce(call: WireCall, vectors: Float32Array | null): void {
    if (call.kind !== 'search') return;
    try {
      this.#askAhead(call.id, call.body, vectors, true);
    } catch {
      // It fails again where it is run, and is answered there.
      this.forget(call.id);
    }
  }

  /** `isEarly`: others are read before it. */
  #askAhead(id: number, request: WireSearch, vectors: Float32Array | null, isEarly: boolean): void {
    const { ahead, spaces, indexes, dense } = this.#deps;
    // How much a filter lets through, and so how many are to be asked for, is known once it is checked.
    if (request.vector === null || request.filter !== null) return;
    const space = spaces.get(request.namespace);
    const index = space === undefined ? undefined : indexes.peek(space.id);
    if (index === undefined) return;
    const wanted = { count: request.candidates, surely: request.surely };
    const isFor = this.#forBeside(request);
    const levels = request.levels.filter((level) => index.vectors(level)?.segments.some(isFor));
    const vector = levels.length === 0 ? null : this.#vectorOf(request, vectors);
    if (vector === null) return;
    const search = ahead.begin(vector, isFor);
    this.#asked.set(id, search);
    const query = new DenseQuery(vector);
    for (const level of levels) {
      const scope = new SearchScope(index, request, level, null);
      dense.askAhead(index.vectors(level) as LevelVectors, query, { search, isEarly }, wanted, scope);
    }
    if (search.asksNothing) this.#asked.delete(id);
  }

  /** Nobody waits for this call any more. */
  forget(id: number): void {
    this.#asked.get(id)?.end();
    this.#asked.delete(id);
  }

  /** `vectors`: of the call's message. */
  *run(id: number, request: WireSearch, vectors: Float32Array | null): Steps<WireFindings> {
    const { spaces, searches, searcher, indexes, failures, reader, accesses } = this.#deps;
    try {
      const vector = this.#vectorOf(request, vectors);
      const space = spaces.get(request.namespace);
      if (space === undefined) return noCandidates(request);
      if (!this.#asked.has(id)) this.#askAhead(id, request, vectors, false);
      const asked = vector === null ? null : this.#searchOf(id, request, vector);
      while (asked !== null && this.#isSlow(asked) && !asked.isAnswered(WAIT_MS)) yield;
      const query = (): DenseQuery | null => (vector === null ? null : new DenseQuery(vector, asked));
      const { findings, firstRows } = yield* searches.run(space.id, request, vector !== null, (index, filter) =>
        searcher.search(index, request, filter, query(), (level, search): WireLevel => {
          try {
            if (vector !== null) indexes.loadVectors(space.id, index, level);
            return search();
          } catch (error) {
            if (error === UNDECIDED) throw error;
            return { searched: 0, denseMedian: null, hasEnds: false, error: failures.told('search', error) };
          }
        }),
      );
      if (firstRows.length === 0) return findings;
      const rows = reader.readable(firstRows, request.nowMs);
      accesses.addTo(space.name, rows);
      return { ...findings, texts: packRows(rows) };
    } finally {
      this.forget(id);
    }
  }

  /** Also where nothing was asked yet: what turns out to be asked is, until the call is forgotten. */
  #searchOf(id: number, request: WireSearch, vector: Float32Array): AheadSearch {
    const asked = this.#asked.get(id) ?? this.#deps.ahead.begin(vector, this.#forBeside(request));
    this.#asked.set(id, asked);
    return asked;
  }

  /** Without words a question leaves nothing to be done meanwhile but others, for which there must be one processor more. */
  #forBeside({ terms, candidates }: WireSearch): (segment: HnswSegment) => boolean {
    const { hasRoom } = this.#deps.ahead;
    return (segment) =>
      segment.twin !== null && (terms.length > 0 || hasRoom || graphNs(segment, candidates) >= LONG_NS);
  }

  /** To wait for the answer in one go would hold up others. */
  #isSlow({ expectedNs }: AheadSearch): boolean {
    return expectedNs >= LONG_NS || this.#deps.ahead.isOpening;
  }

  /** A copy of its own: the vector search reads from the start of a buffer. */
  #vectorOf({ vector }: WireSearch, vectors: Float32Array | null): Float32Array | null {
    const { dimension } = this.#deps;
    return vector === null ? null : (vectors as Float32Array).slice(vector * dimension, (vector + 1) * dimension);
  }
}
