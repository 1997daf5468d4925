import type { ContextRecord, Filter, Level } from '../../src/base/context.ts';
import { analyze } from '../../src/base/text/analyzer.ts';
import { inverseDocumentFrequency, saturatedFrequency } from '../../src/base/text/bm25.ts';
import { textTraits } from '../../src/base/text/traits.ts';
import { followsInConversation } from '../../src/base/text/turns.ts';
import { matchesFilter } from '../../src/store/filter-match.ts';
import { placeOf } from '../contract/store-samples.ts';
import type {
  Access,
  ListRequest,
  NewContext,
  Scope,
  SearchRequest,
  Trim,
  WriteOp,
  WriteResult,
} from '../../src/store/store.ts';

interface Row {
  record: ContextRecord;
  vector: Float32Array;
  /** Order of arrival. */
  readonly seq: number;
  /** Order in which contexts entered their level. */
  entered: number;
}

export interface NaiveScores {
  readonly dense: number | null;
  readonly lexical: number;
}

/** The contract in the plainest words: a list of rows, read from one end to the other by every call. */
export class NaiveStore {
  #rows: Row[] = [];
  #counter = 0;
  nowMs = 0;

  write(ops: readonly WriteOp[]): WriteResult[] {
    return ops.map((op) => this.#apply(op));
  }

  fetch(namespace: string, ids: readonly string[], nowMs: number): (ContextRecord | null)[] {
    return ids.map((id) => {
      const row = this.#find(namespace, id);
      return row === undefined || isOver(row.record, nowMs) ? null : row.record;
    });
  }

  load(
    scope: { namespace: string; agentId: string; sessionId: string | null },
    level: Level,
    nowMs: number,
  ): NewContext[] {
    const rows = this.#rows.filter(
      ({ record }) =>
        record.namespace === scope.namespace &&
        record.agentId === scope.agentId &&
        record.sessionId === scope.sessionId &&
        record.level === level &&
        !isOver(record, nowMs),
    );
    return rows.sort((a, b) => a.entered - b.entered).map(({ record, vector }) => ({ record, vector }));
  }

  list(request: Omit<ListRequest, 'limit' | 'cursor'>): ContextRecord[] {
    return this.#visible(request, request.nowMs, false)
      .filter(({ record }) => request.levels === undefined || request.levels.includes(record.level))
      .sort((a, b) => -byCreation(a, b))
      .map(({ record }) => record);
  }

  touch(accesses: readonly Access[]): void {
    for (const { namespace, id, count } of accesses) {
      const row = this.#find(namespace, id);
      if (row !== undefined) row.record = { ...row.record, accessCount: row.record.accessCount + count };
    }
  }

  expire(nowMs: number, promotedExpiresAtMs: number | null): { promoted: ContextRecord[]; deletedIds: string[] } {
    const due = this.#rows.filter(({ record }) => record.expiresAtMs !== null && record.expiresAtMs <= nowMs);
    const promoted: ContextRecord[] = [];
    const deletedIds: string[] = [];
    for (const row of due.sort(
      (a, b) => (a.record.expiresAtMs as number) - (b.record.expiresAtMs as number) || a.seq - b.seq,
    )) {
      if (row.record.expiryAction === 'delete') {
        this.#remove([row]);
        deletedIds.push(row.record.id);
      } else if (row.record.level === 'long_term') {
        row.record = { ...row.record, expiresAtMs: null, expiryAction: 'delete' };
      } else {
        row.record = { ...row.record, level: 'long_term', expiresAtMs: promotedExpiresAtMs, expiryAction: 'delete' };
        row.entered = ++this.#counter;
        promoted.push(row.record);
      }
    }
    return { promoted, deletedIds };
  }

  counts(namespace: string, nowMs: number): Record<Level, number> {
    const counts = { immediate: 0, short_term: 0, long_term: 0 };
    for (const { record } of this.#rows)
      if (record.namespace === namespace && !isOver(record, nowMs)) counts[record.level]++;
    return counts;
  }

  /** Both scores of everything that the search may see, of whatever level. */
  scores(request: SearchRequest): Map<string, NaiveScores & { readonly level: Level; readonly termScores: number[] }> {
    const documents = this.#rows
      .filter(({ record }) => record.namespace === request.namespace)
      .map(({ record }) => analyze(record.text));
    const average = documents.reduce((sum, words) => sum + words.length, 0) / documents.length;
    const idf = request.terms.map(
      ({ term, weight }) =>
        weight * inverseDocumentFrequency(documents.length, documents.filter((words) => words.includes(term)).length),
    );
    const scored = new Map<string, NaiveScores & { readonly level: Level; readonly termScores: number[] }>();
    for (const { record, vector } of this.#visible(request, request.nowMs, request.includeSessionless)) {
      const words = analyze(record.text);
      const termScores = request.terms.map(({ term }, i) => {
        const frequency = words.filter((word) => word === term).length;
        return (idf[i] as number) * saturatedFrequency(frequency, words.length, average);
      });
      const dense =
        request.vector === undefined
          ? null
          : vector.reduce((sum, x, i) => sum + x * (request.vector?.[i] as number), 0);
      scored.set(record.id, {
        dense,
        termScores,
        lexical: termScores.reduce((sum, score) => sum + score, 0),
        level: record.level,
      });
    }
    return scored;
  }

  statistics(namespace: string, terms: readonly string[]): { documentCount: number; documentFrequencies: number[] } {
    const documents = this.#rows
      .filter(({ record }) => record.namespace === namespace)
      .map(({ record }) => analyze(record.text));
    return {
      documentCount: documents.length,
      documentFrequencies: terms.map((term) => documents.filter((words) => words.includes(term)).length),
    };
  }

  /** The living contexts that belong together with this one, in the order of their creation: its session, or its run of turns. */
  session(namespace: string, id: string, nowMs: number): string[] {
    const row = this.#find(namespace, id);
    if (row === undefined) return [];
    const { agentId, sessionId } = row.record;
    const rows = this.#rows
      .filter(
        ({ record }) =>
          record.namespace === namespace &&
          record.agentId === agentId &&
          record.sessionId === sessionId &&
          !isOver(record, nowMs),
      )
      .sort(byCreation);
    if (sessionId !== null) return rows.map(({ record }) => record.id);
    let first = rows.indexOf(row);
    let last = first;
    while (first > 0 && areTurns(rows[first - 1] as Row, rows[first] as Row)) first--;
    while (last + 1 < rows.length && areTurns(rows[last] as Row, rows[last + 1] as Row)) last++;
    return rows.slice(first, last + 1).map(({ record }) => record.id);
  }

  #apply(op: WriteOp): WriteResult {
    switch (op.op) {
      case 'put':
        return this.#put(op.context);
      case 'update':
        return this.#update(op);
      case 'delete': {
        const rows = [...new Set(op.ids)].flatMap((id) => this.#find(op.namespace, id) ?? []);
        this.#remove(rows);
        return { op: 'delete', deletedIds: rows.map(({ record }) => record.id) };
      }
      case 'delete_where': {
        const matches = (record: ContextRecord, filter: Filter) => matchesFilter(record, filter);
        const rows = this.#rows.filter(
          ({ record }) =>
            record.namespace === op.namespace &&
            (op.level === undefined || record.level === op.level) &&
            (op.filter === undefined || matches(record, op.filter)),
        );
        this.#remove(rows);
        return { op: 'delete_where', deletedIds: rows.map(({ record }) => record.id) };
      }
      case 'trim':
        return this.#trim(op.trim);
    }
  }

  #put({ record, vector }: NewContext): WriteResult {
    const existing = this.#find(record.namespace, record.id);
    if (existing !== undefined && !isOver(existing.record, this.nowMs)) {
      if (existing.record.text !== record.text) return { op: 'put', conflict: true };
      return { op: 'put', created: false, record: existing.record };
    }
    if (existing !== undefined) this.#remove([existing]);
    const seq = ++this.#counter;
    this.#rows.push({ record, vector, seq, entered: seq });
    return { op: 'put', created: true, record };
  }

  #update(op: Extract<WriteOp, { op: 'update' }>): WriteResult {
    const row = this.#find(op.namespace, op.id);
    if (row === undefined || isOver(row.record, this.nowMs)) return { op: 'update', failed: 'not_found' };
    const { record } = row;
    if (op.ifVersion !== undefined && op.ifVersion !== record.version)
      return { op: 'update', failed: 'version_conflict', version: record.version };
    const { text, metadata, tags, level, expiry } = op.patch;
    if (level !== undefined && level !== record.level) row.entered = ++this.#counter;
    if (text !== undefined) row.vector = text.vector;
    row.record = {
      ...record,
      text: text?.text ?? record.text,
      tokenCount: text?.tokenCount ?? record.tokenCount,
      metadata: metadata ?? record.metadata,
      tags: tags ?? record.tags,
      level: level ?? record.level,
      expiresAtMs: expiry === undefined ? record.expiresAtMs : expiry.atMs,
      expiryAction: expiry?.action ?? record.expiryAction,
      version: record.version + 1,
      updatedAtMs: op.updatedAtMs,
    };
    return { op: 'update', record: row.record };
  }

  #trim(trim: Trim): WriteResult {
    const rows = this.#rows
      .filter(
        ({ record }) =>
          record.namespace === trim.namespace && record.agentId === trim.agentId && record.level === trim.level,
      )
      .filter(({ record }) => trim.sessionId === undefined || record.sessionId === trim.sessionId)
      .sort((a, b) => a.entered - b.entered);
    const overflow = rows.slice(0, Math.max(0, rows.length - trim.keep));
    const { moveTo } = trim;
    if (moveTo === undefined) {
      this.#remove(overflow);
      return { op: 'trim', moved: [], deletedIds: overflow.map(({ record }) => record.id) };
    }
    for (const row of overflow) {
      const keeps = row.record.expiresAtMs !== null && row.record.expiryAction === 'delete';
      const { level, expiresAtMs, expiryAction } = moveTo;
      row.record = { ...row.record, level, ...(keeps ? {} : { expiresAtMs, expiryAction }) };
      row.entered = ++this.#counter;
    }
    return { op: 'trim', moved: overflow.map(({ record }) => placeOf(record)), deletedIds: [] };
  }

  #visible(scope: Scope, nowMs: number, includeSessionless: boolean): Row[] {
    return this.#rows.filter(({ record }) => {
      if (record.namespace !== scope.namespace || isOver(record, nowMs)) return false;
      if (scope.agentId !== undefined && record.agentId !== scope.agentId) return false;
      const inSession = record.sessionId === scope.sessionId || (includeSessionless && record.sessionId === null);
      if (scope.sessionId !== undefined && !inSession) return false;
      return scope.filter === undefined || matchesFilter(record, scope.filter);
    });
  }

  #find(namespace: string, id: string): Row | undefined {
    return this.#rows.find(({ record }) => record.namespace === namespace && record.id === id);
  }

  #remove(rows: readonly Row[]): void {
    this.#rows = this.#rows.filter((row) => !rows.includes(row));
  }
}

function isOver(record: ContextRecord, nowMs: number): boolean {
  return record.expiresAtMs !== null && record.expiryAction === 'delete' && record.expiresAtMs <= nowMs;
}

function byCreation(a: Row, b: Row): number {
  return a.record.createdAtMs - b.record.createdAtMs || a.seq - b.seq;
}

function areTurns(earlier: Row, later: Row): boolean {
  const turn = ({ record }: Row) => ({
    hasSpeaker: textTraits(record.text).speaker.length > 0,
    createdAtMs: record.createdAtMs,
  });
  return followsInConversation(turn(earlier), turn(later));
}
