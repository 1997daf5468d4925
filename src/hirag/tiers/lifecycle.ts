import { setImmediate } from 'node:timers/promises';
import type { Level } from '../../base/context.ts';
import type { Log } from '../../base/log.ts';
import type { Metrics } from '../../base/metrics.ts';
import type { Settings } from '../../config/settings.ts';
import type { AccessCounts } from './access-counts.ts';
import type { LevelPolicy } from './level-policy.ts';
import type { Tiers } from './tiers.ts';
import type { GcOutcome } from '../types.ts';

export interface LifecycleDeps {
  readonly tiers: Tiers;
  readonly policy: LevelPolicy;
  readonly accessCounts: AccessCounts;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** Ends lifetimes: deletes what is due, moves what L2 may keep no longer to L3. */
export class Lifecycle {
  readonly #deps: LifecycleDeps;
  readonly #batch: number;
  #running: Promise<GcOutcome> | null = null;
  #closed = false;

  constructor(deps: LifecycleDeps, settings: Pick<Settings['hirag'], 'gcBatch'>) {
    this.#deps = deps;
    this.#batch = settings.gcBatch;
  }

  /**
   * One sweep until nothing is due, or `signal` aborts, after its current step; a call during a sweep gets that
   * sweep's outcome. Rejects where the store fails.
   */
  runGc(signal?: AbortSignal): Promise<GcOutcome> {
    this.#running ??= this.#sweep(signal).finally(() => (this.#running = null));
    return this.#running;
  }

  /** Stops a running sweep after its current step. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#running?.catch(() => undefined);
  }

  async #sweep(signal: AbortSignal | undefined): Promise<GcOutcome> {
    const expired: Record<Level, number> = { immediate: 0, short_term: 0, long_term: 0 };
    let promoted = 0;
    this.#deps.metrics.count('gc_runs_total');
    try {
      for (let more = true; more && !this.#closed && signal?.aborted !== true; ) {
        const step = await this.#step();
        for (const level of step.expired) expired[level]++;
        promoted += step.promoted;
        more = step.more;
        await setImmediate();
      }
    } catch (error) {
      this.#deps.metrics.count('gc_errors_total');
      throw error;
    } finally {
      this.#report(promoted, expired);
    }
    return { promoted, deleted: expired.immediate + expired.short_term + expired.long_term };
  }

  async #step(): Promise<{ expired: Level[]; promoted: number; more: boolean }> {
    const { policy, accessCounts, tiers } = this.#deps;
    if (policy.promotesByAccesses) await accessCounts.flush();
    const { deleted, promoted, more } = await tiers.expire(this.#batch);
    return { expired: deleted.map(({ level }) => level), promoted: promoted.length, more };
  }

  #report(promoted: number, expired: Readonly<Record<Level, number>>): void {
    const { metrics, log } = this.#deps;
    if (promoted > 0) {
      metrics.count('contexts_promoted_total', {}, promoted);
      metrics.count('gc_promoted_total', {}, promoted);
    }
    let deleted = 0;
    for (const [level, count] of Object.entries(expired)) {
      if (count > 0) metrics.count('contexts_expired_total', { level }, count);
      deleted += count;
    }
    if (deleted > 0) metrics.count('gc_deleted_total', {}, deleted);
    if (promoted + deleted > 0) log.info({ promoted, deleted }, 'lifetimes ended');
  }
}
