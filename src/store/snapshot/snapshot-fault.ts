import { CodedError } from '../../base/errors.ts';

/** What the file system says, in words of an operator. */
const MEANINGS: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EFBIG: 'a file may not become that large',
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'the disk is mounted read-only',
  ENOTDIR: 'a part of its path is a file',
  EEXIST: 'a part of its path is a file',
  ENOENT: 'the folder cannot be made, or was removed',
  EIO: 'the disk failed',
  EMFILE: 'too many files are open',
};
const RETRY_AFTER_MS = 1_000;

/** `STORE_UNAVAILABLE` with the reason and the folder, for the administrator who asked; other coded errors stay as they are. */
export function snapshotFault(error: unknown, folder: string): unknown {
  const meaning = MEANINGS[(error as NodeJS.ErrnoException | null)?.code ?? ''];
  if (error instanceof CodedError || meaning === undefined) return error;
  return new CodedError('STORE_UNAVAILABLE', `no snapshot could be made in ${folder}: ${meaning}`, {
    retryAfterMs: RETRY_AFTER_MS,
    // Repeating it makes no room.
    permanent: true,
    cause: error,
  });
}
