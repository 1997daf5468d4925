import { collectDefaultMetrics, Registry, type Metric } from 'prom-client';
import { systemClock, type Clock } from '../../base/clock.ts';
import {
  COUNTERS,
  GAUGES,
  HISTOGRAMS,
  type CounterName,
  type GaugeName,
  type HistogramName,
  type Labels,
  type Metrics,
} from '../../base/metrics.ts';
import { EventLoopWatch } from './event-loop-watch.ts';
import { NOTED_EVERY_MS, RecentRatio } from './recent-ratio.ts';
import { RequestHistory } from './request-history.ts';
import { CounterSeries, GaugeSeries, HistogramSeries, type Sample } from './series.ts';

const PREFIX = 'context_manager_';

export interface MetricsRegistry extends Metrics {
  /** `prepare` is waited for before each scrape, so that gauges can show what is asked of others. It bounds its own time. */
  beforeScrape(prepare: () => Promise<void>): void;
  /** Everything in Prometheus' text format. */
  render(): Promise<string>;
  readonly contentType: string;
  /** What gauges show comes up to date, as before a scrape. */
  refresh(): Promise<void>;
  /** Undefined: nothing is known now. */
  gaugeValue(name: GaugeName, labels?: Labels): number | undefined;
  /** What requests came to of late. */
  readonly requests: RequestHistory;
  /** Of the last seconds. */
  readonly eventLoopDelaySeconds: number;
  /** Stops the watches. */
  close(): void;
}

interface Rule {
  readonly help: string;
  readonly labels?: readonly string[];
  readonly buckets?: readonly number[];
}

/** Each name is there: a look into a map costs less than one into an object of so many. */
interface ByName<N, S> {
  get(name: N): S;
}

/** The declared metrics, each present from the start, with the process' own beside them. One registry per server. */
export function createMetricsRegistry(clock: Clock = systemClock): MetricsRegistry {
  const registry = new Registry();
  const counters = registered<CounterName, CounterSeries>(registry, 'counter', COUNTERS, CounterSeries);
  const histograms = registered<HistogramName, HistogramSeries>(registry, 'histogram', HISTOGRAMS, HistogramSeries);
  const gauges = registered<GaugeName, GaugeSeries>(registry, 'gauge', GAUGES, GaugeSeries);
  const gauge: Metrics['gauge'] = (name, read, labels) => gauges.get(name).readBy(read, labels);
  addProcessMetrics(registry);
  const ratios = recentRatios(counters, histograms);
  gauge('cache_hit_rate', () => ratios.cacheHits.value);
  gauge('avg_response_time_ms', () => ratios.responseSeconds.value * 1000);
  const delay = new EventLoopWatch();
  gauge('event_loop_delay_p99_seconds', () => delay.p99Seconds);
  const requests = new RequestHistory(
    counters.get('requests_total'),
    histograms.get('request_duration_seconds'),
    clock,
  );
  const stopNoting = clock.every(NOTED_EVERY_MS, () => {
    delay.turn();
    requests.note();
    for (const ratio of Object.values(ratios)) ratio.note();
  });
  const preparations: (() => Promise<void>)[] = [];
  const refresh = async (): Promise<void> => {
    await Promise.all(preparations.map((prepare) => prepare()));
  };
  return {
    count: (name, labels, by = 1) => counters.get(name).add(by, labels),
    observe: (name, value, labels) => histograms.get(name).observe(value, labels),
    gauge,
    beforeScrape: (prepare) => void preparations.push(prepare),
    async render() {
      await refresh();
      return registry.metrics();
    },
    contentType: registry.contentType,
    refresh,
    gaugeValue: (name, labels) => gauges.get(name).value(labels),
    requests,
    get eventLoopDelaySeconds() {
      return delay.p99Seconds;
    },
    close() {
      stopNoting();
      delay.stop();
      registry.clear();
    },
  };
}

/** Series of all metrics of a kind. Of a metric the registry asks no more than its values, at each scrape. */
function registered<N extends string, S extends { samples(): Sample[] }>(
  registry: Registry,
  type: 'counter' | 'histogram' | 'gauge',
  rules: Readonly<Record<N, Rule>>,
  SeriesOf: new (name: string, labels: readonly string[], buckets: readonly number[]) => S,
): ByName<N, S> {
  const named = Object.entries<Rule>(rules).map(([metric, { help, labels = [], buckets = [] }]) => {
    const name = PREFIX + metric;
    const series = new SeriesOf(name, labels, buckets);
    const about = { name, help, type, aggregator: 'sum' };
    const get = () => Promise.resolve({ ...about, values: series.samples() });
    registry.registerMetric({ ...about, get } as unknown as Metric);
    return [metric, series] as const;
  });
  return new Map<string, S>(named) as unknown as ByName<N, S>;
}

/** Gauges that are named like counters, and a second watch of the event loop, which begins anew with every scrape. */
const NOT_SHOWN = /_active_(handles|requests|resources)(_total)?$|_eventloop_lag_/;

function addProcessMetrics(registry: Registry): void {
  collectDefaultMetrics({ register: registry, prefix: PREFIX });
  for (const { name } of registry.getMetricsAsArray()) if (NOT_SHOWN.test(name)) registry.removeSingleMetric(name);
}

function recentRatios(
  counters: ByName<CounterName, CounterSeries>,
  histograms: ByName<HistogramName, HistogramSeries>,
): { readonly cacheHits: RecentRatio; readonly responseSeconds: RecentRatio } {
  return {
    cacheHits: new RecentRatio(() => {
      const hits = counters.get('embedding_cache_hits_total').total;
      return { part: hits, whole: hits + counters.get('embedding_cache_misses_total').total };
    }),
    responseSeconds: new RecentRatio(() => {
      const { sum, count } = histograms.get('request_duration_seconds');
      return { part: sum, whole: count };
    }),
  };
}
