// Changes without transactions: read what there is, decide, write what follows where nothing has changed meanwhile, and look
// whether it was written. Whoever lost a race against another server does the same again with what is there then.
//
// A kill leaves nothing half done but a move: the context is then in both levels, `newestFirst` tells everybody which
// copy counts, and the next change or sweep removes the other.
//
// Two collections have no transaction in common. So whoever deletes looks afterwards whether the context has come up in
// another level, and whoever moves looks, when the copy is written, whether it is still where it was: one of two that meet
// sees the other.

import { LEVELS, type ContextRecord } from '../../base/context.ts';
import { CodedError } from '../../base/errors.ts';
import { LoopTurns } from '../../base/loop-turns.ts';
import type { Random } from '../../base/random.ts';
import { ChangesFailed, ContentRefused, type Outcomes } from '../failed-changes.ts';
import { derivedInTurns } from '../generic/derived-texts.ts';
import type { Change, ChangeResult, TextVectors } from '../store.ts';
import { atRevisions, type CollectionCalls, unchanged, type WriteOperation } from './collection-calls.ts';
import { Held, type Copy } from './held.ts';
import { RequestRefused } from './http-client.ts';
import { type PassageUse, storedVectors } from './passage-use.ts';
import { changedPlace, isAnywhere, isIn, isSame, levelOf, type Plan, revisionsOf, textOf, together } from './plans.ts';
import {
  DENSE,
  derivedText,
  lengthOf,
  PASSAGES,
  placePayload,
  wordsOf,
  WORDS,
  type DerivedText,
  type FoundPoint,
  type Payload,
  type Point,
} from './points.ts';
import type { Stamps } from './stamps.ts';
import { timesPayload } from './times-payload.ts';
import { emptyResult, note, noteFailure, tasksOf, type Task } from './tasks.ts';

/** Contexts that are read, decided and written together. */
const CONTEXTS_AT_ONCE = 250;
/** As many writers may be faster than the one that looks whether it was. */
const EARLIER_REVISIONS = 16;
const ATTEMPTS_MAX = 8;
const RETRY_MS = 100;
const REVISION_BYTES = 9;

export class Changes {
  readonly #calls: CollectionCalls;
  readonly #stamps: Stamps;
  readonly #random: Random;
  readonly #passages: PassageUse;
  readonly #turns = new LoopTurns();

  constructor(calls: CollectionCalls, stamps: Stamps, random: Random, passages: PassageUse) {
    this.#calls = calls;
    this.#passages = passages;
    this.#stamps = stamps;
    this.#random = random;
  }

  async apply(changes: readonly Change[], nowMs: number): Promise<ChangeResult[]> {
    if (changes.some(hasPassages)) await this.#passages.begin();
    const outcomes = changes.map((change): Outcomes[number] => emptyResult(change));
    const tasks = changes.flatMap(tasksOf);
    for (let from = 0; from < tasks.length; from += CONTEXTS_AT_ONCE) {
      const some = tasks.slice(from, from + CONTEXTS_AT_ONCE);
      const steps = some.map(({ step }) => step);
      const derived = await derivedInTurns(steps, derivedText, this.#turns);
      const error = await this.#run(some, nowMs, outcomes, derived);
      // The rest would only wait for the same.
      if (error !== null) noteFailure(outcomes, tasks.slice(from + CONTEXTS_AT_ONCE), error, false);
      if (error !== null) break;
    }
    const failure = outcomes.find((outcome) => outcome instanceof CodedError);
    if (failure !== undefined) throw changes.length === 1 ? failure : new ChangesFailed(failure, outcomes);
    return outcomes as ChangeResult[];
  }

  /** Notes what becomes of each task. Not null: why whatever comes next is not to be tried. */
  async #run(
    tasks: readonly Task[],
    nowMs: number,
    outcomes: Outcomes,
    derived: ReadonlyMap<string, DerivedText>,
  ): Promise<unknown> {
    let left = tasks;
    for (let attempt = 1; left.length > 0; attempt++) {
      let isWriting = false;
      try {
        if (attempt > ATTEMPTS_MAX) throw overtaken();
        const held = await this.#read(left, derived);
        const results = left.map((task) => (held.get(task.pointId) as Held).take(task.step, nowMs));
        const plans = [...held.values()].map((one) => this.#plan(one));
        isWriting = true;
        const { lost, refusal } = await this.#write(plans);
        const again: Task[] = [];
        left.forEach((task, i) => {
          const result = results[i] as ChangeResult;
          if (!lost.has(task.pointId)) note(outcomes, task, result, held);
          else {
            const wasDeleted = hasDeleted(result) && !isUnsettled(held.get(task.pointId));
            again.push(wasDeleted ? { ...task, wasDeleted } : task);
          }
        });
        left = again;
        if (refusal === undefined) continue;
        if (tasks.length > 1) return await this.#runApart(left, nowMs, outcomes, derived);
        noteFailure(outcomes, left, new ContentRefused(refusal), false);
        return null;
      } catch (error) {
        const isRefused = error instanceof CodedError && !error.retryable;
        noteFailure(outcomes, left, error, isWriting && !isRefused);
        return error;
      }
    }
    return null;
  }

  /** What it is that the database refuses shows when each is written alone. */
  async #runApart(
    tasks: readonly Task[],
    nowMs: number,
    outcomes: Outcomes,
    derived: ReadonlyMap<string, DerivedText>,
  ): Promise<unknown> {
    for (const [i, task] of tasks.entries()) {
      const error = await this.#run([task], nowMs, outcomes, derived);
      if (error === null) continue;
      noteFailure(outcomes, tasks.slice(i + 1), error, false);
      return error;
    }
    return null;
  }

  async #read(tasks: readonly Task[], derived: ReadonlyMap<string, DerivedText>): Promise<Map<string, Held>> {
    const ids = [...new Set(tasks.map(({ pointId }) => pointId))];
    const mayMove = tasks.some(({ step }) => step.op === 'update' && step.patch.move !== undefined);
    const vectors = mayMove ? storedVectors(this.#passages) : false;
    const found = await Promise.all(LEVELS.map((level) => this.#calls.retrieve(level, ids, true, vectors)));
    const copies = new Map<string, Copy[]>(ids.map((id) => [id, []]));
    LEVELS.forEach((level, i) => {
      for (const point of found[i] as FoundPoint[]) copies.get(point.id)?.push({ level, point });
    });
    return new Map(ids.map((id) => [id, new Held(id, copies.get(id) as Copy[], derived)]));
  }

  #plan(held: Held): Plan {
    const { stored, record } = held;
    const revision = Buffer.from(this.#random.bytes(REVISION_BYTES)).toString('base64url');
    if (record === null) return { held, revision, ...(stored === undefined ? {} : { away: stored }) };
    const { level } = record;
    if (stored === undefined)
      return { held, revision, into: { level, operation: this.#insert(held, record, revision) } };
    if (stored.level !== level) {
      return { held, revision, into: { level, operation: this.#insert(held, record, revision) }, away: stored };
    }
    if (held.content === undefined && isSame(stored, record)) return { held, revision };
    const operation: WriteOperation =
      held.content === undefined
        ? {
            set_payload: {
              payload: {
                ...changedPlace(stored, record),
                revision,
                earlier_revisions: earlierOf(stored.point.payload),
              },
              filter: unchanged([stored.point]),
            },
          }
        : {
            upsert: {
              points: [this.#point(held, record, revision)],
              // What was deleted meanwhile stays so.
              update_mode: 'update_only',
              update_filter: unchanged([stored.point]),
            },
          };
    return { held, revision, into: { level, operation } };
  }

  #insert(held: Held, record: ContextRecord, revision: string): WriteOperation {
    return { upsert: { points: [this.#point(held, record, revision)], update_mode: 'insert_only' } };
  }

  /** All of it: a new context, one with a new text, or one in a new level. */
  #point({ pointId, stored, content, isNew, entered }: Held, record: ContextRecord, revision: string): Point {
    const before = isNew ? undefined : stored?.point.payload;
    const isMoved = stored !== undefined && stored.level !== record.level;
    const dense = content?.dense ?? stored?.point.vector?.[DENSE] ?? [];
    const payload: Payload = {
      namespace: record.namespace,
      id: record.id,
      agent_id: record.agentId,
      session_id: record.sessionId,
      created_at: record.createdAtMs,
      ...textOf(content?.payload ?? (before as Payload)),
      ...placePayload(record),
      ...timesPayload(record.times),
      length: lengthOf(dense),
      unembedded: content === undefined ? (before?.unembedded ?? null) : content.unembedded,
      arrival: before?.arrival ?? this.#stamps.next(),
      entered: entered ?? (before === undefined || isMoved ? this.#stamps.next() : before.entered),
      revision,
      earlier_revisions: before === undefined ? [] : earlierOf(before),
      moved_from: isMoved && !isNew ? stored.level : null,
    };
    const passages = content?.passages ?? stored?.point.vector?.[PASSAGES] ?? [];
    const vector = { [DENSE]: dense, [WORDS]: wordsOf(payload), ...(passages.length > 0 && { [PASSAGES]: passages }) };
    return { id: pointId, vector, payload };
  }

  /**
   * The points that somebody else was faster with, those where there was something to clear away first, and those that
   * are not written as the database refused them, or others beside them (`refusal`).
   */
  async #write(plans: readonly Plan[]): Promise<{ lost: Set<string>; refusal: RequestRefused | undefined }> {
    const unsettled = plans.filter(({ held }) => isUnsettled(held));
    const settled = plans.filter(({ held }) => !isUnsettled(held));
    const written = settled.filter((plan) => plan.into !== undefined);
    const deleted = settled.filter((plan) => plan.into === undefined && plan.away !== undefined);
    // What was put where nothing lived any more is no move: what was there before goes first.
    const replaced = written.filter(({ held, away }) => held.isNew && away !== undefined);
    let refusal: RequestRefused | undefined;
    try {
      await all([this.#settle(unsettled), this.#remove([...deleted, ...replaced].map(({ away }) => away as Copy))]);
      await this.#writeInto(written.flatMap(({ into }) => into ?? []));
    } catch (error) {
      if (!(error instanceof RequestRefused) || !error.isOfContent) throw error;
      refusal = error;
    }
    const lost = new Set(unsettled.map(({ held }) => held.pointId));
    for (const id of await this.#lost(written, deleted)) lost.add(id);
    return { lost, refusal };
  }

  /**
   * Takes copies away that do not count. The one that does gets a new revision before: a server that is still moving the
   * context tells by it that it was helped, and not that the context was deleted.
   */
  async #settle(plans: readonly Plan[]): Promise<void> {
    if (plans.length === 0) return;
    const marks = plans.map(({ held, revision }) => {
      const { level, point } = held.stored as Copy;
      const payload = { revision, earlier_revisions: earlierOf(point.payload) };
      return { level, operation: { set_payload: { payload, filter: unchanged([point]) } } };
    });
    await this.#writeInto(marks);
    const found = await revisionsOf(this.#calls, (level) => plans.filter(({ held }) => held.stored?.level === level));
    const marked = plans.filter((plan) => isIn(found[(plan.held.stored as Copy).level], plan));
    await this.#remove(marked.flatMap(({ held }) => held.stale));
  }

  async #writeInto(writes: readonly Required<Plan>['into'][]): Promise<void> {
    await all(
      LEVELS.map((level) => {
        const here = writes.filter((write) => write.level === level).map(({ operation }) => operation);
        return this.#calls.write(level, together(here));
      }),
    );
  }

  async #remove(copies: readonly Copy[]): Promise<void> {
    await all(
      LEVELS.map((level) => {
        const points = copies.filter((copy) => copy.level === level).map(({ point }) => point);
        return this.#calls.write(level, points.length === 0 ? [] : [{ delete: { filter: unchanged(points) } }]);
      }),
    );
  }

  async #lost(written: readonly Plan[], deleted: readonly Plan[]): Promise<Set<string>> {
    const found = await revisionsOf(this.#calls, (level) => [
      ...written.filter(({ into, away }) => into?.level === level || away?.level === level),
      ...deleted,
    ]);
    const lost = new Set(deleted.flatMap(({ held: { pointId } }) => (isAnywhere(found, pointId) ? [pointId] : [])));
    const missed = written.filter((plan) => !isIn(found[levelOf(plan)], plan));
    const moved = written.filter(({ held, away }) => away !== undefined && !held.isNew);
    // From where it was it has gone, or was changed there.
    const overtaken = moved.filter((plan) => {
      const { level, point } = plan.away as Copy;
      return !missed.includes(plan) && found[level].get(plan.held.pointId)?.[0] !== point.payload.revision;
    });
    for (const plan of await this.#notMovedOn(missed)) lost.add(plan.held.pointId);
    for (const plan of await this.#withdraw(overtaken)) lost.add(plan.held.pointId);
    const gone = moved.filter((plan) => !overtaken.includes(plan) && !lost.has(plan.held.pointId));
    await this.#remove(gone.map(({ away }) => away as Copy));
    return lost;
  }

  /** Those that nobody has moved on since. */
  async #notMovedOn(missed: readonly Plan[]): Promise<Plan[]> {
    if (missed.length === 0) return [];
    const found = await revisionsOf(this.#calls, () => missed);
    return missed.filter((plan) => !LEVELS.some((level) => isIn(found[level], plan)));
  }

  /** Takes back what was moved, unless somebody has gone on with it. */
  async #withdraw(overtaken: readonly Plan[]): Promise<Plan[]> {
    if (overtaken.length === 0) return [];
    const withdrawals = overtaken.map((plan) => {
      const filter = atRevisions([plan.held.pointId], [plan.revision]);
      return { level: levelOf(plan), operation: { delete: { filter } } };
    });
    await this.#writeInto(withdrawals);
    return this.#notMovedOn(overtaken);
  }
}

/** Waits for every one, also where one fails: what is still being written cannot be looked at. */
async function all(writes: readonly Promise<unknown>[]): Promise<void> {
  const outcomes = await Promise.allSettled(writes);
  for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason;
}

function overtaken(): CodedError {
  return new CodedError('STORE_UNAVAILABLE', 'others keep changing the same contexts', { retryAfterMs: RETRY_MS });
}

function vectorsOf(change: Change): readonly (TextVectors | undefined)[] {
  if (change.op === 'delete') return [];
  return change.op === 'update' ? [change.patch.text, change.patch.vectors] : [change.context];
}

function hasPassages(change: Change): boolean {
  return vectorsOf(change).some((made) => (made?.passages ?? []).length > 0);
}

function isUnsettled(held: Held | undefined): boolean {
  return held !== undefined && held.stale.length > 0;
}

function hasDeleted(outcome: ChangeResult): boolean {
  return outcome.op === 'delete' && outcome.deletedIds.length > 0;
}

function earlierOf({ revision, earlier_revisions: earlier }: Payload): string[] {
  return [revision, ...earlier].slice(0, EARLIER_REVISIONS);
}
