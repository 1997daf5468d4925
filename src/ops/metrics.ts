import { monitorEventLoopDelay } from 'node:perf_hooks';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import {
  COUNTERS,
  GAUGES,
  HISTOGRAMS,
  type CounterName,
  type GaugeName,
  type HistogramName,
  type Metrics,
} from '../base/metrics.ts';

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
    Object.entries<Rule>(COUNTERS).map(([name, rule]) => [name, new Counter({ ...common(name, rule), registers: [registry] })]),
  );
  const histograms = new Map(
    Object.entries<Rule>(HISTOGRAMS).map(([name, rule]) => [
      name,
      new Histogram({ ...common(name, rule), buckets: [...(rule.buckets ?? [])], registers: [registry] }),
    ]),
  );
  const gauge = (name: GaugeName, read: () => number): void => {
    registry.removeSingleMetric(PREFIX + name);
    new Gauge({
      ...common(name, GAUGES[name]),
      registers: [registry],
      collect() {
        this.set(read());
      },
    });
  };
  collectDefaultMetrics({ register: registry, prefix: PREFIX });
  const delay = watchEventLoop();
  gauge('event_loop_delay_p99_seconds', delay.readSeconds);
  return {
    count: (name: CounterName, labels, by = 1) => counters.get(name)?.inc(labels ?? {}, by),
    observe: (name: HistogramName, value, labels) => histograms.get(name)?.observe(labels ?? {}, value),
    gauge,
    render: () => registry.metrics(),
    contentType: registry.contentType,
    close() {
      delay.stop();
      registry.clear();
    },
  };
}

function common(name: string, rule: Rule): { name: string; help: string; labelNames: string[] } {
  return { name: PREFIX + name, help: rule.help, labelNames: [...(rule.labels ?? [])] };
}

/** The 99th percentile of the delay since the last reading. */
function watchEventLoop(): { readSeconds: () => number; stop: () => void } {
  const histogram = monitorEventLoopDelay({ resolution: 10 });
  histogram.enable();
  return {
    readSeconds() {
      const seconds = histogram.percentile(99) / 1e9;
      histogram.reset();
      return Number.isFinite(seconds) ? seconds : 0;
    },
    stop: () => void histogram.disable(),
  };
}
