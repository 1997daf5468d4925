// Generated from proto-spec/ by `npm run generate`; do not edit.
import { captureCallSite, type CallSite } from './errors.ts';
import { PagedList } from './paged-list.ts';
import type { CallOptions, Input, ReplyOf, RequestType } from './types.ts';

/** One method for each request of the protocol; how a call is made is for whoever extends it. */
export abstract class Methods {
  protected abstract call<T extends RequestType>(
    type: T,
    request: Input<T>,
    options: CallOptions | undefined,
    site: CallSite,
  ): Promise<ReplyOf<T>>;

  /** How the server is. */
  ping(options?: CallOptions): Promise<ReplyOf<'ping'>> {
    return this.call('ping', {}, options, captureCallSite());
  }

  /** Stores a context; it is durable when this resolves. */
  store(request: Input<'context.store'>, options?: CallOptions): Promise<ReplyOf<'context.store'>> {
    return this.call('context.store', request, options, captureCallSite());
  }

  /** Stores up to 1,000 contexts; each has its own outcome, in order. */
  storeBatch(request: Input<'context.store_batch'>, options?: CallOptions): Promise<ReplyOf<'context.store_batch'>> {
    return this.call('context.store_batch', request, options, captureCallSite());
  }

  /** What matters for a query, within a token budget, best first. */
  query(request: Input<'context.query'>, options?: CallOptions): Promise<ReplyOf<'context.query'>> {
    return this.call('context.query', request, options, captureCallSite());
  }

  /** One context; `NOT_FOUND` where there is none. */
  get(request: Input<'context.get'>, options?: CallOptions): Promise<ReplyOf<'context.get'>> {
    return this.call('context.get', request, options, captureCallSite());
  }

  /** Changes what is given. Never repeated once it may have been done: `if_version` tells what became of it. */
  update(request: Input<'context.update'>, options?: CallOptions): Promise<ReplyOf<'context.update'>> {
    return this.call('context.update', request, options, captureCallSite());
  }

  /** Deletes by id, or all that match a filter. */
  delete(request: Input<'context.delete'>, options?: CallOptions): Promise<ReplyOf<'context.delete'>> {
    return this.call('context.delete', request, options, captureCallSite());
  }

  /** Contexts, newest first: `for await` over all of them, `page()` for one page. `options` are those of each page. */
  list(request: Input<'context.list'> = {}, options?: CallOptions): PagedList<'context.list', 'contexts'> {
    const site = captureCallSite();
    return new PagedList('contexts', request, (page) => this.call('context.list', page, options, site));
  }

  /** Deletes every context of a level in a namespace. */
  clearLevel(request: Input<'level.clear'>, options?: CallOptions): Promise<ReplyOf<'level.clear'>> {
    return this.call('level.clear', request, options, captureCallSite());
  }

  /** What is stored and cached: in one namespace, or in all for a key that sees all and names none. */
  stats(request: Input<'stats'> = {}, options?: CallOptions): Promise<ReplyOf<'stats'>> {
    return this.call('stats', request, options, captureCallSite());
  }

  /** The namespaces that the key has, with what they hold; those of a key of `*` are all that hold contexts. */
  listNamespaces(options?: CallOptions): Promise<ReplyOf<'namespace.list'>> {
    return this.call('namespace.list', {}, options, captureCallSite());
  }

  /** Runs the expiry sweep now. */
  gc(options?: CallOptions): Promise<ReplyOf<'admin.gc'>> {
    return this.call('admin.gc', {}, options, captureCallSite());
  }

  /** Makes a snapshot of everything that is stored; it is on the server's disk when this resolves. Give it time: `timeoutMs`. */
  createSnapshot(request: Input<'admin.snapshot'> = {}, options?: CallOptions): Promise<ReplyOf<'admin.snapshot'>> {
    return this.call('admin.snapshot', request, options, captureCallSite());
  }

  /** The snapshots that there are, the oldest first. */
  listSnapshots(options?: CallOptions): Promise<ReplyOf<'admin.snapshots'>> {
    return this.call('admin.snapshots', {}, options, captureCallSite());
  }

  /** Empties the server's caches. */
  clearCache(options?: CallOptions): Promise<ReplyOf<'admin.cache_clear'>> {
    return this.call('admin.cache_clear', {}, options, captureCallSite());
  }

  /** Closes the circuit of a backend, which is then asked again; `NOT_FOUND` where the server asks no such backend. */
  resetCircuit(request: Input<'admin.circuit_reset'>, options?: CallOptions): Promise<ReplyOf<'admin.circuit_reset'>> {
    return this.call('admin.circuit_reset', request, options, captureCallSite());
  }
}
