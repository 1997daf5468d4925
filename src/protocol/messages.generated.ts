// Generated from proto-spec/ by `npm run generate`; do not edit.
import type { Filter, JsonObject, Level } from '../base/context.ts';

export type { Filter, JsonObject, Level };

/**
 * What a server may ask over the network: a service for vectors, a database, one for summaries.
 */
export type Backend = 'embedding' | 'vector_db' | 'summary';
/**
 * A context in the answer to a query.
 */
export type RankedContext = Context & {
  relevance_score: number;
  scores: ScoreParts;
};

/**
 * How many entries were dropped.
 */
export interface AdminCacheClearReply {
  embeddings: number;
}
/**
 * The backend, and how its circuit is now.
 */
export interface AdminCircuitResetReply {
  backend: Backend;
  state: string;
}
/**
 * Closes the circuit of a backend: it is asked again at once.
 */
export interface AdminCircuitResetRequest {
  backend: Backend;
}
/**
 * Contexts whose lifetime had ended, by what became of them.
 */
export interface AdminGcReply {
  promoted: number;
  deleted: number;
}
/**
 * The snapshot, which is on the server's disk.
 */
export interface AdminSnapshotReply {
  snapshot: StoredSnapshot;
}
/**
 * Makes a snapshot of everything that is stored.
 */
export interface AdminSnapshotRequest {
  /**
   * A snapshot with a label is kept until somebody deletes it.
   */
  label?: string;
}
/**
 * The snapshots that there are, the oldest first.
 */
export interface AdminSnapshotsReply {
  snapshots: readonly StoredSnapshot[];
}
/**
 * Client to server, the answer to hello; its tag is made with the secret.
 */
export interface Auth {
  type: 'auth';
  protocol: number;
  key_id: string;
  sender: string;
  client_nonce: Uint8Array;
  timestamp: number;
  /**
   * <name>/<version>
   */
  client: string;
}
/**
 * The parts of a score, each before its weight.
 */
export interface ScoreParts {
  similarity: number;
  lexical: number;
  recency: number;
  level: number;
  frequency: number;
}
/**
 * One remembered text.
 */
export interface Context {
  id: string;
  namespace: string;
  agent_id: string;
  /**
   * Absent: it belongs to no session.
   */
  session_id?: string;
  level: Level;
  text: string;
  /**
   * By the server's estimator.
   */
  token_count: number;
  metadata: JsonObject;
  tags: readonly string[];
  /**
   * 1 at first, plus one with each update.
   */
  version: number;
  created_at: number;
  updated_at: number;
  /**
   * Absent: it has no end.
   */
  expires_at?: number;
  /**
   * Present where not the client but the level gave `expires_at`: then its time in the level ends, and it may move on.
   */
  expires_by?: 'level';
  /**
   * How often a query or a get returned it; kept in batches, so it may lag.
   */
  access_count: number;
}
/**
 * What became of one candidate that was ranked.
 */
export interface Receipt {
  id: string;
  level: Level;
  scores: ScoreParts;
  relevance_score: number;
  token_count: number;
  outcome: 'included' | 'below_threshold' | 'over_budget' | 'duplicate' | 'over_limit';
}
/**
 * A number for each level.
 */
export interface LevelCounts {
  immediate: number;
  short_term: number;
  long_term: number;
}
/**
 * A level that the query had to do without, and why.
 */
export interface DegradedLevel {
  level: Level;
  code: string;
}
/**
 * A context to be stored.
 */
export interface NewContext {
  text: string;
  level?: Level;
  id?: string;
  namespace?: string;
  agent_id?: string;
  session_id?: string;
  metadata?: JsonObject;
  tags?: readonly string[];
  ttl_ms?: number;
  created_at?: number;
  embedding?: Uint8Array;
}
/**
 * What came of storing a context.
 */
export interface StoredContext {
  id: string;
  level: Level;
  token_count: number;
  created_at: number;
  /**
   * False: the id existed with the same text.
   */
  created: boolean;
}
/**
 * A context of a batch that was not stored, and why.
 */
export interface FailedContext {
  error: {
    code: string;
    message: string;
  };
}
/**
 * How the answer came about.
 */
export interface QueryMetadata {
  level_distribution: LevelCounts;
  avg_relevance: number;
  cache_hits: number;
  total_searched: number;
  /**
   * Tokens granted to each level.
   */
  allocations: LevelCounts;
  degraded: readonly DegradedLevel[];
  /**
   * True where nothing is as similar as the server asks for: the contexts stand in. Absent otherwise.
   */
  below_threshold?: boolean;
}
/**
 * Contexts stored.
 */
export interface StatsCounts {
  immediate: number;
  short_term: number;
  long_term: number;
  total: number;
}
/**
 * A namespace that the key has.
 */
export interface ListedNamespace {
  namespace: string;
  counts: StatsCounts;
}
/**
 * A copy of everything that was stored at a moment.
 */
export interface StoredSnapshot {
  id: string;
  /**
   * As the one who asked for it named it.
   */
  label?: string;
  /**
   * What was acknowledged before it is in the snapshot.
   */
  created_at: number;
  contexts: number;
  /**
   * On the server's disk.
   */
  bytes: number;
  /**
   * Of its manifest, which holds those of its files; in hexadecimal.
   */
  sha256: string;
}
/**
 * Vectors kept in the cache: of the namespace that was counted, or of all.
 */
export interface StatsCache {
  embedding_entries: number;
  embedding_hits: number;
  embedding_misses: number;
}
/**
 * How many there were; by id 0 or 1.
 */
export interface ContextDeleteReply {
  deleted: number;
}
/**
 * By id, or all that match a filter; one that every context passes is refused.
 */
export interface ContextDeleteRequest {
  id?: string;
  filter?: Filter;
  namespace?: string;
}
/**
 * The context.
 */
export interface ContextGetReply {
  context: Context;
}
/**
 * One context by its id.
 */
export interface ContextGetRequest {
  id: string;
  namespace?: string;
}
/**
 * One page.
 */
export interface ContextListReply {
  contexts: readonly Context[];
  /**
   * Absent: this was the last page.
   */
  cursor?: string;
}
/**
 * Pages through contexts, newest first.
 */
export interface ContextListRequest {
  namespace?: string;
  levels?: readonly Level[];
  agent_id?: string;
  session_id?: string;
  filter?: Filter;
  limit?: number;
  /**
   * What the page before gave.
   */
  cursor?: string;
}
/**
 * The contexts, best first.
 */
export interface ContextQueryReply {
  contexts: readonly RankedContext[];
  /**
   * Never more than max_tokens.
   */
  total_tokens: number;
  retrieval_time_ms: number;
  metadata: QueryMetadata;
  /**
   * With `explain: true`: one row for every candidate that was ranked.
   */
  receipts?: readonly Receipt[];
}
/**
 * The contexts that answer a query, within a token budget. At least one of `query` and `embedding`.
 */
export interface ContextQueryRequest {
  query?: string;
  embedding?: Uint8Array;
  max_tokens?: number;
  limit?: number;
  levels?: readonly Level[];
  namespace?: string;
  agent_id?: string;
  session_id?: string;
  filter?: Filter;
  relevance_threshold?: number;
  priority?: 'Balanced' | 'Recent' | 'Deep' | readonly [number, number, number];
  explain?: boolean;
}
/**
 * One outcome per context, in order.
 */
export interface ContextStoreBatchReply {
  results: readonly (StoredContext | FailedContext)[];
}
/**
 * Contexts stored together; the namespace of each is its own.
 */
export interface ContextStoreBatchRequest {
  contexts: readonly NewContext[];
}
/**
 * The context as it is now.
 */
export interface ContextUpdateReply {
  context: Context;
}
/**
 * Changes what is given; metadata and tags are replaced, not merged. At least one change.
 */
export interface ContextUpdateRequest {
  id: string;
  namespace?: string;
  text?: string;
  metadata?: JsonObject;
  tags?: readonly string[];
  level?: Level;
  ttl_ms?: number;
  /**
   * CONFLICT where the context has another version.
   */
  if_version?: number;
}
/**
 * What went wrong.
 */
export interface ErrorPayload {
  code: string;
  message: string;
  retryable: boolean;
  retry_after_ms?: number;
  details?: Record<string, unknown>;
}
/**
 * The envelope of an error reply; id 0 stands for the connection, which is closed after it.
 */
export interface ErrorEnvelope {
  id: number;
  type: 'error';
  timestamp: number;
  payload: ErrorPayload;
}
/**
 * Server to client at shutdown: what is in flight is finished within deadline_ms.
 */
export interface Goaway {
  type: 'goaway';
  deadline_ms: number;
  timestamp: number;
}
/**
 * Server to client, the first frame, tag nil.
 */
export interface Hello {
  type: 'hello';
  protocol: number;
  /**
   * context-manager/<version>
   */
  server: string;
  server_nonce: Uint8Array;
  timestamp: number;
  max_frame_bytes: number;
}
/**
 * How many there were.
 */
export interface LevelClearReply {
  deleted: number;
}
/**
 * Deletes every context of a level in one namespace.
 */
export interface LevelClearRequest {
  level: Level;
  namespace?: string;
}
/**
 * The namespaces of the key, by name: for a key of `*` those that hold contexts, for any other all that it names.
 */
export interface NamespaceListReply {
  namespaces: readonly ListedNamespace[];
}
/**
 * How the server is.
 */
export interface PingReply {
  server_time: number;
  /**
   * Since the server started.
   */
  uptime_ms: number;
  healthy: boolean;
  active_connections: number;
}
/**
 * The envelope of a request.
 */
export interface RequestEnvelope {
  /**
   * Unique among the requests in flight; 0 stands for the connection.
   */
  id: number;
  type: string;
  timestamp: number;
  /**
   * By type.
   */
  payload: Record<string, unknown>;
  /**
   * How long the client will wait.
   */
  deadline_ms?: number;
  /**
   * W3C Trace Context.
   */
  traceparent?: string;
}
/**
 * The envelope of a reply.
 */
export interface ResultEnvelope {
  id: number;
  type: 'result';
  timestamp: number;
  payload: Record<string, unknown>;
}
/**
 * What is stored and cached.
 */
export interface StatsReply {
  counts: StatsCounts;
  cache: StatsCache;
  /**
   * The driver's own figures.
   */
  store: JsonObject;
  uptime_ms: number;
  /**
   * The namespace counted; absent: all.
   */
  namespace?: string;
}
/**
 * Figures of one namespace. Left out by a key that sees every namespace, it means all of them.
 */
export interface StatsRequest {
  namespace?: string;
}
/**
 * Server to client, frame 0 under its key.
 */
export interface Welcome {
  type: 'welcome';
  session: string;
  scopes: readonly string[];
  namespaces: readonly string[];
  heartbeat_ms: number;
  timestamp: number;
}
export type AdminCacheClearRequest = Record<string, never>;
export type AdminGcRequest = Record<string, never>;
export type AdminSnapshotsRequest = Record<string, never>;
export type Priority = 'Balanced' | 'Recent' | 'Deep' | readonly [number, number, number];
export type ContextStoreReply = StoredContext;
export type ContextStoreRequest = NewContext;
export type NamespaceListRequest = Record<string, never>;
export type PingRequest = Record<string, never>;

/** Request payloads by request type. */
export interface RequestPayloads {
  'ping': PingRequest;
  'context.store': ContextStoreRequest;
  'context.store_batch': ContextStoreBatchRequest;
  'context.query': ContextQueryRequest;
  'context.get': ContextGetRequest;
  'context.update': ContextUpdateRequest;
  'context.delete': ContextDeleteRequest;
  'context.list': ContextListRequest;
  'level.clear': LevelClearRequest;
  'stats': StatsRequest;
  'namespace.list': NamespaceListRequest;
  'admin.gc': AdminGcRequest;
  'admin.snapshot': AdminSnapshotRequest;
  'admin.snapshots': AdminSnapshotsRequest;
  'admin.cache_clear': AdminCacheClearRequest;
  'admin.circuit_reset': AdminCircuitResetRequest;
}

/** Reply payloads by request type. */
export interface ReplyPayloads {
  'ping': PingReply;
  'context.store': ContextStoreReply;
  'context.store_batch': ContextStoreBatchReply;
  'context.query': ContextQueryReply;
  'context.get': ContextGetReply;
  'context.update': ContextUpdateReply;
  'context.delete': ContextDeleteReply;
  'context.list': ContextListReply;
  'level.clear': LevelClearReply;
  'stats': StatsReply;
  'namespace.list': NamespaceListReply;
  'admin.gc': AdminGcReply;
  'admin.snapshot': AdminSnapshotReply;
  'admin.snapshots': AdminSnapshotsReply;
  'admin.cache_clear': AdminCacheClearReply;
  'admin.circuit_reset': AdminCircuitResetReply;
}

export type RequestType = keyof RequestPayloads;
