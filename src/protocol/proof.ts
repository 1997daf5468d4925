import { createHmac, createSecretKey, hkdfSync, timingSafeEqual, type KeyObject } from 'node:crypto';
import { TAG_BYTES } from './frame.ts';

export const NONCE_BYTES = 32;
export const SECRET_BYTES_MIN = 32;
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

/** The tags of one direction of one connection, in order: HMAC-SHA256(key, u64 BE n || body), n from 0. */
export class TagSequence {
  private readonly key: KeyObject;
  private readonly counter = Buffer.alloc(COUNTER_BYTES);
  private low = 0;
  private high = 0;

  constructor(key: KeyObject) {
    this.key = key;
  }

  /** The tag of the next frame. */
  sign(body: Uint8Array): Buffer {
    const tag = createHmac('sha256', this.key).update(this.counter).update(body).digest();
    this.advance();
    return tag;
  }

  /** Whether `tag` is the next frame's. Only then the counter moves; a frame that fails ends the connection. */
  verify(tag: Uint8Array | null, body: Uint8Array): boolean {
    if (tag === null || tag.length !== TAG_BYTES) return false;
    const expected = createHmac('sha256', this.key).update(this.counter).update(body).digest();
    if (!timingSafeEqual(tag, expected)) return false;
    this.advance();
    return true;
  }

  /** Frames signed or verified so far. */
  get count(): number {
    return this.high * 0x1_0000_0000 + this.low;
  }

  private advance(): void {
    this.low = (this.low + 1) >>> 0;
    if (this.low === 0) {
      this.high += 1;
      this.counter.writeUInt32BE(this.high, 0);
    }
    this.counter.writeUInt32BE(this.low, 4);
  }
}
