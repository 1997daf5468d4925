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
  /** Of what a call that failed may have written before: the destination may have so many more. */
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

export function sumOf(counts: ByLevel): number {
  return LEVELS.reduce((sum, level) => sum + counts[level], 0);
}
