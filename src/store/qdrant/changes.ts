// Changes without transactions: read what there is, decide, write what follows where nothing has changed meanwhile, and look
// whether it was written. Whoever lost a race against another server does the same again with what is there then.
//
// A kill leaves nothing half done but a move: the context is then in both levels, `newestFirst` tells everybody which
// copy counts, and the next change or sweep removes the other.

import { LEVELS, type ContextRecord, type Level } from '../../base/context.ts';
import { CodedError } from '../../base/errors.ts';
import type { Random } from '../../base/random.ts';
import type { Change, ChangeResult } from '../store.ts';
import { type CollectionCalls, pointBytes, unchanged, type WriteOperation } from './collection-calls.ts';
import { Held, type Copy, type Step } from './held.ts';
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
/** Of points that are inserted by one operation. */
const INSERT_BYTES_MAX = 8 * 1024 * 1024;
const ATTEMPTS_MAX = 8;
const RETRY_MS = 100;
const REVISION_BYTES = 9;

interface Task {
  /** Of the change in the call. */
  readonly place: number;
  readonly pointId: string;
  readonly step: Step;
}

/** What a context becomes in the database. */
interface Plan {
  readonly held: Held;
  readonly revision: string;
  /** In the collection of the level where the context is to be. */
  readonly into?: { readonly level: Level; readonly operation: WriteOperation };
  /** Is to leave its collection, once it is where it is to be. */
  readonly away?: Copy;
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
      outcomes.forEach((outcome, i) => {
        const { place, pointId } = left[i] as Task;
        if (!lost.has(pointId)) results[place] = merged(results[place] as ChangeResult, outcome);
      });
      left = left.filter(({ pointId }) => lost.has(pointId));
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
        : { upsert: { points: [this.#point(held, record, revision)], update_filter: unchanged([stored.point]) } };
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

  /** The points that somebody else was faster with. */
  async #write(plans: readonly Plan[]): Promise<Set<string>> {
    const active = plans.filter(
      (plan) => plan.into !== undefined || plan.away !== undefined || plan.held.stale.length > 0,
    );
    if (active.length === 0) return new Set();
    const stale = active.flatMap(({ held }) => held.stale);
    const moves = active.filter((plan) => plan.into !== undefined);
    const deletes = active.filter((plan) => plan.into === undefined && plan.away !== undefined);
    // What was put where nothing lived any more is no move: what was there before goes first.
    const replaced = moves.filter(({ held, away }) => held.isNew && away !== undefined);
    await this.#remove([...stale, ...[...deletes, ...replaced].map(({ away }) => away as Copy)]);
    await Promise.all(
      LEVELS.map((level) => {
        const here = moves.flatMap(({ into }) => (into?.level === level ? [into.operation] : []));
        return this.#calls.write(level, together(here));
      }),
    );
    const lost = await this.#lost(moves, deletes);
    const moved = moves.filter(({ held, away }) => away !== undefined && !held.isNew && !lost.has(held.pointId));
    await this.#remove(moved.map(({ away }) => away as Copy));
    return lost;
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
    const lost = new Set<string>();
    const missed: Plan[] = [];
    await Promise.all(
      LEVELS.map(async (level) => {
        const here = written.filter(({ into }) => into?.level === level);
        const gone = deleted.filter(({ away }) => away?.level === level);
        const found = await this.#revisions(level, [...here, ...gone]);
        missed.push(...here.filter((plan) => !isIn(found, plan)));
        for (const { held } of gone) if (found.has(held.pointId)) lost.add(held.pointId);
      }),
    );
    if (missed.length === 0) return lost;
    // Somebody may have moved it on since.
    const anywhere = await Promise.all(LEVELS.map((level) => this.#revisions(level, missed)));
    for (const plan of missed) if (!anywhere.some((found) => isIn(found, plan))) lost.add(plan.held.pointId);
    return lost;
  }

  async #revisions(level: Level, plans: readonly Plan[]): Promise<Map<string, readonly string[]>> {
    const ids = plans.map(({ held }) => held.pointId);
    const found = await this.#calls.retrieve(level, ids, ['revision', 'earlier_revisions'], false);
    return new Map(found.map(({ id, payload }) => [id, [payload.revision, ...payload.earlier_revisions]]));
  }
}

function isIn(found: ReadonlyMap<string, readonly string[]>, { held, revision }: Plan): boolean {
  return found.get(held.pointId)?.includes(revision) ?? false;
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

/** Inserts are one operation, or few where they are long. */
function together(operations: readonly WriteOperation[]): WriteOperation[] {
  const inserts: Point[][] = [];
  const others: WriteOperation[] = [];
  let bytes = Infinity;
  for (const operation of operations) {
    if (!('upsert' in operation) || operation.upsert.update_mode !== 'insert_only') {
      others.push(operation);
      continue;
    }
    for (const point of operation.upsert.points) {
      bytes += pointBytes(point);
      if (bytes > INSERT_BYTES_MAX) {
        inserts.push([]);
        bytes = pointBytes(point);
      }
      (inserts.at(-1) as Point[]).push(point);
    }
  }
  return [...inserts.map((points): WriteOperation => ({ upsert: { points, update_mode: 'insert_only' } })), ...others];
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
