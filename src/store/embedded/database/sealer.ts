// Values as they reach the disk where the store has a key: AES-256-GCM (NIST SP 800-38D), each under a nonce of its own.
//
//   format (1 byte, 1) · key id (4) · nonce (12) · the value, sealed · tag (16)
//
// A value is sealed to its place: the tag holds only where the row, the column and the id are those that it was sealed for.

import { createCipheriv, createDecipheriv, createHmac, hkdfSync } from 'node:crypto';
import { ENCRYPTION_KEY_ID_BYTES, encryptionKeyId } from '../../../base/encryption-key-id.ts';
import type { Random } from '../../../base/random.ts';
import { DamageError } from './sqlite-errors.ts';

/** 32 bytes, as the operator gave them. */
export type SealKey = Uint8Array;

export const SEAL_KEY_BYTES = 32;
const FORMAT = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const NONCE_AT = 1 + ENCRYPTION_KEY_ID_BYTES;
const VALUE_AT = NONCE_AT + NONCE_BYTES;
/** What sealing adds to a value. No vector becomes as long as another one is without it, as this is no multiple of 4. */
export const SEAL_BYTES = VALUE_AT + TAG_BYTES;
const CIPHER = 'aes-256-gcm';
/** Asked for together: a call for 12 bytes costs as much as one for many. */
const NONCES_AT_ONCE = 128;

export interface SealerParts {
  readonly key: SealKey;
  /** Of the database: one key over two of them makes two sets of keys. */
  readonly salt: Uint8Array;
  readonly random: Random;
  /** While a database is sealed anew: what was sealed before opens, too. */
  readonly before?: Sealer | undefined;
  /** While a database is sealed for the first time, or unsealed: what is not sealed passes as it is. */
  readonly allowsPlain?: boolean;
}

export class Sealer {
  readonly keyId: string;
  readonly allowsPlain: boolean;
  readonly #key: Uint8Array;
  readonly #blindKey: Uint8Array;
  readonly #header: Buffer;
  readonly #random: Random;
  readonly #before: Sealer | undefined;
  #nonces: Uint8Array = new Uint8Array(0);
  #nextNonce = 0;

  constructor({ key, salt, random, before, allowsPlain = false }: SealerParts) {
    this.keyId = encryptionKeyId(key);
    this.allowsPlain = allowsPlain;
    this.#key = derived(key, salt, 'values');
    this.#blindKey = derived(key, salt, 'terms');
    this.#header = Buffer.concat([Uint8Array.of(FORMAT), Buffer.from(this.keyId, 'hex')]);
    this.#random = random;
    this.#before = before;
  }

  /** `place`: what `open` must be told, too. */
  seal(value: string | Uint8Array, place: string): Buffer<ArrayBuffer> {
    const nonce = this.#nonce();
    const cipher = createCipheriv(CIPHER, this.#key, nonce);
    cipher.setAAD(Buffer.from(place));
    const sealed = typeof value === 'string' ? cipher.update(value, 'utf8') : cipher.update(value);
    cipher.final();
    const bytes = Buffer.allocUnsafeSlow(sealed.length + SEAL_BYTES);
    bytes.set(this.#header, 0);
    bytes.set(nonce, NONCE_AT);
    bytes.set(sealed, VALUE_AT);
    bytes.set(cipher.getAuthTag(), VALUE_AT + sealed.length);
    return bytes;
  }

  /** Throws `DamageError` where it is not what was sealed for this place with this key. */
  open(sealed: Uint8Array, place: string): Buffer {
    const { length } = sealed;
    if (length < SEAL_BYTES) throw damaged(place);
    if (!this.#header.equals(sealed.subarray(0, NONCE_AT))) {
      if (this.#before === undefined) throw damaged(place);
      return this.#before.open(sealed, place);
    }
    const decipher = createDecipheriv(CIPHER, this.#key, sealed.subarray(NONCE_AT, VALUE_AT));
    decipher.setAAD(Buffer.from(place));
    decipher.setAuthTag(sealed.subarray(length - TAG_BYTES));
    const value = decipher.update(sealed.subarray(VALUE_AT, length - TAG_BYTES));
    try {
      decipher.final();
    } catch (error) {
      throw damaged(place, error);
    }
    return value;
  }

  /** What stands in a column that is looked for by equality: the same for the same text, and nobody without the key makes it. */
  blind(text: string): Buffer {
    return createHmac('sha256', this.#blindKey).update(text).digest();
  }

  #nonce(): Uint8Array {
    if (this.#nextNonce === this.#nonces.length) {
      this.#nonces = this.#random.bytes(NONCE_BYTES * NONCES_AT_ONCE);
      this.#nextNonce = 0;
    }
    return this.#nonces.subarray(this.#nextNonce, (this.#nextNonce += NONCE_BYTES));
  }
}

/** HKDF (RFC 5869) with SHA-256. */
function derived(key: SealKey, salt: Uint8Array, use: string): Uint8Array {
  return new Uint8Array(hkdfSync('sha256', key, salt, `context-manager ${use}`, SEAL_KEY_BYTES));
}

function damaged(place: string, cause?: unknown): DamageError {
  // The id in it is a client's.
  const told = place.split('/', 2).join(' ');
  return new DamageError(`${told} of the database is not what was written`, { cause });
}
