import { badRequest } from '../base/errors.ts';
import { pointerStep } from './json-pointer.ts';

const SLAB_BYTES = 64 * 1024;
/** A new slab is taken where less than this is left, so that a usual message does not outgrow its slab. */
const ROOM_BYTES_MIN = 2 * 1024;
/** Text up to this length is written here; beyond it the call into the runtime pays. */
const TEXT_LOOP_UNITS_MAX = 32;
/** Deeper than what anybody would read again: a value that contains itself. */
const NESTING_MAX = 64;
const UTF8_BYTES_PER_UNIT_MAX = 3;
const INT64_MIN = -(2 ** 63);
const UINT64_END = 2 ** 64;

const NESTED_TOO_DEEP = `has more than ${NESTING_MAX} levels of nesting`;

/** Something that MessagePack as the protocol allows it has no form for; `encode` finds its place. */
class Unsendable extends Error {
  readonly reason: string;

  constructor(reason: string) {
    super(reason);
    this.reason = reason;
  }
}

/**
 * Writes MessagePack into slabs that are handed out as views and not written again, so that a message needs
 * neither a buffer of its own nor a copy. The decoder's own encoder is not used because it writes integers of
 * more than 32 bits as floats (times are uint64 on the wire), `undefined` as an extension type, and short
 * strings with lone surrogates as bytes that are not UTF-8.
 */
export class MessagePackWriter {
  #slab: Buffer = Buffer.allocUnsafeSlow(SLAB_BYTES);
  #start = 0;
  #at = 0;

  /**
   * `value` as MessagePack after `headBytes` bytes that are the caller's to fill. Throws `BAD_REQUEST` that names the
   * place of the first thing that cannot be sent.
   */
  encode(value: unknown, headBytes = 0): Buffer {
    if (this.#slab.length - this.#at < ROOM_BYTES_MIN) this.#takeSlab();
    this.#start = this.#at;
    this.#at += headBytes;
    try {
      this.#value(value, 0);
    } catch (error) {
      this.#at = this.#start;
      throw error instanceof Unsendable ? this.#located(value, error) : error;
    }
    return this.#slab.subarray(this.#start, this.#at);
  }

  /** Looks for the place of a fault level by level, item by item: only a message that cannot be sent pays for it. */
  #located(message: unknown, fault: Unsendable): Error {
    let path = '';
    if (fault.reason !== NESTED_TOO_DEEP) {
      for (let at = this.#faultyItem(message); at !== null; at = this.#faultyItem(at.item))
        path += pointerStep(at.name);
    }
    return badRequest(path === '' ? '/' : path, fault.reason);
  }

  #faultyItem(value: unknown): { readonly name: string; readonly item: unknown } | null {
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return null;
    if (!Array.isArray(value) && !isPlain(value)) return null;
    for (const [name, item] of Object.entries(value)) {
      if (item === undefined && !Array.isArray(value)) continue;
      try {
        this.#value(item, 0);
      } catch {
        return { name, item };
      } finally {
        this.#at = this.#start;
      }
    }
    return null;
  }

  #takeSlab(): void {
    this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    this.#at = 0;
  }

  /** Makes room for `count` bytes; a message that outgrows its slab moves into one of its own. */
  #reserve(count: number): void {
    const needed = this.#at - this.#start + count;
    if (this.#at + count <= this.#slab.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, 2 * needed));
    this.#slab.copy(larger, 0, this.#start, this.#at);
    this.#slab = larger;
    this.#at -= this.#start;
    this.#start = 0;
  }

  #value(value: unknown, depth: number): void {
    switch (typeof value) {
      case 'string':
        return this.#text(value);
      case 'number':
        return this.#number(value);
      case 'boolean':
        return this.#byte(value ? 0xc3 : 0xc2);
      case 'object':
        return this.#object(value, depth + 1);
      default:
        throw new Unsendable(`is of type ${typeof value}, which has no place in a message`);
    }
  }

  #object(value: object | null, depth: number): void {
    if (value === null) return this.#byte(0xc0);
    if (depth > NESTING_MAX) throw new Unsendable(NESTED_TOO_DEEP);
    if (Array.isArray(value)) return this.#array(value, depth);
    if (value instanceof Uint8Array) return this.#bin(value);
    if (!isPlain(value)) throw new Unsendable(kindReason(value));
    this.#map(value as Record<string, unknown>, depth);
  }

  #map(map: Record<string, unknown>, depth: number): void {
    const keys = Object.keys(map);
    let count = keys.length;
    for (const key of keys) if (map[key] === undefined) count -= 1;
    this.#head(count, 0x80, 16, 0xde);
    for (const key of keys) {
      const value = map[key];
      if (value === undefined) continue;
      this.#text(key);
      this.#value(value, depth);
    }
  }

  #array(items: readonly unknown[], depth: number): void {
    this.#head(items.length, 0x90, 16, 0xdc);
    for (const item of items) this.#value(item, depth);
  }

  #bin(bytes: Uint8Array): void {
    this.#reserve(5 + bytes.length);
    const width = bytes.length < 0x100 ? 1 : bytes.length < 0x10000 ? 2 : 4;
    this.#slab[this.#at++] = width === 1 ? 0xc4 : width === 2 ? 0xc5 : 0xc6;
    this.#at = this.#slab.writeUIntBE(bytes.length, this.#at, width);
    this.#slab.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** The head of a container: `short` or-ed with counts below `shortMax`, else `wide` with 16 bits or the next with 32. */
  #head(count: number, short: number, shortMax: number, wide: number): void {
    this.#reserve(5);
    if (count < shortMax) {
      this.#slab[this.#at++] = short | count;
    } else if (count < 0x10000) {
      this.#slab[this.#at] = wide;
      this.#at = this.#slab.writeUInt16BE(count, this.#at + 1);
    } else {
      this.#slab[this.#at] = wide + 1;
      this.#at = this.#slab.writeUInt32BE(count, this.#at + 1);
    }
  }

  #byte(byte: number): void {
    this.#reserve(1);
    this.#slab[this.#at++] = byte;
  }

  #number(value: number): void {
    this.#reserve(9);
    if (value >>> 0 === value) this.#uint32(value);
    else if ((value | 0) === value) this.#negativeInt32(value);
    else if (Number.isInteger(value) && value >= INT64_MIN && value < UINT64_END) this.#int64(value);
    else if (Number.isFinite(value)) {
      this.#slab[this.#at] = 0xcb;
      this.#at = this.#slab.writeDoubleBE(value, this.#at + 1);
    } else throw new Unsendable('is a number that is not finite');
  }

  #uint32(value: number): void {
    const slab = this.#slab;
    if (value < 0x80) {
      slab[this.#at++] = value;
    } else if (value < 0x100) {
      slab[this.#at++] = 0xcc;
      slab[this.#at++] = value;
    } else if (value < 0x10000) {
      slab[this.#at] = 0xcd;
      this.#at = slab.writeUInt16BE(value, this.#at + 1);
    } else {
      slab[this.#at] = 0xce;
      this.#at = slab.writeUInt32BE(value, this.#at + 1);
    }
  }

  #negativeInt32(value: number): void {
    const slab = this.#slab;
    if (value >= -0x20) {
      slab[this.#at++] = value & 0xff;
    } else if (value >= -0x80) {
      slab[this.#at] = 0xd0;
      this.#at = slab.writeInt8(value, this.#at + 1);
    } else if (value >= -0x8000) {
      slab[this.#at] = 0xd1;
      this.#at = slab.writeInt16BE(value, this.#at + 1);
    } else {
      slab[this.#at] = 0xd2;
      this.#at = slab.writeInt32BE(value, this.#at + 1);
    }
  }

  #int64(value: number): void {
    const slab = this.#slab;
    const high = Math.floor(value / 0x1_0000_0000);
    slab[this.#at] = value > 0 ? 0xcf : 0xd3;
    slab.writeUInt32BE(high >>> 0, this.#at + 1);
    this.#at = slab.writeUInt32BE(value >>> 0, this.#at + 5);
  }

  #text(text: string): void {
    const units = text.length;
    this.#reserve(5 + UTF8_BYTES_PER_UNIT_MAX * units);
    if (units < TEXT_LOOP_UNITS_MAX && this.#asciiText(text, units)) return;
    const guessed = textHeadBytes(units);
    const bytes = this.#slab.write(text, this.#at + guessed);
    const head = textHeadBytes(bytes);
    if (head !== guessed) this.#slab.copyWithin(this.#at + head, this.#at + guessed, this.#at + guessed + bytes);
    this.#textHead(bytes, head);
    this.#at += bytes;
  }

  /** Writes a text of fewer than 32 units where it is ASCII; else leaves things as they were. */
  #asciiText(text: string, units: number): boolean {
    const slab = this.#slab;
    const at = this.#at;
    for (let i = 0; i < units; i++) {
      const unit = text.charCodeAt(i);
      if (unit >= 0x80) return false;
      slab[at + 1 + i] = unit;
    }
    slab[at] = 0xa0 | units;
    this.#at = at + 1 + units;
    return true;
  }

  #textHead(bytes: number, head: number): void {
    const slab = this.#slab;
    const at = this.#at;
    if (head === 1) slab[at] = 0xa0 | bytes;
    else {
      slab[at] = head === 2 ? 0xd9 : head === 3 ? 0xda : 0xdb;
      slab.writeUIntBE(bytes, at + 1, head - 1);
    }
    this.#at = at + head;
  }
}

function textHeadBytes(bytes: number): number {
  return bytes < 32 ? 1 : bytes < 0x100 ? 2 : bytes < 0x10000 ? 3 : 5;
}

/** Plain in any realm: no prototype, or one that has none itself. */
function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value) as object | null;
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function kindReason(value: object): string {
  if (value instanceof Date) return 'is a Date: send its milliseconds, or a text';
  const { constructor } = value as { readonly constructor?: unknown };
  const name = typeof constructor === 'function' ? constructor.name : 'another';
  return `is an object of the class ${name}, and neither a plain map, an array nor a Uint8Array`;
}
