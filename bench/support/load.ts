import { summarize, type Summary } from './statistics.ts';

export interface LoadResult extends Summary {
  readonly perSec: number;
  readonly latenciesMs: readonly number[];
}

export interface LoadOptions {
  /** Calls outstanding at any time; a new one starts when one ends. */
  readonly inFlight: number;
  readonly durationMs: number;
  /** Ends earlier after this many calls. */
  readonly callsMax?: number;
  /** `lane` is 0..inFlight-1; `call` counts over all lanes. */
  call(lane: number, call: number): Promise<unknown>;
}

/** Closed-loop load: latencies in milliseconds of all calls that began in the time given. Rejects with the first failed call. */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const latenciesMs: number[] = [];
  const callsMax = options.callsMax ?? Number.POSITIVE_INFINITY;
  const startedMs = performance.now();
  const endMs = startedMs + options.durationMs;
  let calls = 0;
  async function lane(number: number): Promise<void> {
    let nowMs = performance.now();
    while (nowMs < endMs && calls < callsMax) {
      await options.call(number, calls++);
      const doneMs = performance.now();
      latenciesMs.push(doneMs - nowMs);
      nowMs = doneMs;
    }
  }
  await Promise.all(Array.from({ length: options.inFlight }, (_, number) => lane(number)));
  const elapsedMs = performance.now() - startedMs;
  return { ...summarize(latenciesMs), perSec: (latenciesMs.length / elapsedMs) * 1_000, latenciesMs };
}

/**
 * Runs the subjects next to each other, `rounds` times, each second round in the other order, so that neither
 * drift nor the order favours one. Results are by subject, then by round.
 */
export async function interleave<T>(
  rounds: number,
  subjects: readonly ((round: number) => Promise<T>)[],
): Promise<T[][]> {
  const results: T[][] = subjects.map(() => []);
  for (let round = 0; round < rounds; round++) {
    const order = subjects.map((_, index) => index);
    if (round % 2 === 1) order.reverse();
    for (const index of order) {
      const subject = subjects[index];
      if (subject !== undefined) results[index]?.push(await subject(round));
    }
  }
  return results;
}
