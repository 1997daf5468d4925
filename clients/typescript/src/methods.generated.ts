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

  /** Stores a context; it is durable when the reply is there. */
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

  /** Contexts, newest first: loop over all of them, or take page by page. What is said about time is said of each page. */
  list(request: Input<'context.list'> = {}, options?: CallOptions): PagedList<'context.list', 'contexts'> {
    const site = captureCallSite();
    return new PagedList('contexts', request, (page) => this.call('context.list', page, options, site));
  }

  /** Counts an access of each: they were of use, and not only returned. */
  used(request: Input<'context.used'>, options?: CallOptions): Promise<ReplyOf<'context.used'>> {
    return this.call('context.used', request, options, captureCallSite());
  }

  /** Appends messages to a session's window, in order, all or none; they are durable when this resolves. */
  appendToSession(request: Input<'session.append'>, options?: CallOptions): Promise<ReplyOf<'session.append'>> {
    return this.call('session.append', request, options, captureCallSite());
  }

  /** What to send to a model now, within the window's budget, with what matters from before. */
  sessionWindow(request: Input<'session.window'>, options?: CallOptions): Promise<ReplyOf<'session.window'>> {
    return this.call('session.window', request, options, captureCallSite());
  }

  /** Sets what holds for one session; what is left out stays. */
  configureSession(request: Input<'session.configure'>, options?: CallOptions): Promise<ReplyOf<'session.configure'>> {
    return this.call('session.configure', request, options, captureCallSite());
  }

  /** One session with what its window lists; `NOT_FOUND` where there is none. */
  getSession(request: Input<'session.get'>, options?: CallOptions): Promise<ReplyOf<'session.get'>> {
    return this.call('session.get', request, options, captureCallSite());
  }

  /** Sessions that have a window, last used first: `for await` over all of them, `page()` for one page. */
  listSessions(request: Input<'session.list'> = {}, options?: CallOptions): PagedList<'session.list', 'sessions'> {
    const site = captureCallSite();
    return new PagedList('sessions', request, (page) => this.call('session.list', page, options, site));
  }

  /** The messages that a card stands for, in order: `for await` over all of them, `page()` for one page. */
  expandCard(request: Input<'session.expand'>, options?: CallOptions): PagedList<'session.expand', 'messages'> {
    const site = captureCallSite();
    return new PagedList('messages', request, (page) => this.call('session.expand', page, options, site));
  }

  /** Empties a session's window; with `forget` its contexts and cards are deleted, too. */
  resetSession(request: Input<'session.reset'>, options?: CallOptions): Promise<ReplyOf<'session.reset'>> {
    return this.call('session.reset', request, options, captureCallSite());
  }

  /** Puts up to 100 facts; they are durable when the reply is there, which tells what they supersede and contradict. */
  putFacts(request: Input<'fact.put'>, options?: CallOptions): Promise<ReplyOf<'fact.put'>> {
    return this.call('fact.put', request, options, captureCallSite());
  }

  /** Facts that hold, those that began last first: loop over all of them, or take page by page. A page may hold fewer than `limit`, even none, and yet have a `cursor`. */
  listFacts(request: Input<'fact.list'> = {}, options?: CallOptions): PagedList<'fact.list', 'facts'> {
    const site = captureCallSite();
    return new PagedList('facts', request, (page) => this.call('fact.list', page, options, site));
  }

  /** Facts about an entity, and about those that these lead to, the nearest first. */
  factsAround(request: Input<'fact.around'>, options?: CallOptions): Promise<ReplyOf<'fact.around'>> {
    return this.call('fact.around', request, options, captureCallSite());
  }

  /** Deletes a fact; what it superseded holds again. */
  deleteFact(request: Input<'fact.delete'>, options?: CallOptions): Promise<ReplyOf<'fact.delete'>> {
    return this.call('fact.delete', request, options, captureCallSite());
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

  /** Erases a namespace, or what one agent has there, so that no byte of it is left; the receipt counts what was where. Give it time. */
  eraseNamespace(request: Input<'namespace.erase'>, options?: CallOptions): Promise<ReplyOf<'namespace.erase'>> {
    return this.call('namespace.erase', request, options, captureCallSite());
  }

  /** Runs the expiry sweep now. */
  gc(options?: CallOptions): Promise<ReplyOf<'admin.gc'>> {
    return this.call('admin.gc', {}, options, captureCallSite());
  }

  /** Makes a snapshot of everything that is stored; it is on the server's disk when the reply is there. Give it time. */
  createSnapshot(request: Input<'admin.snapshot'> = {}, options?: CallOptions): Promise<ReplyOf<'admin.snapshot'>> {
    return this.call('admin.snapshot', request, options, captureCallSite());
  }

  /** The snapshots that there are, the oldest first. */
  listSnapshots(options?: CallOptions): Promise<ReplyOf<'admin.snapshots'>> {
    return this.call('admin.snapshots', {}, options, captureCallSite());
  }

  /** The last requests that took long, the last first. */
  slowlog(request: Input<'admin.slowlog'> = {}, options?: CallOptions): Promise<ReplyOf<'admin.slowlog'>> {
    return this.call('admin.slowlog', request, options, captureCallSite());
  }

  /** Requests as they are answered: poll with the cursor that the poll before gave. */
  monitor(request: Input<'admin.monitor'> = {}, options?: CallOptions): Promise<ReplyOf<'admin.monitor'>> {
    return this.call('admin.monitor', request, options, captureCallSite());
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
