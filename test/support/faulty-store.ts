import { systemRandom } from '../../src/base/random.ts';
import { defaultSettings } from '../../src/config/settings.ts';
import { GenericStore } from '../../src/store/generic/generic-store.ts';
import { MemoryDriver } from '../../src/store/memory/memory-driver.ts';
import type {
  Access,
  ContextStore,
  SearchRequest,
  SearchResult,
  StoreStats,
  WriteOp,
  WriteResult,
} from '../../src/store/store.ts';
import { FakeClock } from './fake-clock.ts';

type Method = Exclude<keyof ContextStore, 'capabilities'>;

/** The store in memory, for what a real one cannot be made to do: fail on demand, and do what the test says meanwhile. */
export class FaultyStore extends GenericStore {
  /** What each method throws from now on. */
  readonly failures = new Map<Method, Error>();
  /** Awaited before the call is made. */
  beforeCall: (method: Method) => Promise<void> = () => Promise.resolve();
  /** Awaited with the answer in hand. */
  beforeReply: (method: Method) => Promise<void> = () => Promise.resolve();

  constructor(dimension = defaultSettings().vectorDb.vectorSize) {
    super(new MemoryDriver(), { dimension, cursorKey: systemRandom.bytes(16), clock: new FakeClock() });
  }

  async #run<T>(method: Method, work: () => Promise<T>): Promise<T> {
    await this.beforeCall(method);
    const failure = this.failures.get(method);
    if (failure !== undefined) throw failure;
    const result = await work();
    await this.beforeReply(method);
    return result;
  }

  override write(ops: readonly WriteOp[], signal?: AbortSignal): Promise<WriteResult[]> {
    return this.#run('write', () => super.write(ops, signal));
  }

  override search(request: SearchRequest, signal?: AbortSignal): Promise<SearchResult> {
    return this.#run('search', () => super.search(request, signal));
  }

  override fetch(...request: Parameters<ContextStore['fetch']>): ReturnType<ContextStore['fetch']> {
    return this.#run('fetch', () => super.fetch(...request));
  }

  override touch(accesses: readonly Access[]): Promise<void> {
    return this.#run('touch', () => super.touch(accesses));
  }

  override stats(namespace?: string): Promise<StoreStats> {
    return this.#run('stats', () => super.stats(namespace));
  }

  override ping(): Promise<void> {
    return this.#run('ping', () => super.ping());
  }
}
