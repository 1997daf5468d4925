import { isUtf8 } from 'node:buffer';
import { endsEarly, malformed, notAMap } from './body-faults.ts';
import { isExact } from './exact-integer.ts';
import { ShortTexts } from './short-texts.ts';

export type BodyMap = Record<string, unknown>;

/** Stands for bytes that are not UTF-8 in a text made of them, but may be meant as well. */
const REPLACEMENT = '\ufffd';
const NO_BYTES = Buffer.alloc(0);

const names = new ShortTexts(1_024);
const words = new ShortTexts(256);

/** A float's bytes in the machine's order, and what they say. */
const floatBytes = new Uint8Array(8);
const float64 = new Float64Array(floatBytes.buffer);
const float32 = new Float32Array(floatBytes.buffer);
const isLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/**
 * Makes the values of a body in one pass over its bytes, and throws `BAD_REQUEST` where they break section 1's rules, the same
 * that `BodyScanner` knows. It is for what a server sent: the frame alone bounds how many values there are and how long a text
 * is, and what was made before a fault is met is thrown away.
 */
export class BodyReader {
  readonly #nestingMax: number;
  #bytes: Buffer = NO_BYTES;
  #at = 0;
  #end = 0;

  constructor(nestingMax: number) {
    this.#nestingMax = nestingMax;
  }

  /** The map that is all of `bytes`; `bin` in it comes as `Uint8Array`, a view of them. */
  read(bytes: Uint8Array): BodyMap {
    this.#bytes = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#at = 0;
    this.#end = bytes.length;
    try {
      const value = this.#value(0);
      if (this.#at < this.#end) throw malformed('bytes after the value');
      const head = bytes[0]!;
      if ((head & 0xf0) !== 0x80 && head !== 0xde && head !== 0xdf) throw notAMap();
      return value as BodyMap;
    } finally {
      this.#bytes = NO_BYTES;
    }
  }

  #value(depth: number): unknown {
    const head = this.#byte();
    if (head < 0x80) return head;
    if (head >= 0xe0) return head - 0x100;
    if (head < 0x90) return this.#map(head & 0x0f, depth);
    if (head < 0xa0) return this.#array(head & 0x0f, depth);
    if (head < 0xc0) return this.#text(head & 0x1f, words);
    switch (head) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.#bin(this.#uint(1 << (head - 0xc4)));
      case 0xca:
        return this.#float(4);
      case 0xcb:
        return this.#float(8);
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.#uint(1 << (head - 0xcc));
      case 0xcf:
        return this.#uint64();
      case 0xd0:
        return (this.#uint(1) << 24) >> 24;
      case 0xd1:
        return (this.#uint(2) << 16) >> 16;
      case 0xd2:
        return this.#uint(4) | 0;
      case 0xd3:
        return this.#int64();
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#text(this.#uint(1 << (head - 0xd9)), words);
      case 0xdc:
      case 0xdd:
        return this.#array(this.#uint(head === 0xdc ? 2 : 4), depth);
      case 0xde:
      case 0xdf:
        return this.#map(this.#uint(head === 0xde ? 2 : 4), depth);
      case 0xc1:
        throw malformed('the unused byte 0xc1');
      default:
        throw malformed('an extension type');
    }
  }

  #map(count: number, depth: number): BodyMap {
    this.#enter(2 * count, depth);
    const map: BodyMap = {};
    for (let i = 0; i < count; i++) {
      const name = this.#name();
      map[name] = this.#value(depth + 1);
    }
    if (Object.keys(map).length !== count) throw malformed('a repeated key');
    return map;
  }

  #name(): string {
    const head = this.#byte();
    if (head < 0xa0 || (head >= 0xc0 && (head < 0xd9 || head > 0xdb))) throw malformed('a key that is not a string');
    const name = this.#text(head < 0xc0 ? head & 0x1f : this.#uint(1 << (head - 0xd9)), names);
    if (name === '__proto__') throw malformed('the key __proto__');
    return name;
  }

  #array(count: number, depth: number): unknown[] {
    this.#enter(count, depth);
    const items: unknown[] = [];
    for (let i = 0; i < count; i++) items.push(this.#value(depth + 1));
    return items;
  }

  #enter(bytesAtLeast: number, depth: number): void {
    if (depth >= this.#nestingMax) throw malformed(`more than ${this.#nestingMax} levels of nesting`);
    if (bytesAtLeast > this.#end - this.#at) throw endsEarly();
  }

  #text(length: number, known: ShortTexts): string {
    const start = this.#take(length);
    const short = known.read(this.#bytes, start, this.#at);
    if (short !== null) return short;
    const text = this.#bytes.toString('utf8', start, this.#at);
    if (text.includes(REPLACEMENT) && !isUtf8(this.#bytes.subarray(start, this.#at)))
      throw malformed('text that is not UTF-8');
    return text;
  }

  #bin(length: number): Uint8Array {
    const start = this.#take(length);
    return this.#bytes.subarray(start, this.#at);
  }

  #float(width: 4 | 8): number {
    const start = this.#take(width);
    for (let i = 0; i < width; i++) floatBytes[isLittleEndian ? width - 1 - i : i] = this.#bytes[start + i]!;
    const value = width === 4 ? float32[0]! : float64[0]!;
    if (!Number.isFinite(value)) throw malformed('a number that is not finite');
    return value;
  }

  #uint64(): number {
    const high = this.#uint(4);
    const low = this.#uint(4);
    if (!isExact(high, low)) throw notExact();
    return high * 0x1_0000_0000 + low;
  }

  #int64(): number {
    const high = this.#uint(4);
    const low = this.#uint(4);
    const fits = high >= 0x8000_0000 ? isExact((~high + (low === 0 ? 1 : 0)) >>> 0, -low) : isExact(high, low);
    if (!fits) throw notExact();
    return (high | 0) * 0x1_0000_0000 + low;
  }

  /** A big-endian unsigned integer of 1, 2 or 4 bytes. */
  #uint(width: number): number {
    const start = this.#take(width);
    let value = 0;
    for (let at = start; at < this.#at; at++) value = value * 0x100 + this.#bytes[at]!;
    return value;
  }

  #byte(): number {
    if (this.#at >= this.#end) throw endsEarly();
    return this.#bytes[this.#at++]!;
  }

  /** Goes over `count` bytes; gives where they start. */
  #take(count: number): number {
    const start = this.#at;
    if (count > this.#end - start) throw endsEarly();
    this.#at = start + count;
    return start;
  }
}

function notExact(): Error {
  return malformed('an integer that a float64 does not hold exactly');
}
