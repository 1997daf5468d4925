import { LEVELS, type ContextOutline, type ContextRecord } from '../../base/context.ts';
import type { Random } from '../../base/random.ts';
import type { Clock } from '../../base/clock.ts';
import { isOver } from '../apply-patch.ts';
import type {
  AroundRequest,
  Counts,
  CountsRequest,
  HitRequest,
  LevelHits,
  NearestRequest,
  Reach,
  ScanPage,
  ScanRequest,
  StoreDriver,
  Surroundings,
} from '../driver.ts';
import type { DocumentDriver } from '../documents.ts';
import type { Change, ChangeResult } from '../store.ts';
import { Changes } from './changes.ts';
import type { CollectionCalls } from './collection-calls.ts';
import { reachFilter } from './filters.ts';
import { newestOfEach, type Copy } from './held.ts';
import { Hits } from './hits.ts';
import type { HttpClient } from './http-client.ts';
import { Neighbours } from './neighbours.ts';
import { NO_CONTENTS, OUTLINE_FIELDS, pointIdOf, RECORD_FIELDS, recordOf } from './points.ts';
import type { QdrantDocuments } from './qdrant-documents.ts';
import { Scans } from './scans.ts';
import type { PassageUse } from './passage-use.ts';
import { ScoredQueries } from './scored-queries.ts';
import type { Similarity } from './similarity.ts';
import { Stamps } from './stamps.ts';
import { Statistics } from './statistics.ts';

export interface QdrantDriverDeps {
  readonly http: HttpClient;
  readonly documents: QdrantDocuments;
  readonly calls: CollectionCalls;
  /** For what changes make of them. */
  readonly writingCalls: CollectionCalls;
  readonly similarity: Similarity;
  readonly passages: PassageUse;
  readonly clock: Clock;
  readonly random: Random;
}

/** The core over Qdrant's collections. Any number of servers may work on the same ones. */
export class QdrantDriver implements StoreDriver {
  readonly name = 'qdrant';
  readonly capabilities = { atomicBatches: false };
  readonly documents: DocumentDriver;
  readonly #http: HttpClient;
  readonly #calls: CollectionCalls;
  readonly #changes: Changes;
  readonly #scans: Scans;
  readonly #hits: Hits;
  readonly #neighbours: Neighbours;
  readonly #statistics: Statistics;
  readonly #running = new Set<Promise<unknown>>();

  constructor({ http, documents, calls, writingCalls, similarity, passages, clock, random }: QdrantDriverDeps) {
    this.#http = http;
    this.documents = {
      apply: (changes) => this.#run(() => documents.apply(changes)),
      get: (...request) => this.#run(() => documents.get(...request)),
      scan: (reach) => this.#run(() => documents.scan(reach)),
      walk: (request) => this.#run(() => documents.walk(request)),
    };
    this.#calls = calls;
    this.#changes = new Changes(writingCalls, new Stamps(clock, random), random, passages);
    const queries = new ScoredQueries(calls, similarity, passages);
    this.#scans = new Scans(queries, similarity, passages);
    this.#statistics = new Statistics(calls, clock);
    this.#neighbours = new Neighbours(calls, queries, similarity);
    this.#hits = new Hits(queries, similarity, this.#statistics);
  }

  apply(changes: readonly Change[], nowMs: number): Promise<ChangeResult[]> {
    return this.#run(async () => {
      try {
        return await this.#changes.apply(changes, nowMs);
      } finally {
        for (const change of changes) this.#statistics.changed(namespaceOf(change));
      }
    });
  }

  get(namespace: string, ids: readonly string[], nowMs: number): Promise<(ContextRecord | null)[]> {
    return this.#run(() => this.#get(namespace, ids, nowMs, RECORD_FIELDS));
  }

  outlines(namespace: string, ids: readonly string[], nowMs: number): Promise<(ContextOutline | null)[]> {
    return this.#run(() => this.#get(namespace, ids, nowMs, OUTLINE_FIELDS));
  }

  /** In all levels: after a move that was cut in two, or in the middle of one, only so it is known which copy counts. */
  async #get(
    namespace: string,
    ids: readonly string[],
    nowMs: number,
    fields: typeof RECORD_FIELDS,
  ): Promise<(ContextRecord | null)[]> {
    const pointIds = ids.map((id) => pointIdOf(namespace, id));
    const found = await Promise.all(
      LEVELS.map(async (level) => {
        const points = await this.#calls.retrieve(level, [...new Set(pointIds)], fields, false);
        return points.map((point): Copy => ({ level, point }));
      }),
    );
    const records = new Map(
      newestOfEach(found.flat()).map(({ level, point }) => [
        point.id,
        recordOf({ ...NO_CONTENTS, ...point.payload }, level),
      ]),
    );
    return pointIds.map((id) => {
      const record = records.get(id);
      return record === undefined || isOver(record, nowMs) ? null : record;
    });
  }

  scan(requests: readonly ScanRequest[], signal?: AbortSignal): Promise<ScanPage[]> {
    return this.#run(() => this.#scans.pages(requests, signal));
  }

  nearest(request: NearestRequest, signal?: AbortSignal): Promise<LevelHits[]> {
    return this.#run(() => this.#hits.nearest(request, signal));
  }

  matching(request: HitRequest, signal?: AbortSignal): Promise<LevelHits[]> {
    return this.#run(() => this.#hits.matching(request, signal));
  }

  around(request: AroundRequest, signal?: AbortSignal): Promise<(Surroundings | null)[]> {
    return this.#run(() => this.#neighbours.around(request, signal));
  }

  counts(request: CountsRequest): Promise<Counts> {
    return this.#run(() => this.#counts(request));
  }

  async #counts({ reaches, statistics }: CountsRequest): Promise<Counts> {
    const [counts, found] = await Promise.all([
      Promise.all(reaches.map((reach) => this.#count(reach))),
      statistics === undefined ? undefined : this.#statistics.of(statistics.namespace, statistics.terms),
    ]);
    return { counts, ...(found === undefined ? {} : { statistics: found }) };
  }

  ping(): Promise<void> {
    return this.#run(() => this.#calls.ping());
  }

  async close(): Promise<void> {
    while (this.#running.size > 0) {
      await Promise.allSettled(this.#running);
      // What follows from an answer has been called by then.
      await new Promise(setImmediate);
    }
    this.#http.close();
  }

  async #run<T>(work: () => Promise<T>): Promise<T> {
    const running = work();
    this.#running.add(running);
    try {
      return await running;
    } finally {
      this.#running.delete(running);
    }
  }

  async #count(reach: Reach): Promise<number> {
    const levels = reach.levels ?? LEVELS;
    const counts = await Promise.all(levels.map((level) => this.#calls.count(level, reachFilter(reach, level))));
    return counts.reduce((sum, count) => sum + count, 0);
  }
}

function namespaceOf(change: Change): string {
  return change.op === 'put' || change.op === 'transfer' ? change.context.record.namespace : change.namespace;
}
