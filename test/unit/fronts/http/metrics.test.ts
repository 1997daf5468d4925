import { setTimeout as sleep } from 'node:timers/promises';
import { Counter, Histogram, Registry } from 'prom-client';
import { afterEach, describe, expect, it } from 'vitest';
import { COUNTERS, GAUGES, HISTOGRAMS, type CounterName, type HistogramName } from '../../../../src/base/metrics.ts';
import { createMetricsRegistry, type MetricsRegistry } from '../../../../src/fronts/http/metrics.ts';

let registry: MetricsRegistry | undefined;
afterEach(() => registry?.close());

/** Value of one line of the text format. */
function valueOf(text: string, line: string): number | undefined {
  const found = text.split('\n').find((each) => each.startsWith(`context_manager_${line} `));
  return found === undefined ? undefined : Number(found.split(' ').at(-1));
}

describe('the metrics registry', () => {
  it('declares every counter and histogram from the start', async () => {
    registry = createMetricsRegistry();
    const text = await registry.render();
    for (const name of [...Object.keys(COUNTERS), ...Object.keys(HISTOGRAMS)])
      expect(text).toContain(`# HELP context_manager_${name} `);
  });

  it('counts, observes and reads gauges at each scrape', async () => {
    registry = createMetricsRegistry();
    registry.count('requests_total', { type: 'ping', outcome: 'ok' });
    registry.count('requests_total', { type: 'ping', outcome: 'ok' }, 2);
    registry.observe('store_commit_writes', 7);
    let open = 1;
    registry.gauge('active_connections', () => open);
    expect(valueOf(await registry.render(), 'requests_total{type="ping",outcome="ok"}')).toBe(3);
    expect(valueOf(await registry.render(), 'store_commit_writes_bucket{le="10"}')).toBe(1);
    expect(valueOf(await registry.render(), 'active_connections')).toBe(1);
    open = 5;
    expect(valueOf(await registry.render(), 'active_connections')).toBe(5);
  });

  it('reads a gauge for each set of labels', async () => {
    registry = createMetricsRegistry();
    const state = { embedding: 0, vector_db: 2 };
    for (const backend of ['embedding', 'vector_db'] as const)
      registry.gauge('circuit_state', () => state[backend], { backend });
    state.embedding = 1;
    const text = await registry.render();
    expect(valueOf(text, 'circuit_state{backend="embedding"}')).toBe(1);
    expect(valueOf(text, 'circuit_state{backend="vector_db"}')).toBe(2);
  });

  it('renders what the client library renders of the same counts', async () => {
    registry = createMetricsRegistry();
    const reference = new Registry();
    const name = (metric: string): string => `context_manager_${metric}`;
    const common = (metric: string, rule: { help: string; labels?: readonly string[] }) => ({
      name: name(metric),
      help: rule.help,
      labelNames: [...(rule.labels ?? [])],
      registers: [reference],
    });
    const counters = Object.entries(COUNTERS).map(
      ([metric, rule]) => [metric as CounterName, new Counter(common(metric, rule))] as const,
    );
    const histograms = Object.entries(HISTOGRAMS).map(
      ([metric, rule]) =>
        [metric as HistogramName, new Histogram({ ...common(metric, rule), buckets: [...rule.buckets] })] as const,
    );
    const labelsOf = (rule: object, turn: number) =>
      Object.fromEntries(
        ('labels' in rule ? (rule.labels as string[]) : []).map((label, i) => [
          label,
          ['ok', 'a "quoted" \\ value', 'ping'][(turn + i) % 3] ?? '',
        ]),
      );
    const values = [0, 0.0005, 0.00051, 0.003, 1, 7, 10, 10.5, 1e6, -1];
    for (let turn = 0; turn < 40; turn++) {
      for (const [metric, counter] of counters.slice(0, 9)) {
        const labels = labelsOf(COUNTERS[metric], turn);
        registry.count(metric, labels, turn % 4);
        counter.inc(labels, turn % 4);
      }
      for (const [metric, histogram] of histograms) {
        const labels = labelsOf(HISTOGRAMS[metric], turn);
        registry.observe(metric, values[turn % values.length] ?? 0, labels);
        histogram.observe(labels, values[turn % values.length] ?? 0);
      }
    }
    const rendered = await registry.render();
    expect(rendered.startsWith((await reference.metrics()).trimEnd())).toBe(true);
  });

  it('refuses labels that are not declared and numbers that are none', () => {
    const metrics = (registry = createMetricsRegistry());
    expect(() => metrics.count('requests_total', { type: 'ping', outcome: 'new', sender: 'a' })).toThrow(
      'no label sender',
    );
    expect(() => metrics.count('connections_total', {}, Number.NaN)).toThrow('finite');
    expect(() => metrics.count('connections_total', {}, -1)).toThrow('finite');
    expect(() => metrics.observe('store_commit_writes', Infinity)).toThrow('finite');
  });

  it('watches the event loop and the process', async () => {
    registry = createMetricsRegistry();
    const text = await registry.render();
    expect(valueOf(text, 'event_loop_delay_p99_seconds')).toBeGreaterThanOrEqual(0);
    expect(valueOf(text, 'process_resident_memory_bytes')).toBeGreaterThan(1_000_000);
  });

  it('counts the time in which the event loop was held', async () => {
    const metrics = (registry = createMetricsRegistry());
    const delaySeconds = async () => valueOf(await metrics.render(), 'event_loop_delay_p99_seconds');
    // On a busy machine a sample may fall beside the pause: then there is another one.
    let seconds = 0;
    for (let attempt = 0; attempt < 20 && seconds <= 0.1; attempt++) {
      await sleep(50);
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
      await sleep(50);
      seconds = (await delaySeconds()) ?? 0;
    }
    expect(seconds).toBeGreaterThan(0.1);
  });

  it('keeps two servers of one process apart', async () => {
    registry = createMetricsRegistry();
    const other = createMetricsRegistry();
    other.count('connections_total');
    expect(valueOf(await registry.render(), 'connections_total')).toBe(0);
    expect(valueOf(await other.render(), 'connections_total')).toBe(1);
    other.close();
  });

  it('has no label that could carry a namespace, an agent, a session or a text', () => {
    const rules: readonly object[] = Object.values({ ...COUNTERS, ...HISTOGRAMS, ...GAUGES });
    const labels = rules.flatMap((rule) => ('labels' in rule ? (rule.labels as string[]) : []));
    expect(labels).toContain('type');
    expect([...new Set(labels)].filter((label) => /namespace|agent|session|text|key/.test(label))).toEqual([]);
  });
});
