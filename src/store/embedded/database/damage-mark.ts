// A note beside a database that was found damaged while it was served: the next start must not answer from it either.

import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StartupError } from '../../../base/errors.ts';
import { syncFolder } from '../../../base/sync-folder.ts';
import { DATABASE_FILE } from './data-folder.ts';

export const DAMAGE_FILE = 'contexts.damaged';

const PRIVATE_FILE = 0o600;

/** What is to be done once the note is there. */
export function damageRemedy(dataDir: string): string {
  const path = join(dataDir, DATABASE_FILE);
  const copy = '`context-manager snapshot restore latest --replace`';
  return `Stop the server and restore a snapshot (${copy}) or another copy of ${path}. Or, to go on with what is left, repair it (\`sqlite3 ${path} REINDEX\` makes its indexes anew from its rows). Then delete ${join(dataDir, DAMAGE_FILE)}, which a restored snapshot has done.`;
}

/** That it is there counts, whatever of it the disk takes. Throws the system's error. */
export function writeDamageMark(dataDir: string, fault: string, nowMs: number): void {
  const note = { found_at: new Date(nowMs).toISOString(), fault };
  writeFileSync(join(dataDir, DAMAGE_FILE), `${JSON.stringify(note)}\n`, { mode: PRIVATE_FILE, flush: true });
  syncFolder(dataDir);
}

/** Throws `StartupError` where the database of the folder was found damaged. Without a database there is nothing to be said. */
export function refuseDamaged(dataDir: string): void {
  const path = join(dataDir, DAMAGE_FILE);
  if (!existsSync(path)) return;
  const database = join(dataDir, DATABASE_FILE);
  if ((statSync(database, { throwIfNoEntry: false })?.size ?? 0) === 0) return rmSync(path);
  throw new StartupError(`${database} was found to be damaged${told(path)}`, damageRemedy(dataDir));
}

/** Nothing where the note cannot be read. */
function told(path: string): string {
  try {
    const { found_at: at, fault } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    return typeof at === 'string' && typeof fault === 'string' ? ` at ${at}: ${fault}` : '';
  } catch {
    return '';
  }
}
