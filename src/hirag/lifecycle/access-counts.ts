import type { Clock } from '../../base/clock.ts';
import type { ContextRecord } from '../../base/context.ts';
import { toCodedError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Access, ContextStore } from '../../store/store.ts';
import type { Settings } from '../../config/settings.ts';

export interface AccessCountsDeps {
  readonly store: ContextStore;
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
  #waiting = new CountsByContext();
  /** Taken by a flush that is not acknowledged yet. */
  #leaving = new CountsByContext();
  #flushing: Promise<void> | null = null;
  #failing = false;

  constructor(deps: AccessCountsDeps, settings: Pick<Settings['hirag'], 'accessFlushMs' | 'accessFlushEntries'>) {
    this.#deps = deps;
    this.#flushEntries = settings.accessFlushEntries;
    this.#stopTimer = deps.clock.every(settings.accessFlushMs, () => void this.flush());
  }

  /** One access of each. */
  add(namespace: string, ids: readonly string[]): void {
    for (const id of ids) this.#add(namespace, id, 1);
    if (this.#waiting.size >= this.#flushEntries) void this.flush();
  }

  /** For ids of a namespace: accesses that the store does not know of yet. */
  pendingIn(namespace: string): (id: string) => number {
    const waiting = this.#waiting.of(namespace);
    const leaving = this.#leaving.of(namespace);
    return (id) => (waiting?.get(id) ?? 0) + (leaving?.get(id) ?? 0);
  }

  /** The record with the accesses that the store does not know of yet. */
  merged(record: ContextRecord): ContextRecord {
    const pending = this.pendingIn(record.namespace)(record.id);
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
    this.#waiting = new CountsByContext();
    const accesses = this.#leaving.list();
    try {
      await this.#deps.store.touch(accesses);
      this.#leaving = new CountsByContext();
      this.#failing = false;
    } catch (error) {
      this.#leaving = new CountsByContext();
      for (const { namespace, id, count } of accesses) this.#add(namespace, id, count);
      if (!this.#failing)
        this.#deps.log.warn(
          { code: toCodedError(error).code, count: accesses.length },
          'access counts not written, kept',
        );
      this.#failing = true;
    }
  }

  #add(namespace: string, id: string, count: number): void {
    const isFull = this.#waiting.size >= this.#flushEntries * WAITING_FACTOR;
    if (!isFull || this.#waiting.of(namespace)?.has(id)) this.#waiting.add(namespace, id, count);
  }
}

class CountsByContext {
  /** Contexts that have a count. */
  size = 0;
  readonly #namespaces = new Map<string, Map<string, number>>();

  of(namespace: string): ReadonlyMap<string, number> | undefined {
    return this.#namespaces.get(namespace);
  }

  add(namespace: string, id: string, count: number): void {
    let counts = this.#namespaces.get(namespace);
    if (counts === undefined) this.#namespaces.set(namespace, (counts = new Map<string, number>()));
    const known = counts.get(id);
    if (known === undefined) this.size++;
    counts.set(id, (known ?? 0) + count);
  }

  list(): Access[] {
    const accesses: Access[] = [];
    for (const [namespace, counts] of this.#namespaces)
      for (const [id, count] of counts) accesses.push({ namespace, id, count });
    return accesses;
  }
}
