import type { Clock } from '../base/clock.ts';
import type { ContextRecord } from '../base/context.ts';
import { toCodedError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Access, ContextStore } from '../store/store.ts';
import type { HiragSettings } from './settings.ts';
import type { WorkingSets } from './working-sets.ts';

export interface AccessCountsDeps {
  readonly store: ContextStore;
  readonly workingSets: WorkingSets;
  readonly clock: Clock;
  readonly log: Log;
}

/** Contexts with counts waiting, as a multiple of the number that starts a flush; past it further ones are not counted. */
const WAITING_FACTOR = 4;

/** Counts how often contexts are returned, and writes that in batches: a count may lag, and a kill loses the last batch. */
export class AccessCounts {
  readonly #deps: AccessCountsDeps;
  readonly #flushEntries: number;
  readonly #stopTimer: () => void;
  #waiting = new Map<string, Access>();
  /** Taken by a flush that is not acknowledged yet. */
  #leaving = new Map<string, Access>();
  #flushing: Promise<void> | null = null;
  #failing = false;

  constructor(deps: AccessCountsDeps, settings: Pick<HiragSettings, 'accessFlushMs' | 'accessFlushEntries'>) {
    this.#deps = deps;
    this.#flushEntries = settings.accessFlushEntries;
    this.#stopTimer = deps.clock.every(settings.accessFlushMs, () => void this.flush());
  }

  /** One access of each. */
  add(namespace: string, ids: readonly string[]): void {
    for (const id of ids) this.#add({ namespace, id, count: 1 });
    if (this.#waiting.size >= this.#flushEntries) void this.flush();
  }

  /** Accesses that the store does not know of yet. */
  pending(namespace: string, id: string): number {
    const key = keyOf(namespace, id);
    return (this.#waiting.get(key)?.count ?? 0) + (this.#leaving.get(key)?.count ?? 0);
  }

  /** The record with the accesses that the store does not know of yet. */
  merged(record: ContextRecord): ContextRecord {
    const pending = this.pending(record.namespace, record.id);
    return pending === 0 ? record : { ...record, accessCount: record.accessCount + pending };
  }

  /** Hands the counts to the store; what it does not take stays for the next time. Never rejects. */
  flush(): Promise<void> {
    this.#flushing ??= this.#flush().finally(() => (this.#flushing = null));
    return this.#flushing;
  }

  async close(): Promise<void> {
    this.#stopTimer();
    await this.#flushing;
    await this.flush();
  }

  async #flush(): Promise<void> {
    if (this.#waiting.size === 0) return;
    this.#leaving = this.#waiting;
    this.#waiting = new Map();
    const accesses = [...this.#leaving.values()];
    try {
      await this.#deps.store.touch(accesses);
      this.#leaving = new Map();
      for (const { namespace, id, count } of accesses) this.#deps.workingSets.addAccesses(namespace, id, count);
      this.#failing = false;
    } catch (error) {
      this.#leaving = new Map();
      for (const access of accesses) this.#add(access);
      if (!this.#failing) this.#deps.log.warn({ code: toCodedError(error).code, count: accesses.length }, 'access counts not written, kept');
      this.#failing = true;
    }
  }

  #add(access: Access): void {
    const key = keyOf(access.namespace, access.id);
    const known = this.#waiting.get(key);
    if (known === undefined && this.#waiting.size >= this.#flushEntries * WAITING_FACTOR) return;
    this.#waiting.set(key, known === undefined ? access : { ...known, count: known.count + access.count });
  }
}

function keyOf(namespace: string, id: string): string {
  return `${namespace}/${id}`;
}
