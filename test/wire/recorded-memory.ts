import type { ContextRecord } from '../../src/base/context.ts';
import type { Snapshots } from '../../src/api/handlers/handler.ts';
import { CodedError, type ErrorCode } from '../../src/base/errors.ts';
import type { Memory, MemoryStats, QueryOutcome, StoreOutcome } from '../../src/hirag/types.ts';
import type * as wire from '../../src/protocol/messages.generated.ts';
import { compactTimes } from '../../src/store/times.ts';
import type { Snapshot } from '../../src/store/snapshot/snapshot.ts';
import { factOutcomeOf, heldOf } from './recorded-facts.ts';
import { sessionOutcomeOf } from './recorded-sessions.ts';
import { snapshotOf } from '../support/snapshots-double.ts';

interface Waiting {
  readonly resolve: (outcome: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** A memory that answers what a recorded conversation says it answered, when it is told to. */
export class RecordedMemory {
  cleared = { embeddings: 0 };
  listed: readonly Snapshot[] = [];
  readonly #byRequest = new Map<number, Waiting>();
  #last: Waiting | null = null;

  /** The call that was made last, if any, was that of the request `id`. */
  called(id: number): void {
    if (this.#last !== null) this.#byRequest.set(id, this.#last);
    this.#last = null;
  }

  resolve(id: number, outcome: () => unknown): void {
    const waiting = this.#byRequest.get(id);
    waiting?.resolve(outcome());
  }

  reject(id: number, error: Error): void {
    this.#byRequest.get(id)?.reject(error);
  }

  asMemory(): Memory {
    const call = (): Promise<never> => this.#call();
    const sessions = { append: call, window: call, configure: call, get: call, list: call, expand: call, reset: call };
    const facts = { put: call, list: call, around: call, named: call, delete: call };
    return {
      sessions,
      facts,
      store: call,
      storeBatch: call,
      query: call,
      get: call,
      used: call,
      update: call,
      delete: call,
      list: call,
      clearLevel: call,
      erase: call,
      estimateErasure: call,
      resumeErasures: () => Promise.resolve(),
      stats: call,
      namespaces: call,
      gc: call,
      flushAccessCounts: () => Promise.resolve(),
      unsearched: () => Promise.resolve([]),
      sweepSummaries: () => Promise.resolve(),
      embedBacklog: () => Promise.resolve({ pending: 0, refused: 0 }),
      backlog: { pending: 0, refused: 0 },
      clearCaches: () => Promise.resolve(this.cleared),
      storeAnswers: () => Promise.resolve(),
      healthy: () => Promise.resolve(true),
      close: () => Promise.resolve(),
    };
  }

  asSnapshots(): Snapshots {
    return {
      create: () => this.#call(),
      list: () => this.listed,
      idle: () => Promise.resolve(),
      holding: () => [],
      remove: () => undefined,
      rewrite: () => this.#call(),
    };
  }

  #call(): Promise<never> {
    return new Promise((resolve, reject) => {
      this.#last = { resolve: resolve as Waiting['resolve'], reject };
    });
  }
}

/** What the memory has said where the server answers a request of this type so. */
export function outcomeOf(type: string, reply: unknown): unknown {
  if (type.startsWith('fact.')) return factOutcomeOf(type, reply);
  if (type.startsWith('session.')) return sessionOutcomeOf(type, reply);
  switch (type) {
    case 'context.store':
      return fromStored(reply as wire.StoredContext);
    case 'context.store_batch':
      return (reply as wire.ContextStoreBatchReply).results.map((result) =>
        'error' in result ? errorOf(result.error) : fromStored(result),
      );
    case 'context.query':
      return fromQuery(reply as wire.ContextQueryReply);
    case 'context.get':
    case 'context.update':
      return fromContext((reply as wire.ContextGetReply).context);
    case 'context.used':
      return (reply as wire.ContextUsedReply).counted;
    case 'context.list': {
      const { contexts, cursor } = reply as wire.ContextListReply;
      return { records: contexts.map(fromContext), ...(cursor !== undefined && { cursor }) };
    }
    case 'stats':
      return fromStats(reply as wire.StatsReply);
    case 'namespace.list':
      return (reply as wire.NamespaceListReply).namespaces.map(({ namespace, counts: { total: _, ...counts } }) => ({
        namespace,
        counts,
      }));
    case 'namespace.erase':
      return fromReceipt((reply as wire.NamespaceEraseReply).receipt);
    case 'admin.gc':
      return reply;
    case 'admin.snapshot':
      return fromSnapshot((reply as wire.AdminSnapshotReply).snapshot);
    default:
      return (reply as { deleted: number }).deleted;
  }
}

function fromReceipt({ summary_tasks, cache_entries, index_files, blanked_pages, ...counts }: wire.ErasureReceipt) {
  const { rows, vectors, postings, supersessions, sessions, cards, facts, files } = counts;
  return {
    ...{ rows, vectors, postings, supersessions, sessions, cards, facts, files },
    ...{
      summaryTasks: summary_tasks,
      cacheEntries: cache_entries,
      indexFiles: index_files,
      blankedPages: blanked_pages,
    },
  };
}

export function errorOf(error: object): CodedError {
  const payload = error as wire.ErrorPayload;
  return new CodedError(payload.code as ErrorCode, payload.message, {
    ...(payload.details !== undefined && { details: payload.details }),
    ...(payload.retry_after_ms !== undefined && { retryAfterMs: payload.retry_after_ms }),
  });
}

export function fromSnapshot({ id, created_at: createdAtMs, contexts, ...rest }: wire.StoredSnapshot): Snapshot {
  const snapshot = snapshotOf(id, { createdAtMs, ...rest });
  return { ...snapshot, manifest: { ...snapshot.manifest, contexts } };
}

function fromStored(stored: wire.StoredContext): StoreOutcome {
  const { id, level, created } = stored;
  return { id, level, created, tokenCount: stored.token_count, createdAtMs: stored.created_at };
}

function fromContext(context: wire.Context): ContextRecord {
  const { id, namespace, level, text, metadata, tags, version } = context;
  return {
    ...{ id, namespace, level, text, metadata, tags, version },
    agentId: context.agent_id,
    sessionId: context.session_id ?? null,
    tokenCount: context.token_count,
    createdAtMs: context.created_at,
    updatedAtMs: context.updated_at,
    expiresAtMs: context.expires_at ?? null,
    expiryAction: 'delete',
    expirySetBy: context.expires_at === undefined || context.expires_by === 'level' ? 'level' : 'client',
    accessCount: context.access_count,
    ...timesOf(context),
  };
}

function timesOf(context: wire.Context): Pick<ContextRecord, 'times'> {
  const by = context.superseded_by;
  const until = context.valid_until;
  const own = context.stated_until ?? (by === undefined ? until : undefined);
  const times = compactTimes({
    ...(context.recorded_at === context.created_at ? {} : { recordedAtMs: context.recorded_at }),
    ...(context.valid_from === context.created_at ? {} : { validFromMs: context.valid_from }),
    ...(own === undefined ? {} : { validUntilMs: own }),
    superseded: by === undefined || until === undefined ? [] : [{ by, fromMs: until, recordedAtMs: until }],
    supersedes: context.supersedes ?? [],
  });
  return times === undefined ? {} : { times };
}

function fromQuery({ contexts, receipts, facts, metadata, ...rest }: wire.ContextQueryReply): QueryOutcome {
  return {
    contexts: contexts.map(({ relevance_score: relevanceScore, scores, ...context }) => ({
      record: fromContext(context),
      relevanceScore,
      scores,
    })),
    totalTokens: rest.total_tokens,
    retrievalTimeMs: rest.retrieval_time_ms,
    levelDistribution: metadata.level_distribution,
    avgRelevance: metadata.avg_relevance,
    cacheHits: metadata.cache_hits,
    totalSearched: metadata.total_searched,
    answerable: metadata.answerable,
    belowThreshold: metadata.below_threshold === true,
    allocations: metadata.allocations,
    degraded: metadata.degraded,
    ...(facts !== undefined && {
      facts: facts.map(({ token_count: tokenCount, ...fact }) => ({ held: heldOf(fact), tokenCount })),
    }),
    ...(receipts !== undefined && {
      receipts: receipts.map(({ relevance_score: relevanceScore, token_count: tokenCount, ...receipt }) => ({
        ...receipt,
        relevanceScore,
        tokenCount,
      })),
    }),
  };
}

function fromStats({ counts, cache, store }: wire.StatsReply): MemoryStats {
  return {
    store: { counts, driver: store as MemoryStats['store']['driver'] },
    cache: {
      embeddingEntries: cache.embedding_entries,
      embeddingHits: cache.embedding_hits,
      embeddingMisses: cache.embedding_misses,
    },
  };
}
