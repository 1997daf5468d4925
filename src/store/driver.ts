// What a vector database has to be able to do to be a store: eight calls, one more where it can, and those of documents.
// Everything else that
// `ContextStore` promises is made of them in `generic/`, and a driver overrides there what it can do better.
//
// No call spans another: a driver need not have transactions over several of them. Each is shaped so that one round
// trip answers it, for all levels and all scopes asked for.

import type { CodedError } from '../base/errors.ts';
import type { ContextOutline, ContextRecord, Filter, Level } from '../base/context.ts';
import type { TextTraits } from '../base/text/traits.ts';
import type { DocumentDriver } from './documents.ts';
import type { Change, ChangeResult, QueryTerm, Scope, StoreCapabilities, TermStatistics, Unembedded } from './store.ts';
import type { TimeView } from './times.ts';

/** Rejections are those of `ContextStore`. Filters and the lengths of vectors have been checked. */
export interface StoreDriver {
  /** As `vector_db.driver` says it. */
  readonly name: string;
  /** Of the store that the defaults make of this driver. */
  readonly capabilities: StoreCapabilities;
  readonly documents: DocumentDriver;
  /**
   * A put that supersedes others looks whether they are there and tells them, and a delete takes that back, all in one step
   * with it. Absent: `generic/supersession.ts` does it around `apply`.
   */
  readonly tellsSuperseded?: boolean;
  /**
   * Applies the changes in order. When it resolves they are durable and visible to every later read. Where it knows which of
   * several have failed, it rejects with `ChangesFailed`; what it does not take of one alone is `ContentRefused`.
   */
  apply(changes: readonly Change[], nowMs: number): Promise<ChangeResult[]>;
  /** Records in the order of `ids`; null where there is none, or its lifetime ended in deletion before `nowMs`. */
  get(namespace: string, ids: readonly string[], nowMs: number): Promise<(ContextRecord | null)[]>;
  /** The same without contents, where that is less work. */
  outlines?(namespace: string, ids: readonly string[], nowMs: number): Promise<(ContextOutline | null)[]>;
  /** A page for each of the requests. */
  scan(requests: readonly ScanRequest[], signal?: AbortSignal): Promise<ScanPage[]>;
  /** The contexts of each level whose vectors are nearest to the question's, each once. */
  nearest(request: NearestRequest, signal?: AbortSignal): Promise<LevelHits[]>;
  /** The contexts of each level that hold some of the question's terms, the best by BM25 or what comes near it. */
  matching(request: HitRequest, signal?: AbortSignal): Promise<LevelHits[]>;
  counts(request: CountsRequest): Promise<Counts>;
  /**
   * Who stands around each of these hits, of all that have its agent and its session, where the driver can tell at less than
   * what a scan each way would cost; null where it cannot.
   */
  around?(request: AroundRequest, signal?: AbortSignal): Promise<(Surroundings | null)[]>;
  /** Resolves where the database answers. */
  ping(): Promise<void>;
  /** Finishes what was called before. */
  close(): Promise<void>;
}

/** Whose contexts are meant; what is absent restricts nothing. */
export interface Reach {
  /** Absent: those of all namespaces, as sweeps and totals need it. */
  readonly namespace?: string;
  readonly levels?: readonly Level[];
  readonly agentId?: string;
  /** null: those that belong to no session. */
  readonly sessionId?: string | null;
  /** With a session: also those that belong to none. */
  readonly includeSessionless?: boolean;
  readonly filter?: Filter;
  /** Without those whose lifetime has ended in deletion by then. Absent: with them. */
  readonly nowMs?: number;
  /** Only what holds so. */
  readonly time?: TimeView;
  /** Only those that supersede others or are superseded. */
  readonly linked?: boolean;
  /** Only those that supersede one of these ids; nobody asks it of a driver that `tellsSuperseded`. */
  readonly supersedes?: readonly string[];
  /** Those without vectors, for this reason. A scan of them goes in whatever order costs the driver least. */
  readonly unembedded?: Unembedded;
}

/**
 * `creation`: by `createdAtMs`, then by arrival. `entry`: by when they came into their level. `expiry`: by
 * `expiresAtMs`, and those without one are left out.
 */
export type ScanOrder = 'creation' | 'entry' | 'expiry';

/** A place in an order, which only the driver reads; the same context may have another one after it was changed. */
export type Position = readonly (string | number)[];

export interface ScanRequest extends Reach {
  readonly order: ScanOrder;
  readonly descending: boolean;
  /** Goes on behind this place of the same order. */
  readonly after?: Position;
  readonly limit: number;
  /** Bytes of replies (`replyBytes`) at which a page ends early; one context it always holds. Absent: none. */
  readonly bytesMax?: number;
  /** `Found.vector`, `Found.passages`, `Found.unembedded` and `Found.entered` are wanted. */
  readonly vectors?: boolean;
  /** `Found.features` are wanted. */
  readonly question?: Question;
}

export interface ScanPage {
  readonly found: readonly Found[];
  /** There are more behind the last of them. */
  readonly more: boolean;
}

export interface Found {
  readonly record: ContextRecord;
  readonly position: Position;
  readonly vector?: Float32Array;
  /** Absent where the context has none. */
  readonly passages?: readonly Float32Array[];
  /** With `vector`. */
  readonly unembedded?: Unembedded;
  /**
   * The higher, the later it came into its level, compared with the others there. After a `transfer` a store gives higher
   * numbers than that one named.
   */
  readonly entered?: number;
  readonly features?: Features;
}

/** What contexts are compared with. */
export interface Question {
  readonly vector?: Float32Array;
  readonly terms: readonly QueryTerm[];
}

/** What ranking wants to know about a context for a question. */
export interface Features {
  /**
   * The largest cosine of its vectors with the question's, or its own vector where it has only one and the driver does not
   * compare them itself; null where the question has none.
   */
  readonly dense: number | Float32Array | null;
  /** How often it holds each of the question's terms, in their order. */
  readonly termCounts: ArrayLike<number>;
  /** Index terms of its text, repetitions counted. */
  readonly termCount: number;
  readonly traits: TextTraits;
  /** `textKey` of its text. */
  readonly textKey: number;
}

export interface HitRequest extends Scope {
  /** Each is searched by itself. */
  readonly levels: readonly Level[];
  readonly includeSessionless: boolean;
  readonly question: Question;
  /** Hits wanted of each level. */
  readonly count: number;
  readonly nowMs: number;
}

export interface NearestRequest extends HitRequest {
  /** How many of each level's contexts, whatever their scope, are to be compared with the question; see `LevelHits.sample`. */
  readonly samples: number;
}

/** In the order of the levels asked for. */
export interface LevelHits {
  /** The best first. */
  readonly hits: readonly Hit[];
  /** Of `nearest`: cosines with the `vector`s, or those themselves, of contexts taken from all over the level. */
  readonly sample?: readonly (number | Float32Array)[];
  /** Why this level alone has brought nothing. */
  readonly error?: CodedError;
}

export type HitRecord = Pick<
  ContextRecord,
  'id' | 'agentId' | 'sessionId' | 'level' | 'createdAtMs' | 'tokenCount' | 'accessCount'
>;

export interface Hit {
  readonly record: HitRecord;
  /** In the order of creation. */
  readonly position: Position;
  readonly features: Features;
}

/** In the order of creation, the nearest first. */
export interface Surroundings {
  readonly before: readonly Neighbour[];
  readonly after: readonly Neighbour[];
}

export interface Neighbour {
  readonly record: HitRecord;
  readonly features: Features;
  /** The filter that was asked with lets it through. */
  readonly passes: boolean;
}

export interface AroundRequest {
  readonly namespace: string;
  /** Where they may be. */
  readonly levels: readonly Level[];
  readonly question: Question;
  /** Says nothing of who stands there, only `Neighbour.passes`. */
  readonly filter?: Filter;
  readonly time?: TimeView;
  readonly nowMs: number;
  /** `count`: how many are wanted on each side. */
  readonly places: readonly { readonly hit: Hit; readonly count: number }[];
}

export interface CountsRequest {
  readonly reaches: readonly Reach[];
  readonly statistics?: { readonly namespace: string; readonly terms: readonly string[] };
}

export interface Counts {
  /** Contexts in each of the reaches. */
  readonly counts: readonly number[];
  /** Where they were asked for. */
  readonly statistics?: TermStatistics;
}
