// Where a list goes on. A position would tell how much the other namespaces store, so a cursor is encrypted, and of no
// use in another namespace or database. Its tag is made from what it holds (a synthetic IV, as in RFC 5297), so that the
// same place always has the same cursor and no other text is one.

import { createCipheriv, createDecipheriv, createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { badRequest } from '../../base/errors.ts';
import type { Position } from '../driver.ts';

const TAG_BYTES = 16;
const CIPHER = 'aes-256-ctr';

export class CursorCodec {
  readonly #tagKey: KeyObject;
  readonly #cipherKey: KeyObject;

  /** `key`: random bytes that everybody who is to read the cursors has. */
  constructor(key: Uint8Array) {
    this.#tagKey = createSecretKey(createHmac('sha256', key).update('tag').digest());
    this.#cipherKey = createSecretKey(createHmac('sha256', key).update('cipher').digest());
  }

  encode(namespace: string, position: Position): string {
    const plain = Buffer.from(JSON.stringify(position));
    const tag = this.#tag(namespace, plain);
    const cipher = createCipheriv(CIPHER, this.#cipherKey, tag);
    return Buffer.concat([tag, cipher.update(plain), cipher.final()]).toString('base64url');
  }

  /** Throws `BAD_REQUEST` where `cursor` did not come from `encode` for this namespace. */
  decode(namespace: string, cursor: string): Position {
    const bytes = Buffer.from(cursor, 'base64url');
    if (bytes.length <= TAG_BYTES || bytes.toString('base64url') !== cursor) throw badCursor();
    const tag = bytes.subarray(0, TAG_BYTES);
    const decipher = createDecipheriv(CIPHER, this.#cipherKey, tag);
    const plain = Buffer.concat([decipher.update(bytes.subarray(TAG_BYTES)), decipher.final()]);
    if (!this.#tag(namespace, plain).equals(tag)) throw badCursor();
    return JSON.parse(plain.toString()) as Position;
  }

  #tag(namespace: string, plain: Uint8Array): Buffer {
    return createHmac('sha256', this.#tagKey).update(`${namespace}\0`).update(plain).digest().subarray(0, TAG_BYTES);
  }
}

function badCursor(): Error {
  return badRequest('/cursor', 'is not a cursor of this list');
}
