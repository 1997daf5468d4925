import { randomUUID } from 'node:crypto';
import { LEVELS, type ContextRecord, type Level } from '../../src/base/context.ts';
import { CodedError } from '../../src/base/errors.ts';
import type {
  NamespacesWanted,
  CallOptions,
  GcOutcome,
  ListInput,
  Memory,
  MemoryStats,
  QueryInput,
  QueryOutcome,
  StoreInput,
  StoreOutcome,
  UpdateInput,
} from '../../src/hirag/types.ts';
import type { AfterErasure, EraseInput, ErasureEstimate, ErasureOutcome } from '../../src/hirag/erasure/types.ts';
import type { SessionMemory } from '../../src/hirag/window/types.ts';
import type { FactMemory } from '../../src/hirag/facts/types.ts';
import { FactsDouble } from './facts-double.ts';
import { SessionsDouble } from './sessions-double.ts';
import type { NamespaceCounts } from '../../src/store/store.ts';

export const DOUBLE_DIMENSION = 4;
export const NOTHING_ERASED: ErasureOutcome = {
  ...{ rows: 0, vectors: 0, postings: 0, supersessions: 0, sessions: 0, cards: 0, facts: 0, summaryTasks: 0 },
  ...{ cacheEntries: 0, indexFiles: 0, blankedPages: 0, files: 'none' },
};

/**
 * Contexts in a map, behind the interface that the handlers call, for tests of what stands before it. It
 * refuses what the real one refuses, and can be made to wait (`hold`) or to fail (`failWith`).
 */
export class MemoryDouble implements Memory {
  readonly sessions: SessionMemory = new SessionsDouble((input, options) => this.#enter('sessions', input, options));
  readonly facts: FactMemory = new FactsDouble((input, options) => this.#enter('facts', input, options));
  /** What was asked of it, in order: proof of what passed the gate. */
  readonly calls: { readonly method: string; readonly input: unknown }[] = [];
  readonly records = new Map<string, ContextRecord>();
  answers = true;
  failure: Error | null = null;
  #gate: PromiseWithResolvers<void> | null = null;

  /** From now on calls wait until `release`, or until their signal aborts. */
  hold(): void {
    this.#gate = Promise.withResolvers();
  }

  release(): void {
    this.#gate?.resolve();
    this.#gate = null;
  }

  async store(input: StoreInput, options?: CallOptions): Promise<StoreOutcome> {
    await this.#enter('store', input, options);
    return this.#put(input);
  }

  async storeBatch(inputs: readonly StoreInput[], options?: CallOptions): Promise<(StoreOutcome | Error)[]> {
    await this.#enter('storeBatch', inputs, options);
    return inputs.map((input) => {
      try {
        return this.#put(input);
      } catch (error) {
        return error as Error;
      }
    });
  }

  async query(input: QueryInput, options?: CallOptions): Promise<QueryOutcome> {
    await this.#enter('query', input, options);
    checkEmbedding(input.embedding);
    const records = this.#visible(input).filter(
      (record) => input.sessionId === undefined || record.sessionId === null || record.sessionId === input.sessionId,
    );
    const scores = { similarity: 1, lexical: 1, recency: 1, level: 1, frequency: 0 };
    const contexts = records
      .filter((record) => input.query === undefined || record.text.includes(input.query))
      .slice(0, input.limit ?? 10)
      .map((record) => ({ record, relevanceScore: 0.5, scores }));
    const levels = { immediate: contexts.length, short_term: 0, long_term: 0 };
    return {
      contexts,
      totalTokens: contexts.length,
      retrievalTimeMs: 0.5,
      levelDistribution: levels,
      avgRelevance: contexts.length === 0 ? 0 : 0.5,
      cacheHits: 0,
      totalSearched: records.length,
      answerable: { verdict: 'weak', coverage: 0.5, reason: 'a double' },
      belowThreshold: false,
      allocations: { immediate: 1200, short_term: 1600, long_term: 1200 },
      degraded: [],
      ...(input.explain === true && {
        receipts: contexts.map(({ record }) => ({
          id: record.id,
          level: record.level,
          scores,
          relevanceScore: 0.5,
          tokenCount: record.tokenCount,
          outcome: 'included' as const,
        })),
      }),
    };
  }

  async get(namespace: string, id: string): Promise<ContextRecord> {
    await this.#enter('get', { namespace, id });
    return this.#find(namespace, id);
  }

  async used(namespace: string, ids: readonly string[]): Promise<number> {
    await this.#enter('used', { namespace, ids });
    return ids.filter((id) => this.records.has(keyOf(namespace, id))).length;
  }

  async update(input: UpdateInput, options?: CallOptions): Promise<ContextRecord> {
    await this.#enter('update', input, options);
    const record = this.#find(input.namespace, input.id);
    if (input.ifVersion !== undefined && input.ifVersion !== record.version)
      throw new CodedError('CONFLICT', 'the version is another');
    const changed: ContextRecord = {
      ...record,
      text: input.text ?? record.text,
      metadata: input.metadata ?? record.metadata,
      tags: input.tags ?? record.tags,
      level: input.level ?? record.level,
      expiresAtMs: input.ttlMs === undefined ? record.expiresAtMs : record.createdAtMs + input.ttlMs,
      version: record.version + 1,
    };
    this.records.set(keyOf(input.namespace, input.id), changed);
    return changed;
  }

  async delete(namespace: string, target: { readonly id: string } | { readonly filter: object }): Promise<number> {
    await this.#enter('delete', { namespace, target });
    if ('id' in target) return this.records.delete(keyOf(namespace, target.id)) ? 1 : 0;
    return this.#remove((record) => record.namespace === namespace);
  }

  async erase(input: EraseInput, options?: CallOptions, after?: AfterErasure): Promise<ErasureOutcome> {
    await this.#enter('erase', input, options);
    const { namespace, agentId, id } = input;
    const rows = this.#remove(
      (record) =>
        record.namespace === namespace &&
        (agentId === undefined || record.agentId === agentId) &&
        (id === undefined || record.id === id),
    );
    await after?.(input);
    return { ...NOTHING_ERASED, rows, vectors: rows };
  }

  async estimateErasure({ namespace, agentId }: EraseInput): Promise<ErasureEstimate> {
    await this.#enter('estimateErasure', { namespace, agentId });
    const rows = [...this.records.values()].filter(
      (record) => record.namespace === namespace && (agentId === undefined || record.agentId === agentId),
    ).length;
    return { rows, sessions: 0, cards: 0, facts: 0 };
  }

  resumeErasures(): Promise<void> {
    return Promise.resolve();
  }

  async list(input: ListInput): Promise<{ records: readonly ContextRecord[]; cursor?: string }> {
    await this.#enter('list', input);
    const from = input.cursor === undefined ? 0 : Number(input.cursor);
    if (!Number.isInteger(from)) throw new CodedError('BAD_REQUEST', 'the cursor is not one of ours');
    const found = this.#visible(input).filter(
      (record) => input.sessionId === undefined || record.sessionId === input.sessionId,
    );
    const until = from + (input.limit ?? 100);
    return { records: found.slice(from, until), ...(until < found.length && { cursor: String(until) }) };
  }

  async clearLevel(namespace: string, level: Level): Promise<number> {
    await this.#enter('clearLevel', { namespace, level });
    return this.#remove((record) => record.namespace === namespace && record.level === level);
  }

  async stats(namespace?: string): Promise<MemoryStats> {
    await this.#enter('stats', { namespace });
    const counts = { immediate: 0, short_term: 0, long_term: 0 };
    for (const record of this.records.values())
      if (namespace === undefined || record.namespace === namespace) counts[record.level] += 1;
    return {
      store: { counts, driver: { driver: 'double' } },
      cache: { embeddingEntries: 1, embeddingHits: 2, embeddingMisses: 3 },
    };
  }

  async namespaces({ names, among }: NamespacesWanted = {}): Promise<NamespaceCounts[]> {
    await this.#enter('namespaces', { names });
    const held = new Set([...this.records.values()].map(({ namespace }) => namespace));
    const wanted = names ?? [...held].filter((namespace) => among?.has(namespace) !== false);
    return [...wanted].sort().map((namespace) => {
      const counts = { immediate: 0, short_term: 0, long_term: 0 };
      for (const record of this.records.values()) if (record.namespace === namespace) counts[record.level] += 1;
      return { namespace, counts };
    });
  }

  async gc(): Promise<GcOutcome> {
    await this.#enter('gc', {});
    return { promoted: 1, deleted: 2 };
  }

  flushAccessCounts(): Promise<void> {
    return Promise.resolve();
  }

  unsearched(): Promise<never[]> {
    return Promise.resolve([]);
  }

  readonly backlog = { pending: 0, refused: 0 };

  sweepSummaries(): Promise<void> {
    return Promise.resolve();
  }

  embedBacklog(): Promise<{ pending: number; refused: number }> {
    return Promise.resolve(this.backlog);
  }

  clearCaches(): Promise<{ embeddings: number }> {
    this.calls.push({ method: 'clearCaches', input: {} });
    return Promise.resolve({ embeddings: 3 });
  }

  storeAnswers(): Promise<void> {
    return this.answers ? Promise.resolve() : Promise.reject(new Error('down'));
  }

  healthy(): Promise<boolean> {
    return Promise.resolve(this.answers);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #enter(method: string, input: unknown, options?: CallOptions): Promise<void> {
    this.calls.push({ method, input });
    if (this.#gate !== null) await orAborted(this.#gate.promise, options?.signal);
    if (this.failure !== null) throw this.failure;
  }

  #put(input: StoreInput): StoreOutcome {
    if (input.agentId === '*') throw new CodedError('BAD_REQUEST', 'a context needs an agent');
    checkEmbedding(input.embedding);
    const id = input.id ?? randomUUID();
    const known = this.records.get(keyOf(input.namespace, id));
    if (known !== undefined && known.text !== input.text)
      throw new CodedError('CONFLICT', 'the id exists with another text');
    const record = known ?? toRecord(id, input);
    this.records.set(keyOf(input.namespace, id), record);
    return {
      id,
      level: record.level,
      tokenCount: record.tokenCount,
      createdAtMs: record.createdAtMs,
      created: known === undefined,
    };
  }

  #find(namespace: string, id: string): ContextRecord {
    const record = this.records.get(keyOf(namespace, id));
    if (record === undefined) throw new CodedError('NOT_FOUND', 'there is no such context in the namespace');
    return record;
  }

  #visible(scope: { namespace: string; agentId?: string; levels?: readonly Level[] }): ContextRecord[] {
    const levels = scope.levels ?? LEVELS;
    return [...this.records.values()].filter(
      (record) =>
        record.namespace === scope.namespace &&
        (scope.agentId === undefined || record.agentId === scope.agentId) &&
        levels.includes(record.level),
    );
  }

  #remove(matches: (record: ContextRecord) => boolean): number {
    const gone = [...this.records.entries()].filter(([, record]) => matches(record));
    for (const [key] of gone) this.records.delete(key);
    return gone.length;
  }
}

function keyOf(namespace: string, id: string): string {
  return `${namespace}/${id}`;
}

function checkEmbedding(embedding: Float32Array | undefined): void {
  if (embedding !== undefined && embedding.length !== DOUBLE_DIMENSION) {
    throw new CodedError('BAD_REQUEST', `an embedding has ${DOUBLE_DIMENSION} numbers here`);
  }
}

function toRecord(id: string, input: StoreInput): ContextRecord {
  const createdAtMs = input.createdAtMs ?? 1_700_000_000_000;
  return {
    id,
    namespace: input.namespace,
    agentId: input.agentId,
    sessionId: input.sessionId ?? null,
    level: input.level ?? 'immediate',
    text: input.text,
    tokenCount: Math.ceil(input.text.length / 4),
    metadata: input.metadata ?? {},
    tags: input.tags ?? [],
    version: 1,
    createdAtMs,
    updatedAtMs: createdAtMs,
    expiresAtMs: input.ttlMs === undefined ? null : createdAtMs + input.ttlMs,
    expiryAction: 'delete',
    expirySetBy: input.ttlMs === undefined ? 'level' : 'client',
    accessCount: 0,
  };
}

function orAborted(work: Promise<void>, signal: AbortSignal | undefined): Promise<void> {
  if (signal === undefined) return work;
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error);
    if (signal.aborted) return abort();
    signal.addEventListener('abort', abort, { once: true });
    void work.then(resolve);
  });
}
