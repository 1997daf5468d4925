import { createHash, randomBytes } from 'node:crypto';

/** Randomness as handed to whoever needs it; a test hands in a seeded one. */
export interface Random {
  /** `count` random bytes. */
  bytes(count: number): Uint8Array;
}

export const systemRandom: Random = {
  bytes: (count) => randomBytes(count),
};

/** A UUID of version 7 (RFC 9562, section 5.7): sorts by its time. */
export function uuidV7(nowMs: number, random: Random): string {
  const bytes = new Uint8Array(random.bytes(16));
  const view = new DataView(bytes.buffer);
  view.setUint16(0, Math.floor(nowMs / 2 ** 32));
  view.setUint32(2, nowMs >>> 0);
  view.setUint8(6, (view.getUint8(6) & 0x0f) | 0x70);
  view.setUint8(8, (view.getUint8(8) & 0x3f) | 0x80);
  return uuidOf(bytes);
}

/** A random UUID of version 4. */
export function uuidV4(random: Random): string {
  const bytes = new Uint8Array(random.bytes(16));
  const view = new DataView(bytes.buffer);
  view.setUint8(6, (view.getUint8(6) & 0x0f) | 0x40);
  view.setUint8(8, (view.getUint8(8) & 0x3f) | 0x80);
  return uuidOf(bytes);
}

/** A UUID of version 8 (RFC 9562, section 5.8) by what it names: of the same parts the same. */
export function uuidV8(parts: readonly (string | number | readonly string[])[]): string {
  const bytes = createHash('sha256').update(JSON.stringify(parts)).digest();
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x80, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return uuidOf(bytes);
}

/** The first 16 bytes, written as a UUID. */
export function uuidOf(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.subarray(0, 16)).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
