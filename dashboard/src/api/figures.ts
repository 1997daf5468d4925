type Status = 'healthy' | 'degraded' | 'unhealthy';

/** The server's figures at a moment; null where one is not known. */
export interface Figures {
  readonly at: number;
  readonly version: string;
  readonly uptime_ms: number;
  readonly phase: 'starting' | 'running' | 'draining';
  readonly status: Status;
  readonly components: readonly { readonly name: string; readonly status: string; readonly detail?: string | null }[];
  readonly requests: {
    readonly total: number;
    readonly per_second: number;
    readonly failed_per_second: number;
    readonly in_flight: number;
  };
  readonly latency_ms: { readonly p50: number | null; readonly p95: number | null; readonly p99: number | null };
  readonly types: readonly {
    readonly type: string;
    readonly per_second: number;
    readonly p50_ms: number | null;
    readonly p95_ms: number | null;
  }[];
  readonly levels: readonly {
    readonly level: string;
    readonly contexts: number | null;
    /** What each agent, or each of its sessions, may have; null: as much as it likes. */
    readonly each: { readonly of: 'agent' | 'session'; readonly contexts: number } | null;
  }[];
  readonly cache: { readonly hit_rate: number | null; readonly entries: number | null };
  readonly circuits: readonly { readonly backend: string; readonly state: 'closed' | 'open' | 'half_open' }[];
  readonly connections: number;
  readonly event_loop_delay_ms: number | null;
  readonly memory_bytes: number;
  readonly disk: {
    readonly database_bytes: number | null;
    readonly log_bytes: number | null;
    readonly index_bytes: number | null;
    readonly free_bytes: number | null;
  };
  readonly jobs: readonly {
    readonly name: string;
    readonly schedule: string;
    readonly running: boolean;
    readonly last_outcome: 'ok' | 'failed' | null;
    readonly last_started_at: number | null;
    readonly last_duration_ms: number | null;
    readonly next_at: number | null;
  }[];
  readonly recent_errors: readonly {
    readonly at: number;
    readonly code: string;
    readonly type: string | null;
    readonly request_id: string | number | null;
  }[];
}
