import type { ContextRecord, Level } from '../../src/base/context.ts';
import { analyze } from '../../src/base/text/analyzer.ts';
import type {
  Access,
  ContextStore,
  ExpirySweep,
  ListPage,
  ListRequest,
  MovedContext,
  NewContext,
  Scope,
  SearchRequest,
  SearchResult,
  StoreStats,
  TermStatistics,
  WriteOp,
  WriteResult,
} from '../../src/store/store.ts';
import { toCandidates, type Candidate } from '../../src/store/candidates.ts';
import { termColumns, type TermColumns } from '../../src/store/term-columns.ts';
import { matchesFilter } from '../../src/store/filter-match.ts';
import { placeOf } from '../contract/store-samples.ts';

type Method = Exclude<keyof ContextStore, 'capabilities'>;

interface Row {
  record: ContextRecord;
  vector: Float32Array;
  /** Order in which contexts entered their level. */
  entered: number;
}

/**
 * Contexts in a map behind the store's interface, for what a real store cannot be made to do: fail on demand, and
 * answer in an order that the test chooses. Its search knows words by equality only and ranks nothing.
 */
export class StoreDouble implements ContextStore {
  readonly capabilities = { atomicBatches: true };
  readonly rows = new Map<string, Row>();
  /** What each method throws from now on. */
  readonly failures = new Map<Method, Error>();
  /** Calls by method, for tests of what is asked and what is not. */
  readonly calls: Method[] = [];
  /** Awaited with the answer in hand: the call was made, and the caller does not know yet. */
  beforeReply: (method: Method) => Promise<void> = () => Promise.resolve();
  /** Awaited before the call is made. */
  beforeCall: (method: Method) => Promise<void> = () => Promise.resolve();
  #entered = 0;

  async #run<T>(method: Method, work: () => T): Promise<T> {
    this.calls.push(method);
    await this.beforeCall(method);
    const failure = this.failures.get(method);
    if (failure !== undefined) throw failure;
    const result = work();
    await this.beforeReply(method);
    return result;
  }

  write(ops: readonly WriteOp[]): Promise<WriteResult[]> {
    return this.#run('write', () => ops.map((op) => this.#apply(op)));
  }

  search(request: SearchRequest): Promise<SearchResult> {
    return this.#run('search', () => {
      const visible = this.#visible(request, request.nowMs, request.includeSessionless);
      const levels = request.levels.map((level) => visible.filter(({ record }) => record.level === level));
      const asked = request.terms.map(({ term }) => term);
      const all = this.#statistics(request.namespace, asked);
      const weights = request.terms.map(({ weight }) => weight);
      const ownMax = request.termsMax ?? asked.length;
      const columns = termColumns(weights, all.documentFrequencies, all.documentCount, ownMax);
      const candidates = levels
        .flat()
        .map((row) => candidateOf(row, request, columns))
        .filter(isFound);
      return {
        candidates: toCandidates(candidates, columns.count),
        levels: levels.map((seen) => ({ searched: seen.length, denseMedian: null })),
        terms: columns.own,
        statistics: this.#statistics(
          request.namespace,
          columns.own.map((place) => asked[place] as string),
        ),
      };
    });
  }

  termStatistics(namespace: string, terms: readonly string[]): Promise<TermStatistics> {
    return this.#run('termStatistics', () => this.#statistics(namespace, terms));
  }

  fetch(namespace: string, ids: readonly string[], nowMs: number): Promise<(ContextRecord | null)[]> {
    return this.#run('fetch', () => {
      return ids.map((id) => {
        const row = this.rows.get(`${namespace}/${id}`);
        return row === undefined || isHidden(row.record, nowMs) ? null : row.record;
      });
    });
  }

  load(
    scope: { namespace: string; agentId: string; sessionId: string | null },
    level: Level,
    nowMs: number,
  ): Promise<NewContext[]> {
    return this.#run('load', () => {
      const { namespace, agentId, sessionId } = scope;
      return [...this.rows.values()]
        .filter(
          ({ record }) =>
            record.namespace === namespace && record.agentId === agentId && record.sessionId === sessionId,
        )
        .filter(({ record }) => record.level === level && !isHidden(record, nowMs))
        .sort((a, b) => a.entered - b.entered)
        .map(({ record, vector }) => ({ record, vector }));
    });
  }

  list(request: ListRequest): Promise<ListPage> {
    return this.#run('list', () => {
      const rows = this.#visible(request, request.nowMs, false);
      const records = rows.map(({ record }) => record).filter(({ level }) => request.levels?.includes(level) ?? true);
      return { records: records.sort((a, b) => b.createdAtMs - a.createdAtMs).slice(0, request.limit) };
    });
  }

  touch(accesses: readonly Access[]): Promise<void> {
    return this.#run('touch', () => {
      for (const { namespace, id, count } of accesses) {
        const row = this.rows.get(`${namespace}/${id}`);
        if (row !== undefined) row.record = { ...row.record, accessCount: row.record.accessCount + count };
      }
    });
  }

  expire(nowMs: number, limit: number, promotedExpiresAtMs: number | null): Promise<ExpirySweep> {
    return this.#run('expire', () => {
      const due = [...this.rows.values()].filter(
        ({ record }) => record.expiresAtMs !== null && record.expiresAtMs <= nowMs,
      );
      const taken = due.slice(0, limit);
      const promoted: ContextRecord[] = [];
      const deleted: ExpirySweep['deleted'][number][] = [];
      for (const row of taken) {
        const { namespace, id, level, expiryAction } = row.record;
        if (expiryAction === 'delete') {
          this.rows.delete(`${namespace}/${id}`);
          deleted.push({ namespace, id, level });
          continue;
        }
        row.record = { ...row.record, level: 'long_term', expiresAtMs: promotedExpiresAtMs, expiryAction: 'delete' };
        row.entered = ++this.#entered;
        promoted.push(row.record);
      }
      return { promoted, deleted, more: due.length > limit };
    });
  }

  stats(namespace?: string): Promise<StoreStats> {
    return this.#run('stats', () => {
      const counts = { immediate: 0, short_term: 0, long_term: 0 };
      for (const { record } of this.rows.values())
        if (namespace === undefined || record.namespace === namespace) counts[record.level]++;
      return { counts, driver: {} };
    });
  }

  ping(): Promise<void> {
    return this.#run('ping', () => undefined);
  }

  close(): Promise<void> {
    return this.#run('close', () => undefined);
  }

  #apply(op: WriteOp): WriteResult {
    switch (op.op) {
      case 'put':
        return this.#put(op.context);
      case 'update':
        return this.#update(op);
      case 'delete':
        return { op: 'delete', deletedIds: op.ids.filter((id) => this.rows.delete(`${op.namespace}/${id}`)) };
      case 'delete_where': {
        const gone = [...this.rows.values()].filter(({ record }) => {
          const isMeant = record.namespace === op.namespace && (op.level === undefined || record.level === op.level);
          return isMeant && (op.filter === undefined || matchesFilter(record, op.filter));
        });
        for (const { record } of gone) this.rows.delete(`${record.namespace}/${record.id}`);
        return { op: 'delete_where', deletedIds: gone.map(({ record }) => record.id) };
      }
      case 'trim':
        return this.#trim(op.trim);
    }
  }

  #put({ record, vector }: NewContext): WriteResult {
    const key = `${record.namespace}/${record.id}`;
    const known = this.rows.get(key);
    if (known !== undefined) {
      if (known.record.text !== record.text) return { op: 'put', conflict: true };
      return { op: 'put', created: false, record: known.record };
    }
    this.rows.set(key, { record, vector, entered: ++this.#entered });
    return { op: 'put', created: true, record };
  }

  #update({ namespace, id, patch, updatedAtMs, ifVersion }: Extract<WriteOp, { op: 'update' }>): WriteResult {
    const row = this.rows.get(`${namespace}/${id}`);
    if (row === undefined) return { op: 'update', failed: 'not_found' };
    const { version } = row.record;
    if (ifVersion !== undefined && ifVersion !== version) return { op: 'update', failed: 'version_conflict', version };
    if (patch.level !== undefined && patch.level !== row.record.level) row.entered = ++this.#entered;
    row.record = {
      ...row.record,
      version: version + 1,
      updatedAtMs,
      ...(patch.text === undefined ? {} : { text: patch.text.text, tokenCount: patch.text.tokenCount }),
      ...(patch.metadata === undefined ? {} : { metadata: patch.metadata }),
      ...(patch.tags === undefined ? {} : { tags: patch.tags }),
      ...(patch.level === undefined ? {} : { level: patch.level }),
      ...(patch.expiry === undefined ? {} : { expiresAtMs: patch.expiry.atMs, expiryAction: patch.expiry.action }),
    };
    if (patch.text !== undefined) row.vector = patch.text.vector;
    return { op: 'update', record: row.record };
  }

  #trim(trim: Extract<WriteOp, { op: 'trim' }>['trim']): WriteResult {
    const held = [...this.rows.values()]
      .filter(
        ({ record }) =>
          record.namespace === trim.namespace && record.agentId === trim.agentId && record.level === trim.level,
      )
      .filter(({ record }) => trim.sessionId === undefined || record.sessionId === trim.sessionId)
      .sort((a, b) => b.entered - a.entered);
    const moved: MovedContext[] = [];
    const deletedIds: string[] = [];
    for (const row of held.slice(trim.keep).reverse()) {
      if (trim.moveTo === undefined) {
        this.rows.delete(`${row.record.namespace}/${row.record.id}`);
        deletedIds.push(row.record.id);
        continue;
      }
      const isClientSet = row.record.expiresAtMs !== null && row.record.expiryAction === 'delete';
      const { level, expiresAtMs, expiryAction } = trim.moveTo;
      row.record = { ...row.record, level, ...(isClientSet ? {} : { expiresAtMs, expiryAction }) };
      row.entered = ++this.#entered;
      moved.push(placeOf(row.record));
    }
    return { op: 'trim', moved, deletedIds };
  }

  #visible(scope: Scope, nowMs: number, includeSessionless: boolean): Row[] {
    return [...this.rows.values()].filter(({ record }) => {
      if (record.namespace !== scope.namespace || isHidden(record, nowMs)) return false;
      if (scope.agentId !== undefined && record.agentId !== scope.agentId) return false;
      const inSession = record.sessionId === scope.sessionId || (includeSessionless && record.sessionId === null);
      if (scope.sessionId !== undefined && !inSession) return false;
      return scope.filter === undefined || matchesFilter(record, scope.filter);
    });
  }

  #statistics(namespace: string, terms: readonly string[]): TermStatistics {
    const documents = [...this.rows.values()]
      .filter(({ record }) => record.namespace === namespace)
      .map(({ record }) => analyze(record.text));
    const termCount = documents.reduce((total, document) => total + document.length, 0);
    return {
      documentCount: documents.length,
      averageTermCount: documents.length === 0 ? 0 : termCount / documents.length,
      documentFrequencies: terms.map((term) => documents.filter((document) => document.includes(term)).length),
    };
  }
}

function isHidden(record: ContextRecord, nowMs: number): boolean {
  return record.expiresAtMs !== null && record.expiresAtMs <= nowMs && record.expiryAction === 'delete';
}

function isFound({ dense, termScores }: Candidate): boolean {
  return dense !== null || Array.from(termScores).some((score) => score > 0);
}

function candidateOf({ record, vector }: Row, request: SearchRequest, columns: TermColumns): Candidate {
  const words = analyze(record.text);
  const termScores = new Float32Array(columns.count);
  request.terms.forEach(({ term, weight }, place) => {
    const column = columns.columnOf(place);
    if (words.includes(term)) termScores[column] = (termScores[column] ?? 0) + weight;
  });
  return {
    id: record.id,
    level: record.level,
    createdAtMs: record.createdAtMs,
    accessCount: record.accessCount,
    tokenCount: record.tokenCount,
    dense: request.vector?.reduce((sum, value, i) => sum + value * (vector[i] ?? 0), 0) ?? null,
    termScores,
    speakerNamed: false,
    isQuestion: false,
    previousId: null,
    nextId: null,
    direct: true,
  };
}
