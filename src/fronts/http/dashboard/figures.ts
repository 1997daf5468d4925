import type { RecentError } from '../../../api/recent-errors.ts';
import type { Clock } from '../../../base/clock.ts';
import { LEVELS, type Level } from '../../../base/context.ts';
import type { Circuits } from '../../../base/resilience/circuits.ts';
import type { Health } from '../health.ts';
import type { MetricsRegistry } from '../metrics.ts';
import type { RequestHistory, RequestInterval, RequestsOfType } from '../request-history.ts';

/** What the dashboard shows of a job. */
export interface JobFigures {
  readonly name: string;
  readonly schedule: string;
  readonly isRunning: boolean;
  readonly lastOutcome: 'ok' | 'failed' | null;
  readonly lastStartedAtMs: number | null;
  readonly lastDurationMs: number | null;
  readonly nextAtMs: number | null;
}

/** What there is from the first moment. */
export interface FigureSources {
  readonly clock: Clock;
  readonly health: Health;
  readonly metrics: Pick<MetricsRegistry, 'refresh' | 'gaugeValue' | 'requests' | 'eventLoopDelaySeconds'>;
  readonly circuits: Circuits;
  /** What each agent, or each of its sessions, may have in a level; null: as much as it likes. */
  readonly capacities: Readonly<Record<Level, { readonly of: 'agent' | 'session'; readonly contexts: number } | null>>;
}

/** What there is when the server runs. */
export interface RunningFigures {
  readonly jobs: () => readonly JobFigures[];
  readonly recentErrors: () => readonly RecentError[];
  /** Vectors in memory. */
  readonly cacheEntries: () => number;
}

const RATES_OVER_MS = 5_000;
const LATENCIES_OVER_MS = 60_000;
const TYPES_MAX = 12;

/** The overview, as `GET /api/overview` answers it: nothing in it says whose a request or a context is. */
export async function figuresOf(sources: FigureSources, running: RunningFigures | null): Promise<object> {
  const { clock, health, metrics, circuits } = sources;
  const [report] = await Promise.all([health.report(), metrics.refresh()]);
  const lately = metrics.requests.since(RATES_OVER_MS);
  const lastMinute = metrics.requests.since(LATENCIES_OVER_MS);
  return {
    at: clock.nowMs(),
    version: report.version,
    uptime_ms: report.uptime_ms,
    phase: report.phase,
    status: report.status,
    components: Object.entries(report.components).map(([name, { status, reason }]) => ({
      name,
      status,
      ...(reason === undefined ? {} : { detail: reason }),
    })),
    requests: {
      total: metrics.requests.total,
      per_second: perSecond(lately, ({ count }) => count),
      failed_per_second: perSecond(lately, ({ failed }) => failed),
      in_flight: metrics.gaugeValue('requests_in_flight') ?? 0,
    },
    latency_ms: latencies(metrics.requests, lastMinute),
    types: busiest(metrics.requests, lastMinute),
    levels: levels(sources),
    cache: { hit_rate: metrics.gaugeValue('cache_hit_rate') ?? null, entries: running?.cacheEntries() ?? null },
    circuits: circuits.all.map(({ backend, state }) => ({ backend, state })),
    connections: metrics.gaugeValue('active_connections') ?? 0,
    event_loop_delay_ms: rounded(metrics.eventLoopDelaySeconds * 1000),
    memory_bytes: process.memoryUsage.rss(),
    disk: disk(sources),
    jobs: running?.jobs().map(jobFigures) ?? [],
    recent_errors: running?.recentErrors().map(errorFigures) ?? [],
  };
}

function perSecond({ seconds, types }: RequestInterval, of: (ofType: RequestsOfType) => number): number {
  const count = types.reduce((sum, ofType) => sum + of(ofType), 0);
  return seconds === 0 ? 0 : rounded(count / seconds);
}

function latencies(history: RequestHistory, { types }: RequestInterval): object {
  const all = types[0]?.buckets.map((_, i) => types.reduce((sum, { buckets }) => sum + (buckets[i] ?? 0), 0));
  const at = (share: number) => (all === undefined ? null : quantileMs(history, all, share));
  return { p50: at(0.5), p95: at(0.95), p99: at(0.99) };
}

function busiest(history: RequestHistory, { seconds, types }: RequestInterval): object[] {
  return [...types]
    .sort((a, b) => b.count - a.count)
    .slice(0, TYPES_MAX)
    .map(({ type, count, buckets }) => ({
      type,
      per_second: seconds === 0 ? 0 : rounded(count / seconds),
      p50_ms: quantileMs(history, buckets, 0.5),
      p95_ms: quantileMs(history, buckets, 0.95),
    }));
}

function quantileMs(history: RequestHistory, buckets: Float64Array, share: number): number | null {
  const seconds = history.quantile(buckets, share);
  return seconds === null ? null : rounded(seconds * 1000);
}

function levels({ metrics, capacities }: FigureSources): object[] {
  return LEVELS.map((level) => ({
    level,
    contexts: metrics.gaugeValue('contexts', { level }) ?? null,
    capacity: null,
    each: capacities[level],
  }));
}

function disk({ metrics }: FigureSources): object {
  const bytes = (part: string) => metrics.gaugeValue('store_disk_bytes', { part }) ?? null;
  return {
    database_bytes: bytes('database'),
    log_bytes: bytes('log'),
    index_bytes: bytes('indexes'),
    free_bytes: metrics.gaugeValue('data_disk_free_bytes') ?? null,
  };
}

function jobFigures(job: JobFigures): object {
  return {
    name: job.name,
    schedule: job.schedule,
    running: job.isRunning,
    last_outcome: job.lastOutcome,
    last_started_at: job.lastStartedAtMs,
    last_duration_ms: job.lastDurationMs === null ? null : rounded(job.lastDurationMs),
    next_at: job.nextAtMs,
  };
}

function errorFigures({ atMs, code, type, requestId }: RecentError): object {
  return { at: atMs, code, type, request_id: requestId };
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
