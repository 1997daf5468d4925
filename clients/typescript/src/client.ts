import { ContextList } from './context-list.ts';
import { atCallSite, captureCallSite, toClientError, type CallSite } from './errors.ts';
import type { Payloads } from './payloads.ts';
import type { Requester } from './requester.ts';
import type {
  AdminCacheClearReply,
  AdminGcReply,
  CallOptions,
  ClearLevelRequest,
  ContextDeleteReply,
  ContextGetReply,
  ContextListReply,
  ContextQueryReply,
  ContextStoreBatchReply,
  ContextStoreReply,
  ContextUpdateReply,
  DeleteRequest,
  GetRequest,
  LevelClearReply,
  ListRequest,
  PayloadOf,
  PingReply,
  QueryRequest,
  ReplyOf,
  StatsOptions,
  StatsReply,
  StoreBatchRequest,
  StoreRequest,
  UpdateRequest,
} from './types.ts';

const NO_OPTIONS: CallOptions = {};
const CLOSE_TIMEOUT_MS = 10_000;

/**
 * A connected client. Every method rejects with a `ContextManagerError`. Calls may be made at any time, many at
 * once: they share the connections, and wait for one while none is there.
 */
export class Client {
  readonly #requester: Requester;
  readonly #payloads: Payloads;

  /** @internal */
  constructor(requester: Requester, payloads: Payloads) {
    this.#requester = requester;
    this.#payloads = payloads;
  }

  /** The namespaces that the key may use, as the server last said; `['*']` where it may use every one. */
  get namespaces(): readonly string[] {
    return this.#requester.namespaces;
  }

  /** Stores a context; it is durable when this resolves. */
  store(context: StoreRequest, options: CallOptions = NO_OPTIONS): Promise<ContextStoreReply> {
    return this.#call('context.store', this.#payloads.store(context), options, captureCallSite());
  }

  /** Stores up to 1,000 contexts; each has its own outcome, in order. */
  storeBatch(request: StoreBatchRequest, options: CallOptions = NO_OPTIONS): Promise<ContextStoreBatchReply> {
    return this.#call('context.store_batch', this.#payloads.storeBatch(request), options, captureCallSite());
  }

  /** What matters for a query, within a token budget, best first. */
  query(request: QueryRequest, options: CallOptions = NO_OPTIONS): Promise<ContextQueryReply> {
    return this.#call('context.query', this.#payloads.query(request), options, captureCallSite());
  }

  /** One context; `NOT_FOUND` where there is none. */
  get(request: GetRequest, options: CallOptions = NO_OPTIONS): Promise<ContextGetReply> {
    return this.#call('context.get', this.#payloads.scoped(request), options, captureCallSite());
  }

  /** Changes what is given. Never repeated once it may have been done: `if_version` tells what became of it. */
  update(request: UpdateRequest, options: CallOptions = NO_OPTIONS): Promise<ContextUpdateReply> {
    return this.#call('context.update', this.#payloads.scoped(request), options, captureCallSite());
  }

  /** Deletes by id, or all that match a filter. */
  delete(request: DeleteRequest, options: CallOptions = NO_OPTIONS): Promise<ContextDeleteReply> {
    return this.#call('context.delete', this.#payloads.scoped(request), options, captureCallSite());
  }

  /** Contexts, newest first: `for await` over all of them, `page()` for one page. `options` are those of each page. */
  list(request: ListRequest = {}, options: CallOptions = NO_OPTIONS): ContextList {
    const site = captureCallSite();
    return new ContextList(request, (page) =>
      this.#call<ContextListReply>('context.list', this.#payloads.scoped(page), options, site),
    );
  }

  /** Deletes every context of a level in a namespace. */
  clearLevel(request: ClearLevelRequest, options: CallOptions = NO_OPTIONS): Promise<LevelClearReply> {
    return this.#call('level.clear', this.#payloads.scoped(request), options, captureCallSite());
  }

  stats(request: StatsOptions = {}, options: CallOptions = NO_OPTIONS): Promise<StatsReply> {
    return this.#call('stats', this.#payloads.scoped(request), options, captureCallSite());
  }

  /** How the server is. It is made often, so its stack is taken only where it fails: whoever awaits it is in it. */
  async ping(options: CallOptions = NO_OPTIONS): Promise<PingReply> {
    try {
      return await this.#call<PingReply>('ping', {}, options, null);
    } catch (error) {
      throw atCallSite(toClientError(error), captureCallSite());
    }
  }

  /** Runs the expiry sweep now. */
  gc(options: CallOptions = NO_OPTIONS): Promise<AdminGcReply> {
    return this.#call('admin.gc', {}, options, captureCallSite());
  }

  /** Empties the server's caches. */
  clearCache(options: CallOptions = NO_OPTIONS): Promise<AdminCacheClearReply> {
    return this.#call('admin.cache_clear', {}, options, captureCallSite());
  }

  /** Any request as it is: nothing is added to the payload, so a store without id is not repeated. */
  request<T extends string>(type: T, payload: PayloadOf<T>, options: CallOptions = NO_OPTIONS): Promise<ReplyOf<T>> {
    return this.#call(type, payload, options, captureCallSite());
  }

  /** Takes no more calls, waits for those under way, up to `timeoutMs`, and ends the connections. */
  close({ timeoutMs = CLOSE_TIMEOUT_MS }: { readonly timeoutMs?: number } = {}): Promise<void> {
    return this.#requester.close(timeoutMs);
  }

  #call<Reply>(type: string, payload: object, options: CallOptions, site: CallSite | null): Promise<Reply> {
    return this.#requester.request(type, payload, options, site) as Promise<Reply>;
  }
}
