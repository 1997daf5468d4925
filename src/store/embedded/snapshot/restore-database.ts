// A snapshot takes the place of what is in a data folder. Until everything is verified and on the disk beside it, nothing
// changes; then files move by their names alone, and a note that lasts as long keeps servers from opening what is half old
// and half new. Run again after a kill, it goes on from wherever it was.

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StartupError } from '../../../base/errors.ts';
import type { Random } from '../../../base/random.ts';
import { syncFolder } from '../../../base/sync-folder.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';
import type { Restored, RestoreOptions } from '../../snapshot/snapshot-driver.ts';
import { MARK_FILE, writeMark } from '../database/acknowledged-mark.ts';
import {
  closeToOthers,
  DATABASE_FILE,
  INDEX_FOLDER,
  makeFolders,
  refuseOpenElsewhere,
  RESTORE_FILE,
  takeLock,
} from '../database/data-folder.ts';
import { checkCopySeal } from '../database/seal-state.ts';
import type { SealKeys } from '../border/opening-settings.ts';
import { unpackDatabase } from './unpack-database.ts';

const FRESH_FOLDER = 'contexts.restoring';
/** Of a database, its log, its notes, vectors of another model that are being made, and indexes: all that belongs together. */
const DATA = /^contexts\.(db(-wal|-shm|-journal)?|acknowledged|damaged|reembedded-.*)$/;
const PRIVATE_FOLDER = 0o700;
const PRIVATE_FILE = 0o600;

/** What the note says: which files are still where. */
interface Progress {
  /** `old`: some may still have to move aside. `new`: all have, and what is in their places is the snapshot's. */
  readonly inPlace: 'old' | 'new';
  /** Name of the folder that they move to; null: there was nothing. */
  readonly aside: string | null;
}

/** Throws `StartupError` where a server has the folder, where it holds data that may not give way, or the snapshot is damaged or sealed with another key. */
export async function restoreDatabase(
  snapshot: Snapshot,
  dataDir: string,
  { replace, nowMs, seal, random }: RestoreOptions & SealParts,
): Promise<Restored> {
  makeFolders(dataDir);
  const lock = takeLock(dataDir);
  try {
    const begun = readProgress(dataDir);
    const present = dataIn(dataDir);
    if (present.length > 0 && begun === null && !replace) throw notEmpty(dataDir);
    if (begun === null) refuseServer(dataDir);
    const fresh = join(dataDir, FRESH_FOLDER);
    rmSync(fresh, { recursive: true, force: true });
    mkdirSync(fresh, { mode: PRIVATE_FOLDER });
    try {
      await unpackDatabase(snapshot, fresh);
      checkKeys(snapshot.path, fresh, { seal, random });
      writeMark(fresh, snapshot.manifest.last_commit);
      syncFolder(fresh);
      const aside = present.length === 0 ? null : asideName(dataDir, nowMs);
      const progress = begun ?? { inPlace: 'old', aside };
      switchOver(dataDir, progress);
      const keptAside = progress.aside === null ? null : join(dataDir, progress.aside);
      // The file's sum says that it is the one that this was counted in.
      return { contexts: snapshot.manifest.contexts, into: dataDir, keptAside };
    } finally {
      rmSync(fresh, { recursive: true, force: true });
    }
  } finally {
    lock.close();
    closeToOthers(dataDir);
  }
}

interface SealParts {
  readonly seal: SealKeys;
  readonly random: Random;
}

/** Before anything is moved. */
function checkKeys(path: string, fresh: string, { seal, random }: SealParts): void {
  const database = new DatabaseSync(join(fresh, DATABASE_FILE), { readOnly: true });
  try {
    checkCopySeal(database, path, seal, random);
  } finally {
    database.close();
  }
}

function switchOver(dataDir: string, { inPlace, aside }: Progress): void {
  writeProgress(dataDir, { inPlace, aside });
  if (inPlace === 'old') {
    if (aside !== null) moveAside(dataDir, join(dataDir, aside));
    writeProgress(dataDir, { inPlace: 'new', aside });
  } else {
    // Of a restore that was interrupted here: what it had put in place is of that snapshot.
    for (const name of dataIn(dataDir)) rmSync(join(dataDir, name), { recursive: true, force: true });
  }
  const fresh = join(dataDir, FRESH_FOLDER);
  for (const name of [MARK_FILE, DATABASE_FILE]) renameSync(join(fresh, name), join(dataDir, name));
  makeFolders(dataDir);
  syncFolder(dataDir);
  rmSync(join(dataDir, RESTORE_FILE));
  syncFolder(dataDir);
}

function moveAside(dataDir: string, aside: string): void {
  if (!existsSync(aside)) mkdirSync(aside, { mode: PRIVATE_FOLDER });
  for (const name of dataIn(dataDir)) renameSync(join(dataDir, name), join(aside, name));
  syncFolder(aside);
  syncFolder(dataDir);
}

/** Names; the folder of the indexes where there is something in it. */
function dataIn(dataDir: string): string[] {
  const hasIndexes = existsSync(join(dataDir, INDEX_FOLDER)) && readdirSync(join(dataDir, INDEX_FOLDER)).length > 0;
  return [...readdirSync(dataDir).filter((name) => DATA.test(name)), ...(hasIndexes ? [INDEX_FOLDER] : [])];
}

function asideName(dataDir: string, nowMs: number): string {
  const name = `contexts.replaced-${new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '')}`;
  let free = name;
  for (let more = 2; existsSync(join(dataDir, free)); more++) free = `${name}-${more}`;
  return free;
}

/** The lock is ours; a server whose lock file somebody has deleted still has the database open. */
function refuseServer(dataDir: string): void {
  if (!existsSync(join(dataDir, DATABASE_FILE))) return;
  try {
    refuseOpenElsewhere(dataDir);
  } catch (error) {
    if (error instanceof StartupError) throw error;
    // A database that cannot be read is what a restore is for.
  }
}

function readProgress(dataDir: string): Progress | null {
  const path = join(dataDir, RESTORE_FILE);
  if (!existsSync(path)) return null;
  return JSON.parse(readFileSync(path, 'utf8')) as Progress;
}

/** Whole or not at all. */
function writeProgress(dataDir: string, progress: Progress): void {
  const path = join(dataDir, RESTORE_FILE);
  writeFileSync(`${path}.part`, JSON.stringify(progress), { mode: PRIVATE_FILE, flush: true });
  renameSync(`${path}.part`, path);
  syncFolder(dataDir);
}

function notEmpty(dataDir: string): StartupError {
  return new StartupError(
    `the data folder ${dataDir} holds data already`,
    'Nothing was changed. Restore into an empty folder, or say --replace: what is there is then kept aside in the same folder.',
  );
}
