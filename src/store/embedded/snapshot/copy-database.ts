// A copy of the database as of one moment, while another thread goes on writing to it.

import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { backup, DatabaseSync } from 'node:sqlite';
import type { StoreCopy } from '../../snapshot/store-copy.ts';
import { NAMESPACES_FILE } from '../../snapshot/store-copy.ts';
import { packFile } from '../../snapshot/packed-files.ts';
import { textSum } from '../../snapshot/snapshot.ts';
import { DATABASE_FILE } from '../database/data-folder.ts';
import { readEmbedding } from '../database/embedding-switch.ts';
import { schemaVersion } from '../database/migrations.ts';
import { DamageError } from '../database/sqlite-errors.ts';
import { isWhole, lastCommitIn, namespacesIn, sumOfCounts } from './database-facts.ts';

/** 8 MiB: after each the copy can be called off. */
const PAGES_A_STEP = 2_048;
const WAIT_MS = 10_000;
/** Beyond it whoever verifies the snapshot checks the structure: it takes minutes, and cannot be called off. */
const CHECKED_BYTES_MAX = 256 * 1024 * 1024;
const PRIVATE_FILE = 0o600;

/** Makes the files of the copy in `folder`. Rejects with SQLite's error or the system's, `DamageError`, or the signal's reason. */
export async function copyDatabase(databasePath: string, folder: string, signal: AbortSignal): Promise<StoreCopy> {
  const plain = join(folder, DATABASE_FILE);
  closeSync(openSync(plain, 'wx', PRIVATE_FILE));
  await copyPages(databasePath, plain, signal);
  const { namespaces, ...about } = settle(plain);
  const list = `${JSON.stringify(namespaces)}\n`;
  writeFileSync(join(folder, NAMESPACES_FILE), list, { flag: 'wx', mode: PRIVATE_FILE, flush: true });
  const packed = await packFile(plain, `${plain}.zst`, signal);
  rmSync(plain);
  return {
    store: 'embedded',
    ...about,
    counts: sumOfCounts(namespaces),
    namespaces: namespaces.length,
    files: [packed, textSum(NAMESPACES_FILE, list)],
  };
}

/**
 * The read transaction that stays open from the first page to the last makes it one moment's: without it every write from
 * another connection would have SQLite begin again. It keeps the write-ahead log from being written anew meanwhile, no more.
 */
async function copyPages(databasePath: string, target: string, signal: AbortSignal): Promise<void> {
  const source = new DatabaseSync(databasePath, { readOnly: true });
  try {
    source.exec(`PRAGMA busy_timeout = ${WAIT_MS}`);
    source.exec('BEGIN');
    lastCommitIn(source);
    signal.throwIfAborted();
    // What `progress` throws ends the copy.
    await backup(source, target, { rate: PAGES_A_STEP, progress: () => signal.throwIfAborted() });
  } finally {
    source.close();
  }
}

/** Makes one file of it, without the key of its cursors: that is no use elsewhere. */
function settle(path: string) {
  const copy = new DatabaseSync(path);
  try {
    copy.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = DELETE; PRAGMA secure_delete = ON');
    copy.exec(`DELETE FROM meta WHERE key = 'cursor_key'`);
    if (!isWhole(copy, CHECKED_BYTES_MAX)) throw new DamageError('the copy of the database is damaged');
    const embedding = readEmbedding(copy);
    if (embedding === null) throw new DamageError('the database does not say what its vectors were made by');
    return {
      schema: schemaVersion(copy),
      embedding,
      lastCommit: lastCommitIn(copy),
      namespaces: namespacesIn(copy),
    };
  } finally {
    copy.close();
  }
}
