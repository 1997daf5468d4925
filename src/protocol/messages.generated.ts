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
  /**
   * The final score, by which the answer is sorted. 0 to 1.
   */
  relevance_score: number;
  /**
   * What the final score is made of.
   */
  scores: ScoreParts;
};
/**
 * A fact around an entity.
 */
export type NearbyFact = Fact & {
  /**
   * 1 for a fact about the entity, 2 for one about a neighbour of it, and so on.
   */
  distance: number;
};
/**
 * A fact about what a question names.
 */
export type QueriedFact = Fact & {
  /**
   * What its subject, predicate and object cost in tokens, by the server's estimator.
   */
  token_count: number;
};
/**
 * Who speaks.
 */
export type MessageRole = 'system' | 'user' | 'assistant' | 'tool';
/**
 * A text of at most 262,144 characters, a list of parts, or null where there are only tool calls.
 */
export type MessageContent = string | readonly ContentPart[] | null;
/**
 * A session with what it lists.
 */
export type SessionDetails = Session & {
  /**
   * Messages in the window, in order.
   */
  live: readonly LiveMessage[];
  /**
   * Of what has left the window, the newest first; at most 100 of a page.
   */
  cards: readonly Card[];
};

/**
 * How many entries were dropped.
 */
export interface AdminCacheClearReply {
  /**
   * Vectors that were in the cache.
   */
  embeddings: number;
}
/**
 * The backend, and how its circuit is now.
 */
export interface AdminCircuitResetReply {
  /**
   * As it was asked for.
   */
  backend: Backend;
  /**
   * `closed`: it is asked. `half_open` or `open`: it has failed again already.
   */
  state: string;
}
/**
 * Closes the circuit of a backend: it is asked again at once.
 */
export interface AdminCircuitResetRequest {
  /**
   * Which one.
   */
  backend: Backend;
}
/**
 * Contexts whose lifetime had ended, by what became of them.
 */
export interface AdminGcReply {
  /**
   * Moved to the next level.
   */
  promoted: number;
  /**
   * Gone.
   */
  deleted: number;
}
/**
 * Requests that were answered since the poll before.
 */
export interface AdminMonitorReply {
  /**
   * In the order in which they were answered; empty: none was in the time.
   */
  requests: readonly MonitoredRequest[];
  /**
   * For the next poll.
   */
  cursor: number;
  /**
   * Requests in between that are not told: more came than the server keeps, or nobody had polled for ten seconds.
   */
  lost: number;
}
/**
 * Requests as they are answered, by one poll after another. It acts on the whole server: the key has namespaces `*`.
 */
export interface AdminMonitorRequest {
  /**
   * What the poll before gave; left out: from now on.
   */
  cursor?: number;
  /**
   * How long the server waits for the first one, in milliseconds. Default: 5,000. 0 to 30,000.
   */
  wait_ms?: number;
  /**
   * How many are told at most. Default: 100. 1 to 1,000.
   */
  limit?: number;
}
/**
 * The last requests that took long.
 */
export interface AdminSlowlogReply {
  /**
   * The last first; the server keeps some hundreds.
   */
  requests: readonly SlowRequest[];
  /**
   * From which on a request is kept, in milliseconds (the setting `logging.slow_request_ms`); 0: none is.
   */
  threshold_ms: number;
  /**
   * How many there were since the server started.
   */
  total: number;
}
/**
 * The last requests that took long. It acts on the whole server: the key has namespaces `*`.
 */
export interface AdminSlowlogRequest {
  /**
   * How many are told at most. Default: 100. 1 to 1,000.
   */
  limit?: number;
  /**
   * Forget those that are kept, once they are told.
   */
  reset?: boolean;
}
/**
 * The snapshot, which is on the server's disk.
 */
export interface AdminSnapshotReply {
  /**
   * What was made.
   */
  snapshot: StoredSnapshot;
}
/**
 * Makes a snapshot of everything that is stored.
 */
export interface AdminSnapshotRequest {
  /**
   * A name for it: a letter or digit, and up to 127 more of letters, digits, spaces and `. _ : -`. A snapshot with a label is kept until somebody deletes it.
   */
  label?: string;
}
/**
 * The snapshots that there are, the oldest first.
 */
export interface AdminSnapshotsReply {
  /**
   * One row each.
   */
  snapshots: readonly StoredSnapshot[];
}
/**
 * Client to server, the answer to hello; its tag is made with the secret.
 */
export interface Auth {
  /**
   * The answer to hello.
   */
  type: 'auth';
  /**
   * Its version.
   */
  protocol: number;
  /**
   * Which key. 1 to 128 characters.
   */
  key_id: string;
  /**
   * Who this is: the default of `agent_id`. 1 to 256 characters.
   */
  sender: string;
  /**
   * 32 random bytes.
   */
  client_nonce: Uint8Array;
  /**
   * The client's clock, in milliseconds since the Unix epoch.
   */
  timestamp: number;
  /**
   * For the server's log: <name>/<version>. 1 to 128 characters.
   */
  client: string;
}
/**
 * The parts of a score, each before its weight.
 */
export interface ScoreParts {
  /**
   * How well the text fits the query, by its words and its vector, 0 to 1.
   */
  similarity: number;
  /**
   * How well its words alone fit, 0 to 1; a part of `similarity` already.
   */
  lexical: number;
  /**
   * 1 for what is new, less with age, 0 to 1.
   */
  recency: number;
  /**
   * What its level counts, 0 to 1.
   */
  level: number;
  /**
   * How often it was returned before, 0 to 1.
   */
  frequency: number;
}
/**
 * One remembered text.
 */
export interface Context {
  /**
   * A UUID, in lower case.
   */
  id: string;
  /**
   * Where it is.
   */
  namespace: string;
  /**
   * Whose it is.
   */
  agent_id: string;
  /**
   * The conversation that it belongs to. Absent: none.
   */
  session_id?: string;
  /**
   * The level where it is now; it may be lower than the one it was stored in.
   */
  level: Level;
  /**
   * As it was stored.
   */
  text: string;
  /**
   * What the text costs in tokens, by the server's estimator.
   */
  token_count: number;
  /**
   * As it was stored; empty where none was given.
   */
  metadata: JsonObject;
  /**
   * As they were stored; empty where none were given.
   */
  tags: readonly string[];
  /**
   * 1 at first, plus one with each update.
   */
  version: number;
  /**
   * The time of what is remembered, in milliseconds since the Unix epoch.
   */
  created_at: number;
  /**
   * When it was last changed, in milliseconds since the Unix epoch.
   */
  updated_at: number;
  /**
   * When the server stored it, in milliseconds since the Unix epoch.
   */
  recorded_at: number;
  /**
   * From when on it holds in the world, in milliseconds since the Unix epoch; where the client gave none, `created_at`.
   */
  valid_from: number;
  /**
   * When it ceased or ceases to hold, by itself or by what supersedes it, in milliseconds since the Unix epoch; at that moment it holds no more. Absent: it has no end.
   */
  valid_until?: number;
  /**
   * The end that it has of itself, where another context supersedes it, in milliseconds since the Unix epoch. Absent: it has none, or nothing supersedes it and `valid_until` is its own.
   */
  stated_until?: number;
  /**
   * Id of the context that ended it; of several the one that did so first. Absent: none did.
   */
  superseded_by?: string;
  /**
   * Ids of the contexts that it ended, as it was stored with. Absent: none.
   */
  supersedes?: readonly string[];
  /**
   * When its lifetime ends, in milliseconds since the Unix epoch. Absent: it has no end.
   */
  expires_at?: number;
  /**
   * Present where not the client but the level gave `expires_at`: then its time in the level ends, and it may move on.
   */
  expires_by?: 'level';
  /**
   * How often a query or a get returned it, and how often `context.used` named it; kept in batches, so it may lag. A server may count the latter alone.
   */
  access_count: number;
}
/**
 * What became of one candidate that was ranked.
 */
export interface Receipt {
  /**
   * Of the context.
   */
  id: string;
  /**
   * Where it is.
   */
  level: Level;
  /**
   * What the final score is made of.
   */
  scores: ScoreParts;
  /**
   * The final score. 0 to 1.
   */
  relevance_score: number;
  /**
   * What its text costs.
   */
  token_count: number;
  /**
   * What became of it: in the answer; scored too low; too long for what was left of the budget; the same as one in the answer; beyond `limit`; left out because it does not hold any more, where `include_past` would show it.
   */
  outcome: 'included' | 'below_threshold' | 'over_budget' | 'duplicate' | 'over_limit' | 'past';
}
/**
 * A number for each level.
 */
export interface LevelCounts {
  /**
   * Of L1.
   */
  immediate: number;
  /**
   * Of L2.
   */
  short_term: number;
  /**
   * Of L3.
   */
  long_term: number;
}
/**
 * A level that the query had to do without, and why.
 */
export interface DegradedLevel {
  /**
   * The level.
   */
  level: Level;
  /**
   * The code of the error that kept it out, or `LEVEL_OFF`.
   */
  code: string;
}
/**
 * A context to be stored.
 */
export interface NewContext {
  /**
   * What is remembered. 1 to 262,144 characters (a longer one is PAYLOAD_TOO_LARGE), not only white space and invisible ones.
   */
  text: string;
  /**
   * Where it goes. Default: `immediate`.
   */
  level?: Level;
  /**
   * A UUID, by default a new one of version 7. An id that exists with the same text is a success with `created: false`, with another text CONFLICT.
   */
  id?: string;
  /**
   * What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters `A-Z a-z 0-9 . _ : -`; by default the one that the key has, or `default` for a key of every namespace.
   */
  namespace?: string;
  /**
   * Whose it is; by default the `sender` of the connection. `*` is no agent. 1 to 256 characters.
   */
  agent_id?: string;
  /**
   * The conversation that it belongs to. Default: none. 1 to 256 characters.
   */
  session_id?: string;
  /**
   * Any JSON-like map of at most 65,536 bytes as MessagePack (more is PAYLOAD_TOO_LARGE): no bin, no NaN, no infinities, and no NUL character in a name, at whatever depth.
   */
  metadata?: JsonObject;
  /**
   * At most 64, each of 1 to 128 characters.
   */
  tags?: readonly string[];
  /**
   * Milliseconds until it is deleted; at most 100 years. Default: the lifetime of its level. At least 1.
   */
  ttl_ms?: number;
  /**
   * The time of what is remembered, in milliseconds since the Unix epoch, up to the end of the year 9999. Default: now.
   */
  created_at?: number;
  /**
   * From when on it holds in the world, in milliseconds since the Unix epoch. Default: from `created_at`.
   */
  valid_from?: number;
  /**
   * When it ceases to hold, in milliseconds since the Unix epoch; at that moment it holds no more. Later than a `valid_from` given with it; alone it may be past. Default: it has no end.
   */
  valid_until?: number;
  /**
   * Ids of up to 64 contexts of the namespace that hold no more from this one's `valid_from` on. Where one is not there it is NOT_FOUND, and nothing is stored. Deleting this context takes it back. Default: none.
   */
  supersedes?: readonly string[];
  /**
   * Used in place of the vector that the server makes of the text, and of the same dimension: float32 little-endian, 4 x dimension bytes.
   */
  embedding?: Uint8Array;
}
/**
 * What came of storing a context.
 */
export interface StoredContext {
  /**
   * As it was given, or made.
   */
  id: string;
  /**
   * Where it is.
   */
  level: Level;
  /**
   * What the text costs in tokens, by the server's estimator.
   */
  token_count: number;
  /**
   * The time of what is remembered, in milliseconds since the Unix epoch.
   */
  created_at: number;
  /**
   * True: it is new. False: the id existed with the same text, and nothing was changed.
   */
  created: boolean;
}
/**
 * A context of a batch that was not stored, and why.
 */
export interface FailedContext {
  /**
   * Why it was not stored.
   */
  error: {
    /**
     * `CONFLICT`, `BAD_REQUEST` or another code of the protocol.
     */
    code: string;
    /**
     * In words.
     */
    message: string;
  };
}
/**
 * How the answer came about.
 */
export interface QueryMetadata {
  /**
   * Contexts of the answer, by level.
   */
  level_distribution: LevelCounts;
  /**
   * The mean `relevance_score` of the answer; 0 where it is empty. 0 to 1.
   */
  avg_relevance: number;
  /**
   * Embeddings of this query that came from the cache.
   */
  cache_hits: number;
  /**
   * Contexts that the search looked at, in all levels.
   */
  total_searched: number;
  /**
   * Tokens granted to each level.
   */
  allocations: LevelCounts;
  /**
   * Levels that the query had to do without; empty where it had all.
   */
  degraded: readonly DegradedLevel[];
  /**
   * Whether the question can be answered from what is stored.
   */
  answerable: Answerable;
  /**
   * True where nothing is as similar as the server asks for: the contexts stand in. Absent otherwise.
   */
  below_threshold?: boolean;
}
/**
 * A fact to be put.
 */
export interface NewFact {
  /**
   * What it is about: 1 to 512 characters. Names are compared without case, width and the like (NFKC, case folding).
   */
  subject: string;
  /**
   * How the subject stands to the object: 1 to 512 characters, compared as names are.
   */
  predicate: string;
  /**
   * Another name, or any value in words: 1 to 4,096 characters, compared as names are.
   */
  object: string;
  /**
   * A UUID, by default a new one of version 7. An id that exists with the same fact is a success with `created: false`, with another one CONFLICT, and nothing is stored.
   */
  id?: string;
  /**
   * From then on it holds, in milliseconds since the Unix epoch. Default: now.
   */
  valid_from?: number;
  /**
   * The first moment at which it holds no more; after `valid_from`. Default: it has no end of its own.
   */
  valid_until?: number;
  /**
   * A subject has one object of this predicate at a time: from `valid_from` on this fact supersedes those that name another. Default: false.
   */
  single_valued?: boolean;
  /**
   * Ids of the contexts that say so; at most 64.
   */
  source_ids?: readonly string[];
  /**
   * How sure whoever puts it is, 0 to 1.
   */
  confidence?: number;
  /**
   * Any JSON-like map of at most 4,096 bytes as MessagePack (more is PAYLOAD_TOO_LARGE): no bin, no NaN, no infinities, and no NUL character in a name, at whatever depth.
   */
  metadata?: JsonObject;
}
/**
 * What came of putting a fact.
 */
export interface PutFact {
  /**
   * As it was given, or made.
   */
  id: string;
  /**
   * True: it is new. False: the id existed with the same fact, and nothing was changed.
   */
  created: boolean;
  /**
   * Facts that hold no more from its `valid_from` on, 64 at most.
   */
  superseded: readonly string[];
  /**
   * Facts of the same subject and predicate that name another object and hold at the same time, 64 at most. They stay.
   */
  conflicts: readonly string[];
}
/**
 * What is known of the world: a subject, a predicate, an object, and when it holds.
 */
export interface Fact {
  /**
   * A UUID, in lower case.
   */
  id: string;
  /**
   * Where it is.
   */
  namespace: string;
  /**
   * Whose it is.
   */
  agent_id: string;
  /**
   * As it was put.
   */
  subject: string;
  /**
   * As it was put.
   */
  predicate: string;
  /**
   * As it was put.
   */
  object: string;
  /**
   * From then on it holds, in milliseconds since the Unix epoch.
   */
  valid_from: number;
  /**
   * The first moment at which it holds no more: its own end, or where the fact that superseded it began. Absent: it has no end.
   */
  valid_until?: number;
  /**
   * Present where another fact ended it before an end of its own: that end.
   */
  stated_until?: number;
  /**
   * The id of the fact that ended it. Absent: none did.
   */
  superseded_by?: string;
  /**
   * When the server stored it, in milliseconds since the Unix epoch.
   */
  recorded_at: number;
  /**
   * Whether a subject has one object of this predicate at a time.
   */
  single_valued: boolean;
  /**
   * Contexts that say so; empty where none were given.
   */
  source_ids: readonly string[];
  /**
   * How sure whoever put it is, 0 to 1. Absent: it was not said.
   */
  confidence?: number;
  /**
   * As it was put; empty where none was given.
   */
  metadata: JsonObject;
}
/**
 * A subject or an object of the facts.
 */
export interface NearbyEntity {
  /**
   * As the fact spells it that led to it.
   */
  name: string;
  /**
   * 0 for the entity itself.
   */
  distance: number;
}
/**
 * Whether the question can be answered from what is stored, by its words: a hint, which changes nothing of the answer.
 */
export interface Answerable {
  /**
   * `no`: nothing stored is about this. `weak`: some of it is, or what is did not fit into the budget.
   */
  verdict: 'yes' | 'weak' | 'no';
  /**
   * Share of the question's terms, by their idf, that the contexts of the answer hold together, 0 to 1.
   */
  coverage: number;
  /**
   * Why, in words.
   */
  reason: string;
}
/**
 * What each part of a score counts, 0 to 1, in place of the server's weights; they are scaled to sum 1. A part that is not named counts nothing. Not all 0.
 */
export interface Weights {
  /**
   * Of how well the text fits. 0 to 1.
   */
  similarity?: number;
  /**
   * Of how young it is. 0 to 1.
   */
  recency?: number;
  /**
   * Of the level where it is. 0 to 1.
   */
  level?: number;
  /**
   * Of how often it was returned. 0 to 1.
   */
  frequency?: number;
}
/**
 * Contexts stored.
 */
export interface StatsCounts {
  /**
   * In L1.
   */
  immediate: number;
  /**
   * In L2.
   */
  short_term: number;
  /**
   * In L3.
   */
  long_term: number;
  /**
   * In all levels.
   */
  total: number;
}
/**
 * A namespace that the key has.
 */
export interface ListedNamespace {
  /**
   * Its name.
   */
  namespace: string;
  /**
   * What it holds.
   */
  counts: StatsCounts;
}
/**
 * A copy of everything that was stored at a moment.
 */
export interface StoredSnapshot {
  /**
   * By which the command line restores it.
   */
  id: string;
  /**
   * As the one who asked for it named it.
   */
  label?: string;
  /**
   * Milliseconds since the Unix epoch; what was acknowledged before is in the snapshot.
   */
  created_at: number;
  /**
   * How many are in it.
   */
  contexts: number;
  /**
   * What it takes on the server's disk.
   */
  bytes: number;
  /**
   * Of its manifest, which holds those of its files; in hexadecimal.
   */
  sha256: string;
}
/**
 * A snapshot that was made before an erasure.
 */
export interface ErasedSnapshot {
  /**
   * By which the command line finds it.
   */
  id: string;
  /**
   * As the one who asked for it named it.
   */
  label?: string;
  /**
   * Milliseconds since the Unix epoch.
   */
  created_at: number;
  /**
   * holds: it may still hold what was erased. removed: it is gone. rewritten: it is gone, and another one of the same moment without what was erased has taken its place.
   */
  outcome: 'holds' | 'removed' | 'rewritten';
  /**
   * Id of the one that has taken its place.
   */
  replaced_by?: string;
}
/**
 * What was erased, by where it was, and what still holds some of it.
 */
export interface ErasureReceipt {
  /**
   * true: nothing is gone. rows, sessions, cards, facts and snapshots are what it would be; all else is 0.
   */
  dry_run?: boolean;
  /**
   * Contexts.
   */
  rows: number;
  /**
   * Of contexts and of passages of them.
   */
  vectors: number;
  /**
   * Entries of the lexical index: one for each context and term.
   */
  postings: number;
  /**
   * Notes that one of the contexts was superseded.
   */
  supersessions: number;
  /**
   * Windows, with their headers and states.
   */
  sessions: number;
  /**
   * Cards of windows that are gone, or were made anew without what is gone.
   */
  cards: number;
  /**
   * Those of the agent or the namespace, and those that named an erased context as a source.
   */
  facts: number;
  /**
   * Work that waited for the model that makes summaries.
   */
  summary_tasks: number;
  /**
   * Vectors of the namespace in this server's cache; those in a cache that servers share are gone, too.
   */
  cache_entries: number;
  /**
   * Requests in the namespace that were kept for whoever watches.
   */
  monitor_entries: number;
  /**
   * Saved vector indexes that held some of it; they are built again of what is left.
   */
  index_files: number;
  /**
   * Pages of the database in which bytes that nothing is read from were overwritten, whatever they were of.
   */
  blanked_pages: number;
  /**
   * overwritten: no byte of it is in the store's files. none: the store has no files. database: they are another program's (Qdrant), which overwrites them when it next tidies up. too_large: the database is too large to be overwritten in its place.
   */
  files: 'overwritten' | 'none' | 'database' | 'too_large';
  /**
   * Snapshots that were made before and hold something of the namespace, the oldest first.
   */
  snapshots: readonly ErasedSnapshot[];
  /**
   * Milliseconds since the Unix epoch; what was stored after it may stay.
   */
  started_at: number;
  /**
   * Milliseconds since the Unix epoch.
   */
  finished_at: number;
}
/**
 * A request that took long: nothing that it says, only what kind it was and whose.
 */
export interface SlowRequest {
  /**
   * When it was answered.
   */
  at: number;
  /**
   * Of the request; `unknown`: none that there is.
   */
  type: string;
  /**
   * `ok`, or an error code.
   */
  outcome: string;
  /**
   * From its decoding to its reply, in milliseconds.
   */
  duration_ms: number;
  /**
   * What of it each stage took, in milliseconds, by name. Of two at once each counts whole.
   */
  stages_ms: JsonObject;
  /**
   * By which it came: socket, http (the dashboard), gateway or mcp.
   */
  door: string;
  /**
   * From where it came, as the server sees it.
   */
  address?: string;
  /**
   * Number of the connection, as in the server's log.
   */
  connection?: number;
  /**
   * The client's id of it.
   */
  request_id?: number | string;
  /**
   * Whose it was.
   */
  key_id?: string;
  /**
   * Where it acted, 16 at most; `*`: on the whole server.
   */
  namespaces: readonly string[];
  /**
   * Length of its body, in bytes.
   */
  request_bytes?: number;
  /**
   * How many contexts the reply was about.
   */
  contexts?: number;
}
/**
 * A request as a monitor shows it.
 */
export interface MonitoredRequest {
  /**
   * When it was answered.
   */
  at: number;
  /**
   * Of the request; `unknown`: none that there is.
   */
  type: string;
  /**
   * `ok`, or an error code.
   */
  outcome: string;
  /**
   * From its decoding to its reply, in milliseconds.
   */
  duration_ms: number;
  /**
   * By which it came: socket, http (the dashboard), gateway or mcp.
   */
  door: string;
  /**
   * From where it came, as the server sees it.
   */
  address?: string;
  /**
   * The client's id of it.
   */
  request_id?: number | string;
  /**
   * Whose it was.
   */
  key_id?: string;
  /**
   * Where it acted, 16 at most; `*`: on the whole server.
   */
  namespaces: readonly string[];
  /**
   * Its other fields in short, as `limit=10 tags=[2]`: of texts, tags, metadata and filters how much there is, and nothing of what they say.
   */
  summary: string;
  /**
   * How its text begins, 80 characters at most: only for a key that has the scope read.
   */
  text?: string;
}
/**
 * Vectors kept in the cache: of the namespace that was counted, or of all.
 */
export interface StatsCache {
  /**
   * How many there are.
   */
  embedding_entries: number;
  /**
   * How often one was found, since the server started.
   */
  embedding_hits: number;
  /**
   * How often none was found, since the server started.
   */
  embedding_misses: number;
}
/**
 * A part of a message. Of `text` the text is kept, of every other type only that it was there: `omitted`.
 */
export interface ContentPart {
  /**
   * `text`, or what else a model takes. 1 to 64 characters.
   */
  type: string;
  /**
   * Of a part of type `text`. At most 262,144 characters.
   */
  text?: string;
  /**
   * In replies: what it held is not kept.
   */
  omitted?: boolean;
}
/**
 * A message to be appended.
 */
export interface NewMessage {
  /**
   * Who speaks.
   */
  role: MessageRole;
  /**
   * What is said.
   */
  content: MessageContent;
  /**
   * A UUID, by default a new one of version 7. The same id with the same message again is a success with `created: false`, with another one CONFLICT.
   */
  id?: string;
  /**
   * Name of the speaker, or of the tool. 1 to 256 characters.
   */
  name?: string;
  /**
   * Calls of tools that an assistant makes. At most 262,144 characters as JSON. 1 to 128 items.
   */
  tool_calls?: readonly JsonObject[];
  /**
   * Of a tool's result: the call that it answers. 1 to 256 characters.
   */
  tool_call_id?: string;
  /**
   * When it was said, in milliseconds since the Unix epoch. Default: now. Messages stand in the order in which they were appended, whatever it is.
   */
  created_at?: number;
  /**
   * Any JSON-like map of at most 65,536 bytes as MessagePack (more is PAYLOAD_TOO_LARGE): no bin, no NaN, no infinities, and no NUL character in a name, at whatever depth.
   */
  metadata?: JsonObject;
  /**
   * At most 64, each of 1 to 128 characters.
   */
  tags?: readonly string[];
}
/**
 * How full a window is.
 */
export interface WindowFill {
  /**
   * Of the messages in the window, in tokens.
   */
  live_tokens: number;
  /**
   * Messages in the window.
   */
  live_messages: number;
  /**
   * What the window may send at most, in tokens.
   */
  max_tokens: number;
  /**
   * `live_tokens / max_tokens`.
   */
  pressure: number;
  /**
   * Messages that have left the window; cards stand for them.
   */
  archived_messages: number;
  /**
   * Cards that the window has to show.
   */
  cards: number;
  /**
   * Cards are being made just now, beside the requests.
   */
  offloading: boolean;
}
/**
 * What is odd about what an assistant says.
 */
export interface Guards {
  /**
   * It is the same as one of the last answers.
   */
  echo?: {
    /**
     * Id of the message that it is most like.
     */
    of: string;
    /**
     * 0 to 1.
     */
    similarity: number;
    /**
     * Such answers in a row. At least 1.
     */
    run: number;
  };
  /**
   * It has been so for a while.
   */
  boredom?: {
    /**
     * Such answers in a row. At least 1.
     */
    run: number;
  };
}
/**
 * What came of one message.
 */
export interface AppendedMessage {
  /**
   * As it was given, or made.
   */
  id: string;
  /**
   * What it costs in the window: content and tool calls, in tokens.
   */
  token_count: number;
  /**
   * False: it was there already, and nothing was changed.
   */
  created: boolean;
}
/**
 * One entry of a session's state.
 */
export interface StateEntry {
  /**
   * In words. 1 to 1,024 characters.
   */
  text: string;
  /**
   * How it stands with it, as `open`. 1 to 64 characters.
   */
  status?: string;
}
/**
 * What a session is about. The newest entries of each list stand in the memory block of the window.
 */
export interface SessionState {
  /**
   * What is wanted. 0 to 50 items.
   */
  goals?: readonly StateEntry[];
  /**
   * What is to be done. 0 to 50 items.
   */
  tasks?: readonly StateEntry[];
  /**
   * What was decided. 0 to 50 items.
   */
  decisions?: readonly StateEntry[];
  /**
   * What is known. 0 to 50 items.
   */
  facts?: readonly StateEntry[];
}
/**
 * What stands for messages that have left the window.
 */
export interface Card {
  /**
   * For `session.expand`.
   */
  card_id: string;
  /**
   * What the messages said, from themselves.
   */
  summary: string;
  /**
   * Time of the first message, in milliseconds since the Unix epoch.
   */
  first_at: number;
  /**
   * Time of the last one.
   */
  last_at: number;
  /**
   * Messages that it stands for. At least 1.
   */
  message_count: number;
  /**
   * What it costs in the window, in tokens.
   */
  token_count: number;
  /**
   * What the messages cost, in tokens.
   */
  original_tokens: number;
}
/**
 * A message in the window, without its content.
 */
export interface LiveMessage {
  /**
   * Of the message, which is a context.
   */
  id: string;
  /**
   * Who speaks.
   */
  role: MessageRole;
  /**
   * What it costs, in tokens.
   */
  token_count: number;
  /**
   * It alone is too long: this card stands in its place.
   */
  card_id?: string;
}
/**
 * A session with its window.
 */
export interface Session {
  /**
   * As the client named it.
   */
  session_id: string;
  /**
   * Whose it is.
   */
  agent_id: string;
  /**
   * What its window sends at most, in tokens.
   */
  max_tokens: number;
  /**
   * Share of `max_tokens` at which the oldest exchanges leave.
   */
  offload_at: number;
  /**
   * Share that stays then at most.
   */
  relieve_to: number;
  /**
   * Share below which it is tried again where that was not enough.
   */
  rearm_at: number;
  /**
   * What stands before everything else. Absent: nothing.
   */
  header?: string;
  /**
   * As it was configured.
   */
  state: SessionState;
  /**
   * How full it is.
   */
  window: WindowFill;
  /**
   * When it began, in milliseconds since the Unix epoch.
   */
  created_at: number;
  /**
   * When something was last appended or configured.
   */
  used_at: number;
}
/**
 * A message as it was appended.
 */
export interface SessionMessage {
  /**
   * Of the message, which is a context.
   */
  id: string;
  /**
   * Who speaks.
   */
  role: MessageRole;
  /**
   * What is said.
   */
  content: MessageContent;
  /**
   * Name of the speaker, or of the tool. Absent: none was given.
   */
  name?: string;
  /**
   * As they came. Absent: none. 1 to 128 items.
   */
  tool_calls?: readonly JsonObject[];
  /**
   * The call that it answers. Absent: none.
   */
  tool_call_id?: string;
  /**
   * When it was said, in milliseconds since the Unix epoch.
   */
  created_at: number;
  /**
   * What it costs in a window, in tokens.
   */
  token_count: number;
  /**
   * The client's own.
   */
  metadata: JsonObject;
  /**
   * As they were given.
   */
  tags: readonly string[];
}
/**
 * What is to be sent to a model.
 */
export interface WindowMessage {
  /**
   * Who speaks.
   */
  role: MessageRole;
  /**
   * What is said.
   */
  content: MessageContent;
  /**
   * `header`, `card`: a summary of earlier messages; `message`; `memory`: state and what was recalled.
   */
  kind: 'header' | 'card' | 'message' | 'memory';
  /**
   * What it costs, in tokens.
   */
  token_count: number;
  /**
   * Of a message.
   */
  id?: string;
  /**
   * Of a card.
   */
  card_id?: string;
  /**
   * Name of the speaker, or of the tool. Absent: none was given.
   */
  name?: string;
  /**
   * As they came. Absent: none. 1 to 128 items.
   */
  tool_calls?: readonly JsonObject[];
  /**
   * The call that it answers. Absent: none.
   */
  tool_call_id?: string;
}
/**
 * A context that stands in the memory block.
 */
export interface Recalled {
  /**
   * Of the context.
   */
  id: string;
  /**
   * Where it is.
   */
  level: Level;
  /**
   * By which it was chosen, 0 to 1.
   */
  relevance_score: number;
  /**
   * What its text costs, in tokens.
   */
  token_count: number;
}
/**
 * What the window costs, in tokens.
 */
export interface WindowTokens {
  /**
   * The header.
   */
  header: number;
  /**
   * All cards.
   */
  cards: number;
  /**
   * The memory block.
   */
  memory: number;
  /**
   * The messages.
   */
  messages: number;
  /**
   * All together; never more than there is room for.
   */
  total: number;
}
/**
 * What is looked for beside the window.
 */
export interface Recall {
  /**
   * What may be recalled at most, in tokens. Default: a quarter of the window's. 1 to 1,000,000.
   */
  max_tokens?: number;
  /**
   * Score that it needs. Default: `window.recall_threshold`. 0 to 1.
   */
  relevance_threshold?: number;
  /**
   * Only what matches is recalled.
   */
  filter?: Filter;
  /**
   * `all`: of all of the agent's memory (the default). `own`: of this session, and what belongs to none.
   */
  sessions?: 'all' | 'own';
}
/**
 * How many there were; by id 0 or 1.
 */
export interface ContextDeleteReply {
  /**
   * Contexts that are gone.
   */
  deleted: number;
  /**
   * What was erased, by where it was, and what still holds some of it.
   */
  receipt?: ErasureReceipt;
}
/**
 * By id, or all that match a filter; one that every context passes is refused.
 */
export interface ContextDeleteRequest {
  /**
   * The one to delete.
   */
  id?: string;
  /**
   * All that match it, of every agent and session: a condition on `agent_id` or `session_id` narrows it.
   */
  filter?: Filter;
  /**
   * true: what was made of them goes, too (facts that name one as a source; cards are made anew of the other messages), and so do the bytes that they took. Default: false.
   */
  erase?: boolean;
  /**
   * What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters `A-Z a-z 0-9 . _ : -`; by default the one that the key has, or `default` for a key of every namespace.
   */
  namespace?: string;
}
/**
 * The context.
 */
export interface ContextGetReply {
  /**
   * As it is now.
   */
  context: Context;
}
/**
 * One context by its id.
 */
export interface ContextGetRequest {
  /**
   * Of the context.
   */
  id: string;
  /**
   * What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters `A-Z a-z 0-9 . _ : -`; by default the one that the key has, or `default` for a key of every namespace.
   */
  namespace?: string;
}
/**
 * One page.
 */
export interface ContextListReply {
  /**
   * Newest first; at most `limit`, and fewer where their texts are long.
   */
  contexts: readonly Context[];
  /**
   * For the next page: the same request with it. Absent: this was the last page.
   */
  cursor?: string;
}
/**
 * Pages through contexts, newest first.
 */
export interface ContextListRequest {
  /**
   * What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters `A-Z a-z 0-9 . _ : -`; by default the one that the key has, or `default` for a key of every namespace.
   */
  namespace?: string;
  /**
   * The levels that are looked into; by default all. 1 to 3 items.
   */
  levels?: readonly Level[];
  /**
   * Whose contexts: an agent's, by default those of the `sender` of the connection; `*` for every agent of the namespace. 1 to 256 characters.
   */
  agent_id?: string;
  /**
   * That session's contexts alone. Default: of any session and of none. 1 to 256 characters.
   */
  session_id?: string;
  /**
   * Conditions that each of them meets.
   */
  filter?: Filter;
  /**
   * The moment in the world that is asked about, in milliseconds since the Unix epoch: what does not hold then is left out. Default: now.
   */
  as_of?: number;
  /**
   * Only what had been stored by then, with the supersessions known by then, in milliseconds since the Unix epoch. Default: all that is stored.
   */
  known_at?: number;
  /**
   * Also what holds no more at `as_of`; such a context says so in `valid_until`. Default: false.
   */
  include_past?: boolean;
  /**
   * Contexts of a page. Default: 100. 1 to 1,000.
   */
  limit?: number;
  /**
   * What the page before gave. Default: the first page. 1 to 1,024 characters.
   */
  cursor?: string;
}
/**
 * The contexts, best first.
 */
export interface ContextQueryReply {
  /**
   * Best first.
   */
  contexts: readonly RankedContext[];
  /**
   * What the texts and the facts cost together; never more than `max_tokens`.
   */
  total_tokens: number;
  /**
   * What the server took for it.
   */
  retrieval_time_ms: number;
  /**
   * How the answer came about.
   */
  metadata: QueryMetadata;
  /**
   * With `facts: true`: what holds about the names in the question, those of each name by turns. Absent: not asked for, or they could not be read.
   */
  facts?: readonly QueriedFact[];
  /**
   * With `explain: true`: one row for every candidate that was ranked.
   */
  receipts?: readonly Receipt[];
}
/**
 * The contexts that answer a query, within a token budget. At least one of `query` and `embedding`.
 */
export interface ContextQueryRequest {
  /**
   * The question, in words. 1 to 262,144 characters; a longer one is PAYLOAD_TOO_LARGE.
   */
  query?: string;
  /**
   * The question as a vector of the server's dimension: float32 little-endian, 4 x dimension bytes. With `query`, too, it is compared in place of the vector of the text.
   */
  embedding?: Uint8Array;
  /**
   * The budget: the texts of the answer never cost more. Default: the server's `hirag.max_context_tokens`, which is 4,000. 1 to 1,000,000.
   */
  max_tokens?: number;
  /**
   * Contexts of the answer. Default: the server's `hirag.query_limit`, which is 50. 1 to 1,000.
   */
  limit?: number;
  /**
   * The levels that are looked into; by default all. 1 to 3 items.
   */
  levels?: readonly Level[];
  /**
   * What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters `A-Z a-z 0-9 . _ : -`; by default the one that the key has, or `default` for a key of every namespace.
   */
  namespace?: string;
  /**
   * Whose contexts: an agent's, by default those of the `sender` of the connection; `*` for every agent of the namespace. 1 to 256 characters.
   */
  agent_id?: string;
  /**
   * That session's contexts, and those of no session. Default: of any session and of none. 1 to 256 characters.
   */
  session_id?: string;
  /**
   * Conditions that each context of the answer meets.
   */
  filter?: Filter;
  /**
   * The least `relevance_score` of a context in the answer. Default: the server's `hirag.relevance_threshold`, 0.05, which is one of the similarity. 0 to 1.
   */
  relevance_threshold?: number;
  /**
   * How the token budget is split over the levels: a named strategy, or three shares (L1, L2, L3) that are scaled to sum 1. Default: the server's `hirag.retrieval_strategy`, which is `Balanced`.
   */
  priority?: 'Balanced' | 'Recent' | 'Deep' | readonly [number, number, number];
  /**
   * The moment in the world that is asked about, in milliseconds since the Unix epoch: what does not hold then is left out. Default: now.
   */
  as_of?: number;
  /**
   * Only what had been stored by then, with the supersessions known by then, in milliseconds since the Unix epoch. Default: all that is stored.
   */
  known_at?: number;
  /**
   * Also what holds no more at `as_of`; such a context says so in `valid_until`. Default: false.
   */
  include_past?: boolean;
  /**
   * What each part of a score counts, 0 to 1, in place of the server's weights; they are scaled to sum 1. A part that is not named counts nothing. Not all 0.
   */
  weights?: Weights;
  /**
   * With facts about what `query` names: at most a quarter of `max_tokens`, and 20 of them. Default: false.
   */
  facts?: boolean;
  /**
   * With `receipts`, which tell what became of each candidate. Default: false.
   */
  explain?: boolean;
}
/**
 * One outcome per context, in order.
 */
export interface ContextStoreBatchReply {
  /**
   * What came of each context, in their order.
   */
  results: readonly (StoredContext | FailedContext)[];
}
/**
 * Contexts stored together; the namespace of each is its own.
 */
export interface ContextStoreBatchRequest {
  /**
   * Each with its own id, namespace, agent, session, level and lifetime. 1 to 1,000 items.
   */
  contexts: readonly NewContext[];
}
/**
 * The context as it is now.
 */
export interface ContextUpdateReply {
  /**
   * With the change.
   */
  context: Context;
}
/**
 * Changes what is given; metadata and tags are replaced, not merged. At least one change.
 */
export interface ContextUpdateRequest {
  /**
   * Of the context.
   */
  id: string;
  /**
   * What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters `A-Z a-z 0-9 . _ : -`; by default the one that the key has, or `default` for a key of every namespace.
   */
  namespace?: string;
  /**
   * In place of the one there is. 1 to 262,144 characters, not only white space and invisible ones.
   */
  text?: string;
  /**
   * In place of all that there is; at most 65,536 bytes as MessagePack.
   */
  metadata?: JsonObject;
  /**
   * In place of all that there are; at most 64, each of 1 to 128 characters.
   */
  tags?: readonly string[];
  /**
   * Where it is moved; it gets that level's lifetime where no client gave it one.
   */
  level?: Level;
  /**
   * Milliseconds from now until it is deleted; at most 100 years. At least 1.
   */
  ttl_ms?: number;
  /**
   * From when on it holds in the world, in milliseconds since the Unix epoch; what it supersedes ends then.
   */
  valid_from?: number;
  /**
   * When it ceases to hold, in milliseconds since the Unix epoch; at that moment it holds no more. Later than a `valid_from` given with it.
   */
  valid_until?: number;
  /**
   * The version that is to be changed: CONFLICT where the context has another. Default: whichever it has. At least 1.
   */
  if_version?: number;
}
/**
 * How many there were.
 */
export interface ContextUsedReply {
  /**
   * Those that are in the namespace; the others are passed over.
   */
  counted: number;
}
/**
 * Which contexts of an answer were of use: what `weights.frequency` and `promote_after_accesses` go by.
 */
export interface ContextUsedRequest {
  /**
   * Of the contexts, 1 to 100. One that is named twice counts once.
   */
  ids: readonly string[];
  /**
   * What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters `A-Z a-z 0-9 . _ : -`; by default the one that the key has, or `default` for a key of every namespace.
   */
  namespace?: string;
}
/**
 * What went wrong.
 */
export interface ErrorPayload {
  /**
   * What went wrong, for programs.
   */
  code: string;
  /**
   * The same in words.
   */
  message: string;
  /**
   * True: nothing was done, and the same request may be made again.
   */
  retryable: boolean;
  /**
   * How long to wait before that, in milliseconds.
   */
  retry_after_ms?: number;
  /**
   * By code: of `BAD_REQUEST` `fields`, a list of `{field, reason}`.
   */
  details?: Record<string, unknown>;
}
/**
 * The envelope of an error reply; id 0 stands for the connection, which is closed after it.
 */
export interface ErrorEnvelope {
  /**
   * Of the request that it answers.
   */
  id: number;
  /**
   * An error.
   */
  type: 'error';
  /**
   * The server's clock, in milliseconds since the Unix epoch.
   */
  timestamp: number;
  /**
   * What went wrong.
   */
  payload: ErrorPayload;
}
/**
 * Facts, and the entities that they lead to, the nearest first.
 */
export interface FactAroundReply {
  /**
   * The nearest first, of one distance those that began last.
   */
  facts: readonly NearbyFact[];
  /**
   * The nearest first, with the entity itself; empty where no fact is about it.
   */
  entities: readonly NearbyEntity[];
  /**
   * True where there is more than these. Absent: this is all.
   */
  truncated?: boolean;
}
/**
 * The facts around an entity, whichever side of them it is on.
 */
export interface FactAroundRequest {
  /**
   * A subject or an object, however its letters are written. 1 to 4,096 characters.
   */
  entity: string;
  /**
   * How many facts may lie between: 1 for those about the entity alone. Default: 1. 1 to 3.
   */
  depth?: number;
  /**
   * The moment in the world that is asked about, in milliseconds since the Unix epoch. Default: now.
   */
  as_of?: number;
  /**
   * Only what had been recorded by then, in milliseconds since the Unix epoch. Default: all that is.
   */
  known_at?: number;
  /**
   * Also facts that hold no more at `as_of`; their `valid_until` says so. Default: false.
   */
  include_past?: boolean;
  /**
   * What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters `A-Z a-z 0-9 . _ : -`; by default the one that the key has, or `default` for a key of every namespace.
   */
  namespace?: string;
  /**
   * Whose facts: an agent's, by default those of the `sender` of the connection; `*` for every agent of the namespace. 1 to 256 characters.
   */
  agent_id?: string;
  /**
   * Facts at most. Default: 100. 1 to 1,000.
   */
  limit?: number;
}
/**
 * How many were deleted.
 */
export interface FactDeleteReply {
  /**
   * 1, or 0 where there is none.
   */
  deleted: number;
}
/**
 * Deletes one fact.
 */
export interface FactDeleteRequest {
  /**
   * Which one.
   */
  id: string;
  /**
   * What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters `A-Z a-z 0-9 . _ : -`; by default the one that the key has, or `default` for a key of every namespace.
   */
  namespace?: string;
  /**
   * Only where it is this agent's. Default: whosever it is. 1 to 256 characters.
   */
  agent_id?: string;
}
/**
 * A page of facts.
 */
export interface FactListReply {
  /**
   * Those that began last first. Where few of many hold, a page ends early and may be empty.
   */
  facts: readonly Fact[];
  /**
   * For the next page. Absent: this was the last.
   */
  cursor?: string;
}
/**
 * Pages through facts, those that began last first.
 */
export interface FactListRequest {
  /**
   * Only those of this subject, however its letters are written. 1 to 512 characters.
   */
  subject?: string;
  /**
   * Only those of this predicate, however its letters are written. 1 to 512 characters.
   */
  predicate?: string;
  /**
   * Only those of this object, however its letters are written. 1 to 4,096 characters.
   */
  object?: string;
  /**
   * The moment in the world that is asked about, in milliseconds since the Unix epoch. Default: now; a cursor keeps that of its first page.
   */
  as_of?: number;
  /**
   * Only what had been recorded by then, in milliseconds since the Unix epoch. Default: all that is.
   */
  known_at?: number;
  /**
   * Also facts that hold no more at `as_of`; their `valid_until` says so. Default: false.
   */
  include_past?: boolean;
  /**
   * What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters `A-Z a-z 0-9 . _ : -`; by default the one that the key has, or `default` for a key of every namespace.
   */
  namespace?: string;
  /**
   * Whose facts: an agent's, by default those of the `sender` of the connection; `*` for every agent of the namespace. 1 to 256 characters.
   */
  agent_id?: string;
  /**
   * Facts of a page. Default: 100. 1 to 1,000.
   */
  limit?: number;
  /**
   * What the page before gave. Default: the first page. 1 to 1,024 characters.
   */
  cursor?: string;
}
/**
 * What came of each fact, in order.
 */
export interface FactPutReply {
  /**
   * One for each fact, in their order.
   */
  facts: readonly PutFact[];
}
/**
 * Facts, put together: all or none where one of them cannot be.
 */
export interface FactPutRequest {
  /**
   * 1 to 100. Of two that begin at the same time the later one here counts as the later.
   */
  facts: readonly NewFact[];
  /**
   * What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters `A-Z a-z 0-9 . _ : -`; by default the one that the key has, or `default` for a key of every namespace.
   */
  namespace?: string;
  /**
   * Whose it is; by default the `sender` of the connection. `*` is no agent. 1 to 256 characters.
   */
  agent_id?: string;
}
/**
 * Server to client at shutdown: what is in flight is finished within deadline_ms.
 */
export interface Goaway {
  /**
   * The server shuts down.
   */
  type: 'goaway';
  /**
   * Milliseconds until what is still open is cut.
   */
  deadline_ms: number;
  /**
   * The server's clock, in milliseconds since the Unix epoch.
   */
  timestamp: number;
}
/**
 * Server to client, the first frame, tag nil.
 */
export interface Hello {
  /**
   * The first frame.
   */
  type: 'hello';
  /**
   * Its version.
   */
  protocol: number;
  /**
   * What it is: context-manager/<version>.
   */
  server: string;
  /**
   * 32 random bytes.
   */
  server_nonce: Uint8Array;
  /**
   * The server's clock, in milliseconds since the Unix epoch.
   */
  timestamp: number;
  /**
   * The longest frame that the server takes after authentication. At least 4,096.
   */
  max_frame_bytes: number;
}
/**
 * How many there were.
 */
export interface LevelClearReply {
  /**
   * Contexts that are gone.
   */
  deleted: number;
}
/**
 * Deletes every context of a level in one namespace.
 */
export interface LevelClearRequest {
  /**
   * Which one.
   */
  level: Level;
  /**
   * What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters `A-Z a-z 0-9 . _ : -`; by default the one that the key has, or `default` for a key of every namespace.
   */
  namespace?: string;
}
/**
 * What is gone.
 */
export interface NamespaceEraseReply {
  /**
   * What was erased, by where it was, and what still holds some of it.
   */
  receipt: ErasureReceipt;
}
/**
 * Erases a namespace, or what one agent has there: contexts with their vectors, windows, cards and facts, and the bytes that they took. What a kill cuts off is gone on with at the next start.
 */
export interface NamespaceEraseRequest {
  /**
   * What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters `A-Z a-z 0-9 . _ : -`; by default the one that the key has, or `default` for a key of every namespace.
   */
  namespace?: string;
  /**
   * The name of the namespace once more, where all of it is meant.
   */
  confirm?: string;
  /**
   * All that this agent has in the namespace, and nothing of others. 1 to 256 characters.
   */
  agent_id?: string;
  /**
   * What becomes of snapshots that hold something of the namespace: keep tells of them; remove deletes them, with all else that they hold; rewrite puts others of the same moments in their places. All but keep need a key of every namespace. Default: keep.
   */
  snapshots?: 'keep' | 'remove' | 'rewrite';
  /**
   * true: only counts what there is. Default: false.
   */
  dry_run?: boolean;
}
/**
 * The namespaces of the key, by name: for a key of `*` those that hold contexts, for any other all that it names.
 */
export interface NamespaceListReply {
  /**
   * One row each.
   */
  namespaces: readonly ListedNamespace[];
}
/**
 * How the server is.
 */
export interface PingReply {
  /**
   * The server's clock, in milliseconds since the Unix epoch.
   */
  server_time: number;
  /**
   * Milliseconds since the server started.
   */
  uptime_ms: number;
  /**
   * The store answers.
   */
  healthy: boolean;
  /**
   * Of all clients.
   */
  active_connections: number;
}
/**
 * The envelope of a request.
 */
export interface RequestEnvelope {
  /**
   * Unique among the requests in flight; 0 stands for the connection. At least 1.
   */
  id: number;
  /**
   * Which request, as `context.store`. 1 to 64 characters.
   */
  type: string;
  /**
   * The client's clock, in milliseconds since the Unix epoch.
   */
  timestamp: number;
  /**
   * By the request's type.
   */
  payload: Record<string, unknown>;
  /**
   * How long the client will wait, in milliseconds.
   */
  deadline_ms?: number;
  /**
   * W3C Trace Context. 1 to 256 characters.
   */
  traceparent?: string;
}
/**
 * The envelope of a reply.
 */
export interface ResultEnvelope {
  /**
   * Of the request that it answers.
   */
  id: number;
  /**
   * A result.
   */
  type: 'result';
  /**
   * The server's clock, in milliseconds since the Unix epoch.
   */
  timestamp: number;
  /**
   * By the request's type.
   */
  payload: Record<string, unknown>;
}
/**
 * What came of the messages, and how full the window is.
 */
export interface SessionAppendReply {
  /**
   * One for each message of the request, in order.
   */
  messages: readonly AppendedMessage[];
  /**
   * How full it is now.
   */
  window: WindowFill;
  /**
   * Of the last assistant message among them, where something is odd. Absent: nothing is.
   */
  guards?: Guards;
}
/**
 * Appends messages to a session's window, in order, all or none. They are durable when this is answered.
 */
export interface SessionAppendRequest {
  /**
   * A conversation, by whatever name the client gives it. 1 to 256 characters.
   */
  session_id: string;
  /**
   * What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters `A-Z a-z 0-9 . _ : -`; by default the one that the key has, or `default` for a key of every namespace.
   */
  namespace?: string;
  /**
   * Whose it is; by default the `sender` of the connection. `*` is no agent. 1 to 256 characters.
   */
  agent_id?: string;
  /**
   * In order; no other client's stand between them. 1 to 100 items.
   */
  messages: readonly NewMessage[];
}
/**
 * The session.
 */
export interface SessionConfigureReply {
  /**
   * As it is now.
   */
  session: Session;
}
/**
 * Sets what holds for one session; what is left out stays.
 */
export interface SessionConfigureRequest {
  /**
   * A conversation, by whatever name the client gives it. 1 to 256 characters.
   */
  session_id: string;
  /**
   * What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters `A-Z a-z 0-9 . _ : -`; by default the one that the key has, or `default` for a key of every namespace.
   */
  namespace?: string;
  /**
   * Whose it is; by default the `sender` of the connection. `*` is no agent. 1 to 256 characters.
   */
  agent_id?: string;
  /**
   * What its window sends at most, in tokens. Default: `window.max_tokens`. 64 to 1,000,000.
   */
  max_tokens?: number;
  /**
   * Share of `max_tokens` at which the oldest exchanges leave. Default: `window.offload_at`. 0.01 to 1.
   */
  offload_at?: number;
  /**
   * Share that stays then at most; not above `offload_at`. Default: `window.relieve_to`. 0.01 to 1.
   */
  relieve_to?: number;
  /**
   * Share below which it is tried again where that was not enough; not above `offload_at`. Default: `window.rearm_at`. 0.01 to 1.
   */
  rearm_at?: number;
  /**
   * Stands before everything else, as a system message; at most half of the window. An empty one takes it away. 0 to 262,144 characters.
   */
  header?: string;
  /**
   * The lists that are given take the place of those there are.
   */
  state?: SessionState;
}
/**
 * One page.
 */
export interface SessionExpandReply {
  /**
   * The originals, in order; what was deleted since is left out.
   */
  messages: readonly SessionMessage[];
  /**
   * For the next page: the same request with it. Absent: this was the last page.
   */
  cursor?: string;
}
/**
 * The messages that a card stands for.
 */
export interface SessionExpandRequest {
  /**
   * A conversation, by whatever name the client gives it. 1 to 256 characters.
   */
  session_id: string;
  /**
   * What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters `A-Z a-z 0-9 . _ : -`; by default the one that the key has, or `default` for a key of every namespace.
   */
  namespace?: string;
  /**
   * Whose it is; by default the `sender` of the connection. `*` is no agent. 1 to 256 characters.
   */
  agent_id?: string;
  /**
   * Of a card of this session. 1 to 128 characters.
   */
  card_id: string;
  /**
   * Of an earlier page. 0 to 64 characters.
   */
  cursor?: string;
}
/**
 * The session, with what it lists.
 */
export interface SessionGetReply {
  /**
   * As it is now.
   */
  session: SessionDetails;
  /**
   * For the next page of cards. Absent: these were the last.
   */
  cursor?: string;
}
/**
 * One session; `NOT_FOUND` where nothing was appended or configured.
 */
export interface SessionGetRequest {
  /**
   * A conversation, by whatever name the client gives it. 1 to 256 characters.
   */
  session_id: string;
  /**
   * What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters `A-Z a-z 0-9 . _ : -`; by default the one that the key has, or `default` for a key of every namespace.
   */
  namespace?: string;
  /**
   * Whose it is; by default the `sender` of the connection. `*` is no agent. 1 to 256 characters.
   */
  agent_id?: string;
  /**
   * Of an earlier reply: the next page of cards. 0 to 64 characters.
   */
  cursor?: string;
}
/**
 * One page.
 */
export interface SessionListReply {
  /**
   * Last used first.
   */
  sessions: readonly Session[];
  /**
   * For the next page: the same request with it. Absent: this was the last page.
   */
  cursor?: string;
}
/**
 * Sessions that have a window, last used first.
 */
export interface SessionListRequest {
  /**
   * Of one page. Default: 100. 1 to 1,000.
   */
  limit?: number;
  /**
   * Of an earlier page. 0 to 65,536 characters.
   */
  cursor?: string;
  /**
   * What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters `A-Z a-z 0-9 . _ : -`; by default the one that the key has, or `default` for a key of every namespace.
   */
  namespace?: string;
  /**
   * Whose; `*` for every agent's. Default: the sender's. 1 to 256 characters.
   */
  agent_id?: string;
}
/**
 * What became of it.
 */
export interface SessionResetReply {
  /**
   * Messages that have left the window and stay as memory.
   */
  archived: number;
  /**
   * Contexts that were deleted.
   */
  deleted: number;
}
/**
 * Empties a session's window: what was live leaves it, and the next message begins anew.
 */
export interface SessionResetRequest {
  /**
   * A conversation, by whatever name the client gives it. 1 to 256 characters.
   */
  session_id: string;
  /**
   * What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters `A-Z a-z 0-9 . _ : -`; by default the one that the key has, or `default` for a key of every namespace.
   */
  namespace?: string;
  /**
   * Whose it is; by default the `sender` of the connection. `*` is no agent. 1 to 256 characters.
   */
  agent_id?: string;
  /**
   * true: its contexts and cards are deleted, too. Default: false; nothing is deleted.
   */
  forget?: boolean;
}
/**
 * Messages in the order in which they are to be sent: header, cards, messages; the memory block stands before the last user message.
 */
export interface SessionWindowReply {
  /**
   * Always in a shape that a chat model takes: each tool result directly behind its call.
   */
  messages: readonly WindowMessage[];
  /**
   * What it costs.
   */
  tokens: WindowTokens;
  /**
   * How full the window is.
   */
  window: WindowFill;
  /**
   * What stands in the memory block, the best first.
   */
  recalled: readonly Recalled[];
  /**
   * Levels that recall had to do without.
   */
  degraded: readonly DegradedLevel[];
  /**
   * With `explain: true`: one row for every candidate of recall that was ranked.
   */
  receipts?: readonly Receipt[];
}
/**
 * What to send to a model now: within a token budget, with what matters from before.
 */
export interface SessionWindowRequest {
  /**
   * A conversation, by whatever name the client gives it. 1 to 256 characters.
   */
  session_id: string;
  /**
   * What keeps memories apart: a key sees only its own namespaces. 1 to 128 of the characters `A-Z a-z 0-9 . _ : -`; by default the one that the key has, or `default` for a key of every namespace.
   */
  namespace?: string;
  /**
   * Whose it is; by default the `sender` of the connection. `*` is no agent. 1 to 256 characters.
   */
  agent_id?: string;
  /**
   * What memory is asked for. Default: the last user message. 1 to 262,144 characters.
   */
  query?: string;
  /**
   * Of all that is sent. Default: the session's. 1 to 1,000,000.
   */
  max_tokens?: number;
  /**
   * false: nothing is recalled. Default: it is.
   */
  recall?: false | Recall;
  /**
   * Adds `receipts`.
   */
  explain?: boolean;
}
/**
 * What is stored and cached.
 */
export interface StatsReply {
  /**
   * Contexts stored.
   */
  counts: StatsCounts;
  /**
   * Vectors kept in the cache.
   */
  cache: StatsCache;
  /**
   * The driver's own figures: a map of any shape.
   */
  store: JsonObject;
  /**
   * Milliseconds since the server started.
   */
  uptime_ms: number;
  /**
   * The namespace that was counted. Absent: all.
   */
  namespace?: string;
}
/**
 * Figures of one namespace. Left out by a key that sees every namespace, it means all of them.
 */
export interface StatsRequest {
  /**
   * The one that is counted. Default: all, for a key of every namespace; the one that the key has, for any other.
   */
  namespace?: string;
}
/**
 * Server to client, frame 0 under its key.
 */
export interface Welcome {
  /**
   * The end of the handshake.
   */
  type: 'welcome';
  /**
   * Names this connection in the server's log.
   */
  session: string;
  /**
   * What the key may do: `read`, `write`, `admin`.
   */
  scopes: readonly string[];
  /**
   * What the key may use: names, `name:*` for every one whose name begins with `name:`, `*` for every one.
   */
  namespaces: readonly string[];
  /**
   * Milliseconds of silence after which either side may send a ping. At least 1.
   */
  heartbeat_ms: number;
  /**
   * The server's clock, in milliseconds since the Unix epoch.
   */
  timestamp: number;
}
/** Empties the caches; nothing that is stored is lost. */
export type AdminCacheClearRequest = Record<string, never>;
/** Runs the expiry sweep now. */
export type AdminGcRequest = Record<string, never>;
/** Which snapshots there are. */
export type AdminSnapshotsRequest = Record<string, never>;
/** How the token budget is split over the levels: a named strategy, or three shares (L1, L2, L3) that are scaled to sum 1. Default: the server's `hirag.retrieval_strategy`, which is `Balanced`. */
export type Priority = 'Balanced' | 'Recent' | 'Deep' | readonly [number, number, number];
/** What came of storing a context. */
export type ContextStoreReply = StoredContext;
/** A context to be stored. */
export type ContextStoreRequest = NewContext;
/** Which namespaces the key has. */
export type NamespaceListRequest = Record<string, never>;
/** Either side may send it when heartbeat_ms passed in silence; the server does so with id 0. */
export type PingRequest = Record<string, never>;

/** Request payloads by request type. */
export interface RequestPayloads {
  /** How the server is. */
  'ping': PingRequest;
  /** Stores a context; it is durable when the reply is there. */
  'context.store': ContextStoreRequest;
  /** Stores up to 1,000 contexts; each has its own outcome, in order. */
  'context.store_batch': ContextStoreBatchRequest;
  /** What matters for a query, within a token budget, best first. */
  'context.query': ContextQueryRequest;
  /** One context; `NOT_FOUND` where there is none. */
  'context.get': ContextGetRequest;
  /** Changes what is given. Never repeated once it may have been done: `if_version` tells what became of it. */
  'context.update': ContextUpdateRequest;
  /** Deletes by id, or all that match a filter. */
  'context.delete': ContextDeleteRequest;
  /** Contexts, newest first: loop over all of them, or take page by page. What is said about time is said of each page. */
  'context.list': ContextListRequest;
  /** Counts an access of each: they were of use, and not only returned. */
  'context.used': ContextUsedRequest;
  /** Appends messages to a session's window, in order, all or none; they are durable when this resolves. */
  'session.append': SessionAppendRequest;
  /** What to send to a model now, within the window's budget, with what matters from before. */
  'session.window': SessionWindowRequest;
  /** Sets what holds for one session; what is left out stays. */
  'session.configure': SessionConfigureRequest;
  /** One session with what its window lists; `NOT_FOUND` where there is none. */
  'session.get': SessionGetRequest;
  /** Sessions that have a window, last used first: `for await` over all of them, `page()` for one page. */
  'session.list': SessionListRequest;
  /** The messages that a card stands for, in order: `for await` over all of them, `page()` for one page. */
  'session.expand': SessionExpandRequest;
  /** Empties a session's window; with `forget` its contexts and cards are deleted, too. */
  'session.reset': SessionResetRequest;
  /** Puts up to 100 facts; they are durable when the reply is there, which tells what they supersede and contradict. */
  'fact.put': FactPutRequest;
  /** Facts that hold, those that began last first: loop over all of them, or take page by page. A page may hold fewer than `limit`, even none, and yet have a `cursor`. */
  'fact.list': FactListRequest;
  /** Facts about an entity, and about those that these lead to, the nearest first. */
  'fact.around': FactAroundRequest;
  /** Deletes a fact; what it superseded holds again. */
  'fact.delete': FactDeleteRequest;
  /** Deletes every context of a level in a namespace. */
  'level.clear': LevelClearRequest;
  /** What is stored and cached: in one namespace, or in all for a key that sees all and names none. */
  'stats': StatsRequest;
  /** The namespaces that the key has, with what they hold; those of a key of `*` are all that hold contexts. */
  'namespace.list': NamespaceListRequest;
  /** Erases a namespace, or what one agent has there, so that no byte of it is left; the receipt counts what was where. Give it time. */
  'namespace.erase': NamespaceEraseRequest;
  /** Runs the expiry sweep now. */
  'admin.gc': AdminGcRequest;
  /** Makes a snapshot of everything that is stored; it is on the server's disk when the reply is there. Give it time. */
  'admin.snapshot': AdminSnapshotRequest;
  /** The snapshots that there are, the oldest first. */
  'admin.snapshots': AdminSnapshotsRequest;
  /** The last requests that took long, the last first. */
  'admin.slowlog': AdminSlowlogRequest;
  /** Requests as they are answered: poll with the cursor that the poll before gave. */
  'admin.monitor': AdminMonitorRequest;
  /** Empties the server's caches. */
  'admin.cache_clear': AdminCacheClearRequest;
  /** Closes the circuit of a backend, which is then asked again; `NOT_FOUND` where the server asks no such backend. */
  'admin.circuit_reset': AdminCircuitResetRequest;
}

/** Reply payloads by request type. */
export interface ReplyPayloads {
  /** How the server is. */
  'ping': PingReply;
  /** Stores a context; it is durable when the reply is there. */
  'context.store': ContextStoreReply;
  /** Stores up to 1,000 contexts; each has its own outcome, in order. */
  'context.store_batch': ContextStoreBatchReply;
  /** What matters for a query, within a token budget, best first. */
  'context.query': ContextQueryReply;
  /** One context; `NOT_FOUND` where there is none. */
  'context.get': ContextGetReply;
  /** Changes what is given. Never repeated once it may have been done: `if_version` tells what became of it. */
  'context.update': ContextUpdateReply;
  /** Deletes by id, or all that match a filter. */
  'context.delete': ContextDeleteReply;
  /** Contexts, newest first: loop over all of them, or take page by page. What is said about time is said of each page. */
  'context.list': ContextListReply;
  /** Counts an access of each: they were of use, and not only returned. */
  'context.used': ContextUsedReply;
  /** Appends messages to a session's window, in order, all or none; they are durable when this resolves. */
  'session.append': SessionAppendReply;
  /** What to send to a model now, within the window's budget, with what matters from before. */
  'session.window': SessionWindowReply;
  /** Sets what holds for one session; what is left out stays. */
  'session.configure': SessionConfigureReply;
  /** One session with what its window lists; `NOT_FOUND` where there is none. */
  'session.get': SessionGetReply;
  /** Sessions that have a window, last used first: `for await` over all of them, `page()` for one page. */
  'session.list': SessionListReply;
  /** The messages that a card stands for, in order: `for await` over all of them, `page()` for one page. */
  'session.expand': SessionExpandReply;
  /** Empties a session's window; with `forget` its contexts and cards are deleted, too. */
  'session.reset': SessionResetReply;
  /** Puts up to 100 facts; they are durable when the reply is there, which tells what they supersede and contradict. */
  'fact.put': FactPutReply;
  /** Facts that hold, those that began last first: loop over all of them, or take page by page. A page may hold fewer than `limit`, even none, and yet have a `cursor`. */
  'fact.list': FactListReply;
  /** Facts about an entity, and about those that these lead to, the nearest first. */
  'fact.around': FactAroundReply;
  /** Deletes a fact; what it superseded holds again. */
  'fact.delete': FactDeleteReply;
  /** Deletes every context of a level in a namespace. */
  'level.clear': LevelClearReply;
  /** What is stored and cached: in one namespace, or in all for a key that sees all and names none. */
  'stats': StatsReply;
  /** The namespaces that the key has, with what they hold; those of a key of `*` are all that hold contexts. */
  'namespace.list': NamespaceListReply;
  /** Erases a namespace, or what one agent has there, so that no byte of it is left; the receipt counts what was where. Give it time. */
  'namespace.erase': NamespaceEraseReply;
  /** Runs the expiry sweep now. */
  'admin.gc': AdminGcReply;
  /** Makes a snapshot of everything that is stored; it is on the server's disk when the reply is there. Give it time. */
  'admin.snapshot': AdminSnapshotReply;
  /** The snapshots that there are, the oldest first. */
  'admin.snapshots': AdminSnapshotsReply;
  /** The last requests that took long, the last first. */
  'admin.slowlog': AdminSlowlogReply;
  /** Requests as they are answered: poll with the cursor that the poll before gave. */
  'admin.monitor': AdminMonitorReply;
  /** Empties the server's caches. */
  'admin.cache_clear': AdminCacheClearReply;
  /** Closes the circuit of a backend, which is then asked again; `NOT_FOUND` where the server asks no such backend. */
  'admin.circuit_reset': AdminCircuitResetReply;
}

/** Every request of the protocol. */
export type RequestType = keyof RequestPayloads;
