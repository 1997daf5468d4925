import { closeSync, fsyncSync, openSync } from 'node:fs';

/** Brings the names in a folder to the disk. Where the system cannot do that for folders, nothing is done. */
export function syncFolder(path: string): void {
  let folder: number;
  try {
    folder = openSync(path, 'r');
  } catch {
    return;
  }
  try {
    fsyncSync(folder);
  } catch {
    // Windows and some network file systems: the files themselves are safe.
  } finally {
    closeSync(folder);
  }
}
