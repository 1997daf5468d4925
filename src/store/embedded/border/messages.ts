// What crosses the border between the main thread and the store worker. Calls of one tick travel in one
// message, replies of one batch in one message; rows are packed into one list, vectors into one buffer that is handed over.

import type { WireNamespaces, WireNamespacesRequest } from './namespace-messages.ts';
import type { TextLengths } from '../../../base/text/bm25.ts';
import type { ErrorDetails } from '../../../base/errors.ts';
import type { ErrorCode } from '../../../base/error-table.ts';
import type { Filter } from '../../../base/context.ts';
import type { Settings } from '../../../config/settings.ts';
import type { Features, HitRecord, ScanOrder } from '../../driver.ts';
import type { TimesPatch, TimeView } from '../../times.ts';
import type { NeighboursAsked } from '../../neighbours-asked.ts';
import type { Condition, ContextPatch, Move, SearchRequest, TransferOutcome, Unembedded } from '../../store.ts';
import type { OpeningSettings, RowsDone } from './opening-settings.ts';
import type { DocumentCallTypes } from './document-messages.ts';
import type { ErasureCallTypes, WireTally } from './erasure-messages.ts';
import type { WireExpiry, WireSweep } from './expiry-messages.ts';
import type { LevelNumber, PackedRows } from './rows.ts';

type VectorDb = Settings['vectorDb'];
/** What an operator can turn of this store. */
export interface StoreSettings
  extends Pick<VectorDb, 'dataDir' | 'indexingThreshold' | 'memoryBytesMax' | 'compressionThresholdBytes' | 'hnsw'> {
  readonly quantization: Quantization;
}
/** `binary` and `product` are Qdrant's. */
export type Quantization = Exclude<VectorDb['quantization'], 'binary' | 'product'>;

/** Settings of the worker; everything is plain data. */
export interface WorkerSettings extends StoreSettings, OpeningSettings {
  readonly embeddingId: string;
  readonly dimension: number;
  readonly columns: ColumnLimits;
  /** Access counts are written with the next commit, or after this time without one. */
  readonly touchFlushMs: number;
}

/** When vectors are compared column by column. */
export interface ColumnLimits {
  /** Contexts of a level. Fewer are read through in no time, and would leave much of a block empty. */
  readonly levelCountMin: number;
  /** More take longer than a graph. */
  readonly levelCountMax: number;
  /** Of a query's numbers, those that are not zero: with more, the other ways are as fast and need no memory for it. */
  readonly nonZeroShareMax: number;
}

/** Of one text: the place among the message's packed vectors, and how many of further passages stand behind it. */
export interface WireVectors {
  readonly vector: number;
  readonly passages: number;
  readonly unembedded: Unembedded | null;
}

export type WireWriteOp =
  /** `row`: its place among the message's packed rows. */
  | ({ readonly op: 'put'; readonly namespace: string; readonly row: number } & WireVectors)
  | ({
      readonly op: 'transfer';
      readonly namespace: string;
      readonly row: number;
      readonly entered: number;
    } & WireVectors)
  | {
      readonly op: 'update';
      readonly namespace: string;
      readonly id: string;
      /** null: the server's own doing. */
      readonly updatedAtMs: number | null;
      readonly ifVersion: number | null;
      readonly onlyIf: Condition | null;
      readonly text: ({ readonly text: string; readonly tokenCount: number } & WireVectors) | null;
      readonly vectors: WireVectors | null;
      readonly metadata: string | null;
      readonly tags: string | null;
      readonly place: Pick<ContextPatch, 'move' | 'lifetime'>;
      readonly accesses: number;
      readonly times: TimesPatch | null;
    }
  | {
      readonly op: 'delete';
      readonly namespace: string;
      readonly ids: readonly string[];
      readonly onlyIf: Condition | null;
      readonly tally?: true;
    }
  | {
      readonly op: 'trim';
      readonly namespace: string;
      readonly agentId: string;
      /** undefined: all of the agent's. */
      readonly sessionId: string | null | undefined;
      readonly level: LevelNumber;
      readonly keep: number;
      readonly move: Move | null;
    };

/** In the order of the operations; 'created' and 'conflict' stand for the bulk of puts. */
export type WireWriteResult =
  | 'created'
  | 'conflict'
  | { readonly existing: PackedRows }
  /** Ids of what was to be superseded. */
  | { readonly missing: readonly string[] }
  /** `stored`: the row where it is not the one that came. */
  | { readonly outcome: TransferOutcome; readonly before: LevelNumber | null; readonly stored: PackedRows | null }
  | { readonly updated: PackedRows }
  | { readonly failed: 'not_found' | 'version_conflict'; readonly version?: number }
  | { readonly deletedIds: readonly string[]; readonly tally?: WireTally }
  /** `moved`: by `packMoved`. */
  | { readonly moved: PackedRows; readonly deletedIds: readonly string[] };

export interface WireScope {
  readonly namespace: string;
  readonly agentId: string | null;
  readonly sessionId: string | null;
  readonly filter: Filter | null;
}

/** What a search need not say of itself is said here. */
type Told = 'names' | 'dates' | 'createdWithin' | 'surely' | 'distinct';

export interface WireSearch extends WireScope, Required<Pick<SearchRequest, Told>>, Required<NeighboursAsked> {
  readonly levels: readonly LevelNumber[];
  readonly includeSessionless: boolean;
  /** Its place in the message's packed vectors. */
  readonly vector: number | null;
  readonly terms: readonly string[];
  readonly weights: readonly number[];
  readonly termsMax: number;
  readonly denseSamples: number;
  readonly candidates: number;
  readonly texts: NonNullable<SearchRequest['texts']> | null;
  readonly nowMs: number;
  readonly time: TimeView | null;
}

export interface WireStatistics extends TextLengths {
  readonly documentCount: number;
  readonly frequencies: readonly number[];
}

export interface WireCandidates {
  readonly count: number;
  readonly termCount: number;
  /** Of `CandidateColumns`. */
  readonly columns: ArrayBuffer;
  /** One behind the other: those of the candidates, then those of contexts that only `previous` and `next` point to. */
  readonly ids: string;
  /** Where each of them ends in `ids`. */
  readonly idEnds: Uint32Array;
}

export interface WireLevel {
  readonly searched: number;
  readonly denseMedian: number | null;
  readonly hasEnds: boolean;
  /** It could not be searched. */
  readonly error?: WireError;
}

export interface WireFindings extends WireCandidates {
  readonly levels: readonly WireLevel[];
  /** Places of the terms that have a column of their own; the statistics are of these. */
  readonly terms: readonly number[];
  readonly statistics: WireStatistics;
  readonly texts: PackedRows | null;
}

/** `Reach`, with null for what is absent; but `sessionId` null: those that belong to no session. */
export interface WireReach {
  readonly namespace: string | null;
  readonly levels: readonly LevelNumber[] | null;
  readonly agentId: string | null;
  readonly sessionId: string | null | undefined;
  readonly includeSessionless: boolean;
  readonly filter: Filter | null;
  readonly nowMs: number | null;
  readonly time: TimeView | null;
  readonly linked: boolean;
  readonly unembedded: Unembedded | null;
}

export interface WireQuestion {
  /** Its place in the message's packed vectors. */
  readonly vector: number | null;
  readonly terms: readonly string[];
  readonly weights: readonly number[];
}

export interface WireScan extends WireReach {
  readonly order: ScanOrder;
  readonly descending: boolean;
  readonly after: readonly [at: number, seq: number] | null;
  readonly limit: number;
  readonly bytesMax: number;
  readonly vectors: boolean;
  readonly question: WireQuestion | null;
}

export interface WirePage {
  readonly rows: PackedRows;
  /** Of each row; null: all are of the namespace asked for. */
  readonly namespaces: readonly string[] | null;
  /** Two numbers of each row. */
  readonly positions: readonly number[];
  /** One behind the other; null where none were asked for. */
  readonly vectors: Float32Array | null;
  /** How many each row has; null: none has any. */
  readonly passages: { readonly counts: readonly number[]; readonly vectors: Float32Array } | null;
  /** Of each row; null: all have vectors, or none were asked for. */
  readonly unembedded: readonly (Unembedded | null)[] | null;
  /** Of each row, where vectors were asked for. */
  readonly entered: readonly number[] | null;
  readonly features: readonly WireFeatures[] | null;
  readonly more: boolean;
}

export interface WireFeatures extends Omit<Features, 'dense' | 'termCounts'> {
  readonly dense: number | null;
  readonly termCounts: readonly number[];
}

export interface WireHits extends WireScope {
  readonly side: 'nearest' | 'matching';
  readonly levels: readonly LevelNumber[];
  readonly includeSessionless: boolean;
  readonly question: WireQuestion;
  readonly count: number;
  readonly samples: number;
  readonly nowMs: number;
  readonly time: TimeView | null;
}

export interface WireHit {
  readonly record: HitRecord;
  readonly position: readonly [at: number, seq: number];
  readonly features: WireFeatures;
}

export interface WireLevelHits {
  readonly hits: readonly WireHit[];
  readonly sample: readonly number[];
}

export interface WireCountsRequest {
  readonly reaches: readonly WireReach[];
  readonly statistics: { readonly namespace: string; readonly terms: readonly string[] } | null;
}

export interface WireCounts {
  readonly counts: readonly number[];
  readonly statistics: WireStatistics | null;
}

/** Which contexts a delete by filter means, some at a time. */
export interface WireFind {
  readonly namespace: string;
  readonly levels: readonly LevelNumber[] | null;
  readonly filter: Filter | null;
  /** What an earlier call gave; null: the first. */
  readonly from: WireFindPlace | null;
  readonly limit: number;
}

export interface WireFindPlace {
  readonly after: readonly [at: number, seq: number];
  /** What was stored later than the first call stays out. */
  readonly newestSeq: number;
}

export interface WireFound {
  readonly ids: readonly string[];
  /** null: there are no more. */
  readonly next: WireFindPlace | null;
}

/** Calls by kind: what goes in, what comes back. */
export interface CallTypes extends DocumentCallTypes, ErasureCallTypes {
  write: { body: readonly WireWriteOp[]; result: readonly WireWriteResult[] };
  expire: { body: WireExpiry; result: WireSweep };
  search: { body: WireSearch; result: WireFindings };
  fetch: {
    body: { readonly namespace: string; readonly ids: readonly string[]; readonly nowMs: number };
    /** Those that are there. */
    result: PackedRows;
  };
  outlines: CallTypes['fetch'];
  scan: { body: readonly WireScan[]; result: readonly WirePage[] };
  find: { body: WireFind; result: WireFound };
  hits: { body: WireHits; result: readonly WireLevelHits[] };
  counts: { body: WireCountsRequest; result: WireCounts };
  touch: { body: readonly (readonly [namespace: string, id: string, count: number])[]; result: null };
  /** Makes access counts durable that wait for a commit. */
  flush: { body: null; result: null };
  stats: { body: string | null; result: WireStats };
  namespaces: { body: WireNamespacesRequest; result: WireNamespaces };
  ping: { body: null; result: null };
  close: { body: null; result: null };
}

export interface WireStats {
  readonly counts: readonly [number, number, number];
  readonly driver: Readonly<Record<string, string | number | boolean>>;
}

export type CallKind = keyof CallTypes;

export type WireCall = {
  [K in CallKind]: { readonly id: number; readonly kind: K; readonly body: CallTypes[K]['body'] };
}[CallKind];

export type ToWorker =
  | {
      readonly type: 'calls';
      readonly nowMs: number;
      readonly calls: readonly WireCall[];
      readonly rows: PackedRows;
      readonly vectors: Float32Array | null;
    }
  /** Nobody waits for these any more: what has not begun is dropped, a read that has is ended. */
  | { readonly type: 'cancel'; readonly ids: readonly number[] };

export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: ErrorDetails | undefined;
  readonly retryAfterMs: number | undefined;
}

export type WireReply =
  | { readonly id: number; readonly ok: true; readonly value: CallTypes[CallKind]['result'] }
  | { readonly id: number; readonly ok: false; readonly error: WireError };

export type FromWorker =
  | { readonly type: 'ready'; readonly cursorKey: Uint8Array; readonly isCompared: boolean }
  | { readonly type: 'startup_failed'; readonly message: string; readonly remedy: string | null; readonly inUse?: true }
  /** `committedWrites`: operations of each transaction behind these replies. */
  | { readonly type: 'replies'; readonly replies: readonly WireReply[]; readonly committedWrites: readonly number[] }
  /** Before it is ready: what is stored is being sealed with another key. */
  | ({ readonly type: 'resealing' } & RowsDone)
  | {
      readonly type: 'log';
      readonly level: 'debug' | 'info' | 'warn' | 'error';
      readonly fields: object;
      readonly message: string;
    };
