import { chmodSync, closeSync, fsyncSync, linkSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { makeFolder } from '../base/make-folder.ts';
import { checkDataFolder } from './data-folder.ts';
import type { ConfigFiles } from './load.ts';
import type { SecretFiles } from './secret-file.ts';
import { readTextFile } from './text-file.ts';

const CONFIG_BYTES_MAX = 16 * 1024 * 1024;
/** Far more than a secret needs; a database named by mistake is not read whole. */
export const SECRET_FILE_BYTES_MAX = 64 * 1024;
const PRIVATE_FOLDER = 0o700;

export const nodeConfigFiles: ConfigFiles = {
  read: (path) => readTextFile(path, { bytesMax: CONFIG_BYTES_MAX })?.text ?? null,
  isFolder: (path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false,
};

export const nodeSecretFiles: SecretFiles = {
  read(path) {
    checkDataFolder(dirname(path));
    return readTextFile(path, { bytesMax: SECRET_FILE_BYTES_MAX });
  },
  restrict(path, mode) {
    try {
      chmodSync(path, mode);
      return true;
    } catch {
      return false;
    }
  },
  createExclusively(path, text, mode) {
    if (nodeSecretFiles.read(path) !== null) return false;
    makeFolder(dirname(path), PRIVATE_FOLDER);
    // Written beside and linked into place: whoever sees the file sees all of it, also after a crash.
    const draft = `${path}.${process.pid}.new`;
    writeDurably(draft, text, mode);
    try {
      linkSync(draft, path);
      return true;
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
      throw error;
    } finally {
      rmSync(draft, { force: true });
    }
  },
};

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
