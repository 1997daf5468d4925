import type { ContextRecord, Filter, JsonObject, Level, Priority } from '../base/context.ts';
import type { NamespaceCounts, StoreStats } from '../store/store.ts';

/** Who asks, as resolved by the gate: nothing below it may widen it. */
export interface Caller {
  readonly namespace: string;
  /** Absent: every agent of the namespace (reads only). */
  readonly agentId?: string;
  /** Absent: no particular session. */
  readonly sessionId?: string;
}

/** How long the caller waits; a call that cannot start in time fails with `DEADLINE_EXCEEDED`. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** On the monotonic clock; `signal` aborts then. */
  readonly deadlineAtMs?: number | undefined;
}

export interface StoreInput {
  readonly namespace: string;
  readonly agentId: string;
  readonly sessionId?: string;
  readonly text: string;
  /** Default: `immediate`, or the highest level that is enabled. */
  readonly level?: Level;
  readonly id?: string;
  readonly metadata?: JsonObject;
  readonly tags?: readonly string[];
  readonly ttlMs?: number;
  readonly createdAtMs?: number;
  readonly embedding?: Float32Array;
}

export interface StoreOutcome {
  readonly id: string;
  readonly level: Level;
  readonly tokenCount: number;
  readonly createdAtMs: number;
  readonly created: boolean;
}

export interface QueryInput extends Caller {
  /** At least one of `query` and `embedding`. */
  readonly query?: string;
  readonly embedding?: Float32Array;
  readonly maxTokens?: number;
  readonly limit?: number;
  readonly levels?: readonly Level[];
  readonly filter?: Filter;
  readonly relevanceThreshold?: number;
  readonly priority?: Priority;
  readonly explain?: boolean;
}

export interface ScoreParts {
  readonly similarity: number;
  readonly lexical: number;
  readonly recency: number;
  readonly level: number;
  readonly frequency: number;
}

export interface RankedContext {
  readonly record: ContextRecord;
  /** 0..1. */
  readonly relevanceScore: number;
  readonly scores: ScoreParts;
}

export type ReceiptOutcome = 'included' | 'below_threshold' | 'over_budget' | 'duplicate' | 'over_limit';

export interface Receipt {
  readonly id: string;
  readonly level: Level;
  readonly scores: ScoreParts;
  readonly relevanceScore: number;
  readonly tokenCount: number;
  readonly outcome: ReceiptOutcome;
}

export interface QueryOutcome {
  readonly contexts: readonly RankedContext[];
  readonly totalTokens: number;
  readonly retrievalTimeMs: number;
  readonly levelDistribution: Readonly<Record<Level, number>>;
  readonly avgRelevance: number;
  /** Embeddings of this query answered from the namespace's cache. */
  readonly cacheHits: number;
  readonly totalSearched: number;
  /** Nothing is as similar as `hirag.relevance_threshold` asks: the contexts stand in. */
  readonly belowThreshold: boolean;
  /** Tokens granted to each level. */
  readonly allocations: Readonly<Record<Level, number>>;
  readonly degraded: readonly { readonly level: Level; readonly code: string }[];
  readonly receipts?: readonly Receipt[];
}

export interface UpdateInput {
  readonly namespace: string;
  readonly id: string;
  readonly text?: string;
  readonly metadata?: JsonObject;
  readonly tags?: readonly string[];
  readonly level?: Level;
  readonly ttlMs?: number;
  readonly ifVersion?: number;
}

export interface ListInput extends Caller {
  readonly levels?: readonly Level[];
  readonly filter?: Filter;
  readonly limit?: number;
  /** Bytes at which a page ends early, with a cursor; one record it always holds. Absent: the store's default. */
  readonly bytesMax?: number;
  readonly cursor?: string;
}

/** Of one namespace, telling of nothing beyond it, or of all of them. */
export interface MemoryStats {
  readonly store: StoreStats;
  readonly cache: {
    readonly embeddingEntries: number;
    readonly embeddingHits: number;
    readonly embeddingMisses: number;
  };
}

/** Contexts of all namespaces without a vector. */
export interface BacklogCounts {
  /** It is still to be made. */
  readonly pending: number;
  /** The model makes none for their texts. */
  readonly refused: number;
}

export interface GcOutcome {
  readonly promoted: number;
  readonly deleted: number;
}

/** The tiers behind one door: what the handlers call. */
export interface Memory {
  store(input: StoreInput, options?: CallOptions): Promise<StoreOutcome>;
  /** One outcome or coded error per input, in order. */
  storeBatch(inputs: readonly StoreInput[], options?: CallOptions): Promise<(StoreOutcome | Error)[]>;
  query(input: QueryInput, options?: CallOptions): Promise<QueryOutcome>;
  /** Counts an access; `NOT_FOUND` where there is none. */
  get(namespace: string, id: string, options?: CallOptions): Promise<ContextRecord>;
  update(input: UpdateInput, options?: CallOptions): Promise<ContextRecord>;
  /** How many were deleted; by id it is 0 or 1. */
  delete(
    namespace: string,
    target: { readonly id: string } | { readonly filter: Filter },
    options?: CallOptions,
  ): Promise<number>;
  list(
    input: ListInput,
    options?: CallOptions,
  ): Promise<{ readonly records: readonly ContextRecord[]; readonly cursor?: string }>;
  clearLevel(namespace: string, level: Level, options?: CallOptions): Promise<number>;
  stats(namespace?: string, options?: CallOptions): Promise<MemoryStats>;
  /** What each of `names` holds; absent: every namespace that holds contexts. By name. */
  namespaces(names?: readonly string[], options?: CallOptions): Promise<NamespaceCounts[]>;
  /** Ends lifetimes that are over, until none is or `signal` aborts. To be called every so often. */
  gc(signal?: AbortSignal): Promise<GcOutcome>;
  /** Writes the accesses counted since the last time; what the store does not take is kept. To be called every so often. */
  flushAccessCounts(): Promise<void>;
  /**
   * Makes the vectors of contexts that were stored without, until none is left; says how many are. Rejects where the model or
   * the store fails. To be called every so often.
   */
  embedBacklog(signal: AbortSignal): Promise<BacklogCounts>;
  /** As of the last run of `embedBacklog`. */
  readonly backlog: BacklogCounts;
  /** Contexts of all namespaces in levels that are switched off, where there are any: no query finds them. */
  unsearched(): Promise<readonly { readonly level: Level; readonly count: number }[]>;
  /** Says how many vectors were in memory; those that servers share go, too. */
  clearCaches(options?: CallOptions): Promise<{ readonly embeddings: number }>;
  /** True where the store answers. */
  healthy(): Promise<boolean>;
  /** Flushes access counts and closes what it owns. */
  close(): Promise<void>;
}
