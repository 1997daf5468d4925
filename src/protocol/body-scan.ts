import { isUtf8 } from 'node:buffer';
import { CodedError } from '../base/errors.ts';
import { endsEarly, malformed } from './body-faults.ts';
import type { ScanLimits } from './body-limits.ts';
import { isExact } from './exact-integer.ts';
import { MapKeys } from './map-keys.ts';

/** A map or an array that a scan is in, and the offsets of its first byte and of what it holds. */
export interface OpenContainer {
  readonly isMap: boolean;
  readonly headAt: number;
  readonly firstAt: number;
}

/** Text up to this length is checked here; beyond it the call into the runtime pays. */
const ASCII_LOOP_BYTES_MAX = 48;
/** Decoders written in JavaScript hand longer texts to `TextDecoder`, which drops a byte order mark. */
const MARKED_TEXT_BYTES_MIN = 17;
const NO_BYTES = new Uint8Array(0);
const PROTO_KEY = Buffer.from('__proto__');
const ID_KEY = Buffer.from('id');

/**
 * Reads the bytes of a body without making values of them and throws `BAD_REQUEST` where they are not one
 * MessagePack value that section 1 allows. Every header's claim is held against the bytes that are really
 * left before anything is done for it, so a five-byte array header that claims four billion elements costs
 * nothing, and what passes here can neither fail in a decoder nor make it allocate without bound.
 *
 * Refused: ext types, 0xc1, keys that are not strings, repeated keys and `__proto__`, integers that no double
 * holds exactly, NaN and infinities, text that is not UTF-8, bytes after the value, limits exceeded.
 */
export class BodyScanner {
  /** Where a longer text starts with a byte order mark, in the last body that passed. */
  readonly marks: number[] = [];
  /** Where containers ended that were open at the last `pause`, innermost first. */
  readonly ends: number[] = [];
  readonly #nestingMax: number;
  readonly #valuesMax: number;
  readonly #textBytesMax: number;
  #bytes: Uint8Array = NO_BYTES;
  #at = 0;
  #values = 0;
  /** Where the value of the outermost map's first `id` begins; -1: none has come. */
  #idAt = -1;
  /** Of the maps and arrays that are open, outermost first: what is left in each, and where it stands. */
  #open = 0;
  readonly #left: number[] = [];
  readonly #isMap: boolean[] = [];
  readonly #headsAt: number[] = [];
  readonly #firstAt: number[] = [];
  /** How many of them were open at the last pause, and have been since. */
  #pausedIn = 0;
  readonly #keys = new MapKeys();

  constructor(limits: ScanLimits) {
    this.#nestingMax = limits.nestingMax;
    this.#valuesMax = limits.valuesMax;
    this.#textBytesMax = limits.textBytesMax;
  }

  scan(bytes: Uint8Array): void {
    this.start(bytes);
    this.next(Infinity, Infinity);
  }

  /** Begins with a body that `next` reads. */
  start(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#at = 0;
    this.#values = 0;
    this.#idAt = -1;
    this.#open = 0;
    this.#pausedIn = 0;
    this.#keys.clear();
    if (this.marks.length > 0) this.marks.length = 0;
    if (this.ends.length > 0) this.ends.length = 0;
  }

  /** Reads on until about so many more values or bytes have been read; true where that was the end. */
  next(values: number, bytes: number): boolean {
    let goesOn = false;
    try {
      goesOn = !this.#readOn(values, this.#at + bytes);
      if (!goesOn && this.#at < this.#bytes.length) throw malformed('bytes after the value');
      return !goesOn;
    } finally {
      if (!goesOn) this.#bytes = NO_BYTES;
    }
  }

  /** To be called between two `next`: from here on `ends` tells which of the containers that are open now have ended. */
  pause(): void {
    this.#pausedIn = this.#open;
    this.ends.length = 0;
  }

  /** Offset of what is read next. */
  get at(): number {
    return this.#at;
  }

  /** Maps and arrays that are not at their end, outermost first. */
  get openCount(): number {
    return this.#open;
  }

  openAt(index: number): OpenContainer {
    return { isMap: this.#isMap[index]!, headAt: this.#headsAt[index]!, firstAt: this.#firstAt[index]! };
  }

  /** How many values the body held that was scanned last. */
  get valueCount(): number {
    return this.#values;
  }

  /** The `id` of the request that was read last, in its `bytes`, where that comes before a fault; else 0. */
  requestId(bytes: Uint8Array): number {
    if (this.#idAt < 0) return 0;
    this.#bytes = bytes;
    this.#at = this.#idAt;
    try {
      return this.#smallUint();
    } catch {
      return 0;
    } finally {
      this.#bytes = NO_BYTES;
    }
  }

  /** True where the outermost value is at its end. */
  #readOn(values: number, stopAt: number): boolean {
    let room = values;
    if (this.#at === 0) this.#value();
    while (this.#open > 0) {
      const level = this.#open - 1;
      const isMap = this.#isMap[level]!;
      let left = this.#left[level]!;
      while (left > 0 && this.#open === level + 1) {
        if (room <= 0 || this.#at >= stopAt) {
          this.#left[level] = left;
          return false;
        }
        room -= 1;
        left -= 1;
        if (isMap) this.#key(level);
        this.#value();
      }
      this.#left[level] = left;
      if (this.#open === level + 1) this.#close(level, isMap);
    }
    return true;
  }

  /** One value, or the head of one that holds others. */
  #value(): void {
    const headAt = this.#at;
    const head = this.#bytes[headAt];
    if (head === undefined) throw endsEarly();
    this.#at += 1;
    if (head < 0x80 || head >= 0xe0) return;
    if (head < 0x90) this.#map(head & 0x0f, headAt);
    else if (head < 0xa0) this.#array(head & 0x0f, headAt);
    else if (head < 0xc0) this.#text(head & 0x1f);
    else this.#sized(head, headAt);
  }

  #close(level: number, isMap: boolean): void {
    this.#open = level;
    if (isMap) this.#keys.close(level);
    if (level >= this.#pausedIn) return;
    this.#pausedIn = level;
    this.ends.push(this.#at);
  }

  #sized(head: number, headAt: number): void {
    switch (head) {
      case 0xc0:
      case 0xc2:
      case 0xc3:
        return;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        this.#skip(this.#uint(1 << (head - 0xc4)));
        return;
      case 0xca:
      case 0xcb:
        this.#float(head);
        return;
      case 0xcc:
      case 0xcd:
      case 0xce:
        this.#skip(1 << (head - 0xcc));
        return;
      case 0xd0:
      case 0xd1:
      case 0xd2:
        this.#skip(1 << (head - 0xd0));
        return;
      case 0xcf:
      case 0xd3:
        this.#int64(head === 0xd3);
        return;
      case 0xd9:
      case 0xda:
      case 0xdb:
        this.#text(this.#uint(1 << (head - 0xd9)));
        return;
      case 0xdc:
      case 0xdd:
        this.#array(this.#uint(head === 0xdc ? 2 : 4), headAt);
        return;
      case 0xde:
      case 0xdf:
        this.#map(this.#uint(head === 0xde ? 2 : 4), headAt);
        return;
      case 0xc1:
        throw malformed('the unused byte 0xc1');
      default:
        throw malformed('an extension type');
    }
  }

  #array(count: number, headAt: number): void {
    this.#enter(count, count);
    this.#opened(count, false, headAt);
  }

  #map(count: number, headAt: number): void {
    this.#enter(count, 2 * count);
    this.#keys.open(this.#open, count);
    this.#opened(count, true, headAt);
  }

  #enter(count: number, bytesAtLeast: number): void {
    if (this.#open >= this.#nestingMax) throw malformed(`more than ${this.#nestingMax} levels of nesting`);
    if (bytesAtLeast > this.#bytes.length - this.#at) throw endsEarly();
    this.#values += count;
    if (this.#values > this.#valuesMax) throw malformed(`more than ${this.#valuesMax} values`);
  }

  #opened(count: number, isMap: boolean, headAt: number): void {
    this.#left[this.#open] = count;
    this.#isMap[this.#open] = isMap;
    this.#headsAt[this.#open] = headAt;
    this.#firstAt[this.#open] = this.#at;
    this.#open += 1;
  }

  #key(level: number): void {
    const length = this.#keyLength();
    const start = this.#at;
    this.#text(length);
    if (length === PROTO_KEY.length && this.#sameBytes(start, PROTO_KEY)) throw malformed('the key __proto__');
    if (level === 0 && this.#idAt < 0 && length === ID_KEY.length && this.#sameBytes(start, ID_KEY))
      this.#idAt = this.#at;
    if (!this.#keys.add(this.#bytes, level, start, this.#at)) throw malformed('a repeated key');
  }

  #keyLength(): number {
    const head = this.#bytes[this.#at++];
    if (head === undefined) throw endsEarly();
    if (head >= 0xa0 && head < 0xc0) return head & 0x1f;
    if (head >= 0xd9 && head <= 0xdb) return this.#uint(1 << (head - 0xd9));
    throw malformed('a key that is not a string');
  }

  #sameBytes(start: number, expected: Uint8Array): boolean {
    for (let i = 0; i < expected.length; i++) if (this.#bytes[start + i] !== expected[i]) return false;
    return true;
  }

  #text(length: number): void {
    const start = this.#at;
    this.#skip(length);
    if (length > this.#textBytesMax) throw textTooLong(this.#textBytesMax);
    const bytes = this.#bytes;
    if (length <= ASCII_LOOP_BYTES_MAX) {
      let bits = 0;
      for (let i = start; i < this.#at; i++) bits |= bytes[i]!;
      if (bits < 0x80) return;
    }
    if (!isUtf8(bytes.subarray(start, this.#at))) throw malformed('text that is not UTF-8');
    if (
      length >= MARKED_TEXT_BYTES_MIN &&
      bytes[start] === 0xef &&
      bytes[start + 1] === 0xbb &&
      bytes[start + 2] === 0xbf
    ) {
      this.marks.push(start);
    }
  }

  #float(head: number): void {
    const start = this.#at;
    this.#skip(head === 0xca ? 4 : 8);
    const exponentFull =
      (this.#bytes[start]! & 0x7f) === 0x7f && this.#bytes[start + 1]! >= (head === 0xca ? 0x80 : 0xf0);
    if (exponentFull) throw malformed('a number that is not finite');
  }

  #int64(signed: boolean): void {
    const high = this.#uint(4);
    const low = this.#uint(4);
    const fits =
      signed && high >= 0x8000_0000 ? isExact((~high + (low === 0 ? 1 : 0)) >>> 0, -low) : isExact(high, low);
    if (!fits) throw malformed('an integer that a float64 does not hold exactly');
  }

  #skip(count: number): void {
    if (count > this.#bytes.length - this.#at) throw endsEarly();
    this.#at += count;
  }

  /** A big-endian unsigned integer of 1, 2 or 4 bytes. */
  #uint(width: number): number {
    const start = this.#at;
    this.#skip(width);
    let value = 0;
    for (let i = start; i < this.#at; i++) value = value * 0x100 + this.#bytes[i]!;
    return value;
  }

  #smallUint(): number {
    const head = this.#bytes[this.#at++];
    if (head === undefined) return 0;
    if (head < 0x80) return head;
    if (head >= 0xcc && head <= 0xce) return this.#uint(1 << (head - 0xcc));
    const high = head === 0xcf ? this.#uint(4) : 1;
    return high === 0 ? this.#uint(4) : 0;
  }
}

function textTooLong(bytesMax: number): CodedError {
  const reason = `holds a text of more than ${bytesMax} bytes`;
  return new CodedError('PAYLOAD_TOO_LARGE', `the body ${reason}`, { details: { fields: [{ field: '/', reason }] } });
}
