// What `stats` says about the driver. With a namespace it tells of nothing beyond it.

import { statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { NamespaceSet } from '../../base/namespace-set.ts';
import type { OpenDatabase } from './database/database.ts';
import type { IndexFigures, IndexKeeper } from './hnsw/index-keeper.ts';
import type { WireStats, WorkerSettings } from './border/messages.ts';
import type { WireNamespaces, WireNamespacesRequest } from './border/namespace-messages.ts';
import type { Residents } from './memory/residents.ts';
import { DELETE_ACTION } from './border/rows.ts';
import type { SavedNamespaces } from './saved/saved-namespaces.ts';
import type { Space, Spaces } from './database/spaces.ts';

export interface FigureSources {
  readonly opened: OpenDatabase;
  readonly settings: WorkerSettings;
  readonly spaces: Spaces;
  readonly residents: Residents;
  readonly keeper: IndexKeeper;
  readonly saved: SavedNamespaces;
}

export function databaseFigures(
  { opened, settings, spaces, residents, keeper, saved }: FigureSources,
  nowMs: number,
): WireStats {
  const counts = minusGone([0, 0, 0], opened, nowMs);
  let namespaces = 0;
  for (const space of spaces.all()) {
    space.counts.forEach((count, i) => (counts[i] = (counts[i] as number) + count));
    namespaces++;
  }
  const { version } = opened.database.prepare('SELECT sqlite_version() AS version').get() as { version: string };
  return {
    counts,
    driver: {
      name: 'embedded',
      sqlite_version: version,
      dimension: settings.dimension,
      quantization: settings.quantization,
      database_bytes: fileBytes(opened.path),
      wal_bytes: fileBytes(`${opened.path}-wal`),
      index_bytes: keeper.fileBytes + saved.fileBytes,
      namespaces,
      resident_namespaces: residents.count,
      saved_namespaces: saved.count,
      indexed_vectors: keeper.indexedCount(),
      index_building: keeper.isBuilding,
      ...indexFigures(keeper.tunings()),
      memory_bytes: residents.bytes(),
      encryption: opened.sealer === null ? 'off' : 'aes-256-gcm',
      ...(opened.sealer !== null && { encryption_key_id: opened.sealer.keyId }),
    },
  };
}

export function namespaceFigures(
  { opened, settings, spaces, residents, keeper }: FigureSources,
  namespace: string,
  nowMs: number,
): WireStats {
  const space = spaces.get(namespace);
  return {
    counts: space === undefined ? [0, 0, 0] : minusGone([...space.counts], opened, nowMs, space.id),
    driver: {
      name: 'embedded',
      dimension: settings.dimension,
      quantization: settings.quantization,
      indexed_vectors: space === undefined ? 0 : keeper.indexedCount(space.id),
      ...(space !== undefined && indexFigures(keeper.tunings(space.id))),
      memory_bytes: space === undefined ? 0 : residents.bytes(space.id),
    },
  };
}

/** What the largest index is built and searched with, and the lowest share of the nearest that was measured of any. */
function indexFigures(indexes: readonly IndexFigures[]): Record<string, number> {
  const [largest] = indexes.toSorted((a, b) => b.vectors - a.vectors);
  if (largest === undefined) return {};
  const recalls = indexes.flatMap(({ search }) => search.recall ?? []);
  return {
    index_m: largest.shape.m,
    index_ef_construction: largest.shape.efConstruction,
    index_ef_search: largest.search.efSearch,
    ...(recalls.length > 0 && { index_recall: Math.min(...recalls) }),
  };
}

/** Of the namespaces that are named, or of all that hold contexts, a page of them. */
export function namespaceCounts(
  spaces: Spaces,
  { database }: OpenDatabase,
  { names, among, after, limit }: WireNamespacesRequest,
  nowMs: number,
): WireNamespaces {
  const gone = goneCounts(database, nowMs);
  const rowOf = (name: string, space: Space | undefined): WireNamespaces['rows'][number] => {
    const [first, second, third] = space?.counts ?? [0, 0, 0];
    const [lessFirst, lessSecond, lessThird] = (space && gone.get(space.id)) ?? [0, 0, 0];
    return [name, first - lessFirst, second - lessSecond, third - lessThird];
  };
  if (names !== null) return { rows: names.map((name) => rowOf(name, spaces.get(name))), next: null };
  const wanted = among === null ? null : new NamespaceSet(among);
  const rows: WireNamespaces['rows'][number][] = [];
  for (const space of spaces.all()) {
    if (space.id <= after || wanted?.has(space.name) === false) continue;
    const row = rowOf(space.name, space);
    if (row[1] + row[2] + row[3] > 0 && rows.push(row) === limit) return { rows, next: space.id };
  }
  return { rows, next: null };
}

/** By namespace and level, those whose lifetime has ended and that the sweep has yet to delete. */
function goneCounts(database: DatabaseSync, nowMs: number): ReadonlyMap<number, [number, number, number]> {
  const gone = new Map<number, [number, number, number]>();
  const rows = database
    .prepare(
      `SELECT namespace_id, level, count(*) AS count FROM contexts
        WHERE expires_at IS NOT NULL AND expires_at <= ? AND expiry_action = ? GROUP BY namespace_id, level`,
    )
    .all(nowMs, DELETE_ACTION) as { namespace_id: number; level: number; count: number }[];
  for (const { namespace_id: id, level, count } of rows) {
    const counts = gone.get(id) ?? [0, 0, 0];
    counts[level - 1] = count;
    gone.set(id, counts);
  }
  return gone;
}

/** Without those whose lifetime has ended and that the sweep has yet to delete: no reader sees them. */
function minusGone(
  counts: [number, number, number],
  { database }: OpenDatabase,
  nowMs: number,
  spaceId?: number,
): [number, number, number] {
  const gone = database
    .prepare(
      `SELECT level, count(*) AS count FROM contexts
        WHERE expires_at IS NOT NULL AND expires_at <= ?1 AND expiry_action = ?2 AND (?3 IS NULL OR namespace_id = ?3) GROUP BY level`,
    )
    .all(nowMs, DELETE_ACTION, spaceId ?? null) as { level: number; count: number }[];
  for (const { level, count } of gone) counts[level - 1] = (counts[level - 1] ?? 0) - count;
  return counts;
}

function fileBytes(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
