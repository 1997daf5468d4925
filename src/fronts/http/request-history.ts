import type { Clock } from '../../base/clock.ts';
import type { CounterSeries, HistogramSeries } from './series.ts';

/** What requests came to in some time. */
export interface RequestInterval {
  readonly seconds: number;
  /** Of each type that came. */
  readonly types: readonly RequestsOfType[];
}

export interface RequestsOfType {
  readonly type: string;
  readonly count: number;
  /** Of those with another outcome than `ok`. */
  readonly failed: number;
  /** How many took how long, by the bounds of the histogram. */
  readonly buckets: Float64Array;
}

interface Note {
  readonly atMs: number;
  readonly types: ReadonlyMap<string, RequestsOfType>;
}

/** Notes that are older tell nothing that is asked for. */
const KEPT_MS = 60_000;
/** However often it is noted. */
const NOTES_MAX = 128;

/**
 * What the counters of requests were in the last minute, noted every so often, so that anybody can ask what came in
 * between: nothing is done for it when a request comes.
 */
export class RequestHistory {
  readonly #counts: CounterSeries;
  readonly #durations: HistogramSeries;
  readonly #clock: Clock;
  /** Oldest first. */
  readonly #notes: Note[];

  constructor(counts: CounterSeries, durations: HistogramSeries, clock: Clock) {
    this.#counts = counts;
    this.#durations = durations;
    this.#clock = clock;
    this.#notes = [{ atMs: clock.monotonicMs(), types: new Map<string, RequestsOfType>() }];
  }

  /** Of all time. */
  get total(): number {
    return this.#counts.total;
  }

  /** To be called every so often; more often while somebody looks. */
  note(): void {
    const note = this.#now();
    while (this.#notes.length >= NOTES_MAX || note.atMs - (this.#notes[1]?.atMs ?? Infinity) >= KEPT_MS)
      this.#notes.shift();
    this.#notes.push(note);
  }

  /** Since the last note that is `ageMs` old, or since the oldest there is. */
  since(ageMs: number): RequestInterval {
    const now = this.#now();
    const before = this.#notes.findLast(({ atMs }) => now.atMs - atMs >= ageMs) ?? this.#notes[0]!;
    const types = [...now.types.values()].map((ofType) => minus(ofType, before.types.get(ofType.type)));
    return { seconds: (now.atMs - before.atMs) / 1000, types: types.filter(({ count }) => count > 0) };
  }

  /** Below how many seconds a share of requests stayed, within the bounds of the bucket; null: there were none. */
  quantile(buckets: Float64Array, share: number): number | null {
    return quantile(buckets, this.#durations.bounds, share);
  }

  #now(): Note {
    const types = new Map<string, { type: string; count: number; failed: number; buckets: Float64Array }>();
    for (const { labels, total } of this.#counts.values) {
      const { type = '', outcome } = labels;
      let ofType = types.get(type);
      if (ofType === undefined) types.set(type, (ofType = { type, count: 0, failed: 0, buckets: this.#noBuckets }));
      ofType.count += total;
      if (outcome !== 'ok') ofType.failed += total;
    }
    for (const { labels, buckets } of this.#durations.values) {
      const ofType = types.get(labels['type'] ?? '');
      if (ofType !== undefined) ofType.buckets = buckets;
    }
    return { atMs: this.#clock.monotonicMs(), types };
  }

  get #noBuckets(): Float64Array {
    return new Float64Array(this.#durations.bounds.length + 1);
  }
}

function minus(now: RequestsOfType, before: RequestsOfType | undefined): RequestsOfType {
  if (before === undefined) return now;
  return {
    type: now.type,
    count: now.count - before.count,
    failed: now.failed - before.failed,
    buckets: now.buckets.map((inBucket, i) => inBucket - (before.buckets[i] ?? 0)),
  };
}

/**
 * As Prometheus' `histogram_quantile`: values are taken to lie evenly in their bucket, and those past every bound at
 * the last one.
 */
export function quantile(buckets: Float64Array, bounds: readonly number[], share: number): number | null {
  const count = buckets.reduce((sum, inBucket) => sum + inBucket, 0);
  if (count === 0) return null;
  const rank = share * count;
  let below = 0;
  for (const [i, upper] of bounds.entries()) {
    const inBucket = buckets[i] ?? 0;
    if (inBucket > 0 && below + inBucket >= rank) {
      const lower = bounds[i - 1] ?? 0;
      return lower + ((rank - below) / inBucket) * (upper - lower);
    }
    below += inBucket;
  }
  return bounds.at(-1) ?? null;
}
