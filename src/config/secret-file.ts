import { join } from 'node:path';
import { StartupError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import { SECRET_BYTES_MIN } from '../base/wire-limits.ts';
import { checkSecret, secretOfFile } from './secret.ts';
import { UnreadableFile, type TextFile } from './text-file.ts';

/** The part of a file system that the generated secret needs. */
export interface SecretFiles {
  /** Null where there is no file. Throws `UnreadableFile`. */
  read(path: string): TextFile | null;
  /** Creates the file with these permission bits, and its folder; false where it exists already. */
  createExclusively(path: string, text: string, mode: number): boolean;
  /** Sets the permission bits; false where the file is not this user's. */
  restrict(path: string, mode: number): boolean;
}

/** What a data folder's secret was found to be. */
export interface FoundSecret {
  readonly path: string;
  readonly secret: string;
  readonly created: boolean;
  /** For the log: others could read it, or still can. */
  readonly warning?: string;
}

const FILE_NAME = 'secret';
const PRIVATE_MODE = 0o600;
const OTHERS = 0o077;
const NEW_ONE = 'Make one with: openssl rand -hex 32, or delete it; the next start makes a new one.';

/**
 * The secret in `dataDir`. With `random`, which the server brings, a missing one is made and one that others can read is
 * closed to them; without, nothing is changed. Throws `StartupError`.
 */
export function findSecretFile(dataDir: string, files: SecretFiles, random: Random | undefined): FoundSecret {
  const path = join(dataDir, FILE_NAME);
  const created = random !== undefined && create(path, files, random);
  const file = read(path, files);
  if (file === null) {
    throw new StartupError(
      `there is no secret: ${path} does not exist`,
      'Start the server once here, or set PROTOCOL_SECRET.',
    );
  }
  const secret = checkSecret(secretOfFile(file.text), path, NEW_ONE);
  if ((file.mode & OTHERS) === 0) return { path, secret, created };
  const mode = `mode ${file.mode.toString(8)}`;
  const isClosed = random !== undefined && files.restrict(path, PRIVATE_MODE);
  const warning = isClosed
    ? `${path} could be read by other users (${mode}); it is closed to them now, but a copy still opens the server: replace it if there may be one`
    : `${path} can be read by other users (${mode}): chmod 600 it`;
  return { path, secret, created, warning };
}

function create(path: string, files: SecretFiles, random: Random): boolean {
  try {
    return files.createExclusively(path, Buffer.from(random.bytes(SECRET_BYTES_MIN)).toString('hex'), PRIVATE_MODE);
  } catch (error) {
    throw startupError(error, `cannot write ${path}`);
  }
}

function read(path: string, files: SecretFiles): TextFile | null {
  try {
    return files.read(path);
  } catch (error) {
    throw startupError(error, `cannot read ${path}`);
  }
}

function startupError(error: unknown, attempt: string): StartupError {
  if (error instanceof StartupError) return error;
  if (error instanceof UnreadableFile) {
    const remedy = error.isDenied ? 'Make it readable for this user alone, or set PROTOCOL_SECRET.' : NEW_ONE;
    return new StartupError(error.message, remedy, error);
  }
  return new StartupError(
    `${attempt}${error instanceof Error && 'code' in error ? ` (${String(error.code)})` : ''}`,
    'Make the data folder writable for the user who runs the server, or set vector_db.data_dir (VECTOR_DB__DATA_DIR).',
    error,
  );
}
