// The contract of `ContextStore` over the store worker.

import type { ContextRecord, Level } from '../../base/context.ts';
import { badRequest } from '../../base/errors.ts';
import { checkFilter } from '../filter.ts';
import {
  LIST_PAGE_BYTES_MAX,
  type Access,
  type ContextStore,
  type ExpirySweep,
  type ListPage,
  type ListRequest,
  type NewContext,
  type Scope,
  type SearchRequest,
  type SearchResult,
  type StoreStats,
  type TermStatistics,
  type WriteOp,
  type WriteResult,
} from '../store.ts';
import { decodeFindings, decodeResult, decodeStatistics, encodeOp } from './encode.ts';
import type { WireScope, WireWriteResult } from './messages.ts';
import { levelName, toLevelNumber, toRecord, unpackRow, unpackRows } from './database/rows.ts';
import type { WorkerLink } from './worker-link.ts';

export class EmbeddedStore implements ContextStore {
  readonly capabilities = { atomicBatches: true };
  readonly #link: WorkerLink;
  readonly #dimension: number;

  constructor(link: WorkerLink, dimension: number) {
    this.#link = link;
    this.#dimension = dimension;
  }

  async write(ops: readonly WriteOp[]): Promise<WriteResult[]> {
    if (ops.length === 0) return [];
    for (const op of ops) this.#check(op);
    const results = await this.#link.call('write', (parcel) => ops.map((op) => encodeOp(op, parcel)));
    return ops.map((op, i) => decodeResult(op, results[i] as WireWriteResult));
  }

  async search(request: SearchRequest, signal?: AbortSignal): Promise<SearchResult> {
    const { vector, terms } = request;
    if (vector !== undefined) this.#checkVector(vector);
    const scope = wireScope(request);
    const levels = request.levels.map(toLevelNumber);
    const findings = await this.#link.call(
      'search',
      (parcel) => ({
        ...scope,
        levels,
        includeSessionless: request.includeSessionless,
        vector: vector === undefined ? null : parcel.vector(vector),
        terms: terms.map(({ term }) => term),
        weights: terms.map(({ weight }) => weight),
        termsMax: request.termsMax ?? terms.length,
        names: request.names,
        denseSamples: request.denseSamples,
        candidates: request.candidates,
        neighbours: request.neighbours,
        denseNeighbours: request.denseNeighbours ?? true,
        nowMs: request.nowMs,
      }),
      signal,
    );
    return decodeFindings(findings);
  }

  async termStatistics(namespace: string, terms: readonly string[]): Promise<TermStatistics> {
    return decodeStatistics(await this.#link.call('statistics', () => ({ namespace, terms })));
  }

  async fetch(namespace: string, ids: readonly string[], nowMs: number): Promise<(ContextRecord | null)[]> {
    if (ids.length === 0) return [];
    const rows = await this.#link.call('fetch', () => ({ namespace, ids, nowMs }));
    const records = new Map(unpackRows(rows).map((row) => [row.id, toRecord(namespace, row)]));
    return ids.map((id) => records.get(id) ?? null);
  }

  async load(
    scope: { namespace: string; agentId: string; sessionId: string | null },
    level: Level,
    nowMs: number,
  ): Promise<NewContext[]> {
    const { namespace, agentId, sessionId } = scope;
    const body = { namespace, agentId, sessionId, level: toLevelNumber(level), nowMs };
    const { rows, vectors } = await this.#link.call('load', () => body);
    return unpackRows(rows).map((row, i) => ({
      record: toRecord(namespace, row),
      vector: vectors.slice(i * this.#dimension, (i + 1) * this.#dimension),
    }));
  }

  async list(request: ListRequest): Promise<ListPage> {
    const scope = wireScope(request);
    const levels = request.levels?.map(toLevelNumber) ?? null;
    const { rows, cursor } = await this.#link.call('list', () => ({
      ...scope,
      levels,
      limit: request.limit,
      bytesMax: request.bytesMax ?? LIST_PAGE_BYTES_MAX,
      cursor: request.cursor ?? null,
      nowMs: request.nowMs,
    }));
    const records = unpackRows(rows).map((row) => toRecord(request.namespace, row));
    return cursor === null ? { records } : { records, cursor };
  }

  async touch(accesses: readonly Access[]): Promise<void> {
    if (accesses.length === 0) return;
    await this.#link.call('touch', () => accesses.map(({ namespace, id, count }) => [namespace, id, count] as const));
  }

  async expire(nowMs: number, limit: number, promotedExpiresAtMs: number | null): Promise<ExpirySweep> {
    const { promoted, deleted, more } = await this.#link.call('expire', () => ({ nowMs, limit, promotedExpiresAtMs }));
    return {
      promoted: promoted.map(([namespace, row]) => toRecord(namespace, unpackRow(row, 0))),
      deleted: deleted.map(([namespace, id, level]) => ({ namespace, id, level: levelName(level) })),
      more,
    };
  }

  async stats(namespace?: string): Promise<StoreStats> {
    const { counts, driver } = await this.#link.call('stats', () => namespace ?? null);
    return { counts: { immediate: counts[0], short_term: counts[1], long_term: counts[2] }, driver };
  }

  async ping(): Promise<void> {
    await this.#link.call('ping', () => null);
  }

  close(): Promise<void> {
    return this.#link.close();
  }

  #check(op: WriteOp): void {
    if (op.op === 'put') this.#checkVector(op.context.vector);
    else if (op.op === 'update' && op.patch.text !== undefined) this.#checkVector(op.patch.text.vector);
    else if (op.op === 'delete_where' && op.filter !== undefined) checkFilter(op.filter);
  }

  #checkVector(vector: Float32Array): void {
    if (vector.length === this.#dimension) return;
    const reason = `must have ${this.#dimension} dimensions, not ${vector.length}`;
    throw badRequest('/embedding', reason);
  }
}

function wireScope(scope: Scope): WireScope {
  if (scope.filter !== undefined) checkFilter(scope.filter);
  return {
    namespace: scope.namespace,
    agentId: scope.agentId ?? null,
    sessionId: scope.sessionId ?? null,
    filter: scope.filter ?? null,
  };
}
