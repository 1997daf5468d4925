import type { Client, Context, Filter } from '@context-manager/client';
import {
  BaseStore,
  type GetOperation,
  type ListNamespacesOperation,
  type MatchCondition,
  type Operation,
  type OperationResults,
  type PutOperation,
  type SearchItem,
  type SearchOperation,
} from '@langchain/langgraph-checkpoint';
import { placeOf, scopeOf, type AdapterOptions, type Place, type Scope } from '../../shared/adapter-options.ts';
import { codeOf } from '../../shared/text.ts';
import {
  itemId,
  namespaceOf,
  prefixTag,
  toContext,
  toItem,
  UNINDEXED,
  valueOf,
  type ItemContext,
} from './item-context.ts';
import { narrowing, passes } from './item-filter.ts';

/** Where items are kept, and what of them is searched. */
export interface ContextManagerStoreOptions extends AdapterOptions {
  /** What of a value is searched, where `put` does not say it, as paths: `text`, `chapters[*].title`. Default: all of it. */
  readonly fields?: readonly string[];
}

const PAGE_MAX = 1_000;
const TOKENS_MAX = 1_000_000;
/** At a time: what may be long stays far below a frame. */
const FETCHED_MAX = 64;
const STORED_MAX = 100;
const STORED_CHARS_MAX = 1_000_000;
const ATTEMPTS = 8;

/** A hit, and how well it fits; without a score: no word and no vector leads to it. */
type Hit = readonly [context: Context, score: number | undefined];

/**
 * LangGraph's long-term memory over context-manager: `graph.compile({ store })`. Reads of a batch see what was there before it; of
 * several puts of one item in a batch the last one counts.
 */
export class ContextManagerStore extends BaseStore {
  readonly #client: Client;
  readonly #scope: Scope;
  readonly #place: Place;
  readonly #fields: readonly string[];

  constructor(options: ContextManagerStoreOptions) {
    super();
    this.#client = options.client;
    this.#scope = scopeOf(options, 'langgraph');
    this.#place = placeOf(options);
    this.#fields = options.fields ?? ['$'];
  }

  override async batch<Op extends Operation[]>(operations: Op): Promise<OperationResults<Op>> {
    const puts = new Map<string, PutOperation>();
    // Whatever is wrong with one of them is told before anything is done.
    for (const op of operations) {
      if ('namespacePrefix' in op) prefixTag(op.namespacePrefix);
      else if ('namespace' in op) itemId(this.#scope, op);
      if ('value' in op) puts.set(itemId(this.#scope, op), op);
    }
    const nowMs = Date.now();
    const contexts = [...puts.values()].flatMap((op) =>
      op.value === null ? [] : [this.#contextOf(op, op.value, nowMs)],
    );
    const results = await Promise.all(operations.map((op) => this.#read(op)));
    const deleted = [...puts].filter(([, { value }]) => value === null).map(([id]) => id);
    await Promise.all([...deleted.map((id) => this.#client.delete({ id, ...this.#place })), this.#put(contexts)]);
    return results as OperationResults<Op>;
  }

  async #read(op: Operation): Promise<unknown> {
    if ('value' in op) return null;
    if ('namespacePrefix' in op) return this.#search(op);
    if ('namespace' in op) return this.#getItem(op);
    return this.#listNamespaces(op);
  }

  async #getItem(op: GetOperation): Promise<unknown> {
    const context = await this.#get(itemId(this.#scope, op));
    return context === null ? null : toItem(context);
  }

  async #get(id: string): Promise<Context | null> {
    try {
      return (await this.#client.get({ id, ...this.#place })).context;
    } catch (error) {
      if (codeOf(error) === 'NOT_FOUND') return null;
      throw error;
    }
  }

  #contextOf({ namespace, key, index }: PutOperation, value: Record<string, unknown>, nowMs: number): ItemContext {
    const paths = index === false ? null : (index ?? this.#fields);
    return toContext(this.#scope, { namespace, key }, value, paths, nowMs);
  }

  async #put(contexts: readonly ItemContext[]): Promise<void> {
    let left = contexts;
    for (let attempt = 1; left.length > 0; attempt++) {
      if (attempt > ATTEMPTS) throw new Error('items are put and deleted at the same time, again and again');
      const there: ItemContext[] = [];
      for (const some of inRequests(left)) {
        const { results } = await this.#client.storeBatch({ contexts: some });
        for (const [place, result] of results.entries()) {
          if ('error' in result && result.error.code !== 'CONFLICT')
            throw new Error(`${result.error.code}: ${result.error.message}`);
          // With the same text it may still have another value.
          if ('error' in result || !result.created) there.push(some[place]!);
        }
      }
      const areThere = await Promise.all(there.map((context) => this.#update(context)));
      left = there.filter((_, place) => !areThere[place]);
    }
  }

  /** False: it was deleted meanwhile. */
  async #update({ id, text, tags, metadata, ttl_ms }: ItemContext): Promise<boolean> {
    try {
      await this.#client.update({ id, ...this.#place, text, tags, metadata, ttl_ms });
      return true;
    } catch (error) {
      if (codeOf(error) === 'NOT_FOUND') return false;
      throw error;
    }
  }

  async #search(op: SearchOperation): Promise<SearchItem[]> {
    const { namespacePrefix, filter, limit = 10, offset = 0, query } = op;
    const end = offset + limit;
    const hits: Hit[] = query === undefined || query.trim() === '' ? [] : await this.#ranked(op, query, end);
    if (hits.length < end) {
      // What no word or vector leads to comes last: a search that is wide enough finds all there is.
      const ranked = new Set(hits.map(([{ id }]) => id));
      for await (const context of this.#list(namespacePrefix, filter, end)) {
        if (hits.length >= end) break;
        if (!ranked.has(context.id) && passes(valueOf(context), filter)) hits.push([context, undefined]);
      }
    }
    return hits
      .slice(offset, end)
      .map(([context, score]) => ({ ...toItem(context), ...(score !== undefined && { score }) }));
  }

  async #ranked({ namespacePrefix, filter: wanted }: SearchOperation, query: string, end: number): Promise<Hit[]> {
    const filter = this.#filter(namespacePrefix, wanted);
    const { contexts, receipts = [] } = await this.#client.query({
      ...this.#scope,
      query,
      filter: { ...filter, must_not: [{ key: 'tags', match: { value: UNINDEXED } }] },
      limit: wanted === undefined ? Math.min(PAGE_MAX, Math.max(1, end)) : PAGE_MAX,
      max_tokens: TOKENS_MAX,
      relevance_threshold: 0,
      explain: true,
    });
    const known = new Map(contexts.map((context) => [context.id, context as Context]));
    // An answer leaves out texts that repeat others; a store has all its items.
    const candidates = receipts
      .filter(({ outcome }) => outcome !== 'past')
      .sort((a, b) => b.relevance_score - a.relevance_score);
    const hits: Hit[] = [];
    for (let start = 0; start < candidates.length && hits.length < end; start += FETCHED_MAX) {
      const some = candidates.slice(start, start + FETCHED_MAX);
      const found = await Promise.all(some.map(async ({ id }) => known.get(id) ?? (await this.#get(id))));
      for (const [place, context] of found.entries()) {
        if (context !== null && passes(valueOf(context), wanted)) hits.push([context, some[place]!.relevance_score]);
      }
    }
    return hits;
  }

  async #listNamespaces({
    matchConditions = [],
    maxDepth,
    limit,
    offset,
  }: ListNamespacesOperation): Promise<string[][]> {
    const found = new Map<string, string[]>();
    for await (const context of this.#list(commonPrefix(matchConditions), undefined, PAGE_MAX)) {
      const namespace = namespaceOf(context);
      if (!matchConditions.every((condition) => doesMatch(condition, namespace))) continue;
      const cut = namespace.slice(0, maxDepth);
      found.set(JSON.stringify(cut), cut);
    }
    const sorted = [...found.values()].sort((a, b) => a.join(':').localeCompare(b.join(':')));
    return sorted.slice(offset ?? 0, (offset ?? 0) + (limit ?? sorted.length));
  }

  #list(prefix: readonly string[], wanted: SearchOperation['filter'], end: number): AsyncIterable<Context> {
    const limit = wanted === undefined ? Math.max(1, Math.min(PAGE_MAX, end)) : PAGE_MAX;
    return this.#client.list({ ...this.#scope, filter: this.#filter(prefix, wanted), limit });
  }

  #filter(prefix: readonly string[], wanted: SearchOperation['filter']): Filter {
    return { must: [{ key: 'tags', match: { value: prefixTag(prefix) } }, ...narrowing(wanted)] };
  }
}

function inRequests(contexts: readonly ItemContext[]): ItemContext[][] {
  const requests: ItemContext[][] = [];
  let chars = Infinity;
  for (const context of contexts) {
    chars += context.text.length;
    if (chars > STORED_CHARS_MAX || requests.at(-1)?.length === STORED_MAX) {
      requests.push([]);
      chars = context.text.length;
    }
    requests.at(-1)?.push(context);
  }
  return requests;
}

/** The longest that the conditions want, up to a label that may be any. */
function commonPrefix(conditions: readonly MatchCondition[]): readonly string[] {
  return conditions
    .filter(({ matchType }) => matchType === 'prefix')
    .map(({ path }) => (path.includes('*') ? path.slice(0, path.indexOf('*')) : path))
    .reduce<readonly string[]>((longest, path) => (path.length > longest.length ? path : longest), []);
}

function doesMatch({ matchType, path }: MatchCondition, namespace: readonly string[]): boolean {
  if (path.length > namespace.length) return false;
  const part = matchType === 'prefix' ? namespace : namespace.slice(namespace.length - path.length);
  return path.every((wanted, place) => wanted === '*' || wanted === part[place]);
}
