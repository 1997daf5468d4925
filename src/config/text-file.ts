import { closeSync, fstatSync, openSync, readSync, statSync, type Stats } from 'node:fs';

export interface TextFile {
  /** Without the mark that some editors put before it. */
  readonly text: string;
  /** Permission bits. */
  readonly mode: number;
}

export interface ReadLimits {
  readonly bytesMax: number;
  /** A pipe is read to its end, as of `<(command)`. */
  readonly pipes?: boolean;
}

const CHUNK_BYTES = 64 * 1024;

/** Why a path gives no text, and what to do about it. */
export class UnreadableFile extends Error {
  readonly remedy: string;
  /** The file may be well, but this user may not read it. */
  readonly isDenied: boolean;

  constructor(path: string, reason: string, remedy: string, isDenied = false) {
    super(`${path} ${reason}`);
    this.name = 'UnreadableFile';
    this.remedy = remedy;
    this.isDenied = isDenied;
  }
}

/** The file's text, read in bounded time and space; null where there is no file. Throws `UnreadableFile`. */
export function readTextFile(path: string, limits: ReadLimits): TextFile | null {
  try {
    // Looked at before it is opened: opening a pipe waits for somebody to write.
    checkKind(path, statSync(path), limits);
    const file = openSync(path, 'r');
    try {
      return { text: decode(path, readBounded(path, file, limits.bytesMax)), mode: fstatSync(file).mode & 0o777 };
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (error instanceof UnreadableFile) throw error;
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw new UnreadableFile(path, `cannot be read (${code})`, 'Make it readable for the user who runs this.', true);
  }
}

function checkKind(path: string, found: Stats, { pipes = false }: ReadLimits): void {
  if (found.isFile() || (pipes && found.isFIFO())) return;
  if (found.isDirectory()) throw new UnreadableFile(path, 'is a folder, not a file', 'Name a file.');
  throw new UnreadableFile(path, 'is no regular file', 'Name a regular file.');
}

function readBounded(path: string, file: number, bytesMax: number): Buffer {
  const chunks: Buffer[] = [];
  let length = 0;
  while (length <= bytesMax) {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    const count = readSync(file, chunk, 0, chunk.length, null);
    if (count === 0) return Buffer.concat(chunks);
    chunks.push(chunk.subarray(0, count));
    length += count;
  }
  throw new UnreadableFile(path, `is longer than ${bytesMax} bytes`, 'Check that it is the file that was meant.');
}

function decode(path: string, bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new UnreadableFile(path, 'is not UTF-8 text', 'Save it as UTF-8.');
  }
}
