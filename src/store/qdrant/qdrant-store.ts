import type { Clock } from '../../base/clock.ts';
import { LEVELS, type Level } from '../../base/context.ts';
import type { Log } from '../../base/log.ts';
import type { Metrics } from '../../base/metrics.ts';
import type { NamespaceSet } from '../../base/namespace-set.ts';
import type { Scrubbed } from '../erasure.ts';
import { GenericStore, type GenericStoreDeps } from '../generic/generic-store.ts';
import { byName } from '../generic/namespaces.ts';
import type { Access, ExpirySweep, Promotion, NamespaceCounts, WriteOp, WriteResult } from '../store.ts';
import { addAccesses } from './accesses.ts';
import { awaitWrite } from './await-write.ts';
import type { StoreCopy } from '../snapshot/store-copy.ts';
import type { CollectionCalls } from './collection-calls.ts';
import { reachFilter } from './filters.ts';
import { finishMoves } from './moves.ts';
import { metadataJson } from './points.ts';
import type { QdrantDriver } from './qdrant-driver.ts';
import { type CollectionsCopyDeps, copyCollections } from './copy-collections.ts';
import { WriteGroups } from './write-groups.ts';

/** Namespaces that one facet names. */
const NAMESPACES_MAX = 100_000;

export interface QdrantStoreDeps extends GenericStoreDeps {
  readonly log: Log;
  readonly metrics: Metrics;
  /** Calls that wait to be written, and what they may weigh, in bytes. */
  readonly queueMax: number;
  readonly queueBytesMax: number;
  /** Where its collections are, for a copy of them. */
  readonly copied: Pick<CollectionsCopyDeps, 'http' | 'prefix' | 'stem' | 'random'>;
}

/** The defaults, and what Qdrant counts or what only it leaves behind. */
export class QdrantStore extends GenericStore {
  readonly #calls: CollectionCalls;
  readonly #clock: Clock;
  readonly #groups: WriteGroups;
  readonly #copied: Omit<CollectionsCopyDeps, 'namespaces'>;

  constructor(driver: QdrantDriver, calls: CollectionCalls, deps: QdrantStoreDeps) {
    super(driver, deps);
    const { clock, log, metrics, queueMax, queueBytesMax } = deps;
    this.#calls = calls;
    this.#clock = clock;
    this.#copied = { ...deps.copied, calls, documents: driver.documents, clock, log };
    this.#groups = new WriteGroups({
      write: async (ops) => {
        const results = await super.write(ops);
        countWrites(ops.filter(({ op }) => op !== 'trim').length, metrics);
        return results;
      },
      onTrimFailed: (err) => log.warn({ err }, 'a level keeps more than it should until the next write to it'),
      queueMax,
      queueBytesMax,
    });
    metrics.gauge('store_queue_depth', () => this.#groups.length);
  }

  override async write(ops: readonly WriteOp[], signal?: AbortSignal): Promise<WriteResult[]> {
    checkPayloads(ops);
    if (!ops.some(({ op }) => op === 'delete_where')) return this.#groups.add(ops, signal);
    return awaitWrite(super.write(ops, signal), ops, signal);
  }

  override touch(accesses: readonly Access[]): Promise<void> {
    return addAccesses(this.#calls, accesses);
  }

  override async close(): Promise<void> {
    await this.#groups.idle();
    await super.close();
  }

  /** Moves that a kill cut in two are finished with the same sweep. */
  override async expire(nowMs: number, limit: number, promoted: Promotion | null): Promise<ExpirySweep> {
    await finishMoves(this.#calls, nowMs);
    return super.expire(nowMs, limit, promoted);
  }

  override copyInto(folder: string, signal?: AbortSignal): Promise<StoreCopy> {
    return copyCollections({ ...this.#copied, namespaces: () => this.namespaces() }, folder, signal);
  }

  /** What is deleted is overwritten when Qdrant next tidies a segment up. */
  override scrub(): Promise<Scrubbed> {
    return Promise.resolve({ blankedPages: 0, files: 'database' });
  }

  override async namespaces(names?: readonly string[], among?: NamespaceSet): Promise<NamespaceCounts[]> {
    if (names !== undefined) return super.namespaces(names);
    const nowMs = this.#clock.nowMs();
    const counts = new Map<string, Record<Level, number>>();
    const facets = await Promise.all(
      LEVELS.map((level) => this.#calls.facet(level, 'namespace', NAMESPACES_MAX, reachFilter({ nowMs }, level))),
    );
    LEVELS.forEach((level, i) => {
      for (const { value, count } of facets[i] ?? []) {
        if (among?.has(value) === false) continue;
        const known = counts.get(value) ?? { immediate: 0, short_term: 0, long_term: 0 };
        known[level] = count;
        counts.set(value, known);
      }
    });
    return byName([...counts].map(([namespace, counted]) => ({ namespace, counts: counted })));
  }
}

function countWrites(writes: number, metrics: Metrics): void {
  if (writes === 0) return;
  metrics.count('store_commits_total');
  metrics.count('store_writes_total', undefined, writes);
  metrics.observe('store_commit_writes', writes);
}

/** What Qdrant would not take is refused before anything is sent. */
function checkPayloads(ops: readonly WriteOp[]): void {
  for (const op of ops) {
    const metadata =
      op.op === 'put' || op.op === 'transfer'
        ? op.context.record.metadata
        : op.op === 'update'
          ? op.patch.metadata
          : undefined;
    if (metadata !== undefined) metadataJson(metadata);
  }
}
