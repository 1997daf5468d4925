import { constants } from 'node:fs';
import { access, open, readdir, statfs, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { Ailment } from './probe.ts';

/** Named like the database's own files, so that it is closed to others like them. */
const TRIAL_FILE = 'contexts.health';
const DATABASE_FILE = /^contexts\.db(-wal)?$/;
const PRIVATE_FILE = 0o600;

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'the data folder is gone',
  ENOTDIR: 'the data folder is gone',
  EACCES: 'the data folder cannot be written',
  EPERM: 'the data folder cannot be written',
  EROFS: 'the data folder is read-only',
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk is full',
  EIO: 'the disk failed',
};

/** Rejects with an `Ailment` where what is acknowledged would not last: the folder is gone, or it or its database is read-only. */
export async function checkLasting(folder: string): Promise<void> {
  await orAilment(async () => {
    await access(folder, constants.W_OK | constants.X_OK);
    const files = (await readdir(folder)).filter((name) => DATABASE_FILE.test(name));
    for (const name of files) await access(join(folder, name), constants.W_OK);
  });
}

/** The same, and that a file can be written and brought to the disk. */
export async function checkWriting(folder: string): Promise<void> {
  await checkLasting(folder);
  const path = join(folder, TRIAL_FILE);
  await orAilment(async () => {
    const file = await open(path, 'w', PRIVATE_FILE);
    try {
      await file.write('.');
      await file.datasync();
    } finally {
      await file.close();
      await unlink(path);
    }
  });
}

/** For this user, in bytes. */
export async function freeBytes(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

async function orAilment(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    throw new Ailment(WORDS[code] ?? 'the data folder cannot be used');
  }
}
