import { join } from 'node:path';
import type { Settings } from './settings.ts';

/** Where snapshots lie. */
export function snapshotFolder({ snapshots, vectorDb }: Pick<Settings, 'snapshots' | 'vectorDb'>): string {
  return snapshots.folder ?? join(vectorDb.dataDir, 'snapshots');
}
