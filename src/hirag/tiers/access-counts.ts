import { CountsByContext } from '../../base/counts-by-context.ts';
import type { ContextRecord } from '../../base/context.ts';
import { toCodedError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { ContextStore } from '../../store/store.ts';
import type { Settings } from '../../config/settings.ts';

export interface AccessCountsDeps {
  readonly store: ContextStore;
  readonly log: Log;
}

/** Contexts with counts waiting, as a multiple of the number that starts a flush; past it further ones are not counted. */
const WAITING_FACTOR = 4;

/** Counts how often contexts are returned or were of use, and writes that in batches: a count may lag, and a kill loses the last batch. */
export class AccessCounts {
  readonly #deps: AccessCountsDeps;
  readonly #flushEntries: number;
  readonly #counted: Settings['hirag']['accesses'];
  #waiting = new CountsByContext();
  /** Taken by a flush that is not acknowledged yet. */
  #leaving = new CountsByContext();
  #flushing: Promise<void> | null = null;

  constructor(deps: AccessCountsDeps, settings: Pick<Settings['hirag'], 'accessFlushEntries' | 'accesses'>) {
    this.#deps = deps;
    this.#flushEntries = settings.accessFlushEntries;
    this.#counted = settings.accesses;
  }

  /** An access of each, where being returned is one. */
  returned(namespace: string, ids: readonly string[]): void {
    if (this.#counted === 'returned') this.add(namespace, ids);
  }

  /** One access of each. */
  add(namespace: string, ids: readonly string[]): void {
    for (const id of ids) this.#add(namespace, id, 1);
    // A failure is told by whoever flushes by schedule: until then nothing is lost.
    if (this.#waiting.size >= this.#flushEntries) this.flush().catch(() => undefined);
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

  /** Hands all counts so far to the store; what it does not take stays for the next time. Rejects as the store does. */
  async flush(): Promise<void> {
    // It took what waited when it began.
    await this.#flushing?.catch(() => undefined);
    this.#flushing ??= this.#flush().finally(() => (this.#flushing = null));
    await this.#flushing;
  }

  /** Flushes a last time. */
  async close(): Promise<void> {
    try {
      await this.flush();
    } catch (error) {
      const { code } = toCodedError(error);
      this.#deps.log.warn({ code, count: this.#waiting.size }, 'access counts lost: the store does not take them');
    }
  }

  async #flush(): Promise<void> {
    if (this.#waiting.size === 0) return;
    this.#leaving = this.#waiting;
    this.#waiting = new CountsByContext();
    const accesses = this.#leaving.list();
    try {
      await this.#deps.store.touch(accesses);
      this.#leaving = new CountsByContext();
    } catch (error) {
      this.#leaving = new CountsByContext();
      for (const { namespace, id, count } of accesses) this.#add(namespace, id, count);
      throw error;
    }
  }

  #add(namespace: string, id: string, count: number): void {
    this.#waiting.add(namespace, id, count, this.#flushEntries * WAITING_FACTOR);
  }
}
