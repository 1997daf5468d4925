import { simulate, type Failure, type SimulationOptions } from './simulation.ts';

const RUNS_MAX = 120;

export interface Shrunk {
  /** All that it takes, beside what happens in every run. */
  readonly only: readonly number[];
  readonly failure: Failure;
}

/**
 * The steps that a failure takes: of those up to it, halves, quarters and so on are left out for as long as the same promise is broken
 * without them (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", IEEE TSE 2002).
 */
export async function shrink(options: SimulationOptions, failure: Failure, runsMax = RUNS_MAX): Promise<Shrunk> {
  let kept = Array.from({ length: failure.step }, (_, i) => i + 1).filter((step) => options.only?.has(step) ?? true);
  let found = failure;
  let runs = 0;
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let from = kept.length - size; from > -size && runs < runsMax; from -= size) {
      const tried = kept.filter((_, i) => i < from || i >= from + size);
      runs += 1;
      const { failure: again } = await simulate({ ...options, only: new Set(tried), tell: undefined });
      if (again === null || again.promise !== failure.promise) continue;
      kept = tried.filter((step) => step <= again.step);
      found = again;
    }
  }
  return { only: kept, failure: found };
}
