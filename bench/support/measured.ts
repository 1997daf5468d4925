import { runLoad, type LoadOptions, type LoadResult } from './load.ts';
import { cpuPercentBetween, readUsage } from './process-usage.ts';
import type { RowDetails } from './report.ts';
import { median } from './statistics.ts';

/** One round of load, with what it cost the process that served it. */
export interface Measured extends LoadResult {
  readonly rssMib: number;
  readonly cpuPercent: number;
}

export async function measureLoad(pid: number, load: LoadOptions): Promise<Measured> {
  const before = readUsage(pid);
  const result = await runLoad(load);
  const after = readUsage(pid);
  return { ...result, rssMib: after.rssMib, cpuPercent: cpuPercentBetween(before, after) };
}

/** Medians over the rounds. */
export function detailsOf(rounds: readonly Measured[]): Required<RowDetails> {
  const of = (pick: (round: Measured) => number): number => median(rounds.map(pick));
  return {
    throughputPerSec: of((round) => round.perSec),
    p50Ms: of((round) => round.p50),
    p99Ms: of((round) => round.p99),
    p999Ms: of((round) => round.p999),
    rssMib: of((round) => round.rssMib),
    cpuPercent: of((round) => round.cpuPercent),
  };
}
