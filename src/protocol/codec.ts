import { Unpackr } from 'msgpackr';
import { badRequest, CodedError } from '../base/errors.ts';
import { BodyScanner, REPLY_LIMITS, REQUEST_LIMITS } from './body-scan.ts';
import { MessagePackWriter } from './body-writer.ts';
import {
  encodeFrameHead,
  FRAME_LENGTH_BYTES,
  FRAME_OVERHEAD_BYTES_MAX,
  frameHeadBytes,
  TAG_BYTES,
  TAG_OFFSET,
} from './frame.ts';
import type { TagSequence } from './proof.ts';

const UNDECODABLE = 'the body holds every character of U+E000 to U+EFFF and a byte order mark';

export type BodyMap = Record<string, unknown>;

/** What a body that cannot be read is blamed on: no field of it is known. */
const WHOLE_BODY = '/';

const requestScanner = new BodyScanner(REQUEST_LIMITS);
const replyScanner = new BodyScanner(REPLY_LIMITS);

const unpackr = new Unpackr({
  // Plain maps only: the bytes 0x40 to 0x7f stay integers.
  useRecords: false,
  mapsAsObjects: true,
  // Integers of 64 bits are numbers; the scan let none through that is not exact.
  int64AsType: 'number',
});

/**
 * The map in a request's body. `bin` comes as `Uint8Array`, a view of `bytes`.
 * Throws `BAD_REQUEST` where the bytes break section 1's rules; nothing is allocated for what breaks them.
 */
export function decodeBody(bytes: Uint8Array): BodyMap {
  return decode(bytes, requestScanner);
}

/** A request's body, and how many values it holds: what it weighs in memory depends on both. */
export function decodeRequest(bytes: Uint8Array): { readonly message: BodyMap; readonly valueCount: number } {
  const message = decodeBody(bytes);
  return { message, valueCount: requestScanner.valueCount };
}

/** The same for what a server sent: as strict about the bytes, but without the limits that protect a server. */
export function decodeReplyBody(bytes: Uint8Array): BodyMap {
  return decode(bytes, replyScanner);
}

/** The `id` of a request whose body `decodeBody` refused, for the error reply; 0 where it cannot be read. */
export function salvageRequestId(bytes: Uint8Array): number {
  return requestScanner.requestId(bytes);
}

function decode(bytes: Uint8Array, scanner: BodyScanner): BodyMap {
  scanner.scan(bytes);
  const head = bytes[0]!;
  if ((head & 0xf0) !== 0x80 && head !== 0xde && head !== 0xdf)
    throw badRequest(WHOLE_BODY, 'is not a map', 'the body is not a map');
  if (scanner.marks.length > 0) return decodeMarked(bytes, scanner.marks);
  return unpackr.unpack(bytes) as BodyMap;
}

/**
 * Keeps the byte order mark of texts that start with one, which the decoder's JavaScript side drops: each is
 * swapped for a character of the same three bytes that occurs nowhere in the body, and put back afterwards.
 */
function decodeMarked(bytes: Uint8Array, marks: readonly number[]): BodyMap {
  const copy = Buffer.from(bytes);
  const standIn = unusedCharacter(copy);
  for (const at of marks) copy.set(standIn, at);
  const standInText = standIn.toString();
  return restoreMarks(unpackr.unpack(copy), standInText) as BodyMap;
}

/** The first byte of U+E000 to U+EFFF, which lie in the private use area; two more with six bits each follow. */
const STAND_IN_LEAD = 0xee;

/** In one pass: to look for each character by itself would take as many passes as a client chooses. */
function unusedCharacter(bytes: Buffer): Buffer {
  const used = new Uint8Array(0x1000);
  for (let at = 0; at < bytes.length - 2; at++) {
    if (bytes[at] === STAND_IN_LEAD) used[((bytes[at + 1]! & 0x3f) << 6) | (bytes[at + 2]! & 0x3f)] = 1;
  }
  const free = used.indexOf(0);
  if (free < 0)
    throw badRequest(WHOLE_BODY, 'holds every character of U+E000 to U+EFFF and a byte order mark', UNDECODABLE);
  return Buffer.of(STAND_IN_LEAD, 0x80 | (free >> 6), 0x80 | (free & 0x3f));
}

function restoreMarks(value: unknown, standIn: string): unknown {
  if (typeof value === 'string') return value.startsWith(standIn) ? `\ufeff${value.slice(1)}` : value;
  if (Array.isArray(value)) return value.map((item) => restoreMarks(item, standIn));
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [restoreMarks(key, standIn), restoreMarks(item, standIn)]),
  );
}

const writer = new MessagePackWriter();

/**
 * `value` as MessagePack. Fields that are undefined are left out; integers of up to 64 bits are written as
 * integers in their shortest form, `Uint8Array` as bin, a lone surrogate as U+FFFD.
 * Throws `BAD_REQUEST` for what has no place on the wire: NaN, infinities, bigints, functions, class instances.
 */
export function encodeBody(value: object): Buffer {
  return writer.encode(value);
}

const NO_TAG_YET = new Uint8Array(TAG_BYTES);

/**
 * A whole frame in one piece of memory: the body is written where it will be sent from, then signed and headed.
 * Throws `PAYLOAD_TOO_LARGE`, and signs nothing, where the frame's length is over `frameBytesMax`.
 */
export function encodeMessage(
  value: object,
  tags: TagSequence | null,
  frameBytesMax = Number.MAX_SAFE_INTEGER,
): Buffer {
  const bytes = writer.encode(value, FRAME_OVERHEAD_BYTES_MAX);
  const body = bytes.subarray(FRAME_OVERHEAD_BYTES_MAX);
  const start = FRAME_OVERHEAD_BYTES_MAX - frameHeadBytes(tags !== null, body.length);
  if (bytes.length - start - FRAME_LENGTH_BYTES > frameBytesMax) {
    throw new CodedError(
      'PAYLOAD_TOO_LARGE',
      `the message is longer than the ${frameBytesMax} bytes that a frame may have`,
      {
        details: { max_frame_bytes: frameBytesMax },
      },
    );
  }
  encodeFrameHead(bytes, start, tags === null ? null : NO_TAG_YET, body.length);
  tags?.signInto(body, bytes, start + TAG_OFFSET);
  return bytes.subarray(start);
}
