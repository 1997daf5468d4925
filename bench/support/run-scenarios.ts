import type { Row } from './report.ts';
import type { Bench, Scenario } from './scenario.ts';

export interface RunOptions {
  readonly quick: boolean;
  /** What is not done by then is cut off, and named in `cutOff`. */
  readonly endsWithinMs?: number;
  note(message: string): void;
}

export interface RunResult {
  readonly rows: readonly Row[];
  readonly failures: readonly string[];
  /** Scenarios that there was no time for. */
  readonly cutOff: readonly string[];
}

class OutOfTime extends Error {}

const LATE_CLEANING_MS = 1_000;

type Cleanup = () => unknown;

/** One after another; a scenario that fails is reported and the next one runs. */
export async function runScenarios(scenarios: readonly Scenario[], options: RunOptions): Promise<RunResult> {
  const rows: Row[] = [];
  const failures: string[] = [];
  const cutOff: string[] = [];
  const sharedCleanups: Cleanup[] = [];
  const shared = new Map<string, Promise<unknown>>();
  const endMs = performance.now() + (options.endsWithinMs ?? Number.POSITIVE_INFINITY);
  for (const scenario of scenarios) {
    if (performance.now() >= endMs) {
      cutOff.push(scenario.name);
      continue;
    }
    const cleanups: Cleanup[] = [];
    const startedMs = performance.now();
    let over = false;
    const bench: Bench = {
      quick: options.quick,
      note: (message) => options.note(`${scenario.name}: ${message}`),
      // One that was cut off may still be starting things: those end at once.
      defer: (cleanup) => void (over ? cleanUp([cleanup]) : cleanups.push(cleanup)),
      shared: <T>(key: string, make: () => Promise<{ value: T; release: Cleanup }>) => {
        const made = (shared.get(key) as Promise<T> | undefined) ?? keep(make, sharedCleanups);
        shared.set(key, made);
        return made;
      },
    };
    try {
      rows.push(...(await within(endMs, scenario.run(bench))));
      bench.note(`done in ${((performance.now() - startedMs) / 1_000).toFixed(1)} s`);
    } catch (error) {
      if (error instanceof OutOfTime) cutOff.push(scenario.name);
      else
        failures.push(
          `${scenario.name} failed: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
        );
    }
    over = true;
    await unlessLate(endMs, cleanUp(cleanups));
  }
  await unlessLate(endMs, cleanUp(sharedCleanups));
  return { rows, failures, cutOff };
}

async function keep<T>(make: () => Promise<{ value: T; release: Cleanup }>, cleanups: Cleanup[]): Promise<T> {
  const { value, release } = await make();
  cleanups.push(release);
  return value;
}

async function within<T>(endMs: number, work: Promise<T>): Promise<T> {
  if (endMs === Number.POSITIVE_INFINITY) return work;
  let timer: NodeJS.Timeout | undefined;
  const outOfTime = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new OutOfTime('out of time')), Math.max(0, endMs - performance.now()));
  });
  try {
    return await Promise.race([work, outOfTime]);
  } finally {
    clearTimeout(timer);
    // Cut off, it may still fail; that was reported.
    work.catch(() => {});
  }
}

/** Past the end a good stop is not waited for long: what is left ends with this process. */
async function unlessLate(endMs: number, cleaning: Promise<void>): Promise<void> {
  if (performance.now() < endMs) return cleaning;
  await Promise.race([cleaning, new Promise((resolve) => setTimeout(resolve, LATE_CLEANING_MS))]);
}

async function cleanUp(cleanups: Cleanup[]): Promise<void> {
  for (const cleanup of cleanups.reverse()) {
    try {
      await cleanup();
    } catch {
      // A process that is already gone is as clean as it gets.
    }
  }
}
