// Calls that wait are written together, as a database far away takes as long for one as for a hundred. They keep their order.

import { LEVELS } from '../../base/context.ts';
import { CodedError } from '../../base/errors.ts';
import type { Trim, WriteOp, WriteResult } from '../store.ts';

interface Call {
  readonly ops: readonly WriteOp[];
  readonly resolve: (results: WriteResult[]) => void;
  readonly reject: (error: unknown) => void;
}

type Write = (ops: readonly WriteOp[]) => Promise<WriteResult[]>;

/** Operations written together, unless one call alone has more. */
const OPS_MAX = 1_000;

export class WriteGroups {
  readonly #write: Write;
  readonly #waiting: Call[] = [];
  #writing: Promise<void> | undefined;

  /** `write` does all operations of a group, in order. */
  constructor(write: Write) {
    this.#write = write;
  }

  /** Of calls without a `delete_where`. */
  add(ops: readonly WriteOp[]): Promise<WriteResult[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ ops, resolve, reject });
      this.#writing ??= this.#run();
    });
  }

  /** Resolves when what was added before is written. */
  async idle(): Promise<void> {
    await this.#writing;
  }

  async #run(): Promise<void> {
    // The calls of a tick go together.
    await new Promise(setImmediate);
    while (this.#waiting.length > 0) await this.#writeGroup(this.#takeGroup());
    this.#writing = undefined;
  }

  #takeGroup(): Call[] {
    const group: Call[] = [];
    let ops = 0;
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      ops += next.ops.length;
      if (group.length > 0 && ops > OPS_MAX) break;
      group.push(next);
      this.#waiting.shift();
    }
    return group;
  }

  async #writeGroup(group: readonly Call[]): Promise<void> {
    try {
      const { ops, places } = together(group);
      const results = await this.#write(ops);
      group.forEach((call, i) => call.resolve(resultsOf(call, places[i] as number[], results, i, places)));
    } catch (error) {
      const isOnesOwn = group.length > 1 && error instanceof CodedError && !error.retryable;
      if (!isOnesOwn) return group.forEach(({ reject }) => reject(error));
      // What one of them is refused for must not be the others' fault.
      for (const call of group) await this.#writeGroup([call]);
    }
  }
}

/**
 * All changes in their order, then each trim once, those of the highest level first. `places`: where the results of a
 * call's operations will stand.
 */
function together(group: readonly Call[]): { ops: WriteOp[]; places: number[][] } {
  const all = group.flatMap((call) => call.ops);
  const trims = new Map(all.flatMap((op) => (op.op === 'trim' ? [[ownerOf(op.trim), op]] : [])));
  const levelOf = (op: WriteOp): number => (op.op === 'trim' ? LEVELS.indexOf(op.trim.level) : -1);
  const ops = [
    ...all.filter(({ op }) => op !== 'trim'),
    ...[...trims.values()].sort((a, b) => levelOf(a) - levelOf(b)),
  ];
  const placeOf = new Map(ops.map((op, place) => [op.op === 'trim' ? ownerOf(op.trim) : op, place]));
  const places = group.map((call) =>
    call.ops.map((op) => placeOf.get(op.op === 'trim' ? ownerOf(op.trim) : op) as number),
  );
  return { ops, places };
}

function ownerOf({ namespace, agentId, sessionId, level }: Trim): string {
  return JSON.stringify([namespace, agentId, sessionId, sessionId === undefined, level]);
}

/** Of a trim that several calls share, the first is told of all that it did; the others of what became of theirs. */
function resultsOf(
  { ops }: Call,
  own: readonly number[],
  results: readonly WriteResult[],
  turn: number,
  places: readonly (readonly number[])[],
): WriteResult[] {
  const ids = new Set(
    ops.flatMap((op) => (op.op === 'put' ? [op.context.record.id] : op.op === 'update' ? [op.id] : [])),
  );
  return own.map((place) => {
    const result = results[place] as WriteResult;
    const isShared = places.slice(0, turn).some((earlier) => earlier.includes(place));
    if (result.op !== 'trim' || !isShared) return result;
    return { op: 'trim', moved: result.moved.filter(({ id }) => ids.has(id)), deletedIds: [] };
  });
}
