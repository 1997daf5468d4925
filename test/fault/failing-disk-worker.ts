// The store worker on a disk that fails: while the file `<data folder>.fails` is there, every commit, and every move of the
// log into the database, ends as SQLite ends it where a sync fails: rolled back, with SQLITE_IOERR_FSYNC. The file names
// which of them, so that either can fail alone.

import { readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { workerData } from 'node:worker_threads';
import type { WorkerSettings } from '../../src/store/embedded/border/messages.ts';

const SQLITE_IOERR_FSYNC = 10 | (4 << 8);
const { dataDir } = workerData as WorkerSettings;

function failing(what: 'commits' | 'moves'): boolean {
  try {
    return readFileSync(`${dataDir}.fails`, 'utf8').includes(what);
  } catch {
    return false;
  }
}

function failure(): Error {
  return Object.assign(new Error('disk I/O error'), { code: 'ERR_SQLITE_ERROR', errcode: SQLITE_IOERR_FSYNC });
}

const own = <K extends 'exec' | 'prepare'>(name: K) =>
  Object.getOwnPropertyDescriptor(DatabaseSync.prototype, name)?.value as DatabaseSync[K];
const [exec, prepare] = [own('exec'), own('prepare')];

DatabaseSync.prototype.exec = function (sql) {
  if (sql === 'COMMIT' && failing('commits')) {
    exec.call(this, 'ROLLBACK');
    throw failure();
  }
  if (sql.startsWith('PRAGMA wal_checkpoint') && failing('moves')) throw failure();
  exec.call(this, sql);
};
DatabaseSync.prototype.prepare = function (sql) {
  if (/wal_checkpoint\((PASSIVE|FULL)/.test(sql) && failing('moves')) throw failure();
  return prepare.call(this, sql);
};
await import('../../src/store/embedded/worker.ts');
