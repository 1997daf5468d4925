import type { ContextOutline, ContextRecord, Filter, JsonObject, Level } from '../base/context.ts';
import type { CodedError } from '../base/errors.ts';
import type { NamespaceSet } from '../base/namespace-set.ts';
import { PASSAGES_MAX } from '../base/text/passages.ts';
import type { AskedTraits, Candidates } from './candidates.ts';
import type { FirstTexts, FirstTextsAsked } from './first-texts.ts';
import type { NeighboursAsked } from './neighbours-asked.ts';
import type { StoreCapabilities } from './capabilities.ts';
export type { StoreCapabilities } from './capabilities.ts';
import type { DocumentStore } from './documents.ts';
import type { ErasureStore } from './erasure.ts';
import type { TermStatistics, WordStore } from './term-statistics.ts';
export type { TermStatistics } from './term-statistics.ts';
import type { PendingPage, PendingRequest } from './pending.ts';
export type { PendingPage, PendingRequest } from './pending.ts';
import type { Freed } from './supersession.ts';
import type { CreationAsked, TimesPatch, TimeView } from './times.ts';
/**
 * What is made of a text. Vectors are L2-normalised and have the provider's dimension. Those handed to the store stay the
 * caller's: they are neither changed nor detached.
 */
export interface TextVectors {
  /**
   * Of the text, or of the first passage of one that is longer than the model's window; zero for one without any feature, and
   * where it is `unembedded`.
   */
  readonly vector: Float32Array;
  /**
   * Of the further passages, `FURTHER_PASSAGES_MAX` at most. A context is as near to a question as the nearest of all its vectors.
   * Absent or empty: there are none.
   */
  readonly passages?: readonly Float32Array[];
  /** Why there is no vector; absent: there is one. Kept until other vectors come. */
  readonly unembedded?: Unembedded;
}

/** Beside the first. More would make one long text cost as much as hundreds of contexts. */
export const FURTHER_PASSAGES_MAX = PASSAGES_MAX - 1;

/** `pending`: still to be made. `refused`: the model makes none for this text, and is not asked again. */
export type Unembedded = 'pending' | 'refused';

/** A context to be written. */
export interface NewContext extends TextVectors {
  readonly record: ContextRecord;
}

export type Lifetime = Pick<ContextRecord, 'expiresAtMs' | 'expiryAction' | 'expirySetBy'>;

/** Into another level; a context that is there already stays as it is. */
export interface Move {
  readonly to: Level;
  /** What the level gives to a context whose client has set none. */
  readonly lifetime: Lifetime;
}

/**
 * What an update changes; what is absent stays. It says what is wanted, and what becomes of the context follows from
 * what it is at the moment of the change (`applyPatch`), never from what somebody read before.
 */
export interface ContextPatch {
  /** The text that it has already changes nothing. */
  readonly text?: TextVectors & { readonly text: string; readonly tokenCount: number };
  /** In place of the vectors that there are. Nothing where `text` changes. */
  readonly vectors?: TextVectors;
  readonly metadata?: JsonObject;
  readonly tags?: readonly string[];
  readonly move?: Move;
  /** In place of whatever lifetime there is. */
  readonly lifetime?: Lifetime;
  /** To be added to the access count. */
  readonly accesses?: number;
  readonly times?: TimesPatch;
}

/** What must be so at the moment of a change: a context of which it is not so counts as not there. */
export interface Condition {
  readonly level?: Level;
  readonly accessesBelow?: number;
  /** Its lifetime has ended by then. */
  readonly dueAtMs?: number;
  readonly filter?: Filter;
  readonly text?: string;
  readonly unembedded?: Unembedded;
}

/** Keeps the newest `keep` contexts of a level (by when they entered it) and moves the others on; what a client keeps without an end is never deleted. */
export interface Trim {
  readonly namespace: string;
  readonly agentId: string;
  /** Only this session's contexts (null: those without a session); absent: all of the agent's. */
  readonly sessionId?: string | null;
  readonly level: Level;
  readonly keep: number;
  /** Absent: what overflows is deleted. */
  readonly move?: Move;
}

/** Where a context stands, and how long. */
export type Place = Pick<ContextRecord, 'level'> & Lifetime;

/** Where a trim has moved a context to. */
export type MovedContext = Pick<ContextRecord, 'namespace' | 'id'> & Place;

/**
 * What a `transfer` did. `created`: nothing was there. `replaced`: what was there is older (a lower version, or an
 * earlier change, or it came into its level earlier), or counts fewer accesses. `same`: it was there just so. `newer`: what
 * is there was changed since and stays. `conflict`: another context has the id and stays.
 */
export type TransferOutcome = 'created' | 'replaced' | 'same' | 'newer' | 'conflict';

/** What every driver can do by itself. */
export type Change =
  /** Where it supersedes others, these are told with it; a delete takes that back. */
  | { readonly op: 'put'; readonly context: NewContext }
  /** Takes a context over as another store has it, every field; `entered` as its scan gave it. */
  | { readonly op: 'transfer'; readonly context: NewContext; readonly entered: number }
  | {
      readonly op: 'update';
      readonly namespace: string;
      readonly id: string;
      readonly patch: ContextPatch;
      /** Absent: the server's own doing, which makes no new version and no later time of change. */
      readonly updatedAtMs?: number;
      readonly ifVersion?: number;
      readonly onlyIf?: Condition;
    }
  | { readonly op: 'delete'; readonly namespace: string; readonly ids: readonly string[]; readonly onlyIf?: Condition };

export type WriteOp =
  | Change
  /**
   * Deletes what matches; an absent `level` or `filter` restricts nothing. It goes some contexts at a time and lets other
   * calls through: what is stored after it began stays, what no longer matches when its turn comes stays, and a kill in
   * between leaves the rest, which a repeat deletes.
   */
  | { readonly op: 'delete_where'; readonly namespace: string; readonly level?: Level; readonly filter?: Filter }
  | { readonly op: 'trim'; readonly trim: Trim };

/** What came of the change at the same place. */
export type ChangeResult =
  /** `created: false`: the id exists with the same text, and `record` is what is stored. */
  | { readonly op: 'put'; readonly created: boolean; readonly record: ContextRecord }
  /** The id exists in the namespace with another text; nothing was written by this operation. */
  | { readonly op: 'put'; readonly conflict: true }
  /** It supersedes contexts that are not there; nothing was written by this operation. */
  | { readonly op: 'put'; readonly missing: readonly string[] }
  /** `record`: what is stored now. `before`: the level of what was there, also where its lifetime was over. */
  | {
      readonly op: 'transfer';
      readonly outcome: TransferOutcome;
      readonly record: ContextRecord;
      readonly before?: Level;
    }
  | { readonly op: 'update'; readonly record: ContextRecord }
  | { readonly op: 'update'; readonly failed: 'not_found' | 'version_conflict'; readonly version?: number }
  | {
      readonly op: 'delete';
      readonly deletedIds: readonly string[];
      /** Of those deleted that superseded others, of a driver that does not tell these itself. */
      readonly freed?: readonly Freed[];
    };

/** What came of the operation at the same place in the call. */
export type WriteResult =
  | ChangeResult
  /** In no order. */
  | { readonly op: 'delete_where'; readonly deletedIds: readonly string[] }
  | { readonly op: 'trim'; readonly moved: readonly MovedContext[]; readonly deletedIds: readonly string[] };

/** Whose contexts a read may see. */
export interface Scope {
  readonly namespace: string;
  /** Absent: every agent of the namespace. */
  readonly agentId?: string;
  /** Absent: every session, and contexts without one. */
  readonly sessionId?: string;
  readonly filter?: Filter;
  /** Only what holds so; absent: whenever it holds. */
  readonly time?: TimeView;
}

export interface QueryTerm {
  /** An index term as `analyze` makes it. */
  readonly term: string;
  /** Words that in texts of other languages are this one (`languageForms`): what holds any of them holds it. Absent: none. */
  readonly written?: readonly string[];
  /** 1 for a plain word of the query. */
  readonly weight: number;
}

export interface SearchRequest extends Scope, CreationAsked, FirstTextsAsked, NeighboursAsked {
  /** Each is searched by itself and brings `candidates` of either side. Each once. */
  readonly levels: readonly Level[];
  /** With `sessionId`: also contexts that belong to no session (what the agent knows at large). */
  readonly includeSessionless: boolean;
  /** Absent: no dense side. */
  readonly vector?: Float32Array;
  /** Empty: no lexical side. Any number, each once. */
  readonly terms: readonly QueryTerm[];
  /** Terms that have scores of their own at most; of more, those that say least share one (`termColumns`). Absent: all. >= 1. */
  readonly termsMax?: number;
  /** Folded words of the query that may name a speaker (`QueryAnalysis.names`), for `SPEAKER_FLAG`. */
  readonly names: readonly string[];
  /** Those of the query (`QueryAnalysis.dates`), for `DATE_FLAG`. Absent: none. */
  readonly dates?: AskedTraits['dates'];
  /** How many contexts of each level, taken at even distances, `LevelFindings.denseMedian` looks at, by their `vector`s alone; 0: none. */
  readonly denseSamples: number;
  /** Candidates wanted from each side of each level. */
  readonly candidates: number;
  /** Of the nearest by vector so many are not to be missed, where an index finds them about: what is behind them may be. Absent: all. */
  readonly surely?: number;
  /**
   * Contexts of a level whose texts say the same (`textKey`) take one of these places, the youngest that the driver
   * comes upon: copies push nobody else out. Absent: each takes its own.
   */
  readonly distinct?: boolean;
  /** Contexts whose lifetime ended before this, to be deleted, are not seen. */
  readonly nowMs: number;
}

export interface SearchResult extends FirstTexts {
  /** Union of both sides of all levels and their neighbours, each once, with both scores, in no order. */
  readonly candidates: Candidates;
  /** One for each level asked for, in that order. */
  readonly levels: readonly LevelFindings[];
  /**
   * Places in the request's `terms` of those that have term scores of their own, ascending (`TermColumns.own`). With
   * `termsMax` or fewer terms these are all; else one more score is behind them, of all others together.
   */
  readonly terms: readonly number[];
  /** Of these terms, in this order. */
  readonly statistics: TermStatistics;
}

export interface LevelFindings {
  /** Contexts in the level that the search could see; a driver may count them before the filter. */
  readonly searched: number;
  /** What an unrelated text's cosine with the query is: the median over the sample; null where none was asked for or there is none. */
  readonly denseMedian: number | null;
  /** False: nothing in the level has an end, so that time leaves nothing of the past out. Absent: it is not known. */
  readonly hasEnds?: boolean;
  /** Why this level has brought nothing. Where none could be searched the search may reject instead. */
  readonly error?: CodedError;
}

/** What a page of a list holds at most where the request says nothing else; about as much as it weighs on the wire. */
export const LIST_PAGE_BYTES_MAX = 1024 * 1024;

export interface ListRequest extends Scope {
  readonly levels?: readonly Level[];
  readonly limit: number;
  /**
   * Bytes of texts, metadata and names at which a page ends early, with a cursor; one record it always holds.
   * Absent: `LIST_PAGE_BYTES_MAX`.
   */
  readonly bytesMax?: number;
  /** What an earlier page returned; `BAD_REQUEST` where it is not one of ours. */
  readonly cursor?: string;
  readonly nowMs: number;
}

export interface ListPage {
  /** Newest first (by creation, then by arrival). */
  readonly records: readonly ContextRecord[];
  /** Absent: this was the last page. */
  readonly cursor?: string;
}

export interface Access {
  readonly namespace: string;
  readonly id: string;
  readonly count: number;
}

/** The lifetime of what is promoted; what was returned less often than `accessesMin` (absent: 0) is deleted. */
export type Promotion = Lifetime & { readonly accessesMin?: number };

/** What an expiry sweep did, for the counters and the log. */
export interface ExpirySweep {
  readonly promoted: readonly ContextRecord[];
  readonly deleted: readonly { readonly namespace: string; readonly id: string; readonly level: Level }[];
  /** More is due than `limit` let through. */
  readonly more: boolean;
}

export interface StoreStats {
  readonly counts: Readonly<Record<Level, number>>;
  /** Driver's own figures: sizes, partitions, indexes; safe to show to whoever may read the namespace. */
  readonly driver: Readonly<Record<string, string | number | boolean>>;
}

export interface NamespaceCounts {
  readonly namespace: string;
  readonly counts: Readonly<Record<Level, number>>;
}

/**
 * Where contexts live. Every method rejects with `STORE_UNAVAILABLE` where the backend fails,
 * `OVERLOADED` where its queue is full, and leaves what was acknowledged as it was.
 */
export interface ContextStore extends DocumentStore, ErasureStore, WordStore {
  readonly capabilities: StoreCapabilities;
  /**
   * Applies the operations in order. When it resolves they are durable and visible to every later read.
   * Where the store has `atomicBatches` those of one call share a transaction, all but `delete_where`; elsewhere what was
   * applied before a failure stays. `signal` ends a delete that has deleted nothing yet, and what a store has not begun; one over
   * the network does not wait longer for what it has begun either, and rejects with `STORE_UNAVAILABLE`.
   */
  write(ops: readonly WriteOp[], signal?: AbortSignal): Promise<WriteResult[]>;
  search(request: SearchRequest, signal?: AbortSignal): Promise<SearchResult>;
  /** Records in the order of `ids`; null where there is none (or its lifetime ended before `nowMs`). */
  fetch(namespace: string, ids: readonly string[], nowMs: number): Promise<(ContextRecord | null)[]>;
  /** The same of what they are beside their contents. */
  outlines(namespace: string, ids: readonly string[], nowMs: number): Promise<(ContextOutline | null)[]>;
  /** Every context of a session's level with its vectors, oldest first; `sessionId` null: those without a session. */
  load(
    scope: { namespace: string; agentId: string; sessionId: string | null },
    level: Level,
    nowMs: number,
  ): Promise<NewContext[]>;
  list(request: ListRequest, signal?: AbortSignal): Promise<ListPage>;
  /** Adds to access counts: shown by the next read of a record, durable later, with other writes. */
  touch(accesses: readonly Access[]): Promise<void>;
  /**
   * Ends up to `limit` lifetimes that are over: deletes those contexts, or promotes them to `long_term` where they
   * would be promoted, with the lifetime `promoted`; null: deletes these, too.
   */
  expire(nowMs: number, limit: number, promoted: Promotion | null): Promise<ExpirySweep>;
  /** Contexts of all namespaces whose vectors are still to be made, a page from behind a place, each once while none changes. */
  pending(request: PendingRequest): Promise<PendingPage>;
  /** Of all namespaces. */
  unembedded(): Promise<Readonly<Record<Unembedded, number>>>;
  /** Of one namespace, or of all. */
  stats(namespace?: string): Promise<StoreStats>;
  /** Of each of `names`; absent: of every namespace that holds contexts, or of those `among` them. By name. */
  namespaces(names?: readonly string[], among?: NamespaceSet): Promise<NamespaceCounts[]>;
  /** Resolves where the store answers. */
  ping(): Promise<void>;
  /** Finishes queued writes, saves indexes, closes. */
  close(): Promise<void>;
}
