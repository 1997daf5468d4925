import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
  type Stats,
} from 'node:fs';
import { dirname } from 'node:path';
import { StartupError } from '../base/errors.ts';
import { makeFolder } from '../base/make-folder.ts';
import { syncFolder } from '../base/sync-folder.ts';

export interface Rewrite {
  readonly path: string;
  readonly text: string;
  /** Whether the file still is what the text was made of; looked at last. */
  readonly isUnchanged: () => boolean;
  /** Of a file that is made; one that was there keeps its own. */
  readonly mode: number;
  readonly nowMs: number;
}

/** What a change of a file takes is some milliseconds: a draft that is older was left by a process that was killed. */
const ABANDONED_MS = 10_000;
const FOLDER_MODE = 0o755;

/**
 * Puts a text in the place of a file, or of none, keeping its mode and owner: whoever reads it sees the old one or the new one, also
 * after a crash. One change at a time. Throws `StartupError`, and has changed nothing.
 */
export function rewriteFile({ path, text, isUnchanged, mode, nowMs }: Rewrite): void {
  const before = statSync(path, { throwIfNoEntry: false });
  // A link stays one.
  const target = before === undefined ? path : realpathSync(path);
  const draft = `${target}.new`;
  try {
    if (before === undefined) makeFolder(dirname(target), FOLDER_MODE);
    const file = openDraft(draft, path, nowMs);
    try {
      writeDraft(file, text, before, mode);
      if (!isUnchanged()) throw busy(path);
      renameSync(draft, target);
    } catch (error) {
      rmSync(draft, { force: true });
      throw error;
    } finally {
      closeSync(file);
    }
    syncFolder(dirname(target));
  } catch (error) {
    if (error instanceof StartupError) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new StartupError(
      `${path} cannot be changed (${code}); it is as it was`,
      'Make it and its folder writable for this user, or make room there.',
      error,
    );
  }
}

function openDraft(draft: string, path: string, nowMs: number): number {
  try {
    return openSync(draft, 'wx', 0o600);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    const left = statSync(draft, { throwIfNoEntry: false });
    if (left !== undefined && nowMs - left.mtimeMs < ABANDONED_MS) throw busy(path);
    rmSync(draft, { force: true });
    return openSync(draft, 'wx', 0o600);
  }
}

function writeDraft(file: number, text: string, before: Stats | undefined, mode: number): void {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
  fchmodSync(file, before === undefined ? mode : before.mode & 0o7777);
  if (before !== undefined && process.getuid?.() === 0) fchownSync(file, before.uid, before.gid);
  fsyncSync(file);
}

function busy(path: string): StartupError {
  return new StartupError(`${path} was changed by somebody else meanwhile`, 'Look at it, and try again.');
}
