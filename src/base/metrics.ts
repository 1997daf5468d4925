/** Where components count. No label ever carries a namespace, an agent, a session or a text. */
export interface Metrics {
  count(name: CounterName, labels?: Labels, by?: number): void;
  observe(name: HistogramName, value: number, labels?: Labels): void;
  /** `read` is called at each scrape, one for each set of labels; undefined: nothing is known now, and nothing is shown. */
  gauge(name: GaugeName, read: () => number | undefined, labels?: Labels): void;
}

export type Labels = Readonly<Record<string, string>>;

interface MetricRule {
  readonly help: string;
  readonly labels?: readonly string[];
  readonly buckets?: readonly number[];
}

const LATENCY_BUCKETS_SECONDS = [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

const JOB_BUCKETS_SECONDS = [0.001, 0.01, 0.1, 1, 10, 60, 600];

/** Every metric is declared here once, with its labels; `context_manager_` is put before each name. */
export const COUNTERS = {
  connections_total: { help: 'Connections accepted.' },
  connections_refused_total: { help: 'Connections refused because the server had as many as it may.' },
  auth_failures_total: { help: 'Handshakes and logins that failed, by error code.', labels: ['code'] },
  auth_delayed_total: {
    help: 'Handshakes and logins that failed and were answered late, as their address goes on failing.',
  },
  reloads_total: {
    help: 'Times that the configuration was read again, by outcome (ok or failed).',
    labels: ['outcome'],
  },
  rate_limit_settlements_total: {
    help: 'Times that limits were settled with those of other servers over Redis, by outcome (ok or failed).',
    labels: ['outcome'],
  },
  audit_entries_total: { help: 'Entries of the audit log.' },
  audit_lost_total: { help: 'Entries that the audit log did not take: the disk failed, or the day had too many.' },
  requests_total: {
    help: 'Requests answered, by type and outcome (ok or an error code).',
    labels: ['type', 'outcome'],
  },
  errors_total: { help: 'Errors told to clients, of requests and of connections, by code.', labels: ['code'] },
  bytes_received_total: { help: 'Bytes read from clients.' },
  bytes_sent_total: { help: 'Bytes written to clients.' },
  contexts_stored_total: { help: 'Contexts stored, by level.', labels: ['level'] },
  contexts_demoted_total: { help: 'Contexts moved down a level because the level was full.', labels: ['from', 'to'] },
  contexts_promoted_total: { help: 'Contexts moved to long-term memory when their short-term lifetime ended.' },
  contexts_expired_total: { help: 'Contexts deleted because their lifetime ended, by level.', labels: ['level'] },
  contexts_evicted_total: {
    help: 'Contexts deleted because a level was full and the next one is off.',
    labels: ['level'],
  },
  query_returned_tokens_total: { help: 'Tokens of the contexts that queries returned.' },
  query_budget_tokens_total: { help: 'Tokens that queries had room for (max_tokens).' },
  query_degraded_total: {
    help: 'Levels that a query had to do without, by level and error code.',
    labels: ['level', 'code'],
  },
  embedding_cache_hits_total: { help: 'Embeddings answered from memory, or by a call under way.' },
  embedding_cache_misses_total: { help: 'Embeddings that were not in memory.' },
  embedding_shared_cache_total: {
    help: 'Vectors of the shared cache: hit, miss, skipped (not asked for, or not in time), foreign (not a vector of this model), unwritten.',
    labels: ['outcome'],
  },
  embedding_backlog_total: {
    help: 'Contexts stored without a vector that got one later (embedded), or for whose text there is none (refused).',
    labels: ['outcome'],
  },
  window_messages_total: { help: 'Messages appended to sessions.' },
  window_offloads_total: { help: 'Times that the oldest exchanges of a session left its window.' },
  window_offloaded_messages_total: { help: 'Messages that left windows.' },
  window_cards_total: { help: 'Cards made for what left windows.' },
  facts_put_total: { help: 'Facts that were put and are new.' },
  erasures_total: { help: 'Erasures that ended, by outcome.', labels: ['outcome'] },
  facts_deleted_total: { help: 'Facts deleted by requests.' },
  summaries_requests_total: { help: 'Requests to the model for summaries.', labels: ['outcome'] },
  summaries_tokens_total: { help: 'Tokens that these took, questions and answers.' },
  summaries_cards_total: { help: 'Cards that the model has made anew.' },
  summaries_left_total: { help: 'Cards that stayed as they were first made.', labels: ['reason'] },
  gc_runs_total: { help: 'Sweeps that ended lifetimes, by schedule or by hand.' },
  gc_promoted_total: { help: 'Contexts that these sweeps moved from L2 to L3.' },
  gc_deleted_total: { help: 'Contexts that these sweeps deleted.' },
  gc_errors_total: { help: 'Sweeps that failed.' },
  store_commits_total: { help: 'Transactions committed by the store.' },
  thread_deaths_total: {
    help: 'Threads that ended by themselves and are started again, by what they do: store, embedding.',
    labels: ['thread'],
  },
  jobs_total: {
    help: 'Runs of scheduled work, by job and outcome (ok, failed, or skipped as the run before was not done).',
    labels: ['job', 'outcome'],
  },
  gateway_requests_total: {
    help: 'Requests at the gateway by route and outcome: ok, upstream_4xx, upstream_5xx, cut (the client hung up), or an error code.',
    labels: ['route', 'outcome'],
  },
  gateway_memory_total: {
    help: 'Requests to models by what memory did: on, degraded (they went without), not_stored (what was said was lost).',
    labels: ['outcome'],
  },
  gateway_guards_total: {
    help: 'Answers that repeat others (echo), go on doing so (boredom), and what was left out to get another (strip_recall, strip_cards, strip_exchange).',
    labels: ['guard'],
  },
  store_writes_total: { help: 'Write operations made durable by the store.' },
} as const satisfies Record<string, MetricRule>;

export const HISTOGRAMS = {
  request_duration_seconds: {
    help: 'From a request decoded to its reply queued, by type.',
    labels: ['type'],
    buckets: LATENCY_BUCKETS_SECONDS,
  },
  query_stage_duration_seconds: {
    help: 'Stages of a query: embed, search, rank.',
    labels: ['stage'],
    buckets: LATENCY_BUCKETS_SECONDS,
  },
  embedding_duration_seconds: { help: 'One call of the embedding provider.', buckets: LATENCY_BUCKETS_SECONDS },
  vector_db_duration_seconds: {
    help: 'One call of the store, waiting in its queue included, by operation.',
    labels: ['operation'],
    buckets: LATENCY_BUCKETS_SECONDS,
  },
  job_duration_seconds: {
    help: 'One run of scheduled work, by job.',
    labels: ['job'],
    buckets: JOB_BUCKETS_SECONDS,
  },
  store_commit_writes: {
    help: 'Write operations that shared one commit.',
    buckets: [1, 2, 5, 10, 25, 50, 100, 250, 1000],
  },
} as const satisfies Record<string, MetricRule>;

export const GAUGES = {
  build_info: { help: 'Always 1, with the version of the server and of Node.', labels: ['version', 'node'] },
  uptime_seconds: { help: 'Since the server began to start, in seconds.' },
  avg_response_time_ms: {
    help: 'Mean time to answer a request over the last five minutes, in milliseconds; 0 where there was none.',
  },
  cache_hit_rate: {
    help: 'Share of embeddings over the last five minutes that came from memory, 0 to 1; 0 where none were asked for.',
  },
  contexts: { help: 'Contexts stored, by level.', labels: ['level'] },
  store_disk_bytes: {
    help: 'Files of the embedded store in bytes, by part: database, log (write-ahead) and indexes.',
    labels: ['part'],
  },
  store_memory_bytes: { help: 'Memory of the embedded store for indexes, in bytes.' },
  store_index_recall: {
    help: 'Share of the nearest vectors that a search of an index finds, as measured; of the index that finds least.',
  },
  store_index_m: { help: 'Links per vector of the largest index.' },
  store_index_ef_search: { help: 'Candidates that a search of the largest index keeps.' },
  data_disk_free_bytes: { help: 'Room left on the disk of the data folder, for this user, in bytes.' },
  data_disk_size_bytes: { help: 'Size of the disk of the data folder, in bytes.' },
  active_connections: { help: 'Connections open now.' },
  requests_in_flight: { help: 'Requests being worked on now.' },
  request_bytes_running: { help: 'What the requests being worked on weigh, in bytes.' },
  request_bytes_coming: { help: 'Requests that are still coming, or wait until they may be worked on, in bytes.' },
  reply_bytes: { help: 'Replies that are unread, or expected of the requests being worked on, in bytes.' },
  store_queue_depth: { help: 'Calls waiting for the store.' },
  backend_requests_running: { help: 'Requests that a backend works on now.', labels: ['backend'] },
  backend_queue_length: { help: 'Requests that wait for their turn at a backend.', labels: ['backend'] },
  backend_queue_bytes: { help: 'What the requests that wait for a backend weigh, in bytes.', labels: ['backend'] },
  circuit_state: { help: 'Circuit of a backend: 0 closed, 1 half-open, 2 open.', labels: ['backend'] },
  embedding_backlog: {
    help: 'Contexts without a vector, as last counted: pending, or refused by the model.',
    labels: ['state'],
  },
  summaries_queue_length: { help: 'Cards that wait for the model for summaries.' },
  summaries_cards_running: { help: 'Cards that are with that model.' },
  snapshot_timestamp_seconds: {
    help: 'When the newest snapshot was made, in seconds since the epoch; absent where there is none.',
  },
  gateway_requests_in_flight: { help: 'Requests that the gateway works on now.' },
  gateway_sessions_storing: { help: 'Sessions of the gateway in which something is being stored now.' },
  gateway_body_bytes: { help: 'Bodies of these requests, in bytes.' },
  event_loop_delay_p99_seconds: { help: 'The event loop delay, 99th percentile of the last 10 to 20 seconds.' },
} as const satisfies Record<string, MetricRule>;

export type CounterName = keyof typeof COUNTERS;
export type HistogramName = keyof typeof HISTOGRAMS;
export type GaugeName = keyof typeof GAUGES;

/** For components built without an operations side: a test, the CLI. */
export const noMetrics: Metrics = { count() {}, observe() {}, gauge() {} };
