import { CodedError } from '../base/errors.ts';
import { PartialFrame } from './partial-frame.ts';

/** Section 1: what a frame may hold before the connection is authenticated. */
export const FRAME_BYTES_MAX_BEFORE_AUTH = 4096;
export const TAG_BYTES = 32;

/** The length itself, which does not count towards the limits. */
export const FRAME_LENGTH_BYTES = 4;
/** Length, array header, tag with its header, and the longest header of a body. */
export const FRAME_OVERHEAD_BYTES_MAX = FRAME_LENGTH_BYTES + 1 + (2 + TAG_BYTES) + 5;

/** Where the tag of a frame that has one starts. */
export const TAG_OFFSET = FRAME_LENGTH_BYTES + 1 + 2;

/** One frame as it came: views of the bytes received, valid as long as they are kept. */
export interface Frame {
  /** Null: the sender wrote nil. */
  readonly tag: Uint8Array | null;
  /** The envelope's bytes, not decoded. */
  readonly body: Uint8Array;
}

/**
 * Cuts a stream of bytes into frames. Pull `next()` until it gives null; it throws `BAD_FRAME` or
 * `FRAME_TOO_LARGE` (both end the connection), the latter as soon as the length is known.
 *
 * A frame that lies in one chunk is not copied; one that spans chunks is copied once. What is buffered is
 * what was pushed and not yet pulled, plus what has come of one frame: a caller that stops pulling stops reading its
 * socket, too.
 */
export class FrameReader {
  /** Limit on the length of the frames to come, in bytes. */
  maxFrameBytes: number;
  readonly #waiting: Uint8Array[] = [];
  #chunk: Uint8Array = EMPTY;
  #at = 0;
  readonly #lengthBytes = new Uint8Array(FRAME_LENGTH_BYTES);
  #lengthFilled = 0;
  #partial: PartialFrame | null = null;

  constructor(maxFrameBytes: number = FRAME_BYTES_MAX_BEFORE_AUTH) {
    this.maxFrameBytes = maxFrameBytes;
  }

  /** Hands over bytes as they came from the peer; they must not be changed afterwards. */
  push(chunk: Uint8Array): void {
    if (chunk.length === 0) return;
    if (this.#at === this.#chunk.length && this.#waiting.length === 0) {
      this.#chunk = chunk;
      this.#at = 0;
    } else {
      this.#waiting.push(chunk);
    }
  }

  /** The next complete frame, or null where more bytes are needed. */
  next(): Frame | null {
    for (;;) {
      if (this.#partial !== null) return this.#fillPartial(this.#partial) ? this.#takePartial(this.#partial) : null;
      const length = this.#readLength();
      if (length < 0) return null;
      if (this.#at + length <= this.#chunk.length) {
        const start = this.#at;
        this.#at += length;
        return parseFrame(this.#chunk, start, this.#at);
      }
      this.#partial = new PartialFrame(length);
    }
  }

  /** Bytes of frames that are not complete or not pulled yet. */
  get bufferedBytes(): number {
    let bytes = this.#lengthFilled + (this.#partial?.filledBytes ?? 0) + this.#chunk.length - this.#at;
    for (const chunk of this.#waiting) bytes += chunk.length;
    return bytes;
  }

  /** Memory that a frame takes which is not complete. */
  get partialBytes(): number {
    return this.#partial?.bytes ?? 0;
  }

  /** What its length field says; 0 where there is none. */
  get partialLength(): number {
    return this.#partial?.length ?? 0;
  }

  /** The length of the next frame, checked against the limits; -1 where its bytes are not all there. */
  #readLength(): number {
    let length: number;
    if (this.#lengthFilled === 0 && this.#at + FRAME_LENGTH_BYTES <= this.#chunk.length) {
      length = readU32(this.#chunk, this.#at);
      this.#at += FRAME_LENGTH_BYTES;
    } else {
      while (this.#lengthFilled < FRAME_LENGTH_BYTES) {
        if (this.#at === this.#chunk.length && !this.#nextChunk()) return -1;
        this.#lengthBytes[this.#lengthFilled++] = this.#chunk[this.#at++]!;
      }
      length = readU32(this.#lengthBytes, 0);
      this.#lengthFilled = 0;
    }
    if (length === 0) throw badFrame('a frame of length 0');
    if (length > this.maxFrameBytes) {
      throw new CodedError('FRAME_TOO_LARGE', `a frame of ${length} bytes is over the limit of ${this.maxFrameBytes}`, {
        details: { max_frame_bytes: this.maxFrameBytes },
      });
    }
    if (this.#at === this.#chunk.length) this.#nextChunk();
    return length;
  }

  #fillPartial(partial: PartialFrame): boolean {
    while (partial.missingBytes > 0) {
      if (this.#at === this.#chunk.length && !this.#nextChunk()) return false;
      const end = Math.min(this.#chunk.length, this.#at + partial.missingBytes);
      partial.add(this.#chunk.subarray(this.#at, end));
      this.#at = end;
    }
    return true;
  }

  #takePartial(partial: PartialFrame): Frame {
    this.#partial = null;
    const bytes = partial.take();
    return parseFrame(bytes, 0, bytes.length);
  }

  #nextChunk(): boolean {
    const chunk = this.#waiting.shift();
    this.#chunk = chunk ?? EMPTY;
    this.#at = 0;
    return chunk !== undefined;
  }
}

const EMPTY = new Uint8Array(0);

/** `bytes[start, end)` as the two-element array of section 1; `BAD_FRAME` where it is anything else. */
function parseFrame(bytes: Uint8Array, start: number, end: number): Frame {
  let at = arrayOfTwo(bytes, start, end);
  let tag: Uint8Array | null = null;
  if (bytes[at] === NIL && at < end) {
    at += 1;
  } else {
    const tagStart = binStart(bytes, at, end);
    if (binLength(bytes, at) !== TAG_BYTES || tagStart + TAG_BYTES > end) {
      throw badFrame(`a tag that is not ${TAG_BYTES} bytes`);
    }
    at = tagStart + TAG_BYTES;
    tag = bytes.subarray(tagStart, at);
  }
  const bodyStart = binStart(bytes, at, end);
  const bodyEnd = bodyStart + binLength(bytes, at);
  if (bodyEnd > end) throw badFrame('a body that ends before its length');
  if (bodyEnd < end) throw badFrame('bytes after the body');
  return { tag, body: bytes.subarray(bodyStart, bodyEnd) };
}

const NIL = 0xc0;
const BIN8 = 0xc4;
const BIN16 = 0xc5;
const BIN32 = 0xc6;

function arrayOfTwo(bytes: Uint8Array, at: number, end: number): number {
  const head = bytes[at];
  if (head === 0x92) return at + 1;
  if (head === 0xdc && at + 3 <= end && bytes[at + 1] === 0 && bytes[at + 2] === 2) return at + 3;
  if (head === 0xdd && at + 5 <= end && readU32(bytes, at + 1) === 2) return at + 5;
  throw badFrame('not an array of tag and body');
}

/** Where the content of the bin at `at` starts; its header lies before `end`. */
function binStart(bytes: Uint8Array, at: number, end: number): number {
  const head = bytes[at];
  const start = head === BIN8 ? at + 2 : head === BIN16 ? at + 3 : head === BIN32 ? at + 5 : -1;
  if (start < 0 || at >= end) throw badFrame('a tag or body that is not bin');
  if (start > end) throw badFrame('a frame that ends before its tag or body');
  return start;
}

function binLength(bytes: Uint8Array, at: number): number {
  if (bytes[at] === BIN8) return bytes[at + 1]!;
  if (bytes[at] === BIN16) return (bytes[at + 1]! << 8) | bytes[at + 2]!;
  return readU32(bytes, at + 1);
}

function readU32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;
}

function badFrame(what: string): CodedError {
  return new CodedError('BAD_FRAME', `the frame is malformed: ${what}`);
}

/** The bytes of a whole frame, length included. `tag` is 32 bytes or null. */
export function encodeFrame(tag: Uint8Array | null, body: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(frameHeadBytes(tag !== null, body.length) + body.length);
  encodeFrameHead(frame, 0, tag, body.length);
  frame.set(body, frame.length - body.length);
  return frame;
}

/** How many bytes stand before a body of `bodyBytes`. */
export function frameHeadBytes(tagged: boolean, bodyBytes: number): number {
  return FRAME_LENGTH_BYTES + 1 + (tagged ? 2 + TAG_BYTES : 1) + binHeadBytes(bodyBytes);
}

/** Writes all that stands before the body at `target[at]`; returns where the body goes. */
export function encodeFrameHead(target: Buffer, at: number, tag: Uint8Array | null, bodyBytes: number): number {
  const head = frameHeadBytes(tag !== null, bodyBytes);
  let next = target.writeUInt32BE(head - FRAME_LENGTH_BYTES + bodyBytes, at);
  target[next++] = 0x92;
  if (tag === null) {
    target[next++] = NIL;
  } else {
    target[next++] = BIN8;
    target[next++] = TAG_BYTES;
    target.set(tag, next);
    next += TAG_BYTES;
  }
  return writeBinHead(target, next, bodyBytes);
}

function binHeadBytes(length: number): number {
  return length < 0x100 ? 2 : length < 0x10000 ? 3 : 5;
}

function writeBinHead(target: Buffer, at: number, length: number): number {
  if (length < 0x100) {
    target[at] = BIN8;
    target[at + 1] = length;
    return at + 2;
  }
  if (length < 0x10000) {
    target[at] = BIN16;
    return target.writeUInt16BE(length, at + 1);
  }
  target[at] = BIN32;
  return target.writeUInt32BE(length, at + 1);
}
