import { fstatSync, fsync, write } from 'node:fs';
import { promisify } from 'node:util';
import { CommandError, reasonOf } from './command-error.ts';

export interface Output {
  /**
   * Resolves when the text was handed over and more may be written. Rejects with `CommandError` where it cannot be
   * written. A reader that went away (`| head`) is no error: what it does not read is passed over.
   */
  write(text: string): Promise<void>;
  /** Where it is a file: resolves when all that was written is on its disk. Rejects as `write` does. */
  sync?(): Promise<void>;
  /** Whether the reader has gone away. */
  isGone?(): boolean;
  /** Characters in a line; absent: not a terminal. */
  readonly columns?: number;
  /** The terminal itself, where it is one. */
  readonly terminal?: NodeJS.WriteStream;
}

/** A stream of the process: what `process.stdout` and `process.stderr` are. */
export type ProcessStream = NodeJS.WriteStream & { readonly fd: number };

/** What it was written to: the bytes may be written in part. */
type WriteSome = (bytes: Uint8Array) => Promise<number>;

const REMEDY = 'Make room there, or write to another place.';

/** An output of the process; `name` is what its errors call it. */
export function nodeOutput(stream: ProcessStream, name: string): Output {
  return isFile(stream) ? fileOutput(stream.fd, name) : streamOutput(stream, name);
}

/**
 * Files and devices are written here: Node's own stream for them takes a write that the system cut short, as it does
 * with the last one before a disk is full, for a whole one.
 */
export function fileOutput(fd: number, name: string, writeSome: WriteSome = writerTo(fd)): Output {
  return {
    async write(text) {
      let rest: Uint8Array = Buffer.from(text);
      try {
        while (rest.length > 0) rest = rest.subarray(await writeSome(rest));
      } catch (error) {
        throw unwritable(name, error);
      }
    },
    async sync() {
      try {
        await promisify(fsync)(fd);
      } catch (error) {
        // A device that knows no such thing has nothing to bring to a disk.
        if (!isCode(error, 'EINVAL', 'ENOTSUP')) throw unwritable(name, error);
      }
    },
  };
}

/** A terminal, a pipe or a socket. Waits where the reader is slow. */
export function streamOutput(stream: NodeJS.WriteStream, name: string): Output {
  let failure: unknown;
  // An error that comes without a write is told at the next one.
  stream.on('error', (error: Error) => {
    failure ??= error;
  });
  return {
    async write(text) {
      await new Promise<void>((resolve) => {
        if (failure !== undefined) return resolve();
        stream.write(text, (error) => {
          if (error) failure ??= error;
          resolve();
        });
      });
      if (failure !== undefined && !isCode(failure, 'EPIPE')) throw unwritable(name, failure);
    },
    isGone: () => failure !== undefined && isCode(failure, 'EPIPE'),
    ...(stream.isTTY ? { columns: stream.columns, terminal: stream } : {}),
  };
}

function isFile(stream: ProcessStream): boolean {
  if (stream.isTTY) return false;
  const about = fstatSync(stream.fd);
  return !about.isFIFO() && !about.isSocket();
}

function writerTo(fd: number): WriteSome {
  const writeOnce = promisify(write);
  return async (bytes) => (await writeOnce(fd, bytes)).bytesWritten;
}

function unwritable(name: string, error: unknown): CommandError {
  return new CommandError(`cannot write to ${name}: ${reasonOf(error)}`, REMEDY);
}

function isCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}
