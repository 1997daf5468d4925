import type { Clock } from '../../base/clock.ts';
import { LEVELS, type Level } from '../../base/context.ts';
import type { ContextStore } from '../../store/store.ts';
import type { LevelPolicy } from './level-policy.ts';

export interface UnsearchedLevelsDeps {
  readonly store: ContextStore;
  readonly policy: LevelPolicy;
  readonly clock: Clock;
}

/** `code` in a query's `degraded`, beside those of errors. */
export const LEVEL_OFF = 'LEVEL_OFF';

/** How long it is remembered which levels of a namespace hold contexts, and of how many namespaces. */
const KNOWN_MS = 60_000;
const KNOWN_MAX = 10_000;

/** Levels that are switched off though contexts are in them, from a time when they were on: no query finds those. */
export class UnsearchedLevels {
  readonly #deps: UnsearchedLevelsDeps;
  readonly #off: readonly Level[];
  readonly #known = new Map<string, { readonly levels: Promise<readonly Level[]>; readonly untilMs: number }>();

  constructor(deps: UnsearchedLevelsDeps) {
    this.#deps = deps;
    this.#off = LEVELS.filter((level) => !deps.policy.enabled.includes(level));
  }

  /** How many contexts there are in each of them, of all namespaces. */
  async counts(): Promise<{ readonly level: Level; readonly count: number }[]> {
    if (this.#off.length === 0) return [];
    const { counts } = await this.#deps.store.stats();
    return this.#off.map((level) => ({ level, count: counts[level] })).filter(({ count }) => count > 0);
  }

  /** Those of a namespace, as they were within the last minute. Never rejects: where the store fails the search tells. */
  of(namespace: string): Promise<readonly Level[]> {
    if (this.#off.length === 0) return NONE;
    const nowMs = this.#deps.clock.monotonicMs();
    const known = this.#known.get(namespace);
    if (known !== undefined && known.untilMs > nowMs) return known.levels;
    const levels = this.#deps.store.stats(namespace).then(
      ({ counts }) => this.#off.filter((level) => counts[level] > 0),
      () => {
        this.#known.delete(namespace);
        return [];
      },
    );
    this.#remember(namespace, { levels, untilMs: nowMs + KNOWN_MS });
    return levels;
  }

  #remember(namespace: string, answer: { levels: Promise<readonly Level[]>; untilMs: number }): void {
    this.#known.delete(namespace);
    this.#known.set(namespace, answer);
    if (this.#known.size <= KNOWN_MAX) return;
    const [oldest] = this.#known.keys();
    if (oldest !== undefined) this.#known.delete(oldest);
  }
}

const NONE: Promise<readonly Level[]> = Promise.resolve([]);
