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
import type { Random } from '../../base/random.ts';
import type { Change, ChangeResult } from '../store.ts';
import { atRevisions, type CollectionCalls, unchanged, type WriteOperation } from './collection-calls.ts';
import { Held, type Copy, type Step } from './held.ts';
import { isAnywhere, isIn, levelOf, type Plan, revisionsOf, together } from './plans.ts';
import {
  DENSE,
  lengthOf,
  placePayload,
  pointIdOf,
  wordsOf,
  WORDS,
  type FoundPoint,
  type Payload,
  type Point,
  type TextPayload,
} from './points.ts';
import type { Stamps } from './stamps.ts';

/** Contexts that are read, decided and written together. */
const CONTEXTS_AT_ONCE = 250;
/** As many writers may be faster than the one that looks whether it was. */
const EARLIER_REVISIONS = 16;
const ATTEMPTS_MAX = 8;
const RETRY_MS = 100;
const REVISION_BYTES = 9;

interface Task {
  /** Of the change in the call. */
  readonly place: number;
  readonly pointId: string;
  readonly step: Step;
  /** An earlier attempt has deleted it, and found it again in another level. */
  readonly wasDeleted?: boolean;
}

export class Changes {
  readonly #calls: CollectionCalls;
  readonly #stamps: Stamps;
  readonly #random: Random;

  constructor(calls: CollectionCalls, stamps: Stamps, random: Random) {
    this.#calls = calls;
    this.#stamps = stamps;
    this.#random = random;
  }

  async apply(changes: readonly Change[], nowMs: number): Promise<ChangeResult[]> {
    const results = changes.map((change): ChangeResult => emptyResult(change));
    const tasks = changes.flatMap(tasksOf);
    for (let from = 0; from < tasks.length; from += CONTEXTS_AT_ONCE) {
      await this.#run(tasks.slice(from, from + CONTEXTS_AT_ONCE), nowMs, results);
    }
    return results;
  }

  async #run(tasks: readonly Task[], nowMs: number, results: ChangeResult[]): Promise<void> {
    let left = tasks;
    for (let attempt = 1; left.length > 0; attempt++) {
      if (attempt > ATTEMPTS_MAX) {
        throw new CodedError('STORE_UNAVAILABLE', 'others keep changing the same contexts', { retryAfterMs: RETRY_MS });
      }
      const held = await this.#read(left);
      const outcomes = left.map((task) => (held.get(task.pointId) as Held).take(task.step, nowMs));
      const plans = [...held.values()].map((one) => this.#plan(one));
      const lost = await this.#write(plans);
      const again: Task[] = [];
      left.forEach((task, i) => {
        const { place, pointId } = task;
        const outcome = outcomes[i] as ChangeResult;
        if (!lost.has(pointId)) results[place] = merged(results[place] as ChangeResult, outcomeOf(task, outcome, held));
        else again.push(hasDeleted(outcome) && !isUnsettled(held.get(pointId)) ? { ...task, wasDeleted: true } : task);
      });
      left = again;
    }
  }

  async #read(tasks: readonly Task[]): Promise<Map<string, Held>> {
    const ids = [...new Set(tasks.map(({ pointId }) => pointId))];
    const mayMove = tasks.some(({ step }) => step.op === 'update' && step.patch.move !== undefined);
    const found = await Promise.all(LEVELS.map((level) => this.#calls.retrieve(level, ids, true, mayMove)));
    const copies = new Map<string, Copy[]>(ids.map((id) => [id, []]));
    LEVELS.forEach((level, i) => {
      for (const point of found[i] as FoundPoint[]) copies.get(point.id)?.push({ level, point });
    });
    return new Map(ids.map((id) => [id, new Held(id, copies.get(id) as Copy[])]));
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
              payload: { ...placePayload(record), revision, earlier_revisions: earlierOf(stored.point.payload) },
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
  #point({ pointId, stored, content, isNew }: Held, record: ContextRecord, revision: string): Point {
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
      length: lengthOf(dense),
      arrival: before?.arrival ?? this.#stamps.next(),
      entered: before === undefined || isMoved ? this.#stamps.next() : before.entered,
      revision,
      earlier_revisions: before === undefined ? [] : earlierOf(before),
      moved_from: isMoved && !isNew ? stored.level : null,
    };
    return { id: pointId, vector: { [DENSE]: dense, [WORDS]: wordsOf(payload) }, payload };
  }

  /** The points that somebody else was faster with, and those where there was something to clear away first. */
  async #write(plans: readonly Plan[]): Promise<Set<string>> {
    const unsettled = plans.filter(({ held }) => isUnsettled(held));
    const settled = plans.filter(({ held }) => !isUnsettled(held));
    const written = settled.filter((plan) => plan.into !== undefined);
    const deleted = settled.filter((plan) => plan.into === undefined && plan.away !== undefined);
    // What was put where nothing lived any more is no move: what was there before goes first.
    const replaced = written.filter(({ held, away }) => held.isNew && away !== undefined);
    await Promise.all([
      this.#settle(unsettled),
      this.#remove([...deleted, ...replaced].map(({ away }) => away as Copy)),
    ]);
    await this.#writeInto(written.flatMap(({ into }) => into ?? []));
    const lost = new Set(unsettled.map(({ held }) => held.pointId));
    for (const id of await this.#lost(written, deleted)) lost.add(id);
    return lost;
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
    await Promise.all(
      LEVELS.map((level) => {
        const here = writes.filter((write) => write.level === level).map(({ operation }) => operation);
        return this.#calls.write(level, together(here));
      }),
    );
  }

  async #remove(copies: readonly Copy[]): Promise<void> {
    await Promise.all(
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

function isUnsettled(held: Held | undefined): boolean {
  return held !== undefined && held.stale.length > 0;
}

function hasDeleted(outcome: ChangeResult): boolean {
  return outcome.op === 'delete' && outcome.deletedIds.length > 0;
}

/** What is not there any more was deleted by the earlier attempt. */
function outcomeOf(
  { step, pointId, wasDeleted }: Task,
  outcome: ChangeResult,
  held: ReadonlyMap<string, Held>,
): ChangeResult {
  const isGone = wasDeleted === true && held.get(pointId)?.stored === undefined;
  return isGone && step.op === 'delete' ? { op: 'delete', deletedIds: [step.id] } : outcome;
}

function earlierOf({ revision, earlier_revisions: earlier }: Payload): string[] {
  return [revision, ...earlier].slice(0, EARLIER_REVISIONS);
}

function tasksOf(change: Change, place: number): Task[] {
  if (change.op === 'put') {
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
function emptyResult(change: Change): ChangeResult {
  if (change.op === 'delete') return { op: 'delete', deletedIds: [] };
  return change.op === 'put' ? { op: 'put', conflict: true } : { op: 'update', failed: 'not_found' };
}

function merged(before: ChangeResult, outcome: ChangeResult): ChangeResult {
  if (before.op !== 'delete' || outcome.op !== 'delete') return outcome;
  return { op: 'delete', deletedIds: [...before.deletedIds, ...outcome.deletedIds] };
}

function isSame({ point, level }: Copy, record: ContextRecord): boolean {
  const { payload } = point;
  const place = placePayload(record);
  return (
    level === record.level &&
    payload.version === place.version &&
    payload.updated_at === place.updated_at &&
    (payload.expires_at ?? null) === place.expires_at &&
    payload.expiry_action === place.expiry_action &&
    payload.expiry_set_by === place.expiry_set_by &&
    payload.access_count === place.access_count &&
    payload.metadata_json === place.metadata_json &&
    JSON.stringify(payload.tags) === JSON.stringify(place.tags)
  );
}

function textOf({
  text,
  token_count,
  terms,
  term_counts,
  term_count,
  speaker,
  asks,
  text_key,
}: TextPayload): TextPayload {
  return { text, token_count, terms, term_counts, term_count, speaker, asks, text_key };
}
