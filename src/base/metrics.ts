/** Where components count. No label ever carries a namespace, an agent, a session or a text. */
export interface Metrics {
  count(name: CounterName, labels?: Labels, by?: number): void;
  observe(name: HistogramName, value: number, labels?: Labels): void;
  /** `read` is called at each scrape; one for each set of labels. */
  gauge(name: GaugeName, read: () => number, labels?: Labels): void;
}

export type Labels = Readonly<Record<string, string>>;

interface MetricRule {
  readonly help: string;
  readonly labels?: readonly string[];
  readonly buckets?: readonly number[];
}

const LATENCY_BUCKETS_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

const JOB_BUCKETS_SECONDS = [0.001, 0.01, 0.1, 1, 10, 60, 600];

/** Every metric is declared here once, with its labels; `context_manager_` is put before each name. */
export const COUNTERS = {
  connections_total: { help: 'Connections accepted.' },
  connections_refused_total: { help: 'Connections refused because the server had as many as it may.' },
  auth_failures_total: { help: 'Handshakes that failed, by error code.', labels: ['code'] },
  requests_total: {
    help: 'Requests answered, by type and outcome (ok or an error code).',
    labels: ['type', 'outcome'],
  },
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
  store_commits_total: { help: 'Transactions committed by the store.' },
  jobs_total: {
    help: 'Runs of scheduled work, by job and outcome (ok, failed, or skipped as the run before was not done).',
    labels: ['job', 'outcome'],
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
  event_loop_delay_p99_seconds: { help: 'The event loop delay, 99th percentile since the last scrape.' },
} as const satisfies Record<string, MetricRule>;

export type CounterName = keyof typeof COUNTERS;
export type HistogramName = keyof typeof HISTOGRAMS;
export type GaugeName = keyof typeof GAUGES;

/** For components built without an operations side: a test, the CLI. */
export const noMetrics: Metrics = { count() {}, observe() {}, gauge() {} };
