import { zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { isPacked, packText, unpackText } from '../../../../../src/store/embedded/database/packed-text.ts';
import { DamageError } from '../../../../../src/store/embedded/database/sqlite-errors.ts';

const TEXT = 'Zwetschgenknödel mit Zimt und Zucker, dazu 梅子餃子. '.repeat(60);

function packed(text = TEXT): Buffer {
  const bytes = packText(text, 1024);
  if (bytes === null) throw new Error('it was not packed');
  return bytes;
}

/** A head that says so many bytes, before a frame of what it holds. */
function forged(textBytes: number, content: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head[0] = 2;
  head.writeUInt32LE(textBytes, 1);
  return Buffer.concat([head, zstdCompressSync(content)]);
}

describe('a packed text', () => {
  it('is shorter, and the same when it is unpacked', () => {
    const bytes = packed();
    expect(isPacked(bytes)).toBe(true);
    expect(bytes.length).toBeLessThan(TEXT.length / 4);
    expect(unpackText(bytes, 'row 7')).toBe(TEXT);
  });

  it('is made where there are more bytes than the threshold, and where it is shorter', () => {
    expect(packText('a'.repeat(1024), 1024)).toBeNull();
    expect(packText('a'.repeat(1025), 1024)).not.toBeNull();
    // Bytes count, not characters.
    expect(packText('梅'.repeat(342), 1024)).not.toBeNull();
    expect(packText('a'.repeat(5_000), 0)).toBeNull();
    expect(packText('ab', 1)).toBeNull();
  });

  it('is another text or damage where a byte is another, and damage where it is cut off', () => {
    const whole = packed();
    for (let at = 0; at < whole.length; at++) {
      const changed = Buffer.from(whole);
      changed[at] = (changed[at] as number) ^ 0x21;
      try {
        // Another text is none of its row: it has another sum.
        expect(unpackText(changed, 'row 7')).toBeTypeOf('string');
      } catch (error) {
        expect(error).toBeInstanceOf(DamageError);
      }
    }
    for (const length of [0, 1, 4, 5, 6, whole.length - 1])
      expect(() => unpackText(whole.subarray(0, length), 'row 7')).toThrow('not what was written');
  });

  it('gives no more bytes than it says, and says no more than a frame of the protocol has', () => {
    const bomb = Buffer.alloc(64 * 1024 * 1024, 0x61);
    const before = process.memoryUsage.rss();
    for (const said of [0, 100, 2_000, 2 ** 32 - 1])
      expect(() => unpackText(forged(said, bomb), 'row 7')).toThrow('not what was written');
    expect(process.memoryUsage.rss() - before).toBeLessThan(48 * 1024 * 1024);
  });
});
