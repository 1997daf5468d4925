import type { Client, Context, Filter } from '@context-manager/client';
import type { AgentInputItem } from '@openai/agents';
import type { Place, Scope } from '../../shared/adapter-options.ts';
import { codeOf } from '../../shared/text.ts';
import {
  COMMIT,
  fieldsOf,
  inOrder,
  ITEM,
  itemOf,
  PIECE,
  pieceIds,
  TAKEN,
  type Commit,
  type IdentifiedContext,
} from './item-contexts.ts';

const PAGE_MAX = 1_000;
/** Of one request: pieces of 40,000 bytes stay far below a frame. */
const STORED_MAX = 100;
/** Pieces at a time. */
const FETCHED_MAX = 32;
const ATTEMPTS = 16;

/** An item where it is stored. */
export interface StoredItem {
  readonly context: Context;
  readonly item: AgentInputItem;
}

/** The contexts of one session. */
export class SessionHistory {
  readonly #client: Client;
  readonly #scope: Scope;
  readonly #place: Place;
  readonly #sessionId: string;

  constructor(client: Client, scope: Scope, place: Place, sessionId: string) {
    this.#client = client;
    this.#scope = scope;
    this.#place = place;
    this.#sessionId = sessionId;
  }

  /** The last `limit` items, or all, in order. Nothing is deleted. */
  async items(limit: number = Infinity): Promise<StoredItem[]> {
    if (limit <= 0) return [];
    for (let attempt = 1; ; attempt++) {
      const contexts = await this.#tail(limit);
      const commits = contexts.filter((context) => fieldsOf(context).commit !== undefined);
      if (commits.length === 0) return this.#read(contexts);
      // Who decided on a change did not come to the end of it.
      for (const context of commits) await this.#complete(context);
      if (attempt === ATTEMPTS) throw new Error('the session is being changed by others');
    }
  }

  /** Later than any item that is there: the clock of whoever wrote last may be ahead. */
  async nextTimeMs(nowMs: number): Promise<number> {
    const { contexts } = await this.#list(1).page();
    return Math.max(nowMs, ...contexts.map(({ created_at: createdAt }) => createdAt + 1));
  }

  /** What is there already, by its id, stays as it is. */
  async store(contexts: readonly IdentifiedContext[]): Promise<void> {
    for (let start = 0; start < contexts.length; start += STORED_MAX) {
      const { results } = await this.#client.storeBatch({ contexts: contexts.slice(start, start + STORED_MAX) });
      for (const result of results) {
        // An item whose words were changed since is the same item.
        if ('error' in result && result.error.code !== 'CONFLICT')
          throw new Error(`${result.error.code}: ${result.error.message}`);
      }
    }
  }

  async get(id: string): Promise<Context | null> {
    try {
      return (await this.#client.get({ id, ...this.#place })).context;
    } catch (error) {
      if (codeOf(error) === 'NOT_FOUND') return null;
      throw error;
    }
  }

  /** True: this caller alone has taken the item away. */
  async take({ context }: StoredItem): Promise<boolean> {
    if (!(await this.#change(context, { tags: [TAKEN] }))) return false;
    // It is no item any more: what is not deleted now, clearing deletes.
    await this.delete([context.id, ...pieceIds(context)]);
    return true;
  }

  /** Decides, on this item as it was read, on a change of the history, and makes it. False: somebody has changed the item. */
  async commit({ context }: StoredItem, commit: Commit): Promise<boolean> {
    const { call, index, pieces } = fieldsOf(context);
    const fields = { call, index, ...(pieces !== undefined && { pieces }), commit };
    const change = { tags: [TAKEN, COMMIT], metadata: { openai_agents: fields } };
    if (!(await this.#change(context, change))) return false;
    await this.#complete({ ...context, metadata: { openai_agents: fields } });
    return true;
  }

  /** A decided change that nobody has brought to its end, of this name. */
  async findCommit(operation: string): Promise<Commit | null> {
    const isOfName = { key: 'metadata.openai_agents.commit.operation', match: { value: operation } };
    const filter = { must: [{ key: 'tags', match: { value: COMMIT } }, isOfName] };
    const { contexts } = await this.#list(1, filter).page();
    const [context] = contexts;
    if (context === undefined) return null;
    await this.#complete(context);
    return fieldsOf(context).commit ?? null;
  }

  async delete(ids: readonly string[]): Promise<void> {
    await Promise.all(ids.map((id) => this.#client.delete({ id, ...this.#place })));
  }

  async clear(): Promise<void> {
    const must = [
      { key: 'agent_id', match: { value: this.#scope.agent_id } },
      { key: 'session_id', match: { value: this.#sessionId } },
      { key: 'tags', match: { any: [ITEM, PIECE, TAKEN] } },
    ];
    await this.#client.delete({ filter: { must }, ...this.#place });
  }

  /** Every step may have been made by somebody else; the record of the name comes before the commit goes. */
  async #complete(context: Context): Promise<void> {
    const { commit } = fieldsOf(context);
    if (commit === undefined) return;
    const shown = await Promise.all(commit.shows.map((id) => this.get(id)));
    // Of version 1: who took the item since has changed it.
    for (const one of shown) if (one?.version === 1) await this.#change(one, { tags: [ITEM] });
    const hidden = await Promise.all(commit.hides.map((id) => this.get(id)));
    for (const one of hidden) if (one !== null) await this.delete([...pieceIds(one), one.id]);
    if (commit.operation !== undefined) await this.store([this.operationRecord(commit.operation, commit.digest ?? '')]);
    await this.delete([...pieceIds(context), context.id]);
  }

  /** Remembers that a transaction was made. */
  operationRecord(id: string, digest: string): IdentifiedContext {
    const fields = { call: 'operation', index: 0, digest };
    return {
      ...this.#scope,
      id,
      session_id: this.#sessionId,
      level: 'long_term',
      text: '(a transaction that was made)',
      tags: [TAKEN],
      metadata: { openai_agents: fields },
    };
  }

  async #change(context: Context, change: { tags: string[]; metadata?: { openai_agents: object } }): Promise<boolean> {
    const request = { id: context.id, ...this.#place, if_version: context.version, ...change };
    try {
      await this.#client.update(request as Parameters<Client['update']>[0]);
      return true;
    } catch (error) {
      if (['CONFLICT', 'NOT_FOUND'].includes(codeOf(error) ?? '')) return false;
      throw error;
    }
  }

  /** Those that were created at the same time are looked at together: pages do not say in which order they stand. */
  async #tail(limit: number): Promise<Context[]> {
    const found: Context[] = [];
    let items = 0;
    let boundary = -Infinity;
    for await (const context of this.#list(Math.min(PAGE_MAX, limit + 16))) {
      if (items >= limit && context.created_at < boundary) break;
      found.push(context);
      if (fieldsOf(context).commit === undefined) items++;
      if (items === limit) boundary = context.created_at;
    }
    found.sort(inOrder);
    return limit === Infinity ? found : found.slice(-limit - (found.length - items));
  }

  #list(limit: number, filter: Filter = { must: [{ key: 'tags', match: { any: [ITEM, COMMIT] } }] }) {
    return this.#client.list({ ...this.#scope, session_id: this.#sessionId, filter, limit });
  }

  async #read(contexts: readonly Context[]): Promise<StoredItem[]> {
    const found: StoredItem[] = [];
    for (const context of contexts) {
      const json = await this.#jsonOf(context);
      if (json !== null) found.push({ context, item: itemOf(json) });
    }
    return found;
  }

  /** Null: the item was taken away since it was listed. */
  async #jsonOf(context: Context): Promise<string | null> {
    const { item } = fieldsOf(context);
    if (item !== undefined) return item;
    const ids = pieceIds(context);
    const texts: string[] = [];
    for (let start = 0; start < ids.length; start += FETCHED_MAX) {
      const pieces = await Promise.all(ids.slice(start, start + FETCHED_MAX).map((id) => this.get(id)));
      for (const piece of pieces) {
        const text = piece === null ? undefined : fieldsOf(piece).piece;
        if (text === undefined) return null;
        texts.push(text);
      }
    }
    return texts.join('');
  }
}
