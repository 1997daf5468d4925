// What becomes of contexts in the database, and how a writer tells that it has.

import { LEVELS, type ContextRecord, type Level } from '../../base/context.ts';
import { type CollectionCalls, pointBytes, type WriteOperation } from './collection-calls.ts';
import type { Copy, Held } from './held.ts';
import { type Payload, placePayload, type Point, type TextPayload } from './points.ts';
import { timesChange, timesOf, timesPayload } from './times-payload.ts';

/** Of points that are inserted by one operation. */
const INSERT_BYTES_MAX = 8 * 1024 * 1024;

/** What a context becomes in the database. */
export interface Plan {
  readonly held: Held;
  readonly revision: string;
  /** In the collection of the level where the context is to be. */
  readonly into?: { readonly level: Level; readonly operation: WriteOperation };
  /** Is to leave its collection, once it is where it is to be. */
  readonly away?: Copy;
}

export type Revisions = Readonly<Record<Level, ReadonlyMap<string, readonly string[]>>>;

export function levelOf({ into }: Plan): Level {
  return (into as Required<Plan>['into']).level;
}

/** Of the plans' points, by level: the revisions that each has had there, the last one first. */
export async function revisionsOf(
  calls: CollectionCalls,
  plansOf: (level: Level) => readonly Plan[],
): Promise<Revisions> {
  const [immediate, shortTerm, longTerm] = await Promise.all(
    LEVELS.map(async (level) => {
      const ids = plansOf(level).map(({ held }) => held.pointId);
      const found = await calls.retrieve(level, ids, ['revision', 'earlier_revisions'], false);
      return new Map(found.map(({ id, payload }) => [id, [payload.revision, ...payload.earlier_revisions]]));
    }),
  );
  const nothing = new Map<string, string[]>();
  return { immediate: immediate ?? nothing, short_term: shortTerm ?? nothing, long_term: longTerm ?? nothing };
}

export function isIn(found: ReadonlyMap<string, readonly string[]>, { held, revision }: Plan): boolean {
  return found.get(held.pointId)?.includes(revision) ?? false;
}

export function isAnywhere(found: Revisions, pointId: string): boolean {
  return LEVELS.some((level) => found[level].has(pointId));
}

/** Inserts are one operation, or few where they are long. */
export function together(operations: readonly WriteOperation[]): WriteOperation[] {
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

/** Without the access count where it stays: others may be adding to it, which no revision tells. */
export function changedPlace({ point }: Copy, record: ContextRecord): Partial<Payload> {
  const { access_count: accessCount, ...place } = placePayload(record);
  const changed = { ...place, ...timesChange(point.payload, record.times) };
  return accessCount === point.payload.access_count ? changed : { ...changed, access_count: accessCount };
}

/** Nothing of the record is to be written. */
export function isSame({ point, level }: Copy, record: ContextRecord): boolean {
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
    JSON.stringify(payload.tags) === JSON.stringify(place.tags) &&
    JSON.stringify(timesPayload(timesOf(payload))) === JSON.stringify(timesPayload(record.times))
  );
}

export function textOf({
  text,
  token_count,
  terms,
  term_counts,
  term_count,
  asks,
  told_times = [],
  text_key,
}: TextPayload): TextPayload {
  return { text, token_count, terms, term_counts, term_count, asks, told_times, text_key };
}
