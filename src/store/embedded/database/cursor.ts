// Where a list goes on. The sequence number inside would tell how much the other namespaces store, so
// the cursor is one encrypted block, of no use in another namespace or database.

import { createCipheriv, createDecipheriv } from 'node:crypto';
import { badRequest, type CodedError } from '../../../base/errors.ts';

export interface ListPosition {
  readonly createdAtMs: number;
  readonly seq: number;
}

const BLOCK_BYTES = 16;
const CIPHER = 'aes-128-ecb';

export class CursorCodec {
  readonly #key: Buffer;

  /** `key`: 16 bytes. */
  constructor(key: Buffer) {
    this.#key = key;
  }

  encode(spaceId: number, position: ListPosition): string {
    const block = Buffer.alloc(BLOCK_BYTES);
    block.writeDoubleBE(position.createdAtMs, 0);
    block.writeUIntBE(position.seq, 8, 6);
    block.writeUInt16BE(spaceId & 0xffff, 14);
    const cipher = createCipheriv(CIPHER, this.#key, null).setAutoPadding(false);
    return Buffer.concat([cipher.update(block), cipher.final()]).toString('base64url');
  }

  /** Throws `BAD_REQUEST` where `cursor` did not come from `encode` for this namespace. */
  decode(spaceId: number, cursor: string): ListPosition {
    const bytes = Buffer.from(cursor, 'base64url');
    if (bytes.length !== BLOCK_BYTES || bytes.toString('base64url') !== cursor) throw badCursor();
    const decipher = createDecipheriv(CIPHER, this.#key, null).setAutoPadding(false);
    const block = Buffer.concat([decipher.update(bytes), decipher.final()]);
    const createdAtMs = block.readDoubleBE(0);
    if (block.readUInt16BE(14) !== (spaceId & 0xffff) || !Number.isSafeInteger(createdAtMs)) throw badCursor();
    return { createdAtMs, seq: block.readUIntBE(8, 6) };
  }
}

export function badCursor(): CodedError {
  return badRequest('/cursor', 'is not a cursor of this list');
}
