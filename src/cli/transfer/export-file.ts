import { constants, rmSync, statSync, type Stats } from 'node:fs';
import { access, open, realpath, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { CommandError } from '../terminal/command-error.ts';

/** Where an export goes. Either `close` or `discard` ends it. */
export interface Target {
  write(line: string): Promise<void>;
  /** Everything was written: from now on it stands under its name. */
  close(): Promise<void>;
  /** It failed: what stood under the name before stays as it was. */
  discard(): void;
}

const PRIVATE_MODE = 0o600;
const BUFFER_CHARS = 65_536;

/** Throws `CommandError` where no file of that path can be made. */
export async function checkTarget(path: string): Promise<void> {
  if (statOf(path)?.isDirectory()) throw new CommandError(`${path} is a folder`, 'Name a file in it.');
  const folder = dirname(path);
  const about = statOf(folder);
  if (about === undefined)
    throw new CommandError(`there is no folder ${folder}`, 'Make it (mkdir -p), or correct the path.');
  if (!about.isDirectory()) throw new CommandError(`${folder} is a file, not a folder`, 'Correct the path.');
  if (statOf(path)?.isFile() === false) return;
  await access(folder, constants.W_OK).catch(() => {
    throw new CommandError(
      `${folder} cannot be written by this user`,
      'Correct its permissions, or export to another folder.',
    );
  });
}

/** Writes beside the file, as `<path>.part`, and takes its place when complete: an earlier export is not lost to a failed one. */
export async function openTarget(path: string): Promise<Target> {
  await checkTarget(path);
  const about = statOf(path);
  // A pipe or a device is written as it is: it has no earlier content to keep.
  if (about !== undefined && !about.isFile()) return writerOf(await open(path, 'w'), undefined);
  const final = about === undefined ? path : await realpath(path);
  const part = `${final}.part`;
  await rm(part, { force: true });
  return writerOf(await open(part, 'wx', PRIVATE_MODE), { part, final });
}

function writerOf(file: FileHandle, names: { readonly part: string; readonly final: string } | undefined): Target {
  let buffer = '';
  const flush = async (): Promise<void> => {
    const text = buffer;
    buffer = '';
    await file.writeFile(text);
  };
  return {
    async write(line) {
      buffer += line;
      if (buffer.length >= BUFFER_CHARS) await flush();
    },
    async close() {
      await flush();
      if (names !== undefined) await file.sync();
      await file.close();
      if (names !== undefined) await rename(names.part, names.final);
    },
    discard() {
      if (names !== undefined) rmSync(names.part, { force: true });
      file.close().catch(() => undefined);
    },
  };
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    // A part of the path is a file: the caller's look at the folder says so.
    if (error instanceof Error && 'code' in error && error.code === 'ENOTDIR') return undefined;
    throw error;
  }
}
