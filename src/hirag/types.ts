import type { NamespaceSet } from '../base/namespace-set.ts';
import type { ContextRecord, Filter, JsonObject, Level, Priority } from '../base/context.ts';
import type { Answerable } from './answerable.ts';
import type { CallOptions } from './call-options.ts';
import type { AfterErasure, EraseInput, ErasureEstimate, ErasureOutcome } from './erasure/types.ts';
import type { HeldFact } from './facts/fact.ts';
import type { FactMemory } from './facts/types.ts';
import type { Receipt, ScoreParts } from './receipt.ts';
import type { SessionMemory } from './window/types.ts';
import type { NamespaceCounts, StoreStats } from '../store/store.ts';

export type { Answerable } from './answerable.ts';
export type { CallOptions } from './call-options.ts';
export type { Receipt, ReceiptOutcome, ScoreParts } from './receipt.ts';

/** Who asks, as resolved by the gate: nothing below it may widen it. */
export interface Caller {
  readonly namespace: string;
  /** Absent: every agent of the namespace (reads only). */
  readonly agentId?: string;
  /** Absent: no particular session. */
  readonly sessionId?: string;
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
  /** It has no end, whatever its level says, until it is released (`Tiers.release`). */
  readonly isKept?: boolean;
  readonly createdAtMs?: number;
  readonly validFromMs?: number;
  readonly validUntilMs?: number;
  /** Ids of the contexts that hold no more from this one's beginning on. */
  readonly supersedes?: readonly string[];
  readonly embedding?: Float32Array;
}

export interface StoreOutcome {
  readonly id: string;
  readonly level: Level;
  readonly tokenCount: number;
  readonly createdAtMs: number;
  readonly created: boolean;
}

/** Which moment a read asks about. */
export interface TimeInput {
  /** In the world; absent: now. */
  readonly asOfMs?: number;
  /** Only what was stored by then, with the supersessions known by then. */
  readonly knownAtMs?: number;
  /** Also what holds no more. */
  readonly includePast?: boolean;
}

/** What each part of a score counts, 0..1; absent: nothing. */
export interface WeightsInput {
  readonly similarity?: number;
  readonly recency?: number;
  readonly level?: number;
  readonly frequency?: number;
}

export interface QueryInput extends Caller, TimeInput {
  /** At least one of `query` and `embedding`. */
  readonly query?: string;
  readonly embedding?: Float32Array;
  readonly maxTokens?: number;
  readonly limit?: number;
  readonly levels?: readonly Level[];
  readonly filter?: Filter;
  readonly relevanceThreshold?: number;
  readonly priority?: Priority;
  /** In place of the configured ones. */
  readonly weights?: WeightsInput;
  readonly explain?: boolean;
  /** With facts about what `query` names. */
  readonly facts?: boolean;
  /** Contexts that are left out, and take no candidate's place. */
  readonly excludedIds?: ReadonlySet<string>;
  /** Others that only their text or metadata tell to be left out: of what was chosen, the next ones take their places. */
  readonly leavesOut?: (record: ContextRecord) => boolean;
}

/** A fact in an answer. */
export interface QueriedFact {
  readonly held: HeldFact;
  readonly tokenCount: number;
}

export interface RankedContext {
  readonly record: ContextRecord;
  /** 0..1. */
  readonly relevanceScore: number;
  readonly scores: ScoreParts;
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
  readonly answerable: Answerable;
  /** Nothing is as similar as `hirag.relevance_threshold` asks: the contexts stand in. */
  readonly belowThreshold: boolean;
  /** Tokens granted to each level. */
  readonly allocations: Readonly<Record<Level, number>>;
  readonly degraded: readonly { readonly level: Level; readonly code: string }[];
  readonly receipts?: readonly Receipt[];
  /** Where they were asked for and could be read. */
  readonly facts?: readonly QueriedFact[];
}

export interface UpdateInput {
  readonly namespace: string;
  readonly id: string;
  readonly text?: string;
  readonly metadata?: JsonObject;
  readonly tags?: readonly string[];
  readonly level?: Level;
  readonly ttlMs?: number;
  readonly validFromMs?: number;
  readonly validUntilMs?: number;
  readonly ifVersion?: number;
}

export interface ListInput extends Caller, TimeInput {
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

/** Each of `names`, or of all that hold contexts those `among` them. */
export interface NamespacesWanted {
  readonly names?: readonly string[];
  readonly among?: NamespaceSet;
}

/** The tiers behind one door: what the handlers call. */
export interface Memory {
  readonly sessions: SessionMemory;
  readonly facts: FactMemory;
  store(input: StoreInput, options?: CallOptions): Promise<StoreOutcome>;
  /** One outcome or coded error per input, in order. */
  storeBatch(inputs: readonly StoreInput[], options?: CallOptions): Promise<(StoreOutcome | Error)[]>;
  query(input: QueryInput, options?: CallOptions): Promise<QueryOutcome>;
  /** Counts an access; `NOT_FOUND` where there is none. */
  get(namespace: string, id: string, options?: CallOptions): Promise<ContextRecord>;
  /** Counts an access of each that there is, and says how many these are. */
  used(namespace: string, ids: readonly string[], options?: CallOptions): Promise<number>;
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
  /** Deletes with all that was made of it, and leaves no byte of it. Who stops waiting does not stop it. `after`: default none. */
  erase(input: EraseInput, options?: CallOptions, after?: AfterErasure): Promise<ErasureOutcome>;
  /** What an erasure of an agent or a namespace would delete. */
  estimateErasure(input: EraseInput): Promise<ErasureEstimate>;
  /** Goes on with erasures that were cut off. To be called at the start, and every so often. */
  resumeErasures(signal: AbortSignal, after?: AfterErasure): Promise<void>;
  clearLevel(namespace: string, level: Level, options?: CallOptions): Promise<number>;
  stats(namespace?: string, options?: CallOptions): Promise<MemoryStats>;
  /** What each of `names` holds; absent: every namespace that holds contexts. By name. */
  namespaces(which?: NamespacesWanted, options?: CallOptions): Promise<NamespaceCounts[]>;
  /** Ends lifetimes that are over, until none is or `signal` aborts. To be called every so often. */
  gc(signal?: AbortSignal): Promise<GcOutcome>;
  /** Writes the accesses counted since the last time; what the store does not take is kept. To be called every so often. */
  flushAccessCounts(): Promise<void>;
  /**
   * Makes the vectors of contexts that were stored without, until none is left; says how many are. Rejects where the model or
   * the store fails. To be called every so often.
   */
  embedBacklog(signal: AbortSignal): Promise<BacklogCounts>;
  /** Has the model for summaries do what a restart or a failure has left. */
  sweepSummaries(signal: AbortSignal): Promise<void>;
  /** As of the last run of `embedBacklog`. */
  readonly backlog: BacklogCounts;
  /** Contexts of all namespaces in levels that are switched off, where there are any: no query finds them. */
  unsearched(): Promise<readonly { readonly level: Level; readonly count: number }[]>;
  /** Says how many vectors were in memory; those that servers share go, too. */
  clearCaches(options?: CallOptions): Promise<{ readonly embeddings: number }>;
  /** Rejects with why the store does not answer, or would not keep what it is given. */
  storeAnswers(): Promise<void>;
  /** True where it does. */
  healthy(): Promise<boolean>;
  /** Flushes access counts and closes what it owns. */
  close(): Promise<void>;
}
