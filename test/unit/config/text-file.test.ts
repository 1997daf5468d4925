import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readTextFile, UnreadableFile, type ReadLimits } from '../../../src/config/text-file.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cm-text-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function written(bytes: string | Uint8Array): string {
  const path = join(folder, 'file');
  writeFileSync(path, bytes);
  return path;
}

function failure(path: string, limits: ReadLimits = { bytesMax: 100 }): UnreadableFile {
  try {
    readTextFile(path, limits);
  } catch (error) {
    if (error instanceof UnreadableFile) return error;
    throw error;
  }
  throw new Error('it was read');
}

describe('readTextFile', () => {
  it('gives the text and who may read it', () => {
    const path = written('grün 😀\n');
    chmodSync(path, 0o640);
    expect(readTextFile(path, { bytesMax: 100 })).toEqual({ text: 'grün 😀\n', mode: 0o640 });
  });

  it('takes off the mark that some editors put before UTF-8', () => {
    expect(readTextFile(written('\ufeffx'), { bytesMax: 100 })?.text).toBe('x');
  });

  it('gives nothing where there is no file', () => {
    expect(readTextFile(join(folder, 'nowhere'), { bytesMax: 100 })).toBeNull();
    expect(readTextFile(join(written(''), 'below'), { bytesMax: 100 })).toBeNull();
  });

  it.each([
    ['Latin-1', Buffer.from('grün', 'latin1')],
    ['UTF-16', Buffer.from('\ufeffabc', 'utf16le')],
    ['random bytes', Buffer.from('ff00fe80c1', 'hex')],
    ['half a character', Buffer.from('ü').subarray(0, 1)],
    ['a surrogate', Buffer.from('eda080', 'hex')],
  ])('refuses %s', (_, bytes) => {
    expect(failure(written(bytes)).message).toBe(`${join(folder, 'file')} is not UTF-8 text`);
  });

  it('reads no more than it may, however long the file', () => {
    expect(readTextFile(written('x'.repeat(100)), { bytesMax: 100 })?.text).toHaveLength(100);
    expect(failure(written('x'.repeat(101))).message).toContain('is longer than 100 bytes');
    expect(failure(written('x'.repeat(300_000)), { bytesMax: 200_000 }).message).toContain('is longer than 200000');
  });

  it('refuses a folder, a device, and a pipe that nobody writes to', () => {
    mkdirSync(join(folder, 'inner'));
    expect(failure(join(folder, 'inner')).message).toContain('is a folder, not a file');
    expect(failure('/dev/zero').message).toContain('is no regular file');
    execFileSync('mkfifo', [join(folder, 'pipe')]);
    expect(failure(join(folder, 'pipe')).message).toContain('is no regular file');
  });
});
