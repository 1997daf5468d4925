/** The shape of a set of latencies, in the unit they were given in. */
export interface Summary {
  readonly count: number;
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/** Nearest-rank percentile of values sorted upwards: the smallest value with at least `share` (0..1) of all at or below it. */
export function percentile(sorted: ArrayLike<number>, share: number): number {
  if (sorted.length === 0) return Number.NaN;
  const rank = Math.ceil(share * sorted.length);
  return sorted[Math.min(Math.max(rank, 1), sorted.length) - 1] ?? Number.NaN;
}

/** The middle value, or the mean of the two in the middle; NaN of none. */
export function median(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}

export function summarize(values: readonly number[]): Summary {
  const sorted = Float64Array.from(values).sort();
  return {
    count: sorted.length,
    p50: percentile(sorted, 0.5),
    p99: percentile(sorted, 0.99),
    p999: percentile(sorted, 0.999),
  };
}

/**
 * Median of the rounds' own ratios. A round and its floor ran next to each other, so a slow spell of the
 * machine hits both and cancels out; a ratio of two medians would compare different spells.
 */
export function pairedRatio(ours: readonly number[], floors: readonly number[]): number {
  if (ours.length !== floors.length) throw new Error(`${ours.length} rounds against ${floors.length} of the floor`);
  return median(ours.map((value, round) => value / (floors[round] ?? Number.NaN)));
}
