// What a database says of its key, in `meta`: which one, and how far it is where it is being sealed anew.

import type { DatabaseSync } from 'node:sqlite';
import { encryptionKeyId } from '../../../base/encryption-key-id.ts';
import { StartupError } from '../../../base/errors.ts';
import type { SealKeys } from '../border/opening-settings.ts';
import type { Random } from '../../../base/random.ts';
import { setMeta } from './small-sums.ts';
import { DamageError } from './sqlite-errors.ts';
import { type SealKey, Sealer } from './sealer.ts';

/** Everything here may be read by anybody. */
export interface SealNote {
  readonly keyId: string;
  /** 16 bytes, in hexadecimal. */
  readonly salt: string;
  /** Something known, sealed: it opens with the whole key and no other. In base64. */
  readonly check: string;
}

/** In this order. */
export type ResealStep = 'contexts' | 'documents' | 'tidy';

export interface PendingReseal {
  readonly step: ResealStep;
  /** `seq` or `id` of the last row that is done. */
  readonly after: number;
  /** What the rows behind it are sealed with; null: nothing. */
  readonly before: SealNote | null;
}

export interface SealState {
  /** null: nothing is sealed. */
  readonly now: SealNote | null;
  /** What is stored is being brought to `now`. */
  readonly pending?: PendingReseal;
}

const META_KEY = 'seal';
const SALT_BYTES = 16;
const CHECK_PLACE = 'check';
const CHECK = 'context-manager';

export function readSealState(database: DatabaseSync): SealState {
  const row = database.prepare('SELECT value FROM meta WHERE key = ?').get(META_KEY) as { value: string } | undefined;
  if (row === undefined) return { now: null };
  try {
    return JSON.parse(row.value) as SealState;
  } catch (error) {
    throw new DamageError('what the database says of its key is not what was written', { cause: error });
  }
}

/** Inside a transaction with what it tells of. */
export function writeSealState(database: DatabaseSync, state: SealState): void {
  if (state.now === null && state.pending === undefined)
    database.prepare('DELETE FROM meta WHERE key = ?').run(META_KEY);
  else setMeta(database, META_KEY, JSON.stringify(state));
}

/** For what is sealed with `key` from now on. */
export function newNote(key: SealKey, random: Random): SealNote {
  const salt = random.bytes(SALT_BYTES);
  const check = new Sealer({ key, salt, random }).seal(CHECK, CHECK_PLACE).toString('base64');
  return { keyId: encryptionKeyId(key), salt: Buffer.from(salt).toString('hex'), check };
}

/** Of `keys` the one that the note is of; null: none is. */
export function keyOf(note: SealNote, keys: readonly (SealKey | null)[], random: Random): SealKey | null {
  return keys.find((key) => key !== null && opens(note, key, random)) ?? null;
}

export function saltOf({ salt }: SealNote): Uint8Array {
  return Buffer.from(salt, 'hex');
}

function opens(note: SealNote, key: SealKey, random: Random): boolean {
  if (encryptionKeyId(key) !== note.keyId) return false;
  try {
    const sealer = new Sealer({ key, salt: saltOf(note), random });
    return sealer.open(Buffer.from(note.check, 'base64'), CHECK_PLACE).toString() === CHECK;
  } catch {
    return false;
  }
}

/**
 * The sealer of a database that nobody is sealing anew; null: nothing is sealed. Throws `StartupError` where what the
 * settings give is not what it takes.
 */
export function openSealer(database: DatabaseSync, path: string, keys: SealKeys, random: Random): Sealer | null {
  const { now, pending } = readSealState(database);
  if (pending !== undefined) throw halfSealed(path, now, pending);
  if (now === null) {
    if (keys.key === null) return null;
    throw notSealed(path);
  }
  const key = keyOf(now, [keys.key], random);
  if (key === null) throw wrongKey(path, now, keys.key);
  return new Sealer({ key, salt: saltOf(now), random });
}

/**
 * Of a copy that is to be put in place: that one of the keys opens what is sealed in it. What is not sealed, or by the key
 * before, is sealed anew afterwards. Throws `StartupError`.
 */
export function checkCopySeal(database: DatabaseSync, path: string, keys: SealKeys, random: Random): void {
  if (!hasMeta(database)) return;
  const { now } = readSealState(database);
  if (now !== null && keyOf(now, [keys.key, keys.previousKey], random) === null) throw wrongKey(path, now, keys.key);
}

function hasMeta(database: DatabaseSync): boolean {
  const found = database.prepare("SELECT count(*) AS count FROM sqlite_schema WHERE name = 'meta'").get();
  return (found as { count: number }).count === 1;
}

const KEY_SETTING = 'vector_db.encryption_key (VECTOR_DB__ENCRYPTION_KEY) or vector_db.encryption_key_path';
const PREVIOUS_SETTING =
  'vector_db.previous_encryption_key (VECTOR_DB__PREVIOUS_ENCRYPTION_KEY) or vector_db.previous_encryption_key_path';

function notSealed(path: string): StartupError {
  return new StartupError(
    `an encryption key is given, and what is stored in ${path} is not sealed`,
    'Nothing was changed. Run `context-manager reseal` with this configuration while no server runs, or remove vector_db.encryption_key.',
  );
}

export function wrongKey(path: string, { keyId }: SealNote, given: SealKey | null): StartupError {
  if (given === null) {
    return new StartupError(
      `${path} is sealed with the encryption key ${keyId}, and none is given`,
      `Nothing was changed. Give that key: ${KEY_SETTING}.`,
    );
  }
  return new StartupError(
    `${path} is sealed with the encryption key ${keyId}, and the one that is given is ${encryptionKeyId(given)}`,
    `Nothing was changed. Give the key ${keyId}: ${KEY_SETTING}. Or, to change to the one that is given, give ${keyId} as ${PREVIOUS_SETTING}, and run \`context-manager reseal\` while no server runs.`,
  );
}

export function halfSealed(path: string, now: SealNote | null, { before }: PendingReseal): StartupError {
  const wanted = now === null ? 'no vector_db.encryption_key' : `the key ${now.keyId}: ${KEY_SETTING}`;
  const old = before === null ? '' : `, and the key ${before.keyId}: ${PREVIOUS_SETTING}`;
  return new StartupError(
    `${path} is being sealed anew, and that was interrupted`,
    `Nothing was changed. Give ${wanted}${old}; then start the server or run \`context-manager reseal\` again: it goes on where it was.`,
  );
}
