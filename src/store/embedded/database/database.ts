// Opens the data folder: one process at a time, only a database of ours, only with the embedding it was made with.

import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { StartupError } from '../../../base/errors.ts';
import { type EmbeddingIdentity, isSameEmbedding } from '../../reembedding.ts';
import { AcknowledgedMark, refuseLostCommits } from './acknowledged-mark.ts';
import {
  closeToOthers,
  DATABASE_FILE,
  INDEX_FOLDER,
  makeFolders,
  makeMainFile,
  READER_WAIT_MS,
  refuseHalfRestored,
  refuseOpenElsewhere,
  takeLock,
} from './data-folder.ts';
import { refuseDamaged } from './damage-mark.ts';
import { readEmbedding, takeNewVectors, writeEmbedding } from './embedding-switch.ts';
import { leaveSumOfFreePages, settleFreePages, sumOfFreePages } from './free-pages.ts';
import { FileIdentity } from './file-identity.ts';
import { migrate } from './migrations.ts';
import { hasNewVectors, removeNewVectors } from './new-vectors.ts';
import type { Random } from '../../../base/random.ts';
import { type Resealed, type ResealProgress, settleSeal } from './reseal.ts';
import { type OpeningSettings, START_CHECK_BOUNDS } from '../border/opening-settings.ts';
import type { Sealer } from './sealer.ts';
import { DamageError, isDamage, sqliteCode } from './sqlite-errors.ts';
import { setMeta } from './small-sums.ts';
import { checkBeside, checkTerms, faultOf, isCompared } from './start-check.ts';

/** Marks the file as ours in its header (`PRAGMA application_id`): "CtxM". */
const APPLICATION_ID = 0x4374784d;
const SQLITE_HEADER = 'SQLite format 3\0';
/** Inner pages and those just written; what is not in it comes from the system's cache, no slower for questions and writes at 100,000 contexts. */
const PAGE_CACHE_KIB = 8 * 1024;

export interface DatabaseSettings extends OpeningSettings {
  readonly dataDir: string;
  readonly embeddingId: string;
  readonly dimension: number;
  /** Texts that are sealed anew and have more bytes are packed; absent or 0: none is. */
  readonly compressionThresholdBytes?: number;
}

/** What opening takes beside settings. */
export interface DatabaseParts {
  readonly random: Random;
  /** Of a re-seal that was interrupted and goes on. */
  readonly onReseal?: (progress: ResealProgress) => void;
}

export interface Reembedded {
  readonly from: string;
  readonly contexts: number;
}

export interface OpenDatabase {
  readonly database: DatabaseSync;
  readonly path: string;
  readonly indexFolder: string;
  /** 16 bytes that make list cursors unreadable and of no use in another database. */
  readonly cursorKey: Buffer;
  /** Files that others can read although they should not. */
  readonly readableByOthers: readonly string[];
  /** To be told of each commit before it is acknowledged. */
  readonly mark: AcknowledgedMark;
  /** Of the database and its log. */
  readonly files: FileIdentity;
  /** By what the vectors were made whose place new ones have just taken, and of how many contexts; else null. */
  readonly reembedded: Reembedded | null;
  /** What was sealed just now, as it had been interrupted; else null. */
  readonly resealed: Resealed | null;
  /** null: nothing is sealed. */
  readonly sealer: Sealer | null;
  /** False: it was too large to look for each row in each index. */
  readonly isCompared: boolean;
  close(): void;
}

/** Throws `StartupError` with the remedy; no existing file is overwritten. */
export function openDatabase(settings: DatabaseSettings, { random, onReseal }: DatabaseParts): OpenDatabase {
  const { dataDir, seal: keys, compressionThresholdBytes: packFromBytes = 0 } = settings;
  return openLocked(settings, (database, lock, path) => {
    const { sealer, resealed } = settleSeal({
      ...{ database, dataDir, path, keys, random, packFromBytes },
      onProgress: onReseal,
    });
    const wasCompared = isCompared(database, settings.startCheck ?? START_CHECK_BOUNDS);
    if (wasCompared) checkTerms(database, sealer);
    if (wasCompared) checkBeside(database);
    const reembedded = settleEmbedding(database, settings, sealer);
    return { ...opened(database, lock, dataDir, path), sealer, resealed, reembedded, isCompared: wasCompared };
  });
}

/**
 * What `work` makes of the folder's database, which is this process' alone; where it throws it is closed. Throws
 * `StartupError` as `openDatabase`.
 */
export function openLocked<T>(
  settings: Pick<DatabaseSettings, 'dataDir' | 'databasePagesMax' | 'startCheck'>,
  work: (database: DatabaseSync, lock: DatabaseSync, path: string) => T,
): T {
  const { dataDir } = settings;
  const path = join(dataDir, DATABASE_FILE);
  makeFolders(dataDir);
  const lock = takeLock(dataDir);
  let database: DatabaseSync | undefined;
  try {
    refuseHalfRestored(dataDir);
    refuseDamaged(dataDir);
    checkFiles(path, join(dataDir, INDEX_FOLDER));
    makeMainFile(dataDir);
    closeToOthers(dataDir);
    refuseLostCommits(dataDir);
    refuseOpenElsewhere(dataDir);
    const freePages = sumOfFreePages(path);
    database = new DatabaseSync(path);
    configure(database, settings);
    checkOrigin(database, path);
    migrate(database);
    const fault = faultOf(database, settings.startCheck ?? START_CHECK_BOUNDS);
    if (fault !== null) throw damaged(path, fault);
    settleFreePages(database, freePages);
    return work(database, lock, path);
  } catch (error) {
    if (database?.isOpen) database.close();
    lock.close();
    throw explain(error, path);
  }
}

function opened(
  database: DatabaseSync,
  lock: DatabaseSync,
  dataDir: string,
  path: string,
): Omit<OpenDatabase, 'sealer' | 'resealed' | 'reembedded' | 'isCompared'> {
  // From here on nobody but this process writes, and readers hold no writer up.
  database.exec('PRAGMA busy_timeout = 0');
  const cursorKey = readCursorKey(database);
  const mark = new AcknowledgedMark(dataDir);
  const files = new FileIdentity([path, `${path}-wal`]);
  files.missing();
  return {
    database,
    path,
    indexFolder: join(dataDir, INDEX_FOLDER),
    cursorKey,
    // Once more, as the log and the mark have been made since.
    readableByOthers: closeToOthers(dataDir),
    mark,
    files,
    close() {
      const sum = leaveSumOfFreePages(database, path);
      database.close();
      sum.close();
      mark.close();
      lock.close();
    },
  };
}

/** SQLite would take an empty or missing main file for a new database and drop the log that belongs to it. */
function checkFiles(path: string, indexFolder: string): void {
  const bytes = existsSync(path) ? statSync(path).size : 0;
  const logPath = `${path}-wal`;
  if (bytes === 0) {
    if (existsSync(logPath) && statSync(logPath).size > 0) {
      throw new StartupError(
        `${path} is missing or empty, but its write-ahead log is there`,
        `Put the database back beside ${logPath}, or move that log away to start with an empty store.`,
      );
    }
    if (readdirSync(indexFolder).length > 0) {
      throw new StartupError(
        `${path} is missing or empty, but indexes of its contexts are in ${indexFolder}`,
        `Restore the database from a backup, or remove ${indexFolder} to start with an empty store.`,
      );
    }
    return;
  }
  const header = Buffer.alloc(SQLITE_HEADER.length);
  const file = openSync(path, 'r');
  try {
    readSync(file, header, 0, header.length, 0);
  } finally {
    closeSync(file);
  }
  if (header.toString('latin1') !== SQLITE_HEADER) throw damaged(path, 'is not a database');
}

function configure(database: DatabaseSync, settings: Pick<DatabaseSettings, 'dataDir' | 'databasePagesMax'>): void {
  database.exec(`PRAGMA busy_timeout = ${READER_WAIT_MS}`);
  const { journal_mode: mode } = database.prepare('PRAGMA journal_mode = WAL').get() as { journal_mode: string };
  if (mode !== 'wal') {
    throw new StartupError(
      `the file system of ${settings.dataDir} cannot hold a write-ahead log`,
      'Set vector_db.data_dir to a folder on a local disk.',
    );
  }
  // FULL syncs the log at every commit: an acknowledged write survives a power cut.
  database.exec('PRAGMA synchronous = FULL');
  database.exec('PRAGMA fullfsync = 1');
  // Checkpoints run between batches, after the replies have left.
  database.exec('PRAGMA wal_autocheckpoint = 0');
  database.exec(`PRAGMA cache_size = -${PAGE_CACHE_KIB}`);
  database.exec('PRAGMA temp_store = MEMORY');
  database.exec('PRAGMA foreign_keys = OFF');
  if (settings.databasePagesMax !== null) database.exec(`PRAGMA max_page_count = ${settings.databasePagesMax}`);
}

function checkOrigin(database: DatabaseSync, path: string): void {
  const { application_id: id } = database.prepare('PRAGMA application_id').get() as { application_id: number };
  if (id === APPLICATION_ID) return;
  const tables = database.prepare('SELECT count(*) AS count FROM sqlite_schema').get() as { count: number };
  if (tables.count > 0) {
    throw new StartupError(
      `${path} is a database of another program`,
      'Set vector_db.data_dir to a folder of its own.',
    );
  }
  database.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
}

/** Vectors of two models never mix: their distances mean nothing to each other. */
function settleEmbedding(database: DatabaseSync, settings: DatabaseSettings, sealer: Sealer | null): Reembedded | null {
  const { dataDir, embeddingId: id, dimension } = settings;
  const wanted = { id, dimension };
  const stored = readEmbedding(database);
  const { count } = database.prepare('SELECT EXISTS (SELECT 1 FROM contexts) AS count').get() as { count: number };
  if (stored !== null && isSameEmbedding(stored, wanted)) removeNewVectors(dataDir, wanted);
  else if (count === 0) writeEmbedding(database, wanted);
  else if (stored === null) throw damaged(join(dataDir, DATABASE_FILE), 'does not say what its vectors were made by');
  else if (settings.mayReembed && hasNewVectors(dataDir, wanted))
    return { from: stored.id, contexts: takeNewVectors(database, dataDir, wanted, sealer) };
  else throw otherEmbedding(stored, wanted);
  return null;
}

function readCursorKey(database: DatabaseSync): Buffer {
  const read = database.prepare(`SELECT value FROM meta WHERE key = 'cursor_key'`);
  const made = 'SELECT lower(hex(randomblob(16))) AS value';
  const known = read.get() as { value: string } | undefined;
  const { value } = known ?? (database.prepare(made).get() as { value: string });
  if (!/^[0-9a-f]{32}$/.test(value)) throw new DamageError('the key of cursors is not what was written');
  if (known === undefined) setMeta(database, 'cursor_key', value);
  return Buffer.from(value, 'hex');
}

function otherEmbedding(stored: EmbeddingIdentity, wanted: EmbeddingIdentity): StartupError {
  return new StartupError(
    `the stored contexts were embedded with ${stored.id} (${stored.dimension} dimensions), the configuration says ${wanted.id} (${wanted.dimension} dimensions)`,
    `Run \`context-manager reembed\` with this configuration and start again: until it has ended, a server can run with the configuration of before. Or set embedding.provider, embedding.model and vector_db.vector_size back to what made ${stored.id}.`,
  );
}

/** A database that is left as it is, for whoever wants to look at it. */
export function damaged(path: string, what: string, cause?: unknown): StartupError {
  return new StartupError(
    `${path} ${what}`,
    'Nothing was changed. Restore the file and its -wal from a backup, or move both away to start with an empty store.',
    cause,
  );
}

/** The error itself where it is none of the database's or its files'. */
export function explain(error: unknown, path: string): unknown {
  if (error instanceof StartupError) return error;
  if (isDamage(error)) return damaged(path, 'is damaged', error);
  if (sqliteCode(error) === null && (error as { syscall?: unknown }).syscall === undefined) return error;
  return new StartupError(
    `${path} cannot be opened for writing`,
    'Check that this user may write the data folder and every file in it, that the disk is not mounted read-only, and that it has room.',
    error,
  );
}
