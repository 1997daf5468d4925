// The main thread's half of the border: records to rows, rows to records, what a search found.

import { CandidateColumns, type CandidateIds } from '../candidates.ts';
import type { ContextPatch, MovedContext, SearchResult, TermStatistics, Trim, WriteOp, WriteResult } from '../store.ts';
import {
  actionName,
  actionNumber,
  levelName,
  type RecordRow,
  toLevelNumber,
  toRecord,
  toRow,
} from './database/rows.ts';
import type { MovedRow, WireFindings, WireStatistics, WireWriteOp, WireWriteResult } from './messages.ts';

/** Takes a vector into the message's packed buffer and gives its place there. */
export type PackVector = (vector: Float32Array) => number;

export function encodeOp(op: WriteOp, pack: PackVector): WireWriteOp {
  switch (op.op) {
    case 'put': {
      const { record, vector } = op.context;
      return { op: 'put', namespace: record.namespace, row: toRow(record), vector: pack(vector) };
    }
    case 'update': {
      const { namespace, id, updatedAtMs } = op;
      return {
        op: 'update',
        namespace,
        id,
        updatedAtMs,
        ifVersion: op.ifVersion ?? null,
        ...encodePatch(op.patch, pack),
      };
    }
    case 'delete':
      return op;
    case 'delete_where': {
      const level = op.level === undefined ? null : toLevelNumber(op.level);
      return { op: 'delete_where', namespace: op.namespace, level, filter: op.filter ?? null };
    }
    case 'trim':
      return encodeTrim(op.trim);
  }
}

function encodePatch(patch: ContextPatch, pack: PackVector) {
  const { text, expiry } = patch;
  return {
    text: text === undefined ? null : { text: text.text, tokenCount: text.tokenCount, vector: pack(text.vector) },
    metadata: patch.metadata === undefined ? null : JSON.stringify(patch.metadata),
    tags: patch.tags === undefined ? null : JSON.stringify(patch.tags),
    level: patch.level === undefined ? null : toLevelNumber(patch.level),
    expiry: expiry === undefined ? null : { atMs: expiry.atMs, action: actionNumber(expiry.action) },
  };
}

function encodeTrim(trim: Trim): WireWriteOp {
  const { moveTo } = trim;
  return {
    op: 'trim',
    namespace: trim.namespace,
    agentId: trim.agentId,
    sessionId: trim.sessionId,
    level: toLevelNumber(trim.level),
    keep: trim.keep,
    moveTo:
      moveTo === undefined
        ? null
        : {
            level: toLevelNumber(moveTo.level),
            expiresAtMs: moveTo.expiresAtMs,
            action: actionNumber(moveTo.expiryAction),
          },
  };
}

export function decodeResult(op: WriteOp, result: WireWriteResult): WriteResult {
  switch (op.op) {
    case 'put': {
      if (result === 'created') return { op: 'put', created: true, record: op.context.record };
      if (result === 'conflict') return { op: 'put', conflict: true };
      return {
        op: 'put',
        created: false,
        record: toRecord(op.context.record.namespace, (result as { existing: RecordRow }).existing),
      };
    }
    case 'update': {
      const outcome = result as { updated: RecordRow } | { failed: 'not_found' | 'version_conflict'; version?: number };
      if ('updated' in outcome) return { op: 'update', record: toRecord(op.namespace, outcome.updated) };
      return { op: 'update', ...outcome };
    }
    case 'delete':
    case 'delete_where':
      return { op: op.op, deletedIds: (result as { deletedIds: readonly string[] }).deletedIds };
    case 'trim': {
      const { moved, deletedIds } = result as { moved: readonly MovedRow[]; deletedIds: readonly string[] };
      return { op: 'trim', moved: moved.map((row) => toMoved(op.trim.namespace, row)), deletedIds };
    }
  }
}

function toMoved(namespace: string, [id, agentId, sessionId, level, expiresAtMs, action]: MovedRow): MovedContext {
  return { namespace, id, agentId, sessionId, level: levelName(level), expiresAtMs, expiryAction: actionName(action) };
}

export function decodeFindings({ levels, statistics, count, columns, ids, idEnds }: WireFindings): SearchResult {
  return {
    levels,
    statistics: decodeStatistics(statistics),
    candidates: {
      columns: new CandidateColumns(count, statistics.frequencies.length, columns),
      ids: new PackedIds(ids, idEnds),
    },
  };
}

class PackedIds implements CandidateIds {
  readonly length: number;
  readonly #packed: string;
  readonly #ends: Uint32Array;

  constructor(packed: string, ends: Uint32Array) {
    this.length = ends.length;
    this.#packed = packed;
    this.#ends = ends;
  }

  at(place: number): string | undefined {
    const end = this.#ends[place];
    return end === undefined ? undefined : this.#packed.slice(this.#ends[place - 1] ?? 0, end);
  }
}

export function decodeStatistics({ documentCount, averageTermCount, frequencies }: WireStatistics): TermStatistics {
  return { documentCount, averageTermCount, documentFrequencies: frequencies };
}
