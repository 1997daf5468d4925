// The reads of the contract's core (`StoreDriver`): scans, hits of one side, counts.

import type { AccessCounts } from './database/access-counts.ts';
import type { Reader, ScannedRow } from './database/reader.ts';
import { LEVEL_NUMBERS, type LevelNumber, levelName, packRows } from './border/rows.ts';
import type { Sequence } from './database/sequence.ts';
import type { Space, Spaces } from './database/spaces.ts';
import type { Steps } from './border/steps.ts';
import type { NamespaceIndex } from './memory/namespace-index.ts';
import type {
  WireCounts,
  WireCountsRequest,
  WireFeatures,
  WireFind,
  WireFound,
  WireHit,
  WireHits,
  WireLevelHits,
  WirePage,
  WireQuestion,
  WireScan,
  WireStatistics,
} from './border/messages.ts';
import type { NamespaceIndexes } from './namespace-indexes.ts';
import type { HitSearch } from './search/hit-search.ts';
import { noStatistics } from './search/searcher.ts';
import type { SearchSteps } from './search-steps.ts';

/** The vector at this place of the call's message, at the start of a buffer of its own. */
export type VectorAt = (place: number) => Float32Array;

export interface CoreReadsDeps {
  readonly reader: Reader;
  readonly spaces: Spaces;
  readonly accesses: AccessCounts;
  readonly indexes: NamespaceIndexes;
  readonly hits: HitSearch;
  readonly searches: SearchSteps;
  readonly sequence: Sequence;
  readonly dimension: number;
}

const EMPTY_PAGE: WirePage = {
  rows: [],
  namespaces: null,
  positions: [],
  vectors: null,
  passages: null,
  unembedded: null,
  entered: null,
  features: null,
  more: false,
};

export class CoreReads {
  readonly #deps: CoreReadsDeps;

  constructor(deps: CoreReadsDeps) {
    this.#deps = deps;
  }

  *scans(requests: readonly WireScan[], vectorAt: VectorAt): Steps<WirePage[]> {
    const pages: WirePage[] = [];
    for (const request of requests) pages.push(yield* this.#scan(request, vectorAt));
    return pages;
  }

  *find({ namespace, levels, filter, from, limit }: WireFind): Steps<WireFound> {
    const { reader, spaces, sequence } = this.#deps;
    const space = spaces.get(namespace);
    if (space === undefined) return { ids: [], next: null };
    const { after, newestSeq } = from ?? { after: null, newestSeq: sequence.last };
    const found = yield* reader.find(space.id, { levels, filter, after, newestSeq, limit });
    return { ids: found.ids, next: found.after === null ? null : { after: found.after, newestSeq } };
  }

  *#scan(request: WireScan, vectorAt: VectorAt): Steps<WirePage> {
    const { reader, spaces, accesses } = this.#deps;
    const space = request.namespace === null ? null : spaces.get(request.namespace);
    if (space === undefined) return EMPTY_PAGE;
    const { rows: scanned, more } = yield* reader.scan(space?.id ?? null, request);
    const rows = scanned.map(({ row }) => row);
    const namespaces = space === null ? scanned.map(({ spaceId }) => spaces.byId(spaceId)?.name ?? '') : null;
    if (space !== null) accesses.addTo(space.name, rows);
    else rows.forEach((row, i) => accesses.addTo(namespaces?.[i] ?? '', [row]));
    const { question, vectors } = request;
    return {
      rows: packRows(rows),
      namespaces,
      positions: scanned.flatMap(({ at, seq }) => [at, seq]),
      vectors: vectors ? this.#vectorsOf(scanned) : null,
      passages: this.#passagesOf(scanned),
      unembedded: scanned.some((row) => row.unembedded !== null) ? scanned.map((row) => row.unembedded) : null,
      entered: vectors ? scanned.map(({ entered }) => entered) : null,
      features:
        question === null || space === null ? null : yield* this.#featuresOf(space, scanned, question, vectorAt),
      more,
    };
  }

  *hits(request: WireHits, vectorAt: VectorAt): Steps<WireLevelHits[]> {
    const space = this.#deps.spaces.get(request.namespace);
    if (space === undefined) return request.levels.map(() => ({ hits: [], sample: [] }));
    const { indexes, hits, searches } = this.#deps;
    const vector = request.question.vector === null ? null : vectorAt(request.question.vector);
    return yield* searches.run(space.id, request, vector !== null, (index, filter) => {
      if (vector !== null) for (const level of request.levels) indexes.loadVectors(space.id, index, level);
      return request.levels.map((level): WireLevelHits => {
        const isNearest = request.side === 'nearest' && vector !== null;
        const { ordinals, sample } = isNearest
          ? hits.nearest(index, request, filter, level, vector)
          : hits.matching(index, request, filter, level);
        const features = hits.features(index, ordinals, request.question, vector);
        return { hits: ordinals.map((ordinal, i) => hitOf(index, ordinal, features[i] as WireFeatures)), sample };
      });
    });
  }

  *counts({ reaches, statistics }: WireCountsRequest): Steps<WireCounts> {
    const { reader, spaces } = this.#deps;
    const counts: number[] = [];
    for (const reach of reaches) {
      const space = reach.namespace === null ? null : spaces.get(reach.namespace);
      counts.push(space === undefined ? 0 : yield* reader.count(space?.id ?? null, reach));
    }
    return {
      counts,
      statistics: statistics === null ? null : yield* this.#statistics(statistics.namespace, statistics.terms),
    };
  }

  *#statistics(namespace: string, terms: readonly string[]): Steps<WireStatistics> {
    const { spaces, indexes } = this.#deps;
    const space = spaces.get(namespace);
    if (space === undefined) return noStatistics(terms);
    yield* indexes.load(space.id);
    return indexes.use(space.id).statistics(terms);
  }

  #vectorsOf(scanned: readonly ScannedRow[]): Float32Array {
    const { dimension } = this.#deps;
    const vectors = new Float32Array(scanned.length * dimension);
    const bytes = new Uint8Array(vectors.buffer);
    scanned.forEach(({ vector }, i) => {
      if (vector !== null) bytes.set(vector, i * dimension * 4);
    });
    return vectors;
  }

  #passagesOf(scanned: readonly ScannedRow[]): WirePage['passages'] {
    const length = scanned.reduce((sum, { passages }) => sum + (passages?.length ?? 0), 0);
    if (length === 0) return null;
    const vectors = new Float32Array(length);
    let at = 0;
    const counts = scanned.map(({ passages }) => {
      if (passages === null) return 0;
      vectors.set(passages, at);
      at += passages.length;
      return passages.length / this.#deps.dimension;
    });
    return { counts, vectors };
  }

  *#featuresOf(
    space: Space,
    scanned: readonly ScannedRow[],
    question: WireQuestion,
    vectorAt: VectorAt,
  ): Steps<WireFeatures[]> {
    const { indexes, hits } = this.#deps;
    const vector = question.vector === null ? null : vectorAt(question.vector);
    yield* indexes.load(space.id, vector === null ? [] : LEVEL_NUMBERS);
    const index = indexes.use(space.id);
    if (vector !== null) for (const level of LEVEL_NUMBERS) indexes.loadVectors(space.id, index, level);
    const ordinals = scanned.map(({ entry }) => index.documents.ordinalOf(entry));
    const features = hits.features(index, ordinals, question, vector);
    indexes.used(space.id);
    return features;
  }
}

function hitOf({ documents }: NamespaceIndex, ordinal: number, features: WireFeatures): WireHit {
  const { agentId, sessionId } = documents.ownerOf(ordinal);
  const createdAtMs = documents.createdAtMs[ordinal] as number;
  return {
    record: {
      id: documents.ids[ordinal] as string,
      agentId,
      sessionId,
      level: levelName(documents.levels[ordinal] as LevelNumber),
      createdAtMs,
      tokenCount: documents.tokenCounts[ordinal] as number,
      accessCount: documents.accessCounts[ordinal] as number,
    },
    position: [createdAtMs, documents.seqs[ordinal] as number],
    features,
  };
}
