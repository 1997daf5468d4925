import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readWordTable, WordTable } from '../../../src/embedding/word-table.ts';

const WORDS = ['cat', 'kitten', 'a', 'aa'];
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'word-table-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** As `tools/distil/train.py` packs it. */
function packed(words: readonly string[], dimension: number): Buffer {
  const text = Buffer.from(words.join('\n'));
  const padding = Buffer.alloc((4 - (text.length % 4)) % 4);
  const head = Buffer.from(new Uint32Array([0x54574d43, words.length, dimension, text.length]).buffer);
  const scales = Buffer.from(Float32Array.from(words, (_, i) => i + 0.5).buffer);
  const rows = Buffer.from(Int8Array.from({ length: words.length * dimension }, (_, i) => i - 3));
  return Buffer.concat([head, text, padding, scales, rows]);
}

async function read(bytes: Buffer): Promise<WordTable> {
  const file = join(folder, 'table.zst');
  await writeFile(file, bytes);
  return readWordTable(pathToFileURL(file));
}

function vector({ dimension }: WordTable, of: (sum: Float32Array) => void): number[] {
  const sum = new Float32Array(dimension);
  of(sum);
  return [...sum];
}

describe('WordTable', () => {
  it('finds each word and no other, and adds its vector, in any thread', async () => {
    const table = await read(zstdCompressSync(packed(WORDS, 3)));
    for (const each of [table, new WordTable(table.shared)]) {
      expect(WORDS.map((word) => each.rowOf(word))).toEqual([0, 1, 2, 3]);
      expect(['', 'ca', 'cats', 'kitte', 'aaa', '猫', '\u0163\u0161t'].map((word) => each.rowOf(word))).toEqual(
        Array<number>(7).fill(-1),
      );
      expect(vector(each, (sum) => each.add(sum, 1, 2))).toEqual([0, 3, 6]);
    }
  });

  it('refuses what is damaged or none', async () => {
    const whole = packed(WORDS, 3);
    await expect(read(zstdCompressSync(whole.subarray(0, -1)))).rejects.toThrow('cut off');
    await expect(read(zstdCompressSync(Buffer.alloc(64)))).rejects.toThrow('no table');
    await expect(read(whole)).rejects.toThrow();
    await expect(readWordTable(pathToFileURL(join(folder, 'none')))).rejects.toThrow('ENOENT');
  });

  it('comes with the program', async () => {
    const table = await readWordTable();
    expect(table.dimension).toBe(128);
    expect(['vegetarian', 'food', 'kindergarten', 'the'].map((word) => table.rowOf(word) >= 0)).not.toContain(false);
  });
});
