import { join } from 'node:path';
import { parseDateTime } from '../base/date-time.ts';
import { StartupError } from '../base/errors.ts';
import type { Random } from '../base/random.ts';
import { SECRET_BYTES_MIN } from '../base/wire-limits.ts';
import type { LoadedConfig } from './load.ts';
import type { Environment } from './environment.ts';
import type { Settings } from './settings.ts';

const DEFAULT_KEY_ID = 'default';
const PRIVATE_MODE = 0o600;

export interface KeySettings {
  readonly id: string;
  readonly secret: string;
  readonly scopes: readonly ('read' | 'write' | 'admin')[];
  readonly namespaces: readonly string[];
  /** Milliseconds since the epoch. */
  readonly notAfterMs?: number;
  readonly rateLimit?: { readonly perSecond: number; readonly burst: number };
}

/** The part of a file system that the generated secret needs. */
export interface SecretFiles {
  /** Text and permission bits; null where there is no file. */
  read(path: string): { readonly text: string; readonly mode: number } | null;
  /** Creates the file with these permission bits, and its folder; false where it exists already. */
  createExclusively(path: string, text: string, mode: number): boolean;
}

export interface ResolvedKeys {
  readonly keys: readonly KeySettings[];
  /** Set where the default key's secret lives in a file. */
  readonly secretFile?: { readonly path: string; readonly created: boolean };
  /** For the log. */
  readonly warnings: readonly string[];
}

export interface KeySources {
  readonly environment: Environment;
  readonly files: SecretFiles;
  /** Absent: a missing secret is not made but refused. */
  readonly random?: Random;
}

/**
 * The keys that may connect, each with its secret. The default key takes `PROTOCOL_SECRET`, else the file
 * `<data_dir>/secret`, which is made at first start, but never in production. Throws `StartupError`.
 */
export function resolveKeys(loaded: LoadedConfig, sources: KeySources): ResolvedKeys {
  const configured =
    loaded.settings.keys.length > 0
      ? loaded.settings.keys
      : [{ id: DEFAULT_KEY_ID, scopes: ALL_SCOPES, namespaces: ['*'] }];
  const warnings: string[] = [];
  const fromVariable = sources.environment['PROTOCOL_SECRET'] || undefined;
  if (fromVariable !== undefined && !configured.some((key) => key.id === DEFAULT_KEY_ID)) {
    warnings.push('PROTOCOL_SECRET is set, but there is no key "default" for it: it is not used');
  }
  let secretFile: ResolvedKeys['secretFile'];
  let variableTaken = false;
  const keys = configured.map((key, place) => {
    let secret = 'secret' in key ? key.secret : undefined;
    let name = `keys[${place}].secret`;
    let remedy: string | undefined;
    if (key.id === DEFAULT_KEY_ID && fromVariable !== undefined && !variableTaken) {
      variableTaken = true;
      secret = fromVariable;
      name = 'PROTOCOL_SECRET';
    } else if (key.id === DEFAULT_KEY_ID && secret === undefined && secretFile === undefined) {
      const found = readSecretFile(loaded, sources, warnings);
      secretFile = { path: found.path, created: found.created };
      secret = found.secret;
      name = found.path;
      remedy = 'Make one with: openssl rand -hex 32, or delete the file; the next start makes a new one.';
    }
    return toKeySettings(key, checkSecret(secret, name, remedy), place);
  });
  checkIds(keys);
  return { keys, warnings, ...(secretFile === undefined ? {} : { secretFile }) };
}

const ALL_SCOPES = ['read', 'write', 'admin'] as const;

function readSecretFile(
  loaded: LoadedConfig,
  sources: KeySources,
  warnings: string[],
): { path: string; secret: string; created: boolean } {
  if (loaded.production) {
    throw new StartupError(
      'PROTOCOL_SECRET is not set, and a production server makes up no secret of its own',
      `Set PROTOCOL_SECRET to at least ${SECRET_BYTES_MIN} random bytes (openssl rand -hex 32), or configure [[keys]].`,
    );
  }
  const path = join(loaded.settings.vectorDb.dataDir, 'secret');
  const created = sources.random !== undefined && createSecret(path, sources.files, sources.random);
  const file = readFile(path, sources.files);
  if (file === null) {
    throw new StartupError(
      `there is no secret: ${path} does not exist`,
      'Start the server once here, or set PROTOCOL_SECRET.',
    );
  }
  if ((file.mode & 0o077) !== 0) {
    warnings.push(`${path} can be read by other users (mode ${(file.mode & 0o777).toString(8)}): chmod 600 it`);
  }
  return { path, secret: file.text.trim(), created };
}

function createSecret(path: string, files: SecretFiles, random: Random): boolean {
  try {
    return files.createExclusively(path, Buffer.from(random.bytes(SECRET_BYTES_MIN)).toString('hex'), PRIVATE_MODE);
  } catch (error) {
    if (error instanceof StartupError) throw error;
    throw new StartupError(
      `cannot write ${path}${reasonOf(error)}`,
      'Make the data folder writable for the user who runs the server, or set vector_db.data_dir (VECTOR_DB__DATA_DIR).',
      error,
    );
  }
}

function readFile(path: string, files: SecretFiles): { readonly text: string; readonly mode: number } | null {
  try {
    return files.read(path);
  } catch (error) {
    if (error instanceof StartupError) throw error;
    throw new StartupError(
      `cannot read ${path}${reasonOf(error)}`,
      'Make it readable for this user only, or set PROTOCOL_SECRET.',
      error,
    );
  }
}

/** The secret, where it is one. Throws `StartupError` naming where it came from, never what it is. */
export function checkSecret(
  secret: string | undefined,
  name: string,
  remedy = 'Make one with: openssl rand -hex 32',
): string {
  if (secret === undefined) {
    throw new StartupError(
      `\`${name}\` is missing`,
      `Set it to at least ${SECRET_BYTES_MIN} random bytes (openssl rand -hex 32).`,
    );
  }
  const byteCount = Buffer.byteLength(secret, 'utf8');
  if (byteCount >= SECRET_BYTES_MIN) return secret;
  throw new StartupError(
    `${name} has ${byteCount} ${byteCount === 1 ? 'byte' : 'bytes'}; a secret needs at least ${SECRET_BYTES_MIN}`,
    remedy,
  );
}

function toKeySettings(key: Settings['keys'][number], secret: string, place: number): KeySettings {
  const { notAfter, rateLimit } = key;
  if (key.namespaces.includes('*') && key.namespaces.length > 1) {
    throw new StartupError(`\`keys[${place}].namespaces\` mixes "*" with names`, 'List names, or "*" alone.');
  }
  return {
    id: key.id,
    secret,
    scopes: key.scopes,
    namespaces: key.namespaces,
    // The schema takes no other text; a key that it let through would be one that never expires.
    ...(notAfter === undefined ? {} : { notAfterMs: parseDateTime(notAfter) ?? 0 }),
    ...(rateLimit === undefined ? {} : { rateLimit }),
  };
}

/** Wire protocol, section 2: one id holds two secrets at most. */
function checkIds(keys: readonly KeySettings[]): void {
  const secretsById = Map.groupBy(keys, (key) => key.id);
  for (const [id, entries] of secretsById) {
    if (entries.length > 2) {
      throw new StartupError(
        `key "${id}" stands ${entries.length} times in \`keys\``,
        'Keep the two secrets of a rotation at most.',
      );
    }
    if (entries.length === 2 && entries[0]?.secret === entries[1]?.secret) {
      throw new StartupError(`key "${id}" stands twice in \`keys\` with the same secret`, 'Remove one of the two.');
    }
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
}
