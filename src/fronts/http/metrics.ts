import { monitorEventLoopDelay } from 'node:perf_hooks';
import { collectDefaultMetrics, Gauge, Registry, type Metric } from 'prom-client';
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
import { CounterSeries, HistogramSeries, type Sample } from './series.ts';

const PREFIX = 'context_manager_';

export interface MetricsRegistry extends Metrics {
  /** Everything in Prometheus' text format. */
  render(): Promise<string>;
  readonly contentType: string;
  /** Stops the event loop's watch. */
  close(): void;
}

interface Rule {
  readonly help: string;
  readonly labels?: readonly string[];
  readonly buckets?: readonly number[];
}

/** The declared metrics, each present from the start, with the process' own beside them. One registry per server. */
export function createMetricsRegistry(): MetricsRegistry {
  const registry = new Registry();
  const counters = new Map(
    Object.entries<Rule>(COUNTERS).map(([name, { help, labels = [] }]) => {
      const series = new CounterSeries(PREFIX + name, labels);
      register(registry, PREFIX + name, help, 'counter', series);
      return [name, series];
    }),
  );
  const histograms = new Map(
    Object.entries<Rule>(HISTOGRAMS).map(([name, { help, labels = [], buckets = [] }]) => {
      const series = new HistogramSeries(PREFIX + name, labels, buckets);
      register(registry, PREFIX + name, help, 'histogram', series);
      return [name, series];
    }),
  );
  const gauges = new Map<GaugeName, Map<string, { readonly labels: Labels; readonly read: () => number }>>();
  const gauge = (name: GaugeName, read: () => number, labels: Labels = {}): void => {
    const readers = gauges.get(name) ?? new Map<string, { labels: Labels; read: () => number }>();
    gauges.set(name, readers.set(JSON.stringify(labels), { labels, read }));
    const { help, labels: labelNames = [] }: Rule = GAUGES[name];
    registry.removeSingleMetric(PREFIX + name);
    new Gauge({
      name: PREFIX + name,
      help,
      labelNames,
      registers: [registry],
      collect() {
        for (const reader of readers.values()) this.set(reader.labels, reader.read());
      },
    });
  };
  collectDefaultMetrics({ register: registry, prefix: PREFIX });
  const delay = watchEventLoop();
  gauge('event_loop_delay_p99_seconds', delay.readSeconds);
  return {
    count: (name: CounterName, labels, by = 1) => counters.get(name)?.add(by, labels),
    observe: (name: HistogramName, value, labels) => histograms.get(name)?.observe(value, labels),
    gauge,
    render: () => registry.metrics(),
    contentType: registry.contentType,
    close() {
      delay.stop();
      registry.clear();
    },
  };
}

/** Of a metric the registry asks no more than its values, at each scrape. */
function register(
  registry: Registry,
  name: string,
  help: string,
  type: 'counter' | 'histogram',
  series: { samples(): Sample[] },
): void {
  const metric = {
    name,
    help,
    type,
    aggregator: 'sum',
    get: () => Promise.resolve({ name, help, type, aggregator: 'sum', values: series.samples() }),
  };
  registry.registerMetric(metric as unknown as Metric);
}

const DELAY_SAMPLE_MS = 10;

/** The 99th percentile of the delay since the last reading, beyond the sampling interval, which Node counts in. */
function watchEventLoop(): { readSeconds: () => number; stop: () => void } {
  const histogram = monitorEventLoopDelay({ resolution: DELAY_SAMPLE_MS });
  histogram.enable();
  return {
    readSeconds() {
      const delayMs = histogram.percentile(99) / 1e6 - DELAY_SAMPLE_MS;
      histogram.reset();
      return Number.isFinite(delayMs) ? Math.max(0, delayMs) / 1000 : 0;
    },
    stop: () => void histogram.disable(),
  };
}
