import { Unpackr } from 'msgpackr';
import { badRequest, CodedError } from '../base/errors.ts';
import { REPLY_NESTING_MAX, REQUEST_LIMITS } from './body-limits.ts';
import { notAMap } from './body-faults.ts';
import { BodyReader, type BodyMap } from './body-reader.ts';
import { BodyScanner } from './body-scan.ts';
import { BodyParts } from './body-parts.ts';
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

export type { BodyMap } from './body-reader.ts';

const UNDECODABLE = 'the body holds every character of U+E000 to U+EFFF and a byte order mark';

/** What a body that cannot be read is blamed on: no field of it is known. */
const WHOLE_BODY = '/';

const requestScanner = new BodyScanner(REQUEST_LIMITS);
const replyReader = new BodyReader(REPLY_NESTING_MAX);

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
export function decodeRequest(bytes: Uint8Array): DecodedRequest {
  const message = decodeBody(bytes);
  return { message, valueCount: requestScanner.valueCount };
}

/** What a body came to. */
export interface DecodedRequest {
  readonly message: BodyMap;
  readonly valueCount: number;
}

/** Values, and bytes, that are decoded in some milliseconds. */
const SLICE_VALUES = 4_096;
const SLICE_BYTES = 512 * 1024;

/** Whether a body is so long that it may take more than one slice to decode. */
export function isLongBody(bytes: Uint8Array): boolean {
  return bytes.length > LONG_BYTES;
}

/** Shorter bodies hold too little to be worth a pause, whatever it is. */
const LONG_BYTES = 16 * 1024;

/**
 * The same as `decodeRequest`, stopping every some milliseconds. It throws a `CodedError` as that does, whose `id` is then
 * what `salvageRequestId` would say.
 */
export class SlicedDecoding {
  readonly #bytes: Uint8Array;
  readonly #scanner = new BodyScanner(REQUEST_LIMITS);
  readonly #sliceValues: number;
  readonly #sliceBytes: number;

  constructor(bytes: Uint8Array, sliceValues = SLICE_VALUES, sliceBytes = SLICE_BYTES) {
    this.#bytes = bytes;
    this.#sliceValues = sliceValues;
    this.#sliceBytes = sliceBytes;
  }

  /** The `id` of a request that was refused, for the error reply; 0 where it cannot be read. */
  get requestId(): number {
    return this.#scanner.requestId(this.#bytes);
  }

  *run(): Generator<void, DecodedRequest> {
    const bytes = this.#bytes;
    const scanner = this.#scanner;
    let marksDone = 0;
    const parts = new BodyParts(scanner, (from, to) => {
      const marks: number[] = [];
      for (let at = scanner.marks[marksDone]; at !== undefined && at < to; at = scanner.marks[++marksDone])
        marks.push(at - from);
      return unpackedValues(bytes.subarray(from, to), marks);
    });
    scanner.start(bytes);
    while (!scanner.next(this.#sliceValues, this.#sliceBytes)) {
      parts.pause();
      yield;
    }
    checkMap(bytes);
    return { message: (parts.finish() ?? unpacked(bytes, scanner.marks)) as BodyMap, valueCount: scanner.valueCount };
  }
}

function unpackedValues(bytes: Uint8Array, marks: readonly number[]): readonly unknown[] {
  if (marks.length === 0) return unpackr.unpackMultiple(bytes) as unknown[];
  return withMarks(bytes, marks, (copy) => unpackr.unpackMultiple(copy) as unknown) as unknown[];
}

/** The same for what a server sent: as strict about the bytes, but without the limits that protect a server. */
export function decodeReplyBody(bytes: Uint8Array): BodyMap {
  return replyReader.read(bytes);
}

/** The `id` of a request whose body `decodeBody` refused, for the error reply; 0 where it cannot be read. */
export function salvageRequestId(bytes: Uint8Array): number {
  try {
    requestScanner.scan(bytes);
  } catch {
    // What comes before the fault may be the id.
  }
  return requestScanner.requestId(bytes);
}

function decode(bytes: Uint8Array, scanner: BodyScanner): BodyMap {
  scanner.scan(bytes);
  checkMap(bytes);
  return unpacked(bytes, scanner.marks) as BodyMap;
}

function checkMap(bytes: Uint8Array): void {
  const head = bytes[0]!;
  if ((head & 0xf0) !== 0x80 && head !== 0xde && head !== 0xdf) throw notAMap();
}

function unpacked(bytes: Uint8Array, marks: readonly number[]): unknown {
  return marks.length > 0 ? withMarks(bytes, marks, (copy) => unpackr.unpack(copy) as unknown) : unpackr.unpack(bytes);
}

/**
 * Keeps the byte order mark of texts that start with one, which the decoder's JavaScript side drops: each is
 * swapped for a character of the same three bytes that occurs nowhere in the body, and put back afterwards.
 */
function withMarks(bytes: Uint8Array, marks: readonly number[], unpack: (copy: Buffer) => unknown): unknown {
  const copy = Buffer.from(bytes);
  const standIn = unusedCharacter(copy);
  for (const at of marks) copy.set(standIn, at);
  return restoreMarks(unpack(copy), standIn.toString());
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
