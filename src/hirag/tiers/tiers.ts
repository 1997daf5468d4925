import type { Clock } from '../../base/clock.ts';
import type { ContextOutline, ContextRecord, Filter, Level } from '../../base/context.ts';
import { CodedError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Metrics } from '../../base/metrics.ts';
import type {
  ContextPatch,
  ContextStore,
  ExpirySweep,
  MovedContext,
  NewContext,
  Trim,
  WriteOp,
  WriteResult,
} from '../../store/store.ts';
import { staysForGood } from '../../store/apply-patch.ts';
import type { Entry, LevelPolicy } from './level-policy.ts';

export interface TiersDeps {
  readonly store: ContextStore;
  readonly policy: LevelPolicy;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** `record` is what is stored in the end; null: the id exists with another text, or what it supersedes is `missing`. */
export interface PutOutcome {
  readonly created: boolean;
  readonly record: ContextRecord | null;
  readonly missing?: readonly string[];
}

/** What must be so when an update is written. */
export type OnlyWhere = Pick<Extract<WriteOp, { op: 'update' }>, 'ifVersion' | 'onlyIf'>;

/**
 * Writes to the levels. The trims that keep L1 and L2 within their bounds ride in the same store call as what
 * overfills them: where that is one transaction (`atomicBatches`) no kill in between leaves a level too full, elsewhere
 * it is too full until the next write to it.
 */
export class Tiers {
  readonly #deps: TiersDeps;

  constructor(deps: TiersDeps) {
    this.#deps = deps;
  }

  /** One outcome per context, in order. From here on nothing is cut off: what this starts, it finishes. `signal`: as the store has it. */
  async put(contexts: readonly NewContext[], signal?: AbortSignal): Promise<PutOutcome[]> {
    const puts = contexts.map((context): WriteOp => ({ op: 'put', context }));
    const trims = this.#trims(contexts.map((context) => context.record));
    const results = await this.#write([...puts, ...trims], signal);
    const moved = movedBy(results);
    return contexts.map((_, i) => {
      const result = results[i];
      if (result?.op !== 'put' || 'conflict' in result) return { created: false, record: null };
      if ('missing' in result) return { created: false, record: null, missing: result.missing };
      return { created: result.created, record: afterMove(result.record, moved) };
    });
  }

  /**
   * `owner`: whose context it is, as it was read; what the patch does follows from what is stored when it is written.
   * null where there is no such context, or none of which the condition is true. Throws `CONFLICT` with the version.
   */
  async update(
    owner: ContextRecord,
    patch: ContextPatch,
    only: OnlyWhere,
    signal?: AbortSignal,
  ): Promise<ContextRecord | null> {
    const { namespace, id } = owner;
    const op: WriteOp = { op: 'update', namespace, id, patch, updatedAtMs: this.#deps.clock.nowMs(), ...only };
    const trims = patch.move === undefined ? [] : this.#trims([{ ...owner, level: patch.move.to }]);
    const results = await this.#write([op, ...trims], signal);
    const [result] = results;
    if (result?.op !== 'update') throw new CodedError('INTERNAL', 'internal error');
    if (!('failed' in result)) return afterMove(result.record, movedBy(results));
    if (result.failed === 'not_found') return null;
    throw versionConflict(result.version);
  }

  /**
   * Of one agent's: what was kept for it (`KEPT`) has its level's lifetime from now on, and what is in L1 still goes to the
   * level below, where there is one.
   */
  async release(contexts: readonly (ContextOutline | null)[]): Promise<void> {
    const { policy, clock } = this.#deps;
    const below = policy.below('immediate');
    const nowMs = clock.nowMs();
    const there = contexts.filter((context) => context !== null);
    const updates = there.flatMap((context): WriteOp[] => {
      const { namespace, id, level } = context;
      const move = below !== undefined && level === 'immediate' ? policy.move(below, nowMs) : undefined;
      const lifetime = staysForGood(context) ? policy.lifetime(move?.to ?? level, nowMs) : undefined;
      if (move === undefined && lifetime === undefined) return [];
      const patch = { ...(move && { move }), ...(lifetime && { lifetime }) };
      return [{ op: 'update', namespace, id, patch, onlyIf: { level } }];
    });
    const moved = there.find(({ level }) => level === 'immediate');
    const trims = below === undefined || moved === undefined ? [] : this.#trims([{ ...moved, level: below }]);
    if (updates.length > 0) await this.#write([...updates, ...trims]);
  }

  /** How many were deleted. */
  async delete(namespace: string, ids: readonly string[], signal?: AbortSignal): Promise<number> {
    return deletedBy(await this.#write([{ op: 'delete', namespace, ids }], signal));
  }

  /** How many were deleted. An absent level or filter restricts nothing; `signal` ends what has deleted nothing yet. */
  async deleteWhere(
    namespace: string,
    restriction: { readonly level?: Level; readonly filter?: Filter },
    signal?: AbortSignal,
  ): Promise<number> {
    return deletedBy(await this.#write([{ op: 'delete_where', namespace, ...restriction }], signal));
  }

  /** One step of the expiry sweep over all namespaces. */
  expire(limit: number): Promise<ExpirySweep> {
    const { store, policy, clock } = this.#deps;
    const nowMs = clock.nowMs();
    return store.expire(nowMs, limit, policy.promotion(nowMs));
  }

  #trims(entered: readonly Entry[]): WriteOp[] {
    return this.#deps.policy.trims(entered, this.#deps.clock.nowMs()).map((trim) => ({ op: 'trim', trim }));
  }

  async #write(ops: readonly WriteOp[], signal?: AbortSignal): Promise<WriteResult[]> {
    const results = await this.#deps.store.write(ops, signal);
    this.#count(ops, results);
    return results;
  }

  #count(ops: readonly WriteOp[], results: readonly WriteResult[]): void {
    results.forEach((result, i) => {
      const op = ops[i];
      if (result.op === 'put' && 'created' in result && result.created && op?.op === 'put') {
        this.#deps.metrics.count('contexts_stored_total', { level: op.context.record.level });
      }
      if (result.op === 'trim' && op?.op === 'trim')
        this.#countTrim(op.trim, result.moved.length, result.deletedIds.length);
    });
  }

  #countTrim(trim: Trim, moved: number, deleted: number): void {
    const { metrics, log } = this.#deps;
    const { level } = trim;
    if (moved > 0 && trim.move !== undefined) {
      const { to } = trim.move;
      metrics.count('contexts_demoted_total', { from: level, to }, moved);
      log.debug({ from: level, to, count: moved }, 'contexts moved down: their level was full');
    }
    if (deleted > 0) {
      metrics.count('contexts_evicted_total', { level }, deleted);
      log.info({ level, count: deleted }, 'contexts deleted: their level was full and the one below is off');
    }
  }
}

export function notFound(): CodedError {
  return new CodedError('NOT_FOUND', 'no such context');
}

export function versionConflict(version: number | undefined): CodedError {
  return new CodedError(
    'CONFLICT',
    'the context has another version',
    version === undefined ? {} : { details: { version } },
  );
}

function deletedBy(results: readonly WriteResult[]): number {
  let deleted = 0;
  for (const result of results)
    if (result.op === 'delete' || result.op === 'delete_where') deleted += result.deletedIds.length;
  return deleted;
}

function movedBy(results: readonly WriteResult[]): Map<string, MovedContext> {
  const moved = new Map<string, MovedContext>();
  for (const result of results) {
    if (result.op === 'trim') for (const context of result.moved) moved.set(keyOf(context), context);
  }
  return moved;
}

function afterMove(record: ContextRecord, moved: ReadonlyMap<string, MovedContext>): ContextRecord {
  const to = moved.size === 0 ? undefined : moved.get(keyOf(record));
  return to === undefined ? record : { ...record, ...to };
}

function keyOf({ namespace, id }: MovedContext): string {
  return `${namespace}/${id}`;
}
