import { LEVELS, type Level } from '../../base/context.ts';
import { recentEntries } from '../../base/recent-entries.ts';
import type { Reach } from '../driver.ts';

const REACHES_KEPT = 10_000;
const NONE: ReadonlySet<Level> = new Set();

/** Levels in which questions of the same reach had nothing to search the last time. Whoever goes by it counts again. */
export class EmptyLevels {
  readonly #kept = recentEntries<ReadonlySet<Level>>(REACHES_KEPT);

  of(reach: Reach): ReadonlySet<Level> {
    return this.#kept.get(keyOf(reach)) ?? NONE;
  }

  /** `counts`: of what is within reach, in the order of all levels. */
  note(reach: Reach, counts: readonly number[]): void {
    this.#kept.set(keyOf(reach), new Set(LEVELS.filter((_, i) => counts[i] === 0)));
  }
}

function keyOf({ namespace, agentId, sessionId, includeSessionless }: Reach): string {
  return JSON.stringify([namespace, agentId, sessionId, includeSessionless]);
}
