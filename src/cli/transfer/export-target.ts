import { constants, fstatSync, rmSync, statSync, type Stats } from 'node:fs';
import { access, open, realpath, rename, rm, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname } from 'node:path';
import { CommandError, reasonOf } from '../terminal/command-error.ts';
import type { Output } from '../terminal/node-output.ts';

/** Where an export goes. Either `close` or `discard` ends it; each method but `discard` throws `CommandError` where it fails. */
export interface Target {
  write(line: string): Promise<void>;
  /** Everything was written: it is on its disk, and from now on it stands under its name. */
  close(): Promise<void>;
  /** It failed: what stood under the name before stays as it was. */
  discard(): void;
  /** Whether the reader has gone away (`| head`), so that the rest need not be written. */
  isGone(): boolean;
  /** A folder for what has to be kept aside meanwhile: beside the file, where it is one. */
  readonly spillFolder: string;
}

const PRIVATE_MODE = 0o600;
const BUFFER_CHARS = 65_536;

/** Lines on their way to `output`, many at a time. */
export function outputTarget(output: Output): Target {
  const lines = new LineBuffer((text) => output.write(text));
  return {
    write: (line) => lines.add(line),
    async close() {
      await lines.flush();
      await output.sync?.();
    },
    discard: () => {},
    isGone: () => output.isGone?.() ?? false,
    spillFolder: tmpdir(),
  };
}

class LineBuffer {
  readonly #write: (text: string) => Promise<void>;
  #text = '';

  constructor(write: (text: string) => Promise<void>) {
    this.#write = write;
  }

  async add(line: string): Promise<void> {
    this.#text += line;
    if (this.#text.length >= BUFFER_CHARS) await this.flush();
  }

  async flush(): Promise<void> {
    const text = this.#text;
    this.#text = '';
    await this.#write(text);
  }
}

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

/**
 * Writes beside the file, as `<path>.part`, and takes its place when complete: an earlier export is not lost to a
 * failed one.
 */
export async function openTarget(path: string): Promise<Target> {
  await checkTarget(path);
  return attempt(path, async () => {
    const about = statOf(path);
    // A pipe or a device is written as it is: it has no earlier content to keep.
    if (about !== undefined && !about.isFile()) return deviceTarget(path, await open(path, 'w'));
    const final = about === undefined ? path : await realpath(path);
    const part = `${final}.part`;
    await rm(part, { force: true });
    return fileTarget({ path, part, final }, await open(part, 'wx', PRIVATE_MODE));
  });
}

function deviceTarget(path: string, file: FileHandle): Target {
  const lines = new LineBuffer((text) => attempt(path, () => file.writeFile(text)));
  return {
    write: (line) => lines.add(line),
    async close() {
      await lines.flush();
      await attempt(path, () => file.close());
    },
    discard: () => void file.close().catch(() => undefined),
    isGone: () => false,
    spillFolder: tmpdir(),
  };
}

interface Names {
  /** As the user wrote it. */
  readonly path: string;
  readonly part: string;
  readonly final: string;
}

function fileTarget(names: Names, file: FileHandle): Target {
  const { path, part, final } = names;
  const lines = new LineBuffer((text) => attempt(path, () => file.writeFile(text)));
  const { ino } = fstatSync(file.fd);
  /** A second export to the same name has put its own file there. */
  const isReplaced = (): boolean => statOf(part)?.ino !== ino;
  return {
    write: (line) => lines.add(line),
    async close() {
      await lines.flush();
      await attempt(path, async () => {
        await file.sync();
        if (isReplaced()) throw replaced(path);
        await file.close();
        await rename(part, final);
        await syncFolder(dirname(final));
      });
    },
    discard() {
      if (!isReplaced()) rmSync(part, { force: true });
      file.close().catch(() => undefined);
    },
    isGone: () => false,
    spillFolder: dirname(final),
  };
}

function replaced(path: string): CommandError {
  return new CommandError(`another export to ${path} was started meanwhile`, 'Give each export a file of its own.');
}

/** The new name is on the disk as well. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  // A folder that may be written but not listed cannot be opened; the file itself is safe.
  if (handle === undefined) return;
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

const REMEDY = 'Make room there, or export to another place.';

async function attempt<T>(path: string, task: () => Promise<T>): Promise<T> {
  try {
    return await task();
  } catch (error) {
    if (error instanceof CommandError) throw error;
    throw new CommandError(`cannot write ${path}: ${reasonOf(error)}`, REMEDY);
  }
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
