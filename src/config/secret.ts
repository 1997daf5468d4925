import { StartupError } from '../base/errors.ts';
import { SECRET_BYTES_MIN } from '../base/wire-limits.ts';

/** Of the key `default`. */
export const SECRET_VARIABLE = 'PROTOCOL_SECRET';

/** No secret is so long. */
const SECRET_BYTES_MAX = 64 * 1024;
const MAKE_ONE = 'Make one with: openssl rand -hex 32';

/**
 * The secret, where it is one that cannot be guessed. `name` says where it came from. Throws `StartupError`, which never
 * says what it is.
 */
export function checkSecret(secret: string | undefined, name: string, remedy = MAKE_ONE): string {
  if (secret === undefined) {
    throw new StartupError(
      `\`${name}\` is missing`,
      `Set it to at least ${SECRET_BYTES_MIN} random bytes (openssl rand -hex 32).`,
    );
  }
  const byteCount = Buffer.byteLength(secret, 'utf8');
  if (byteCount < SECRET_BYTES_MIN) {
    throw new StartupError(
      `${name} has ${byteCount} ${byteCount === 1 ? 'byte' : 'bytes'}; a secret needs at least ${SECRET_BYTES_MIN}`,
      remedy,
    );
  }
  if (byteCount > SECRET_BYTES_MAX) {
    throw new StartupError(
      `${name} is longer than ${SECRET_BYTES_MAX} bytes`,
      'Check that it is the secret that was meant.',
    );
  }
  // What bytes that are no UTF-8 are read as, whatever they were: of random ones hardly any are left.
  if (secret.includes('\ufffd')) throw new StartupError(`${name} is not UTF-8 text`, remedy);
  // A file that a crash left full of zeros, a place holder.
  if (new Set(secret).size === 1) throw new StartupError(`${name} is one character, repeated`, remedy);
  return secret;
}

/** A secret as a file holds it: blanks and line ends around it are the editor's. */
export function secretOfFile(text: string): string {
  return text.trim();
}
