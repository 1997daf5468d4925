import { StartupError } from '../base/errors.ts';
import { SECRET_FILE_BYTES_MAX } from './node-files.ts';
import type { Settings } from './settings.ts';
import { readTextFile, UnreadableFile } from './text-file.ts';

/** 32 bytes each; null: none. */
export interface EncryptionKeys {
  readonly key: Uint8Array | null;
  /** What is stored may still be sealed with it. */
  readonly previousKey: Uint8Array | null;
}

const KEY_BYTES = 32;
const HEXADECIMAL = /^[0-9a-fA-F]{64}$/;
const BASE64 = /^[A-Za-z0-9+/_-]{43}=?$/;
const OTHERS = 0o077;
const MAKE_ONE = 'Make one with: openssl rand -hex 32';

/** The keys that the settings give, from the environment or from files. Throws `StartupError`, which never says what they are. */
export function resolveEncryptionKeys(settings: Settings['vectorDb']): EncryptionKeys {
  const { encryptionKey, encryptionKeyPath, previousEncryptionKey, previousEncryptionKeyPath } = settings;
  return {
    key: keyOf('vector_db.encryption_key', encryptionKey, encryptionKeyPath),
    previousKey: keyOf('vector_db.previous_encryption_key', previousEncryptionKey, previousEncryptionKeyPath),
  };
}

/** For a store whose database must read what it searches: a key that sealed nothing would be believed in. Throws `StartupError`. */
export function refuseEncryptionKeys(settings: Settings['vectorDb']): void {
  const { key, previousKey } = resolveEncryptionKeys(settings);
  if (key === null && previousKey === null) return;
  throw new StartupError(
    `\`vector_db.encryption_key\` is set, and what the store "${settings.driver}" keeps cannot be sealed by this server`,
    'Remove the key, and encrypt the disks of the database servers; see docs/encryption.md.',
  );
}

function keyOf(setting: string, text: string | undefined, path: string | undefined): Uint8Array | null {
  if (text !== undefined && path !== undefined)
    throw new StartupError(`\`${setting}\` and \`${setting}_path\` are both set`, 'Keep one of the two.');
  if (text !== undefined) return decoded(`\`${setting}\``, text.trim());
  return path === undefined ? null : decoded(path, readKeyFile(setting, path));
}

function readKeyFile(setting: string, path: string): string {
  const file = readChecked(path);
  if (file === null)
    throw new StartupError(
      `\`${setting}_path\` names ${path}, which does not exist`,
      'Put the key there, or correct the path.',
    );
  if (process.platform !== 'win32' && (file.mode & OTHERS) !== 0)
    throw new StartupError(
      `others on this machine can read the encryption key in ${path}`,
      `Close it: chmod 600 ${path}`,
    );
  return file.text.trim();
}

function readChecked(path: string) {
  try {
    return readTextFile(path, { bytesMax: SECRET_FILE_BYTES_MAX });
  } catch (error) {
    if (error instanceof UnreadableFile) throw new StartupError(error.message, error.remedy, error);
    throw error;
  }
}

/** `name` says where it came from. */
function decoded(name: string, text: string): Uint8Array {
  const key = HEXADECIMAL.test(text)
    ? Buffer.from(text, 'hex')
    : BASE64.test(text)
      ? Buffer.from(text, 'base64')
      : null;
  if (key?.length !== KEY_BYTES)
    throw new StartupError(`${name} holds no encryption key: 32 bytes as 64 hexadecimal digits or as base64`, MAKE_ONE);
  // A place holder.
  if (new Set(key).size === 1) throw new StartupError(`${name} is one byte, repeated`, MAKE_ONE);
  return new Uint8Array(key);
}
