import { isUtf8 } from 'node:buffer';
import { badRequest, type CodedError } from '../base/errors.ts';

/** Section 1: nesting of a request's body; the envelope is level 1. */
export const NESTING_MAX = 32;
/**
 * Values in one request's body. A batch of 1,000 contexts with every tag and a hundred metadata fields each has
 * fewer; a frame full of empty maps would take the loop for a tenth of a second and a hundred times its size.
 */
export const VALUES_MAX = 262_144;

export interface ScanLimits {
  /** Maps and arrays inside one another. */
  readonly nestingMax: number;
  /** Values of any kind; keys are not counted. */
  readonly valuesMax: number;
}

/** What a server accepts. */
export const REQUEST_LIMITS: ScanLimits = { nestingMax: NESTING_MAX, valuesMax: VALUES_MAX };
/** What a client accepts: a reply holds a context a few levels deeper than the request that stored it. */
export const REPLY_LIMITS: ScanLimits = { nestingMax: 2 * NESTING_MAX, valuesMax: Number.MAX_SAFE_INTEGER };

/** Keys of a map compared one by one; a larger map is given a set. */
const KEYS_COMPARED_MAX = 24;
/** Text up to this length is checked, and keys are compared, here; beyond it the call into the runtime pays. */
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
  readonly #nestingMax: number;
  readonly #valuesMax: number;
  #bytes: Uint8Array = NO_BYTES;
  #at = 0;
  #values = 0;
  /** Starts and ends of the keys of all open maps, innermost last. */
  readonly #keyStarts: number[] = [];
  readonly #keyEnds: number[] = [];
  #keyCount = 0;

  constructor(limits: ScanLimits) {
    this.#nestingMax = limits.nestingMax;
    this.#valuesMax = limits.valuesMax;
  }

  scan(bytes: Uint8Array): void {
    this.#start(bytes);
    try {
      this.#value(0);
      if (this.#at < bytes.length) throw malformed('bytes after the value');
    } finally {
      this.#bytes = NO_BYTES;
    }
  }

  /** How many values the body held that was scanned last. */
  get valueCount(): number {
    return this.#values;
  }

  /** The `id` of a request that did not pass, where it can be read before the fault; else 0. */
  requestId(bytes: Uint8Array): number {
    this.#start(bytes);
    try {
      for (let left = this.#mapHead(); left > 0; left--) {
        if (this.#keyIs(ID_KEY)) return this.#smallUint();
        this.#value(1);
      }
    } catch {
      // The fault lies before the id.
    } finally {
      this.#bytes = NO_BYTES;
    }
    return 0;
  }

  #start(bytes: Uint8Array): void {
    this.#bytes = bytes;
    this.#at = 0;
    this.#values = 0;
    this.#keyCount = 0;
    if (this.marks.length > 0) this.marks.length = 0;
  }

  /** One value that lies inside `depth` containers. */
  #value(depth: number): void {
    const head = this.#bytes[this.#at++];
    if (head === undefined) throw endsEarly();
    if (head < 0x80 || head >= 0xe0) return;
    if (head < 0x90) this.#map(head & 0x0f, depth + 1);
    else if (head < 0xa0) this.#array(head & 0x0f, depth + 1);
    else if (head < 0xc0) this.#text(head & 0x1f);
    else this.#sized(head, depth);
  }

  #sized(head: number, depth: number): void {
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
        this.#array(this.#uint(head === 0xdc ? 2 : 4), depth + 1);
        return;
      case 0xde:
      case 0xdf:
        this.#map(this.#uint(head === 0xde ? 2 : 4), depth + 1);
        return;
      case 0xc1:
        throw malformed('the unused byte 0xc1');
      default:
        throw malformed('an extension type');
    }
  }

  #array(count: number, depth: number): void {
    this.#enter(count, count, depth);
    for (let i = 0; i < count; i++) this.#value(depth);
  }

  #map(count: number, depth: number): void {
    this.#enter(count, 2 * count, depth);
    const base = this.#keyCount;
    const seen = count > KEYS_COMPARED_MAX ? new Set<string>() : null;
    for (let i = 0; i < count; i++) {
      this.#key(base, seen);
      this.#value(depth);
    }
    this.#keyCount = base;
  }

  #enter(count: number, bytesAtLeast: number, depth: number): void {
    if (depth > this.#nestingMax) throw malformed(`more than ${this.#nestingMax} levels of nesting`);
    if (bytesAtLeast > this.#bytes.length - this.#at) throw endsEarly();
    this.#values += count;
    if (this.#values > this.#valuesMax) throw malformed(`more than ${this.#valuesMax} values`);
  }

  #key(base: number, seen: Set<string> | null): void {
    const length = this.#keyLength();
    const start = this.#at;
    this.#text(length);
    if (length === PROTO_KEY.length && this.#sameBytes(start, PROTO_KEY)) throw malformed('the key __proto__');
    if (seen === null) {
      this.#compareKeys(base, start, length);
      this.#keyStarts[this.#keyCount] = start;
      this.#keyEnds[this.#keyCount] = this.#at;
      this.#keyCount += 1;
    } else {
      const key = Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + start, length).toString('latin1');
      if (seen.has(key)) throw malformed('a repeated key');
      seen.add(key);
    }
  }

  #keyLength(): number {
    const head = this.#bytes[this.#at++];
    if (head === undefined) throw endsEarly();
    if (head >= 0xa0 && head < 0xc0) return head & 0x1f;
    if (head >= 0xd9 && head <= 0xdb) return this.#uint(1 << (head - 0xd9));
    throw malformed('a key that is not a string');
  }

  #compareKeys(base: number, start: number, length: number): void {
    const bytes = this.#bytes;
    const keyStarts = this.#keyStarts;
    const keyEnds = this.#keyEnds;
    for (let i = base; i < this.#keyCount; i++) {
      const other = keyStarts[i]!;
      if (keyEnds[i]! - other !== length) continue;
      if (length > ASCII_LOOP_BYTES_MAX) {
        if (Buffer.compare(bytes.subarray(other, other + length), bytes.subarray(start, start + length)) === 0)
          throw malformed('a repeated key');
        continue;
      }
      let same = 0;
      while (same < length && bytes[other + same] === bytes[start + same]) same += 1;
      if (same === length) throw malformed('a repeated key');
    }
  }

  #sameBytes(start: number, expected: Uint8Array): boolean {
    for (let i = 0; i < expected.length; i++) if (this.#bytes[start + i] !== expected[i]) return false;
    return true;
  }

  #text(length: number): void {
    const start = this.#at;
    this.#skip(length);
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

  #mapHead(): number {
    const head = this.#bytes[this.#at++];
    if (head !== undefined && head >= 0x80 && head < 0x90) return head & 0x0f;
    return head === 0xde ? this.#uint(2) : 0;
  }

  /** Steps over a key; true where it is `expected`. */
  #keyIs(expected: Uint8Array): boolean {
    const length = this.#keyLength();
    const start = this.#at;
    this.#skip(length);
    return length === expected.length && this.#sameBytes(start, expected);
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

/** Whether a double holds high * 2^32 + low: no more than its 53 bits lie between the first one and the last. */
function isExact(high: number, low: number): boolean {
  const bitsOver = HIGH_BITS_BEYOND_DOUBLE - Math.clz32(high);
  return bitsOver <= 0 || (low & ((1 << bitsOver) - 1)) === 0;
}

/** Of the 64 bits of an integer, those that a double's 53 leave out. */
const HIGH_BITS_BEYOND_DOUBLE = 11;

function endsEarly(): CodedError {
  return malformed('it ends before a length that it claims');
}

function malformed(what: string): CodedError {
  return badRequest(
    '/',
    `is not MessagePack as the protocol allows it: ${what}`,
    `the body is not MessagePack as the protocol allows it: ${what}`,
  );
}
