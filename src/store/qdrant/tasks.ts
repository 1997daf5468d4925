// Changes as what is to be done to one context each, and what is told of them when it is done, or is not.

import { CodedError, toCodedError } from '../../base/errors.ts';
import type { Outcomes } from '../failed-changes.ts';
import type { Change, ChangeResult, WriteOp } from '../store.ts';
import type { Held, Step } from './held.ts';
import { pointIdOf } from './points.ts';

export interface Task {
  /** Of the change in the call. */
  readonly place: number;
  readonly pointId: string;
  readonly step: Step;
  /** An earlier attempt has deleted it, and found it again in another level. */
  readonly wasDeleted?: boolean;
}

export function tasksOf(change: Change, place: number): Task[] {
  if (change.op === 'put' || change.op === 'transfer') {
    const { namespace, id } = change.context.record;
    return [{ place, pointId: pointIdOf(namespace, id), step: change }];
  }
  const { namespace } = change;
  if (change.op === 'update') return [{ place, pointId: pointIdOf(namespace, change.id), step: change }];
  return [...new Set(change.ids)].map((id) => {
    return { place, pointId: pointIdOf(namespace, id), step: { op: 'delete', namespace, id, onlyIf: change.onlyIf } };
  });
}

/** Stands until the change is done: a delete of no ids is nothing to do. */
export function emptyResult(change: Change): ChangeResult {
  switch (change.op) {
    case 'delete':
      return { op: 'delete', deletedIds: [] };
    case 'put':
      return { op: 'put', conflict: true };
    case 'transfer':
      return { op: 'transfer', outcome: 'conflict', record: change.context.record };
    case 'update':
      return { op: 'update', failed: 'not_found' };
  }
}

/** Notes what became of a task. What is not there any more was deleted by the earlier attempt. */
export function note(outcomes: Outcomes, task: Task, outcome: ChangeResult, held: ReadonlyMap<string, Held>): void {
  const { step, pointId, place, wasDeleted } = task;
  const isGone = wasDeleted === true && held.get(pointId)?.stored === undefined;
  const own: ChangeResult = isGone && step.op === 'delete' ? { op: 'delete', deletedIds: [step.id] } : outcome;
  const before = outcomes[place] as ChangeResult | CodedError;
  if (before instanceof Error) return;
  outcomes[place] = before.op === 'delete' && own.op === 'delete' ? bothDeleted(before, own) : own;
}

type Deleted = Extract<ChangeResult, { readonly op: 'delete' }>;

function bothDeleted(one: Deleted, other: Deleted): Deleted {
  const freed = [...(one.freed ?? []), ...(other.freed ?? [])];
  const deletedIds = [...one.deletedIds, ...other.deletedIds];
  return { op: 'delete', deletedIds, ...(freed.length === 0 ? {} : { freed }) };
}

/** Notes that tasks failed; `mayBeDone`: when they were being written. */
export function noteFailure(outcomes: Outcomes, tasks: readonly Task[], error: unknown, mayBeDone: boolean): void {
  const coded = toCodedError(error);
  for (const { place, step } of tasks) outcomes[place] = mayBeDone && counts(step) ? unknownUpdate(coded) : coded;
}

/** An update of a client's: done twice, it counts a version more, or undoes what came between. */
export function counts(step: Step | WriteOp): boolean {
  return step.op === 'update' && step.updatedAtMs !== undefined;
}

/** The one failure of the database after which nobody may simply try again. */
export function unknownUpdate(cause?: CodedError): CodedError {
  const message = 'the vector database failed while it wrote an update: whether the update was made is not known';
  return new CodedError('STORE_UNAVAILABLE', message, { permanent: true, ...(cause === undefined ? {} : { cause }) });
}
