import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { StartupError } from '../../../src/base/errors.ts';
import { makeFolder } from '../../../src/base/make-folder.ts';
import { checkDataFolder } from '../../../src/config/data-folder.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'cm-data-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function refusal(path: string): StartupError {
  try {
    checkDataFolder(path);
  } catch (error) {
    if (error instanceof StartupError) return error;
    throw error;
  }
  throw new Error('the folder was accepted');
}

describe('checkDataFolder', () => {
  it('takes a folder, and one that can be made', () => {
    for (const path of [folder, join(folder, 'a'), join(folder, 'a', 'b', 'c'), '/dev/shm/context-manager/data'])
      expect(() => checkDataFolder(path)).not.toThrow();
  });

  it
    .skipIf(process.platform !== 'linux')
    .each([
      '/proc',
      '/proc/data',
      '/proc/a/b/c',
      '/proc/self/cwd-not/x',
      '/sys',
      '/sys/data/x',
      '/sys/fs/cgroup/data',
      '/dev',
      '/dev/data',
      '/dev/pts/data',
    ])('refuses %s, where the kernel shows itself', (path) => {
    expect(refusal(path).message).toContain('where no data can be kept');
    expect(refusal(path).remedy).toContain('vector_db.data_dir');
  });

  it.skipIf(process.platform !== 'linux')('sees through a link', () => {
    symlinkSync('/proc', join(folder, 'link'));
    expect(refusal(join(folder, 'link', 'data')).message).toContain('lies in /proc');
    mkdirSync(join(folder, 'proc'));
    expect(() => checkDataFolder(join(folder, 'proc', 'data'))).not.toThrow();
  });

  it('refuses a file', () => {
    writeFileSync(join(folder, 'file'), '');
    expect(refusal(join(folder, 'file')).message).toContain('is a file, not a folder');
  });
});

describe('makeFolder', () => {
  it('makes what is missing, closed to others, and takes what is there', () => {
    const path = join(folder, 'a', 'b', 'c');
    makeFolder(path, 0o700);
    makeFolder(path, 0o700);
    for (const made of [join(folder, 'a'), path]) expect(statSync(made).mode & 0o777).toBe(0o700);
  });

  it('says so where a file or a broken link is in the way', () => {
    writeFileSync(join(folder, 'file'), '');
    symlinkSync(join(folder, 'nowhere'), join(folder, 'link'));
    expect(() => makeFolder(join(folder, 'file'), 0o700)).toThrow(/EEXIST/);
    expect(() => makeFolder(join(folder, 'file', 'below'), 0o700)).toThrow(/EEXIST|ENOTDIR/);
    expect(() => makeFolder(join(folder, 'link', 'below'), 0o700)).toThrow(/EEXIST/);
  });

  it.skipIf(process.platform !== 'linux')('ends where the system says that a folder which is there is missing', () => {
    expect(() => makeFolder('/proc/a/b', 0o700)).toThrow(/ENOENT|EACCES|EPERM/);
  });
});
