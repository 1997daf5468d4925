import { CodedError } from '../../base/errors.ts';
import type { Labels } from '../../base/metrics.ts';

/** One line of the text format, in the registry's terms. */
export interface Sample {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string | number>>;
  readonly value: number;
}

interface Node<S> {
  state: S | null;
  readonly next: Map<string | undefined, Node<S>>;
}

/**
 * Plain numbers by label values, found without making a key: counting happens several times in each request, reading
 * them every few seconds. Bounded by the label values, which never come from a client.
 */
class SeriesTree<S> {
  readonly #names: readonly string[];
  readonly #start: () => S;
  readonly #root: Node<S> = { state: null, next: new Map() };
  /** In the order of their first use; the labels as they were given then. */
  readonly #all: { readonly labels: Labels; readonly state: S }[] = [];

  constructor(names: readonly string[], start: () => S) {
    this.#names = names;
    this.#start = start;
    // Without labels there is one series, which is there from the start.
    if (names.length === 0) this.at(NO_LABELS);
  }

  at(labels: Labels): S {
    let node = this.#root;
    for (const name of this.#names) node = node.next.get(labels[name]) ?? grow(node, labels[name]);
    return (node.state ??= this.#add(labels));
  }

  sum(of: (state: S) => number): number {
    return this.#all.reduce((total, { state }) => total + of(state), 0);
  }

  samples<T>(toSamples: (labels: Labels, state: S) => T[]): T[] {
    return this.#all.flatMap(({ labels, state }) => toSamples(labels, state));
  }

  #add(labels: Labels): S {
    const unknown = Object.keys(labels).find((name) => !this.#names.includes(name));
    if (unknown !== undefined) throw new CodedError('INTERNAL', `a metric has no label ${unknown}`);
    const state = this.#start();
    this.#all.push({ labels, state });
    return state;
  }
}

function grow<S>(node: Node<S>, value: string | undefined): Node<S> {
  const grown: Node<S> = { state: null, next: new Map() };
  node.next.set(value, grown);
  return grown;
}

const NO_LABELS: Labels = {};

/** A counter's numbers. */
export class CounterSeries {
  readonly #name: string;
  readonly #tree: SeriesTree<{ total: number }>;

  constructor(name: string, labelNames: readonly string[]) {
    this.#name = name;
    this.#tree = new SeriesTree(labelNames, () => ({ total: 0 }));
  }

  /** Over all labels. */
  get total(): number {
    return this.#tree.sum(({ total }) => total);
  }

  /** What each set of labels has come to. */
  get values(): { readonly labels: Labels; readonly total: number }[] {
    return this.#tree.samples((labels, { total }) => [{ labels, total }]);
  }

  /** Throws where the number cannot be added, or the metric has no such label. */
  add(by: number, labels: Labels = NO_LABELS): void {
    if (!(by >= 0 && by < Infinity)) throw new CodedError('INTERNAL', 'a counter takes finite numbers from 0');
    this.#tree.at(labels).total += by;
  }

  samples(): Sample[] {
    return this.#tree.samples((labels, { total }) => [{ metricName: this.#name, labels, value: total }]);
  }
}

interface Observed {
  /** Values in each bucket alone; the last one holds what lies past every bound. */
  readonly buckets: Float64Array;
  sum: number;
}

/** What one set of labels of a histogram has come to. */
export interface Distribution {
  readonly labels: Labels;
  /** How many values lie in each bucket alone; the last one's lie past every bound. */
  readonly buckets: Float64Array;
}

/** A histogram's numbers. */
export class HistogramSeries {
  readonly #name: string;
  /** Ascending. */
  readonly #bounds: readonly number[];
  readonly #tree: SeriesTree<Observed>;

  constructor(name: string, labelNames: readonly string[], bounds: readonly number[]) {
    this.#name = name;
    this.#bounds = bounds;
    this.#tree = new SeriesTree(labelNames, () => ({ buckets: new Float64Array(bounds.length + 1), sum: 0 }));
  }

  /** Upper bounds of the buckets but the last, ascending. */
  get bounds(): readonly number[] {
    return this.#bounds;
  }

  get values(): Distribution[] {
    return this.#tree.samples((labels, { buckets }) => [{ labels, buckets: buckets.slice() }]);
  }

  /** What was observed, over all labels. */
  get sum(): number {
    return this.#tree.sum(({ sum }) => sum);
  }

  /** How often, over all labels. */
  get count(): number {
    return this.#tree.sum(({ buckets }) => buckets.reduce((count, inBucket) => count + inBucket, 0));
  }

  /** Throws where the value is not finite, or the metric has no such label. */
  observe(value: number, labels: Labels = NO_LABELS): void {
    if (!Number.isFinite(value)) throw new CodedError('INTERNAL', 'a histogram takes finite numbers');
    const observed = this.#tree.at(labels);
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++;
    observed.buckets[bucket] = (observed.buckets[bucket] as number) + 1;
    observed.sum += value;
  }

  /** Cumulated, as the format wants it. */
  samples(): Sample[] {
    return this.#tree.samples((labels, { buckets, sum }) => {
      let count = 0;
      const samples = Array.from(buckets, (inBucket, i): Sample => {
        count += inBucket;
        return {
          metricName: `${this.#name}_bucket`,
          labels: { le: this.#bounds[i] ?? '+Inf', ...labels },
          value: count,
        };
      });
      samples.push(
        { metricName: `${this.#name}_sum`, labels, value: sum },
        { metricName: `${this.#name}_count`, labels, value: count },
      );
      return samples;
    });
  }
}

/** A gauge's readers, one for each set of labels. */
export class GaugeSeries {
  readonly #name: string;
  readonly #readers = new Map<string, { readonly labels: Labels; readonly read: () => number | undefined }>();

  constructor(name: string) {
    this.#name = name;
  }

  /** In place of the one with the same labels. */
  readBy(read: () => number | undefined, labels: Labels = NO_LABELS): void {
    this.#readers.set(JSON.stringify(labels), { labels, read });
  }

  /** Undefined: nothing is known now. */
  value(labels: Labels = NO_LABELS): number | undefined {
    return this.#readers.get(JSON.stringify(labels))?.read();
  }

  samples(): Sample[] {
    return [...this.#readers.values()].flatMap(({ labels, read }) => {
      const value = read();
      return value === undefined ? [] : [{ metricName: this.#name, labels, value }];
    });
  }
}
