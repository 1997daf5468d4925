import { createHmac, createSecretKey, hkdfSync, type KeyObject } from 'node:crypto';
import { Packr, Unpackr } from 'msgpackr';
import { TagSequence } from '../../src/protocol/proof.ts';

// The least that either side of the wire protocol can do. But for the tags, kept apart from src/protocol, so
// that a slow frame reader in the product does not slow its own floor.

const TAG_BYTES = 32;
/** Array of two, then bin 8 with 32 bytes. */
const TAG_HEAD = Buffer.from([0x92, 0xc4, TAG_BYTES]);
const NIL_HEAD = Buffer.from([0x92, 0xc0]);

const packr = new Packr({ useRecords: false, variableMapSize: true });
const unpackr = new Unpackr({ useRecords: false, int64AsType: 'number' });

export const pack = (value: object): Buffer => packr.pack(value);
export const unpack = (bytes: Buffer): Record<string, unknown> => unpackr.unpack(bytes) as Record<string, unknown>;

/** Cuts a stream of bytes into bodies and their tags. */
export class FrameCutter {
  private rest: Buffer = Buffer.alloc(0);

  push(chunk: Buffer, onFrame: (tag: Buffer | null, body: Buffer) => void): void {
    const bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    let at = 0;
    while (bytes.length - at >= 4) {
      const end = at + 4 + bytes.readUInt32BE(at);
      if (bytes.length < end) break;
      cut(bytes.subarray(at + 4, end), onFrame);
      at = end;
    }
    this.rest = at === bytes.length ? Buffer.alloc(0) : bytes.subarray(at);
  }
}

function cut(value: Buffer, onFrame: (tag: Buffer | null, body: Buffer) => void): void {
  const tagged = value[1] !== NIL_HEAD[1];
  const tag = tagged ? value.subarray(3, 3 + TAG_BYTES) : null;
  const head = tagged ? 3 + TAG_BYTES : 2;
  const lengthBytes = value[head] === 0xc4 ? 1 : value[head] === 0xc5 ? 2 : 4;
  onFrame(tag, value.subarray(head + 1 + lengthBytes));
}

export function makeFrame(tag: Buffer | null, body: Buffer): Buffer {
  const head = tag === null ? NIL_HEAD.length : TAG_HEAD.length + TAG_BYTES;
  const lengthBytes = body.length < 0x100 ? 1 : body.length < 0x10000 ? 2 : 4;
  const frame = Buffer.allocUnsafe(4 + head + 1 + lengthBytes + body.length);
  frame.writeUInt32BE(frame.length - 4, 0);
  if (tag === null) NIL_HEAD.copy(frame, 4);
  else {
    TAG_HEAD.copy(frame, 4);
    tag.copy(frame, 4 + TAG_HEAD.length);
  }
  const at = 4 + head;
  frame[at] = lengthBytes === 1 ? 0xc4 : lengthBytes === 2 ? 0xc5 : 0xc6;
  frame.writeUIntBE(body.length, at + 1, lengthBytes);
  body.copy(frame, at + 1 + lengthBytes);
  return frame;
}

/** Tags of one direction, by the product's own code, which is the cheapest known. */
export class Tagger {
  private readonly sequence: TagSequence;

  constructor(key: KeyObject) {
    this.sequence = new TagSequence(key);
  }

  next(body: Buffer): Buffer {
    return this.sequence.sign(body);
  }

  verify(tag: Buffer | null, body: Buffer): void {
    if (!this.sequence.verify(tag, body)) throw new Error('a frame with a wrong tag');
  }
}

export function authTag(secret: string, serverNonce: Buffer, body: Buffer): Buffer {
  return createHmac('sha256', createSecretKey(secret, 'utf8'))
    .update('context-manager/1 auth\0')
    .update(serverNonce)
    .update(body)
    .digest();
}

export function directionKeys(secret: string, serverNonce: Buffer, clientNonce: Buffer): { c2s: Tagger; s2c: Tagger } {
  const salt = Buffer.concat([serverNonce, clientNonce]);
  const derive = (name: string): Tagger =>
    new Tagger(createSecretKey(new Uint8Array(hkdfSync('sha256', secret, salt, `context-manager/1 ${name}`, 32))));
  return { c2s: derive('c2s'), s2c: derive('s2c') };
}
