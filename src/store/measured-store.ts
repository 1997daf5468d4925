import type { Clock } from '../base/clock.ts';
import type { ContextRecord, Level } from '../base/context.ts';
import type { Labels, Metrics } from '../base/metrics.ts';
import type {
  Access,
  ContextStore,
  ExpirySweep,
  Lifetime,
  ListPage,
  ListRequest,
  NamespaceCounts,
  NewContext,
  PendingPage,
  PendingRequest,
  SearchRequest,
  SearchResult,
  StoreCapabilities,
  StoreStats,
  Unembedded,
  WriteOp,
  WriteResult,
} from './store.ts';

type Operation = Exclude<keyof ContextStore, 'capabilities' | 'close'>;

const LABELS = {
  write: { operation: 'write' },
  search: { operation: 'search' },
  fetch: { operation: 'fetch' },
  load: { operation: 'load' },
  list: { operation: 'list' },
  touch: { operation: 'touch' },
  expire: { operation: 'expire' },
  pending: { operation: 'pending' },
  unembedded: { operation: 'unembedded' },
  stats: { operation: 'stats' },
  namespaces: { operation: 'namespaces' },
  ping: { operation: 'ping' },
} as const satisfies Record<Operation, Labels>;

/** A store whose calls are timed, whatever its driver and whatever comes of them. */
export class MeasuredStore implements ContextStore {
  readonly capabilities: StoreCapabilities;
  readonly #store: ContextStore;
  readonly #clock: Clock;
  readonly #metrics: Metrics;

  constructor(store: ContextStore, clock: Clock, metrics: Metrics) {
    this.capabilities = store.capabilities;
    this.#store = store;
    this.#clock = clock;
    this.#metrics = metrics;
  }

  write(ops: readonly WriteOp[], signal?: AbortSignal): Promise<WriteResult[]> {
    return this.#timed('write', (store) => store.write(ops, signal));
  }

  search(request: SearchRequest, signal?: AbortSignal): Promise<SearchResult> {
    return this.#timed('search', (store) => store.search(request, signal));
  }

  fetch(namespace: string, ids: readonly string[], nowMs: number): Promise<(ContextRecord | null)[]> {
    return this.#timed('fetch', (store) => store.fetch(namespace, ids, nowMs));
  }

  load(
    scope: { namespace: string; agentId: string; sessionId: string | null },
    level: Level,
    nowMs: number,
  ): Promise<NewContext[]> {
    return this.#timed('load', (store) => store.load(scope, level, nowMs));
  }

  list(request: ListRequest, signal?: AbortSignal): Promise<ListPage> {
    return this.#timed('list', (store) => store.list(request, signal));
  }

  touch(accesses: readonly Access[]): Promise<void> {
    return this.#timed('touch', (store) => store.touch(accesses));
  }

  expire(nowMs: number, limit: number, promoted: Lifetime | null): Promise<ExpirySweep> {
    return this.#timed('expire', (store) => store.expire(nowMs, limit, promoted));
  }

  pending(request: PendingRequest): Promise<PendingPage> {
    return this.#timed('pending', (store) => store.pending(request));
  }

  unembedded(): Promise<Readonly<Record<Unembedded, number>>> {
    return this.#timed('unembedded', (store) => store.unembedded());
  }

  stats(namespace?: string): Promise<StoreStats> {
    return this.#timed('stats', (store) => store.stats(namespace));
  }

  namespaces(names?: readonly string[]): Promise<NamespaceCounts[]> {
    return this.#timed('namespaces', (store) => store.namespaces(names));
  }

  ping(): Promise<void> {
    return this.#timed('ping', (store) => store.ping());
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  async #timed<T>(operation: Operation, call: (store: ContextStore) => Promise<T>): Promise<T> {
    const startedMs = this.#clock.monotonicMs();
    try {
      return await call(this.#store);
    } finally {
      const seconds = (this.#clock.monotonicMs() - startedMs) / 1000;
      this.#metrics.observe('vector_db_duration_seconds', seconds, LABELS[operation]);
    }
  }
}
