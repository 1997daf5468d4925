import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { StartupError } from '../base/errors.ts';
import type { SecretFiles } from './keys.ts';
import type { ConfigFiles } from './load.ts';

export const nodeConfigFiles: ConfigFiles = {
  read: (path) => orNull(() => readFileSync(path, 'utf8')),
  isFolder: (path) => orNull(() => statSync(path).isDirectory()) ?? false,
};

export const nodeSecretFiles: SecretFiles = {
  read(path) {
    checkDataFolder(dirname(path));
    return orNull(() => ({ text: readFileSync(path, 'utf8'), mode: statSync(path).mode }));
  },
  createExclusively(path, text, mode) {
    if (nodeSecretFiles.read(path) !== null) return false;
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    // Written beside and linked into place: whoever sees the file sees all of it, also after a crash.
    const draft = `${path}.${process.pid}.new`;
    writeDurably(draft, text, mode);
    try {
      linkSync(draft, path);
      return true;
    } catch (error) {
      if (codeOf(error) === 'EEXIST') return false;
      throw error;
    } finally {
      rmSync(draft, { force: true });
    }
  },
};

/** That nothing but a folder, if anything, stands where the data go. Throws `StartupError`. */
export function checkDataFolder(path: string): void {
  if (orNull(() => statSync(path).isDirectory()) !== false) return;
  throw new StartupError(
    `the data folder ${path} is a file, not a folder`,
    'Move it away, or set vector_db.data_dir (VECTOR_DB__DATA_DIR) to a folder.',
  );
}

function writeDurably(path: string, text: string, mode: number): void {
  rmSync(path, { force: true });
  const file = openSync(path, 'wx', mode);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

function orNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')) return null;
    throw error;
  }
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}
