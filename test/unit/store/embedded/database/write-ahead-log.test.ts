import { mkdtemp, rm } from 'node:fs/promises';
import { statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { WriteAheadLog } from '../../../../../src/store/embedded/database/write-ahead-log.ts';

const MIB = 1024 * 1024;
const LONG = 'x'.repeat(400_000);

describe('the write-ahead log', () => {
  let path: string;
  let database: DatabaseSync;
  let log: WriteAheadLog;
  beforeEach(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'log-'));
    path = join(folder, 'a.db');
    database = new DatabaseSync(path);
    database.exec('PRAGMA journal_mode = WAL');
    database.exec('PRAGMA wal_autocheckpoint = 0');
    database.exec('CREATE TABLE texts (text TEXT)');
    log = new WriteAheadLog(database);
    onTestFinished(async () => {
      database.close();
      await rm(folder, { recursive: true });
    });
  });
  const logBytes = (): number => statSync(`${path}-wal`).size;
  const commit = (texts: number): void => {
    database.exec('BEGIN');
    const insert = database.prepare('INSERT INTO texts VALUES (?)');
    for (let i = 0; i < texts; i++) insert.run(LONG);
    database.exec('COMMIT');
    log.committed();
  };

  it('stays short under long texts', () => {
    for (let i = 0; i < 60; i++) commit(1);
    expect(logBytes()).toBeLessThan(8 * MIB);
  });

  it('is cut back after a commit that was longer', () => {
    commit(100);
    expect(logBytes()).toBeGreaterThan(30 * MIB);
    commit(1);
    expect(logBytes()).toBeLessThan(20 * MIB);
  });

  it('grows while somebody reads an old state, and is moved afterwards', () => {
    const reader = new DatabaseSync(path, { readOnly: true });
    reader.exec('BEGIN');
    reader.prepare('SELECT count(*) FROM texts').get();
    for (let i = 0; i < 30; i++) commit(1);
    expect(logBytes()).toBeGreaterThan(10 * MIB);
    reader.exec('COMMIT');
    reader.close();
    for (let i = 0; i < 20; i++) commit(1);
    const before = logBytes();
    for (let i = 0; i < 30; i++) commit(1);
    expect(logBytes()).toBeLessThanOrEqual(before);
  });

  it('is emptied at the end', () => {
    commit(3);
    log.empty();
    expect(logBytes()).toBe(0);
  });
});
