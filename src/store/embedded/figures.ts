// What `stats` says about the driver. With a namespace it tells of nothing beyond it.

import { statSync } from 'node:fs';
import type { OpenDatabase } from './database/database.ts';
import type { IndexKeeper } from './hnsw/index-keeper.ts';
import type { WireStats, WorkerSettings } from './messages.ts';
import type { Residents } from './memory/residents.ts';
import type { Spaces } from './database/spaces.ts';

export interface FigureSources {
  readonly opened: OpenDatabase;
  readonly settings: WorkerSettings;
  readonly spaces: Spaces;
  readonly residents: Residents;
  readonly keeper: IndexKeeper;
}

export function databaseFigures({ opened, settings, spaces, residents, keeper }: FigureSources): WireStats {
  const counts: [number, number, number] = [0, 0, 0];
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
      namespaces,
      resident_namespaces: residents.count,
      indexed_vectors: keeper.indexedCount(),
      index_building: keeper.isBuilding,
      memory_bytes: residents.bytes(),
    },
  };
}

export function namespaceFigures({ settings, spaces, residents, keeper }: FigureSources, namespace: string): WireStats {
  const space = spaces.get(namespace);
  return {
    counts: space === undefined ? [0, 0, 0] : [...space.counts],
    driver: {
      name: 'embedded',
      dimension: settings.dimension,
      quantization: settings.quantization,
      indexed_vectors: space === undefined ? 0 : keeper.indexedCount(space.id),
      memory_bytes: space === undefined ? 0 : residents.bytes(space.id),
    },
  };
}

function fileBytes(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
