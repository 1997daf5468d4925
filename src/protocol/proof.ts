import * as crypto from 'node:crypto';
import { createHmac, createSecretKey, hkdfSync, timingSafeEqual, type KeyObject } from 'node:crypto';
import { TAG_BYTES } from './frame.ts';

export const NONCE_BYTES = 32;
export const PROTOCOL_VERSION = 1;

const AUTH_CONTEXT = Buffer.from('context-manager/1 auth\0', 'latin1');
const CLIENT_TO_SERVER = 'context-manager/1 c2s';
const SERVER_TO_CLIENT = 'context-manager/1 s2c';

/** The keys of one connection, one for each direction. As `KeyObject`: an HMAC with raw bytes costs five times as much. */
export interface DirectionKeys {
  readonly clientToServer: KeyObject;
  readonly serverToClient: KeyObject;
}

/** Section 2, step 2: the 32 byte tag of the `auth` frame. */
export function authTag(secret: Uint8Array, serverNonce: Uint8Array, body: Uint8Array): Buffer {
  return createHmac('sha256', secret).update(AUTH_CONTEXT).update(serverNonce).update(body).digest();
}

/** Section 2, step 3: both directions' keys, HKDF-SHA256 with salt = server nonce || client nonce. */
export function deriveKeys(secret: Uint8Array, serverNonce: Uint8Array, clientNonce: Uint8Array): DirectionKeys {
  const salt = Buffer.concat([serverNonce, clientNonce]);
  return {
    clientToServer: deriveKey(secret, salt, CLIENT_TO_SERVER),
    serverToClient: deriveKey(secret, salt, SERVER_TO_CLIENT),
  };
}

function deriveKey(secret: Uint8Array, salt: Uint8Array, info: string): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', secret, salt, info, 32)));
}

/** True where both are the same tag; takes as long where they differ (section 2, constant time). */
export function tagsEqual(a: Uint8Array | null, b: Uint8Array): boolean {
  return a !== null && a.length === b.length && timingSafeEqual(a, b);
}

const COUNTER_BYTES = 8;
/** Of SHA-256, to which HMAC pads its key (RFC 2104). */
const BLOCK_BYTES = 64;
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;
const HEAD_BYTES = BLOCK_BYTES + COUNTER_BYTES;
/** Longer bodies are not copied for their tag. */
const COPIED_BODY_BYTES_MAX = 32 * 1024;

/** Where the bytes to be hashed are put together; nothing in them outlives a call. */
const innerBytes = Buffer.allocUnsafeSlow(HEAD_BYTES + COPIED_BODY_BYTES_MAX);
const outerBytes = Buffer.allocUnsafeSlow(BLOCK_BYTES + TAG_BYTES);
const expectedTag = Buffer.allocUnsafeSlow(TAG_BYTES);

/** Absent in Node before 20.12. */
const hashAtOnce = (crypto as { hash?: typeof crypto.hash }).hash;

/**
 * The tags of one direction of one connection, in order: HMAC-SHA256(key, u64 BE n || body), n from 0.
 *
 * For usual messages the HMAC is built of two hashes made at once, their results passed on as strings of one
 * character per byte: that takes a third of the time of an `Hmac` object, which costs more than its hashing.
 */
export class TagSequence {
  readonly #key: KeyObject;
  /** The key's inner block, then the counter. */
  readonly #head = Buffer.alloc(HEAD_BYTES);
  readonly #outerBlock = Buffer.alloc(BLOCK_BYTES);
  #low = 0;
  #high = 0;

  constructor(key: KeyObject) {
    this.#key = key;
    key.export().copy(this.#head);
    for (let i = 0; i < BLOCK_BYTES; i++) {
      const byte = this.#head[i]!;
      this.#head[i] = byte ^ INNER_PAD;
      this.#outerBlock[i] = byte ^ OUTER_PAD;
    }
  }

  /** The tag of the next frame. */
  sign(body: Uint8Array): Buffer {
    const tag = Buffer.allocUnsafe(TAG_BYTES);
    this.signInto(body, tag, 0);
    return tag;
  }

  /** The same, written to `target[at]`. */
  signInto(body: Uint8Array, target: Buffer, at: number): void {
    this.#writeTag(body, target, at);
    this.#advance();
  }

  /** Whether `tag` is the next frame's. Only then the counter moves; a frame that fails ends the connection. */
  verify(tag: Uint8Array | null, body: Uint8Array): boolean {
    if (tag === null || tag.length !== TAG_BYTES) return false;
    this.#writeTag(body, expectedTag, 0);
    if (!timingSafeEqual(tag, expectedTag)) return false;
    this.#advance();
    return true;
  }

  /** Frames signed or verified so far. */
  get count(): number {
    return this.#high * 0x1_0000_0000 + this.#low;
  }

  #writeTag(body: Uint8Array, target: Buffer, at: number): void {
    if (hashAtOnce === undefined || body.length > COPIED_BODY_BYTES_MAX) {
      const counter = this.#head.subarray(BLOCK_BYTES);
      createHmac('sha256', this.#key).update(counter).update(body).digest().copy(target, at);
      return;
    }
    innerBytes.set(this.#head);
    innerBytes.set(body, HEAD_BYTES);
    outerBytes.set(this.#outerBlock);
    outerBytes.write(
      hashAtOnce('sha256', innerBytes.subarray(0, HEAD_BYTES + body.length), 'binary'),
      BLOCK_BYTES,
      'binary',
    );
    target.write(hashAtOnce('sha256', outerBytes, 'binary'), at, 'binary');
  }

  #advance(): void {
    this.#low = (this.#low + 1) >>> 0;
    if (this.#low === 0) {
      this.#high += 1;
      this.#head.writeUInt32BE(this.#high, BLOCK_BYTES);
    }
    this.#head.writeUInt32BE(this.#low, BLOCK_BYTES + 4);
  }
}
