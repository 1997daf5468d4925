import type { ContextRecord } from '../base/context.ts';
import type { Clock } from '../base/clock.ts';
import type { ContextStore, MovedContext, NewContext } from '../store/store.ts';
import {
  bulkKey,
  contextKey,
  contextKeyOf,
  namespaceOf,
  scopeKey,
  scopeOf,
  type Change,
  type SingleChange,
  type WorkingSetScope,
  type WriteTicket,
} from './working-set-changes.ts';
import type { ResidentContext } from './working-set-search.ts';
import { WriteOrder, type InFlight } from './write/write-order.ts';

/** One session's L1. */
export interface WorkingSet {
  /** L1, and the last few that left it, which carry the level where they are now. */
  readonly contexts: ReadonlyMap<string, ResidentContext>;
}

interface ResidentSet extends WorkingSet {
  readonly key: string;
  readonly scope: WorkingSetScope;
  contexts: Map<string, ResidentContext>;
  /** It was loaded once: its contexts may be shown. */
  loaded: boolean;
  /** A failed write may have changed the store: loaded again before the next use where the store answers. */
  suspect: boolean;
  loading: Promise<void> | null;
  /** Changes acknowledged while a load runs; it may or may not have seen them, so they are made again over it. */
  meanwhile: SingleChange[];
  /** What a load under way reads cannot be trusted, so it starts again. */
  crossed: boolean;
}

/** A set that changes faster than it loads is left to the store's own search. */
const LOAD_ATTEMPTS = 3;

/**
 * The resident L1 sets, an LRU-bounded write-through cache of the store's `immediate` level.
 *
 * It holds exactly what the store holds whenever no write is in flight:
 * - a change is applied when its write is acknowledged, so nothing is seen that is not durable;
 * - a load that races with writes has them made again over what it read: changes come in the order of
 *   acknowledgement, and per context the last one decides, whatever part of them the load had seen;
 * - where two writes of one context were in flight together, the order of their acknowledgements proves
 *   nothing, so the sets they touch are dropped and loaded anew with their next use.
 */
export class WorkingSets {
  readonly #store: ContextStore;
  readonly #clock: Clock;
  readonly #setsMax: number;
  readonly #tailMax: number;
  /** Least recently used first. */
  readonly #sets = new Map<string, ResidentSet>();
  /** By namespace; none is 0. */
  readonly #setsIn = new Map<string, number>();
  readonly #holders = new Map<string, ResidentSet>();
  readonly #loading = new Set<ResidentSet>();
  readonly #lengthened = new Set<ResidentSet>();
  readonly #order = new WriteOrder();

  /** `setsMax`: sets in memory. `tailMax`: contexts that left L1, kept in each as neighbours of its oldest. */
  constructor(store: ContextStore, clock: Clock, setsMax: number, tailMax: number) {
    this.#store = store;
    this.#clock = clock;
    this.#setsMax = setsMax;
    this.#tailMax = tailMax;
  }

  /** Sets in memory, of one namespace or of all of them. */
  count(namespace?: string): number {
    return namespace === undefined ? this.#sets.size : (this.#setsIn.get(namespace) ?? 0);
  }

  /** To be called before the write leaves. `namespaces`: those it can change; absent: any. */
  begin(namespaces?: ReadonlySet<string>): WriteTicket {
    const write = this.#order.begin();
    return {
      commit: (changes) => {
        try {
          for (const change of changes) this.#apply(change, write);
          this.#shortenTails();
        } finally {
          this.#order.end(write);
        }
      },
      fail: () => {
        this.#suspect(namespaces);
        this.#order.end(write);
      },
    };
  }

  /**
   * The session's L1, from the store at first. Null where it changes too fast to be loaded; rejects with the
   * store's error where the store fails and nothing is in memory.
   */
  async read(scope: WorkingSetScope): Promise<WorkingSet | null> {
    const key = scopeKey(scope);
    let set = this.#sets.get(key);
    if (set === undefined) {
      set = emptySet(key, scope);
      this.#sets.set(key, set);
      this.#countSet(scope.namespace, 1);
    } else {
      this.#sets.delete(key);
      this.#sets.set(key, set);
    }
    this.#evict(set);
    if (set.loaded && !set.suspect) return viewOf(set);
    set.loading ??= this.#loadOnce(set);
    try {
      await set.loading;
      return set.loaded ? viewOf(set) : null;
    } catch (error) {
      if (set.loaded) return viewOf(set);
      throw error;
    }
  }

  /** What of these ids is in memory. */
  peek(namespace: string, ids: readonly string[]): (ContextRecord | null)[] {
    return ids.map((id) => this.#holders.get(contextKey(namespace, id))?.contexts.get(id)?.record ?? null);
  }

  /** Adds access counts that the store has taken. */
  addAccesses(namespace: string, id: string, count: number): void {
    const set = this.#holders.get(contextKey(namespace, id));
    const context = set?.contexts.get(id);
    if (set === undefined || context === undefined) return;
    const record = { ...context.record, accessCount: context.record.accessCount + count };
    set.contexts.set(id, { ...context, record });
  }

  /** Drops every set and says how many there were. */
  clear(): number {
    const dropped = this.#sets.size;
    for (const set of this.#sets.values()) this.#discard(set);
    return dropped;
  }

  #apply(change: Change, write: InFlight): void {
    if (change.kind === 'bulk') {
      this.#order.touch(bulkKey(change.namespace), write);
      for (const set of this.#sets.values()) if (set.scope.namespace === change.namespace) this.#discard(set);
      return;
    }
    const bulkCrossed = this.#order.hasCrossed(bulkKey(namespaceOf(change)), write);
    const crossed = this.#order.touch(contextKeyOf(change), write) || bulkCrossed;
    for (const set of this.#affected(change)) {
      if (crossed) {
        this.#discard(set);
        continue;
      }
      if (set.loading !== null) set.meanwhile.push(change);
      if (set.loaded) this.#change(set, change);
    }
  }

  /** The set the context belongs to, the one that holds it, and (where the owner is not known) those being loaded. */
  #affected(change: SingleChange): Set<ResidentSet> {
    const affected = new Set<ResidentSet>();
    const holder = this.#holders.get(contextKeyOf(change));
    if (holder !== undefined) affected.add(holder);
    const scope = scopeOf(change);
    if (scope !== null) {
      const owner = this.#sets.get(scopeKey(scope));
      if (owner !== undefined) affected.add(owner);
    } else {
      for (const set of this.#loading) if (set.scope.namespace === namespaceOf(change)) affected.add(set);
    }
    return affected;
  }

  #change(set: ResidentSet, change: SingleChange): void {
    if (change.kind === 'deleted') {
      this.#remove(set, change.id);
      return;
    }
    if (change.kind === 'moved') {
      this.#move(set, change.context);
      return;
    }
    const { record } = change;
    // The id was deleted and given to a context of another session; the deletion's own reply is still to come.
    if (scopeKey(record) !== set.key) {
      this.#remove(set, record.id);
      return;
    }
    const vector = change.vector ?? set.contexts.get(record.id)?.vector;
    if (record.level !== 'immediate') {
      if (vector !== undefined && set.contexts.has(record.id)) this.#put(set, { record, vector });
      this.#lengthened.add(set);
    } else if (vector !== undefined) this.#put(set, { record, vector });
    // It came from another level, and its vector is only in the store.
    else this.#discard(set);
  }

  #move(set: ResidentSet, context: MovedContext): void {
    if (scopeKey(context) !== set.key) {
      this.#remove(set, context.id);
      return;
    }
    const held = set.contexts.get(context.id);
    if (held !== undefined) this.#put(set, { record: { ...held.record, ...context }, vector: held.vector });
    else if (context.level === 'immediate') this.#discard(set);
    if (context.level !== 'immediate') this.#lengthened.add(set);
  }

  /** Keeps the newest of those that left L1, as many as count for their neighbours. */
  #shortenTails(): void {
    for (const set of this.#lengthened) {
      const tail = [...set.contexts.values()].filter(({ record }) => record.level !== 'immediate');
      tail.sort((a, b) => b.record.createdAtMs - a.record.createdAtMs);
      for (const { record } of tail.slice(this.#tailMax)) this.#remove(set, record.id);
    }
    this.#lengthened.clear();
  }

  #put(set: ResidentSet, context: ResidentContext): void {
    set.contexts.set(context.record.id, context);
    this.#holders.set(contextKey(set.scope.namespace, context.record.id), set);
  }

  #remove(set: ResidentSet, id: string): void {
    set.contexts.delete(id);
    const key = contextKey(set.scope.namespace, id);
    if (this.#holders.get(key) === set) this.#holders.delete(key);
  }

  #loadOnce(set: ResidentSet): Promise<void> {
    this.#loading.add(set);
    return this.#load(set).finally(() => {
      set.loading = null;
      this.#loading.delete(set);
      if (!set.loaded) this.#discard(set);
    });
  }

  /** Leaves the set not loaded where changes crossed in every attempt. */
  async #load(set: ResidentSet): Promise<void> {
    for (let attempt = 0; attempt < LOAD_ATTEMPTS; attempt++) {
      set.meanwhile = [];
      set.crossed = false;
      set.suspect = false;
      const stored = await this.#fromStore(set);
      const changes = set.meanwhile;
      if (set.crossed) continue;
      this.#unload(set);
      for (const { record, vector } of stored) this.#put(set, { record, vector });
      for (const change of changes) this.#change(set, change);
      this.#shortenTails();
      set.loaded = !set.crossed;
      if (set.loaded) return;
    }
  }

  async #fromStore(set: ResidentSet): Promise<NewContext[]> {
    try {
      return await this.#store.load(set.scope, 'immediate', this.#clock.nowMs());
    } catch (error) {
      set.suspect = true;
      throw error;
    }
  }

  #suspect(namespaces: ReadonlySet<string> | undefined): void {
    for (const set of this.#sets.values()) {
      if (namespaces?.has(set.scope.namespace) ?? true) set.suspect = true;
    }
  }

  /** The least recently used go first; one being loaded is in use. */
  #evict(inUse: ResidentSet): void {
    for (const set of this.#sets.values()) {
      if (this.#sets.size <= this.#setsMax) return;
      if (set.loading === null && set !== inUse) this.#discard(set);
    }
  }

  /** Forgets what the set holds; where it is being loaded, that starts again. */
  #discard(set: ResidentSet): void {
    this.#unload(set);
    if (set.loading !== null) set.crossed = true;
    else if (this.#sets.get(set.key) === set) {
      this.#sets.delete(set.key);
      this.#countSet(set.scope.namespace, -1);
    }
  }

  #countSet(namespace: string, change: 1 | -1): void {
    const count = this.count(namespace) + change;
    if (count > 0) this.#setsIn.set(namespace, count);
    else this.#setsIn.delete(namespace);
  }

  #unload(set: ResidentSet): void {
    for (const id of set.contexts.keys()) this.#holders.delete(contextKey(set.scope.namespace, id));
    set.contexts = new Map();
    set.loaded = false;
  }
}

/** What is shown stays, even where the set is dropped before the reader gets to look at it. */
function viewOf({ contexts }: ResidentSet): WorkingSet {
  return { contexts };
}

function emptySet(key: string, scope: WorkingSetScope): ResidentSet {
  const { namespace, agentId, sessionId } = scope;
  return {
    key,
    scope: { namespace, agentId, sessionId },
    contexts: new Map(),
    loaded: false,
    suspect: false,
    loading: null,
    meanwhile: [],
    crossed: false,
  };
}
