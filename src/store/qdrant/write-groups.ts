// Calls that wait are written together, as a database far away takes as long for one as for a hundred. They keep their order.

import { abortError } from '../../base/abort.ts';
import { LEVELS } from '../../base/context.ts';
import { CodedError } from '../../base/errors.ts';
import { ChangesFailed, type Outcomes } from '../failed-changes.ts';
import type { Trim, WriteOp, WriteResult } from '../store.ts';
import { awaitWrite } from './await-write.ts';

interface Call {
  readonly ops: readonly WriteOp[];
  readonly bytes: number;
  readonly resolve: (results: WriteResult[]) => void;
  readonly reject: (error: unknown) => void;
}

export interface WriteGroupsOptions {
  /** Does all operations, in order. */
  readonly write: (ops: readonly WriteOp[]) => Promise<WriteResult[]>;
  /** Told where what came before was written, and a level is left with more than it should keep. */
  readonly onTrimFailed: (error: unknown) => void;
  /** Calls that wait; one more is refused with `OVERLOADED`. */
  readonly queueMax: number;
  /** What they weigh, in bytes; below it one more gets in, whatever its size. */
  readonly queueBytesMax: number;
}

/** Operations written together, unless one call alone has more. */
const OPS_MAX = 1_000;
/** Of an operation without its texts and vectors. */
const OP_BYTES = 512;
const RETRY_MS = 250;

export class WriteGroups {
  readonly #options: WriteGroupsOptions;
  readonly #waiting = new Set<Call>();
  #bytes = 0;
  #writing: Promise<void> | undefined;
  /** A group of calls is being written. */
  #isBusy = false;

  constructor(options: WriteGroupsOptions) {
    this.#options = options;
  }

  /** Calls that wait. */
  get length(): number {
    return this.#waiting.size;
  }

  /**
   * Of calls without a `delete_where`. `signal` takes a call away that still waits; of one that is being written it ends
   * the wait alone (`awaitWrite`).
   */
  async add(ops: readonly WriteOp[], signal?: AbortSignal): Promise<WriteResult[]> {
    const { queueMax, queueBytesMax } = this.#options;
    // With nothing being written, what comes is about to be: it does not wait for others.
    if ((this.#isBusy && this.#waiting.size >= queueMax) || this.#bytes >= queueBytesMax)
      throw new CodedError('OVERLOADED', 'too many writes wait for the vector database', { retryAfterMs: RETRY_MS });
    const { promise, resolve, reject } = Promise.withResolvers<WriteResult[]>();
    const call: Call = { ops, bytes: weightOf(ops), resolve, reject };
    this.#waiting.add(call);
    this.#bytes += call.bytes;
    this.#writing ??= this.#run();
    const onAbort = (): void => {
      if (this.#take(call)) reject(abortError(signal as AbortSignal));
    };
    if (signal?.aborted) onAbort();
    else signal?.addEventListener('abort', onAbort, { once: true });
    try {
      return await awaitWrite(promise, ops, signal);
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Resolves when what was added before is written. */
  async idle(): Promise<void> {
    await this.#writing;
  }

  async #run(): Promise<void> {
    // The calls of a tick go together.
    await new Promise(setImmediate);
    while (this.#waiting.size > 0) {
      const group = this.#takeGroup();
      this.#isBusy = true;
      await this.#writeGroup(group);
      this.#isBusy = false;
    }
    this.#writing = undefined;
  }

  #takeGroup(): Call[] {
    const group: Call[] = [];
    let ops = 0;
    for (const next of this.#waiting) {
      ops += next.ops.length;
      if (group.length > 0 && ops > OPS_MAX) break;
      group.push(next);
    }
    for (const call of group) this.#take(call);
    return group;
  }

  /** False: it does not wait any more. */
  #take(call: Call): boolean {
    if (!this.#waiting.delete(call)) return false;
    this.#bytes -= call.bytes;
    return true;
  }

  async #writeGroup(group: readonly Call[]): Promise<void> {
    const { changes, trims } = together(group);
    let outcomes: Outcomes;
    try {
      outcomes = (await this.#options.write(changes)) as Outcomes;
    } catch (error) {
      // Whoever is refused before anything is sent must not be the others' fault.
      if (isRefusedBefore(error) && group.length > 1) {
        for (const call of group) await this.#writeGroup([call]);
        return;
      }
      if (!(error instanceof ChangesFailed)) return group.forEach(({ reject }) => reject(error));
      outcomes = [...error.outcomes];
    }
    const trimmed = await this.#trim(trims);
    const placeOf = new Map(changes.map((op, place) => [op, place]));
    const told = new Set<string>();
    for (const call of group) {
      const own = call.ops.flatMap((op) => outcomes[placeOf.get(op) ?? -1] ?? []);
      const failure = own.find((outcome) => outcome instanceof CodedError);
      if (failure === undefined) call.resolve(resultsOf(call, own as WriteResult[], trimmed, told));
      else call.reject(failure);
    }
  }

  /** By their owners. What they take away is not what was asked for: where they fail, the next write to the level trims it. */
  async #trim(trims: ReadonlyMap<string, WriteOp>): Promise<Map<string, TrimResult>> {
    if (trims.size === 0) return new Map<string, TrimResult>();
    try {
      const results = await this.#options.write([...trims.values()]);
      return new Map([...trims.keys()].map((owner, i) => [owner, results[i] as TrimResult]));
    } catch (error) {
      this.#options.onTrimFailed(error);
      return new Map<string, TrimResult>();
    }
  }
}

type TrimResult = Extract<WriteResult, { readonly op: 'trim' }>;

/** By the checks that come before everything else. */
function isRefusedBefore(error: unknown): boolean {
  return error instanceof CodedError && error.code === 'BAD_REQUEST' && !(error instanceof ChangesFailed);
}

/** All changes in their order, and each trim once, those of the highest level first. */
function together(group: readonly Call[]): { changes: WriteOp[]; trims: Map<string, WriteOp> } {
  const all = group.flatMap((call) => call.ops);
  const levelOf = (op: WriteOp): number => (op.op === 'trim' ? LEVELS.indexOf(op.trim.level) : -1);
  const trims = all.filter(({ op }) => op === 'trim').sort((a, b) => levelOf(a) - levelOf(b));
  return {
    changes: all.filter(({ op }) => op !== 'trim'),
    trims: new Map(trims.flatMap((op) => (op.op === 'trim' ? [[ownerOf(op.trim), op]] : []))),
  };
}

function ownerOf({ namespace, agentId, sessionId, level }: Trim): string {
  return JSON.stringify([namespace, agentId, sessionId, sessionId === undefined, level]);
}

/**
 * In the order of the call's operations. Of a trim that several calls share, the first is told of all that it did; the others
 * of what became of theirs. `told`: the owners of trims that somebody was told of.
 */
function resultsOf(
  { ops }: Call,
  changed: readonly WriteResult[],
  trimmed: ReadonlyMap<string, TrimResult>,
  told: Set<string>,
): WriteResult[] {
  const ids = new Set(
    ops.flatMap((op) => (op.op === 'put' ? [op.context.record.id] : op.op === 'update' ? [op.id] : [])),
  );
  let next = 0;
  return ops.map((op): WriteResult => {
    if (op.op !== 'trim') return changed[next++] as WriteResult;
    const owner = ownerOf(op.trim);
    const { moved, deletedIds } = trimmed.get(owner) ?? { moved: [], deletedIds: [] };
    const isFirst = !told.has(owner);
    told.add(owner);
    if (isFirst) return { op: 'trim', moved, deletedIds };
    return { op: 'trim', moved: moved.filter(({ id }) => ids.has(id)), deletedIds: [] };
  });
}

/** About so many bytes of memory. */
function weightOf(ops: readonly WriteOp[]): number {
  return ops.reduce((bytes, op) => bytes + OP_BYTES + contentBytes(op), 0);
}

function contentBytes(op: WriteOp): number {
  if (op.op === 'delete') return op.ids.length * OP_BYTES;
  if (op.op === 'put' || op.op === 'transfer') {
    const { record, vector, passages = [] } = op.context;
    const vectors = vector.byteLength * (1 + passages.length);
    return 2 * record.text.length + vectors + JSON.stringify(record.metadata).length;
  }
  if (op.op !== 'update') return 0;
  const { text, metadata } = op.patch;
  return (
    (text === undefined ? 0 : 2 * text.text.length + text.vector.byteLength) +
    (metadata === undefined ? 0 : JSON.stringify(metadata).length)
  );
}
