// Long texts as they lie in the database: in a zstd frame (RFC 8878) where that is shorter.
//
//   format (1 byte, 2) · bytes of the text in UTF-8 (4, little-endian) · the frame

import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { DamageError } from './sqlite-errors.ts';

/** Nothing that is sealed begins so, and no JSON. */
const FORMAT = 2;
const HEAD_BYTES = 5;
/** No frame of the protocol is longer: what says that it is was not written here. */
const TEXT_BYTES_MAX = 256 * 1024 * 1024;
const UTF8_BYTES_MAX = 3;
/** Up to 8 MiB: what was packed here needs no more to look back on. */
const WINDOW_LOG_MAX = 23;

/** null: it has no more than `fromBytes` bytes, or would be no shorter. `fromBytes` 0: none is packed. */
export function packText(text: string, fromBytes: number): Buffer | null {
  if (fromBytes === 0 || text.length * UTF8_BYTES_MAX <= fromBytes) return null;
  const bytes = Buffer.from(text);
  if (bytes.length <= fromBytes) return null;
  const frame = zstdCompressSync(bytes);
  if (HEAD_BYTES + frame.length >= bytes.length) return null;
  const packed = Buffer.allocUnsafeSlow(HEAD_BYTES + frame.length);
  packed[0] = FORMAT;
  packed.writeUInt32LE(bytes.length, 1);
  packed.set(frame, HEAD_BYTES);
  return packed;
}

export function isPacked(bytes: Uint8Array): boolean {
  return bytes[0] === FORMAT;
}

/** It gives no more bytes than the text is said to have. Throws `DamageError`, of `place`, where it is not what `packText` made. */
export function unpackText(packed: Uint8Array, place: string): string {
  const { buffer, byteOffset, byteLength } = packed;
  if (!isPacked(packed) || byteLength < HEAD_BYTES) throw damaged(place);
  const textBytes = new DataView(buffer, byteOffset, byteLength).getUint32(1, true);
  if (textBytes > TEXT_BYTES_MAX) throw damaged(place);
  const text = inflated(packed.subarray(HEAD_BYTES), textBytes, place);
  if (text.length !== textBytes) throw damaged(place);
  return text.toString();
}

function inflated(frame: Uint8Array, bytesMax: number, place: string): Buffer {
  try {
    return zstdDecompressSync(frame, {
      maxOutputLength: bytesMax,
      params: { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG_MAX },
    });
  } catch (error) {
    throw damaged(place, error);
  }
}

function damaged(place: string, cause?: unknown): DamageError {
  return new DamageError(`${place} of the database is not what was written`, { cause });
}
