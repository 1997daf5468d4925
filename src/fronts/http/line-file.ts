import { openSync } from 'node:fs';
import { dirname } from 'node:path';
import pino from 'pino';
import { StartupError } from '../../base/errors.ts';
import { makeFolder } from '../../base/make-folder.ts';

/** Lines past this many waiting bytes are dropped rather than kept: a stalled reader or a slow disk must not stop the server. */
const WAITING_BYTES_MAX = 8 * 1024 * 1024;
const PRIVATE_FILE = 0o600;
const PRIVATE_FOLDER = 0o700;

/** A file or standard error, written without blocking the event loop. */
export interface LineFile {
  write(line: string): void;
  /** Writes what is still waiting; for the moment before an exit. */
  flush(): void;
  /** Goes on in the file of this name, which is made where it is missing. */
  reopen(path: string): void;
  /** Writes what is waiting and closes. */
  end(): void;
}

export function stderrLines(): LineFile {
  const destination = pino.destination({ fd: 2, sync: false, maxLength: WAITING_BYTES_MAX });
  destination.on('error', () => undefined);
  return {
    write: (line) => void destination.write(line),
    flush: () => flush(destination),
    reopen: () => undefined,
    end: () => flush(destination),
  };
}

/**
 * Appends to a file, made where it is missing and readable by its owner alone. `onTrouble` is told of what could not be
 * written, null where too much waits. Throws `StartupError` where it cannot be opened; `setting` is named in it.
 */
export function appendLines(path: string, setting: string, onTrouble: (error: Error | null) => void): LineFile {
  let destination: Destination;
  try {
    destination = opened(path, onTrouble);
  } catch (error) {
    throw new StartupError(
      `${path} cannot be opened for writing`,
      `Set ${setting} to where this user may write.`,
      error,
    );
  }
  return {
    write: (line) => void destination.write(line),
    flush: () => flush(destination),
    reopen(newPath) {
      const before = destination;
      try {
        destination = opened(newPath, onTrouble);
        // What waits there still goes there.
        before.end();
      } catch (error) {
        onTrouble(error as Error);
      }
    },
    end: () => destination.end(),
  };
}

type Destination = ReturnType<typeof pino.destination>;

function opened(path: string, onTrouble: (error: Error | null) => void): Destination {
  makeFolder(dirname(path), PRIVATE_FOLDER);
  const fd = openSync(path, 'a', PRIVATE_FILE);
  const destination = pino.destination({ fd, sync: false, maxLength: WAITING_BYTES_MAX });
  // A full disk: the server goes on, and what waits is tried again with later lines.
  destination.on('error', (error: Error) => onTrouble(error));
  destination.on('drop', () => onTrouble(null));
  return destination;
}

function flush(destination: Destination): void {
  try {
    destination.flushSync();
  } catch {
    // A closed standard error takes no lines; there is nobody left to tell.
  }
}
