import { randomUUID } from 'node:crypto';
import type {
  AgentInputItem,
  SessionHistoryMutation,
  SessionHistoryRewriteArgs,
  SessionHistoryRewriteAwareSession,
  SessionHistoryTransaction,
  SessionHistoryTransactionArgs,
  SessionHistoryTransactionAwareSession,
} from '@openai/agents';
import { placeOf, scopeOf, type AdapterOptions, type Scope } from '../../shared/adapter-options.ts';
import { contextId } from '../../shared/names.ts';
import { ITEM, TAKEN, toContexts, type Call } from './item-contexts.ts';
import { digestOf, toJson } from './item-json.ts';
import { SessionHistory, type StoredItem } from './session-history.ts';

/** Which session it is, and where it is kept. */
export interface ContextManagerSessionOptions extends AdapterOptions {
  /** 1 to 256 characters. Default: a new UUID. */
  readonly sessionId?: string;
}

const ATTEMPTS = 16;
/** Kept out of sight until the transaction that they belong to is decided. */
const PENDING = [TAKEN];

/**
 * The history of one conversation, for `run(agent, input, { session })`. Any number of programs may add to a session at once:
 * nothing is lost, the items of one call stand together, and a call that began after another had ended comes after it.
 */
export class ContextManagerSession implements SessionHistoryRewriteAwareSession, SessionHistoryTransactionAwareSession {
  readonly #sessionId: string;
  readonly #scope: Scope;
  readonly #history: SessionHistory;
  /** Calls of one session object take effect in the order in which they were made, awaited or not. */
  #last: Promise<unknown> = Promise.resolve();
  /** The last call of which it is not known what of it was stored. */
  #unsettled: { readonly name: string; readonly json: string } | null = null;

  constructor(options: ContextManagerSessionOptions) {
    const { sessionId = randomUUID() } = options;
    if (sessionId.length < 1 || sessionId.length > 256)
      throw new RangeError(`a session id has 1 to 256 characters, not ${sessionId.length}`);
    this.#sessionId = sessionId;
    this.#scope = scopeOf(options, ITEM);
    this.#history = new SessionHistory(options.client, this.#scope, placeOf(options), sessionId);
  }

  getSessionId(): Promise<string> {
    return Promise.resolve(this.#sessionId);
  }

  /** All items, or the last `limit`, in order. Nothing is deleted. */
  getItems(limit?: number): Promise<AgentInputItem[]> {
    return this.#inTurn(async () => (await this.#history.items(limit)).map(({ item }) => item));
  }

  /** Durable when it resolves. Called again with the same items after it failed, it stores none of them twice. */
  addItems(items: AgentInputItem[]): Promise<void> {
    return this.#inTurn(async () => {
      if (items.length === 0) return;
      const json = toJson(items);
      const name = this.#unsettled?.json === json ? this.#unsettled.name : randomUUID();
      this.#unsettled = { name, json };
      await this.#store(items, name);
      this.#unsettled = null;
    });
  }

  /** Takes the last item away. Who pops at the same time gets another one. */
  popItem(): Promise<AgentInputItem | undefined> {
    return this.#inTurn(async () => {
      for (;;) {
        const [last] = await this.#history.items(1);
        if (last === undefined) return undefined;
        if (await this.#history.take(last)) return last.item;
      }
    });
  }

  /** Deletes the items of this session, and nothing else that is remembered under its id. */
  clearSession(): Promise<void> {
    return this.#inTurn(() => this.#history.clear());
  }

  /** Puts another call of a tool in the place of one that is stored. */
  applyHistoryMutations({ mutations }: SessionHistoryRewriteArgs): Promise<void> {
    return this.#inTurn(async () => {
      for (const mutation of mutations) await this.#mutate(mutation);
    });
  }

  /** The same operation again changes nothing; with another transaction it rejects. */
  applyHistoryTransaction({ operationId, transaction }: SessionHistoryTransactionArgs): Promise<void> {
    return this.#inTurn(async () => {
      if (operationId.trim() === '') throw new TypeError('operationId must not be empty');
      const record = contextId(['openai-agents-operation', this.#scope.agent_id, this.#sessionId, operationId]);
      const digest = digestOf(transaction);
      if (await this.#isDone(record, digest)) return;
      if (transaction.type === 'append_items') await this.#append(transaction.items, operationId, { record, digest });
      else await this.#replace(transaction, operationId, { record, digest });
    });
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    const run = this.#last.then(task, task);
    this.#last = run.catch(() => undefined);
    return run;
  }

  #call(name: string, createdAt: number, tags: readonly string[]): Call {
    return { scope: this.#scope, sessionId: this.#sessionId, name, createdAt, tags };
  }

  async #store(items: readonly AgentInputItem[], name: string): Promise<void> {
    const createdAt = await this.#history.nextTimeMs(Date.now());
    const { pieces, heads } = toContexts(items, this.#call(name, createdAt, [ITEM]));
    await this.#history.store(pieces);
    await this.#history.store(heads);
  }

  async #isDone(record: string, digest: string): Promise<boolean> {
    const done =
      (await this.#history.get(record))?.metadata['openai_agents'] ?? (await this.#history.findCommit(record));
    if (typeof done !== 'object' || done === null || !('digest' in done)) return false;
    if (done.digest !== digest) throw new Error('the operation was already applied with a different transaction');
    return true;
  }

  async #append(items: readonly AgentInputItem[], name: string, { record, digest }: Operation): Promise<void> {
    await this.#store(items, name);
    await this.#history.store([this.#history.operationRecord(record, digest)]);
  }

  async #replace(
    { expectedSuffix, replacement }: Replacement,
    name: string,
    { record, digest }: Operation,
  ): Promise<void> {
    if (expectedSuffix.length === 0) return this.#append(replacement, name, { record, digest });
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const suffix = await this.#history.items(expectedSuffix.length);
      const last = suffix.at(-1);
      if (last === undefined || digestOf(suffix.map(({ item }) => item)) !== digestOf(expectedSuffix))
        throw new Error('the end of the history is no longer what the transaction expects');
      const call = this.#call(name, last.context.created_at + 1, PENDING);
      const { pieces, heads } = toContexts(replacement, call);
      await this.#history.store([...pieces, ...heads]);
      const hides = suffix.slice(0, -1).map(({ context }) => context.id);
      if (await this.#history.commit(last, { hides, shows: heads.map(({ id }) => id), operation: record, digest }))
        return;
      if (await this.#isDone(record, digest)) return;
    }
    throw new Error('the session is being changed by others');
  }

  async #mutate({ callId, replacement }: SessionHistoryMutation): Promise<void> {
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const calls = (await this.#history.items()).filter(
        ({ item }) => item.type === 'function_call' && item.callId === callId,
      );
      const [first, ...others] = calls;
      if (first === undefined) return;
      const isInPlace = digestOf(first.item) === digestOf(replacement) || (await this.#rewrite(first, replacement));
      const areGone = await Promise.all(others.map((other) => this.#history.take(other)));
      if (isInPlace && areGone.every(Boolean)) return;
    }
    throw new Error('the session is being changed by others');
  }

  async #rewrite(stored: StoredItem, replacement: AgentInputItem): Promise<boolean> {
    const { call: name, index } = stored.context.metadata['openai_agents'] as { call: string; index: number };
    const revision = digestOf([replacement, stored.context.version]);
    const call = { ...this.#call(name, stored.context.created_at, PENDING), index, revision };
    const { pieces, heads } = toContexts([replacement], call);
    await this.#history.store([...pieces, ...heads]);
    return this.#history.commit(stored, { hides: [], shows: heads.map(({ id }) => id) });
  }
}

/** The record of a transaction, and what it says. */
interface Operation {
  readonly record: string;
  readonly digest: string;
}

type Replacement = Extract<SessionHistoryTransaction, { type: 'replace_suffix' }>;
