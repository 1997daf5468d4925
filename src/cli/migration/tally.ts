import { LEVELS, type Level } from '../../base/context.ts';
import type { TransferOutcome } from '../../store/store.ts';

export type ByLevel = Readonly<Record<Level, number>>;
type LevelNumbers = Record<Level, number>;

export function noneByLevel(): LevelNumbers {
  return { immediate: 0, short_term: 0, long_term: 0 };
}

/** What became of a namespace's contexts. */
export class Tally {
  readonly outcomes: Record<TransferOutcome, number> = { created: 0, replaced: 0, same: 0, newer: 0, conflict: 0 };
  /** Seen in the source. */
  readonly walked = noneByLevel();
  /** By how many the destination has more. */
  readonly gained = noneByLevel();
  /**
   * Of what a call that failed may have written before: the destination may have so many more in this level, as new ones or
   * from any other level.
   */
  readonly doubtful = noneByLevel();
  /** Left out, as their lifetime was over. */
  expired = 0;
  /** The destination does not take them. */
  refused = 0;

  /** `isRepeat`: an earlier call with the same context failed, and may have written it. */
  transferred(outcome: TransferOutcome, level: Level, before: Level | undefined, isRepeat: boolean): void {
    this.outcomes[outcome]++;
    if (outcome === 'created' || outcome === 'replaced') {
      this.gained[level]++;
      if (before !== undefined) this.gained[before]--;
    } else if (outcome === 'same' && isRepeat) this.doubtful[level]++;
  }

  add(other: Tally): void {
    for (const outcome of Object.keys(other.outcomes) as TransferOutcome[])
      this.outcomes[outcome] += other.outcomes[outcome];
    for (const level of LEVELS) {
      this.walked[level] += other.walked[level];
      this.gained[level] += other.gained[level];
      this.doubtful[level] += other.doubtful[level];
    }
    this.expired += other.expired;
    this.refused += other.refused;
  }
}

/** Why the counts are not what the copy should have made of them; none where they are. */
export function differencesIn(tally: Tally, source: ByLevel, before: ByLevel, after: ByLevel): string[] {
  const doubtful = sumOf(tally.doubtful);
  const differences: string[] = [];
  let isAnyDifferent = false;
  for (const level of LEVELS) {
    const walked = tally.walked[level];
    if (source[level] !== walked) differences.push(`${level}: the source has ${source[level]}, ${walked} were read`);
    const expected = before[level] + tally.gained[level];
    const least = expected - (doubtful - tally.doubtful[level]);
    if (after[level] >= least && after[level] <= expected + tally.doubtful[level]) continue;
    differences.push(`${level}: the destination has ${after[level]}, and should have ${expected}`);
    isAnyDifferent = true;
  }
  // What came from another level is missing there.
  const [total, expected] = [sumOf(after), sumOf(before) + sumOf(tally.gained)];
  if (!isAnyDifferent && (total < expected || total > expected + doubtful))
    differences.push(`the destination has ${total} in all levels, and should have ${expected}`);
  return differences;
}

export function sumOf(counts: ByLevel): number {
  return LEVELS.reduce((sum, level) => sum + counts[level], 0);
}
