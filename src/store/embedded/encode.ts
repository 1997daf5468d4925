// The main thread's half of the border: records to rows, rows to records, what a search found.

import type { ContextRecord } from '../../base/context.ts';
import { CodedError } from '../../base/errors.ts';
import { CandidateColumns, type CandidateIds } from '../candidates.ts';
import type {
  Change,
  ChangeResult,
  ContextPatch,
  MovedContext,
  SearchResult,
  TermStatistics,
  TextVectors,
  Trim,
  WriteOp,
  WriteResult,
} from '../store.ts';
import {
  levelName,
  type MovedRow,
  type PackedRows,
  type RecordRow,
  toLevelNumber,
  toPlace,
  toRecord,
  toRow,
  unpackMoved,
  unpackRow,
  unpackRows,
} from './border/rows.ts';
import type {
  WireError,
  WireFindings,
  WireStatistics,
  WireVectors,
  WireWriteOp,
  WireWriteResult,
} from './border/messages.ts';

/** What travels beside the calls of a message: takes it in and gives its place there. */
export interface Parcel {
  row(row: RecordRow): number;
  vector(vector: Float32Array): number;
}

/** What one transaction does: a delete by filter goes through many. */
export type TransactionOp = Exclude<WriteOp, { readonly op: 'delete_where' }>;

export function encodeOp(op: TransactionOp, parcel: Parcel): WireWriteOp {
  switch (op.op) {
    case 'trim':
      return encodeTrim(op.trim);
    default:
      return encodeChange(op, parcel);
  }
}

export function encodeChange(op: Change, parcel: Parcel): WireWriteOp {
  switch (op.op) {
    case 'put': {
      const { record } = op.context;
      const row = parcel.row(toRow(record));
      return { op: 'put', namespace: record.namespace, row, ...encodeVectors(op.context, parcel) };
    }
    case 'transfer': {
      const { namespace } = op.context.record;
      const row = parcel.row(toRow(op.context.record));
      return { op: 'transfer', namespace, row, entered: op.entered, ...encodeVectors(op.context, parcel) };
    }
    case 'update': {
      const { namespace, id, updatedAtMs } = op;
      return {
        op: 'update',
        namespace,
        id,
        updatedAtMs: updatedAtMs ?? null,
        ifVersion: op.ifVersion ?? null,
        onlyIf: op.onlyIf ?? null,
        ...encodePatch(op.patch, parcel),
      };
    }
    case 'delete':
      return { op: 'delete', namespace: op.namespace, ids: op.ids, onlyIf: op.onlyIf ?? null };
  }
}

function encodeVectors({ vector, passages = [], unembedded }: TextVectors, parcel: Parcel): WireVectors {
  const place = parcel.vector(vector);
  for (const passage of passages) parcel.vector(passage);
  return { vector: place, passages: passages.length, unembedded: unembedded ?? null };
}

function encodePatch(patch: ContextPatch, parcel: Parcel) {
  const { text } = patch;
  return {
    text: text === undefined ? null : { text: text.text, tokenCount: text.tokenCount, ...encodeVectors(text, parcel) },
    vectors: patch.vectors === undefined ? null : encodeVectors(patch.vectors, parcel),
    metadata: patch.metadata === undefined ? null : JSON.stringify(patch.metadata),
    tags: patch.tags === undefined ? null : JSON.stringify(patch.tags),
    place: { ...(patch.move && { move: patch.move }), ...(patch.lifetime && { lifetime: patch.lifetime }) },
    accesses: patch.accesses ?? 0,
    times: patch.times ?? null,
  };
}

function encodeTrim(trim: Trim): WireWriteOp {
  return {
    op: 'trim',
    namespace: trim.namespace,
    agentId: trim.agentId,
    sessionId: trim.sessionId,
    level: toLevelNumber(trim.level),
    keep: trim.keep,
    move: trim.move ?? null,
  };
}

export function decodeResult(op: TransactionOp, result: WireWriteResult): WriteResult {
  switch (op.op) {
    case 'trim': {
      const { moved, deletedIds } = result as { moved: PackedRows; deletedIds: readonly string[] };
      return { op: 'trim', moved: unpackMoved(moved).map((row) => toMoved(op.trim.namespace, row)), deletedIds };
    }
    default:
      return decodeChange(op, result);
  }
}

export function decodeChange(op: Change, result: WireWriteResult): ChangeResult {
  switch (op.op) {
    case 'put': {
      if (result === 'created') return { op: 'put', created: true, record: op.context.record };
      if (result === 'conflict') return { op: 'put', conflict: true };
      if (isMissing(result)) return { op: 'put', missing: result.missing };
      const { existing } = result as { existing: PackedRows };
      return { op: 'put', created: false, record: toRecord(op.context.record.namespace, unpackRow(existing, 0)) };
    }
    case 'transfer': {
      const { record } = op.context;
      const { outcome, before, stored } = result as Extract<WireWriteResult, { readonly outcome: unknown }>;
      return {
        op: 'transfer',
        outcome,
        record: stored === null ? record : toRecord(record.namespace, unpackRow(stored, 0)),
        ...(before === null ? {} : { before: levelName(before) }),
      };
    }
    case 'update': {
      const outcome = result as
        | { updated: PackedRows }
        | { failed: 'not_found' | 'version_conflict'; version?: number };
      if ('updated' in outcome) return { op: 'update', record: toRecord(op.namespace, unpackRow(outcome.updated, 0)) };
      return { op: 'update', ...outcome };
    }
    case 'delete':
      return { op: 'delete', deletedIds: (result as { deletedIds: readonly string[] }).deletedIds };
  }
}

function isMissing(result: Exclude<WireWriteResult, string>): result is { readonly missing: readonly string[] } {
  return 'missing' in result;
}

function toMoved(namespace: string, row: MovedRow): MovedContext {
  return { namespace, id: row.id, ...toPlace(row) };
}

export function decodeFindings(
  namespace: string,
  { levels, terms, statistics, count, termCount, columns, ids, idEnds, texts }: WireFindings,
): SearchResult {
  return {
    ...(texts === null ? {} : { records: recordsById(namespace, texts) }),
    levels: levels.map(({ error, ...found }) =>
      error === undefined ? found : { ...found, error: decodeError(error) },
    ),
    terms,
    statistics: decodeStatistics(statistics),
    candidates: {
      columns: new CandidateColumns(count, termCount, columns),
      ids: new PackedIds(ids, idEnds),
    },
  };
}

export function recordsById(namespace: string, rows: PackedRows): Map<string, ContextRecord> {
  return new Map(unpackRows(rows).map((row) => [row.id, toRecord(namespace, row)]));
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

export function decodeError({ code, message, details, retryAfterMs }: WireError): CodedError {
  return new CodedError(code, message, {
    ...(details === undefined ? {} : { details }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

export function decodeStatistics({ frequencies, ...totals }: WireStatistics): TermStatistics {
  return { ...totals, documentFrequencies: frequencies };
}
