// The folder of the database: made where it is missing, readable by its owner alone, held by one process.

import { chmodSync, closeSync, existsSync, lstatSync, openSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { FolderInUse, StartupError } from '../../../base/errors.ts';
import { makeFolder } from '../../../base/make-folder.ts';
import { SQLITE_BUSY, sqliteCode } from './sqlite-errors.ts';

export const DATABASE_FILE = 'contexts.db';
export const LOCK_FILE = 'contexts.lock';
export const INDEX_FOLDER = 'indexes';
/** Of files in that folder: indexes of whole namespaces. */
export const SAVED_EXTENSION = '.columns';
/** Names of files that hold what clients stored, or keys to it. */
const OWN_FILE = /^(contexts\.|secret$)/;
/** What lies beside them without being anybody else's: indexes, secrets of keys, embedding models from the hub, and snapshots. */
const OWN_FOLDERS: ReadonlySet<string> = new Set([INDEX_FOLDER, 'keys', 'models', 'snapshots']);
/** There while a snapshot takes the place of what was there: nobody may open what is half of one and half of the other. */
export const RESTORE_FILE = 'contexts.restore';

/** `context-manager reembed` reads a page at a time, in some milliseconds. */
export const READER_WAIT_MS = 2_000;

const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;
const OTHERS = 0o077;

/** Throws `StartupError` where there is no database. */
export function refuseMissing(dataDir: string): void {
  if (existsSync(join(dataDir, DATABASE_FILE))) return;
  throw new StartupError(`there is no database in ${dataDir}`, 'Correct the folder (vector_db.data_dir).');
}

/** Throws `StartupError` where a restore was interrupted between the old state and the new one. */
export function refuseHalfRestored(dataDir: string): void {
  if (!existsSync(join(dataDir, RESTORE_FILE))) return;
  throw new StartupError(
    `a snapshot was being restored into ${dataDir}, and that was interrupted`,
    'Run `context-manager snapshot restore` again with the same snapshot, or another one, to its end.',
  );
}

/** Throws `StartupError` where the folder or the one of the indexes in it cannot be made. */
export function makeFolders(dataDir: string): void {
  try {
    makeFolder(dataDir, PRIVATE_FOLDER);
    makeFolder(join(dataDir, INDEX_FOLDER), PRIVATE_FOLDER);
  } catch (error) {
    throw new StartupError(
      `the data folder ${dataDir} cannot be made or written`,
      'Check the permissions and the free space, or set vector_db.data_dir to a folder this user may write.',
      error,
    );
  }
}

/**
 * Makes the main file if it is missing, as SQLite gives its log the mode of the main file. Only while no connection has
 * it open: a process that closes a file, by whichever of its descriptors, loses all locks that it has on it (POSIX), and
 * SQLite would not know that its own are gone.
 */
export function makeMainFile(dataDir: string): void {
  closeSync(openSync(join(dataDir, DATABASE_FILE), 'a', PRIVATE_FILE));
}

/**
 * Takes the folder's files from everybody but their owner, whatever the folder was before. The folder itself is closed
 * where nothing of anybody else's lies in it. Gives the paths that others can still read or look into: the file system or another
 * owner refused, or the folder is not the server's alone. Opens nothing (see `makeMainFile`).
 */
export function closeToOthers(dataDir: string): string[] {
  const names = readdirSync(dataDir);
  const own = names.filter((name) => OWN_FILE.test(name)).map((name) => join(dataDir, name));
  const isShared = names.some((name) => !OWN_FILE.test(name) && !OWN_FOLDERS.has(name));
  const indexes = join(dataDir, INDEX_FOLDER);
  const files = [...own, ...(existsSync(indexes) ? readdirSync(indexes).map((name) => join(indexes, name)) : [])];
  const readable = files.filter((path) => !restrict(path, PRIVATE_FILE));
  const folders = isShared ? [indexes] : [indexes, dataDir];
  const open = folders.filter((path) => !restrict(path, PRIVATE_FOLDER));
  return [...readable, ...open, ...(isShared && isOpen(dataDir) ? [dataDir] : [])];
}

function isOpen(folder: string): boolean {
  return process.platform !== 'win32' && (statSync(folder).mode & OTHERS) !== 0;
}

/** False: others can still read it. What is no file or folder of its own, such as a link, is left alone. */
function restrict(path: string, mode: number): boolean {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined || process.platform === 'win32' || (found.mode & OTHERS) === 0) return true;
  if (!found.isFile() && !found.isDirectory()) return false;
  try {
    chmodSync(path, mode);
    return (lstatSync(path).mode & OTHERS) === 0;
  } catch {
    return false;
  }
}

/**
 * A lock that the kernel takes back when the process dies, however it dies: an exclusive SQLite transaction.
 * Throws `StartupError` where another process has it.
 */
export function takeLock(dataDir: string): DatabaseSync {
  const lock = new DatabaseSync(join(dataDir, LOCK_FILE), { open: false });
  try {
    lock.open();
    lock.exec('PRAGMA locking_mode = EXCLUSIVE');
    lock.exec('BEGIN EXCLUSIVE');
    return lock;
  } catch (error) {
    if (lock.isOpen) lock.close();
    if (sqliteCode(error) === SQLITE_BUSY) throw inUse(dataDir, error);
    throw new StartupError(
      `the data folder ${dataDir} cannot be locked`,
      'Check that this user may write the folder and that its disk has room; remove a damaged contexts.lock.',
      error,
    );
  }
}

/** Another process holds the lock. To be asked before this process has opened the database, not after. */
export function isFolderInUse(dataDir: string): boolean {
  try {
    takeLock(dataDir).close();
    return false;
  } catch (error) {
    if (error instanceof StartupError && sqliteCode(error.cause) === SQLITE_BUSY) return true;
    throw error;
  }
}

/**
 * Throws `StartupError` where another process has the database open, though nobody holds the lock file: somebody has
 * deleted it. Every connection to a database with a write-ahead log holds a shared lock on the main file, so that an
 * exclusive one is to be had only where there is none.
 */
export function refuseOpenElsewhere(dataDir: string): void {
  const probe = new DatabaseSync(join(dataDir, DATABASE_FILE));
  try {
    probe.exec(`PRAGMA busy_timeout = ${READER_WAIT_MS}`);
    probe.exec('PRAGMA locking_mode = EXCLUSIVE');
    probe.prepare('SELECT count(*) FROM sqlite_schema').get();
  } catch (error) {
    if (sqliteCode(error) === SQLITE_BUSY) throw inUse(dataDir, error);
    throw error;
  } finally {
    probe.close();
  }
}

function inUse(dataDir: string, cause: unknown): FolderInUse {
  return new FolderInUse(
    `the data folder ${dataDir} is in use by another server`,
    'Stop the other server, or set vector_db.data_dir to another folder.',
    cause,
  );
}
