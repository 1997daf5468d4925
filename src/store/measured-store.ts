import type { Clock } from '../base/clock.ts';
import type { Labels, Metrics } from '../base/metrics.ts';
import { inStage } from '../base/request-scope.ts';
import type { ContextStore, StoreCapabilities } from './store.ts';

type Operation = Exclude<keyof ContextStore, 'capabilities' | 'close' | 'placeCursor' | 'cursorPlace'>;

const LABELS = {
  write: { operation: 'write' },
  search: { operation: 'search' },
  fetch: { operation: 'fetch' },
  outlines: { operation: 'outlines' },
  load: { operation: 'load' },
  list: { operation: 'list' },
  touch: { operation: 'touch' },
  expire: { operation: 'expire' },
  eraseSome: { operation: 'eraseSome' },
  countMatching: { operation: 'countMatching' },
  forgetNamespace: { operation: 'forgetNamespace' },
  scrub: { operation: 'scrub' },
  pending: { operation: 'pending' },
  unembedded: { operation: 'unembedded' },
  termStatistics: { operation: 'termStatistics' },
  stats: { operation: 'stats' },
  namespaces: { operation: 'namespaces' },
  writeDocuments: { operation: 'writeDocuments' },
  documents: { operation: 'documents' },
  scanDocuments: { operation: 'scanDocuments' },
  ping: { operation: 'ping' },
} as const satisfies Record<Operation, Labels>;

const STAGES = Object.fromEntries(
  Object.keys(LABELS).map((operation) => [operation, `store.${operation}`]),
) as Readonly<Record<Operation, string>>;

/**
 * A store whose calls are timed, whatever its driver and whatever comes of them. They are handed on as they come, with whatever
 * the contract may add to them.
 */
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

  write(...args: Parameters<ContextStore['write']>): ReturnType<ContextStore['write']> {
    return this.#timed('write', (store) => store.write(...args));
  }

  search(...args: Parameters<ContextStore['search']>): ReturnType<ContextStore['search']> {
    return this.#timed('search', (store) => store.search(...args));
  }

  fetch(...args: Parameters<ContextStore['fetch']>): ReturnType<ContextStore['fetch']> {
    return this.#timed('fetch', (store) => store.fetch(...args));
  }

  outlines(...args: Parameters<ContextStore['outlines']>): ReturnType<ContextStore['outlines']> {
    return this.#timed('outlines', (store) => store.outlines(...args));
  }

  load(...args: Parameters<ContextStore['load']>): ReturnType<ContextStore['load']> {
    return this.#timed('load', (store) => store.load(...args));
  }

  list(...args: Parameters<ContextStore['list']>): ReturnType<ContextStore['list']> {
    return this.#timed('list', (store) => store.list(...args));
  }

  touch(...args: Parameters<ContextStore['touch']>): ReturnType<ContextStore['touch']> {
    return this.#timed('touch', (store) => store.touch(...args));
  }

  expire(...args: Parameters<ContextStore['expire']>): ReturnType<ContextStore['expire']> {
    return this.#timed('expire', (store) => store.expire(...args));
  }

  eraseSome(...args: Parameters<ContextStore['eraseSome']>): ReturnType<ContextStore['eraseSome']> {
    return this.#timed('eraseSome', (store) => store.eraseSome(...args));
  }

  countMatching(...args: Parameters<ContextStore['countMatching']>): ReturnType<ContextStore['countMatching']> {
    return this.#timed('countMatching', (store) => store.countMatching(...args));
  }

  forgetNamespace(...args: Parameters<ContextStore['forgetNamespace']>): ReturnType<ContextStore['forgetNamespace']> {
    return this.#timed('forgetNamespace', (store) => store.forgetNamespace(...args));
  }

  scrub(...args: Parameters<ContextStore['scrub']>): ReturnType<ContextStore['scrub']> {
    return this.#timed('scrub', (store) => store.scrub(...args));
  }

  pending(...args: Parameters<ContextStore['pending']>): ReturnType<ContextStore['pending']> {
    return this.#timed('pending', (store) => store.pending(...args));
  }

  unembedded(...args: Parameters<ContextStore['unembedded']>): ReturnType<ContextStore['unembedded']> {
    return this.#timed('unembedded', (store) => store.unembedded(...args));
  }

  termStatistics(...args: Parameters<ContextStore['termStatistics']>): ReturnType<ContextStore['termStatistics']> {
    return this.#timed('termStatistics', (store) => store.termStatistics(...args));
  }

  stats(...args: Parameters<ContextStore['stats']>): ReturnType<ContextStore['stats']> {
    return this.#timed('stats', (store) => store.stats(...args));
  }

  namespaces(...args: Parameters<ContextStore['namespaces']>): ReturnType<ContextStore['namespaces']> {
    return this.#timed('namespaces', (store) => store.namespaces(...args));
  }

  writeDocuments(...args: Parameters<ContextStore['writeDocuments']>): ReturnType<ContextStore['writeDocuments']> {
    return this.#timed('writeDocuments', (store) => store.writeDocuments(...args));
  }

  documents(...args: Parameters<ContextStore['documents']>): ReturnType<ContextStore['documents']> {
    return this.#timed('documents', (store) => store.documents(...args));
  }

  scanDocuments(...args: Parameters<ContextStore['scanDocuments']>): ReturnType<ContextStore['scanDocuments']> {
    return this.#timed('scanDocuments', (store) => store.scanDocuments(...args));
  }

  placeCursor(...args: Parameters<ContextStore['placeCursor']>): string {
    return this.#store.placeCursor(...args);
  }

  cursorPlace(...args: Parameters<ContextStore['cursorPlace']>): ReturnType<ContextStore['cursorPlace']> {
    return this.#store.cursorPlace(...args);
  }

  ping(...args: Parameters<ContextStore['ping']>): ReturnType<ContextStore['ping']> {
    return this.#timed('ping', (store) => store.ping(...args));
  }

  close(): Promise<void> {
    return this.#store.close();
  }

  async #timed<T>(operation: Operation, call: (store: ContextStore) => Promise<T>): Promise<T> {
    const startedMs = this.#clock.monotonicMs();
    try {
      return await inStage(STAGES[operation], () => call(this.#store));
    } finally {
      const seconds = (this.#clock.monotonicMs() - startedMs) / 1000;
      this.#metrics.observe('vector_db_duration_seconds', seconds, LABELS[operation]);
    }
  }
}
