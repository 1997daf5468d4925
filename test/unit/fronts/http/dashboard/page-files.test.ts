import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { PageFiles } from '../../../../../src/fronts/http/dashboard/page-files.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

function build(folder: string, index: string, assets: Readonly<Record<string, string>>, atSecs: number): void {
  mkdirSync(join(folder, 'assets'), { recursive: true });
  for (const [name, text] of Object.entries(assets)) writeFileSync(join(folder, 'assets', name), text);
  writeFileSync(join(folder, 'index.html'), index);
  utimesSync(join(folder, 'index.html'), atSecs, atSecs);
}

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'cm-page-'));
  folders.push(path);
  return join(path, 'dist');
}

describe('the files of the page', () => {
  it('are those of the folder, each by its name alone', async () => {
    const path = folder();
    build(path, '<p>one', { 'index-a1.js': 'script', 'index-b2.css': 'style' }, 1);
    mkdirSync(join(path, 'assets', 'inner'));
    writeFileSync(join(path, 'assets', 'inner', 'x.js'), 'x');
    symlinkSync('/etc/passwd', join(path, 'assets', 'link.js'));
    const files = new PageFiles(path);
    expect(await files.asset('index-a1.js')).toMatchObject({ type: 'text/javascript; charset=utf-8' });
    expect((await files.asset('index-b2.css'))?.bytes.toString()).toBe('style');
    expect((await files.index())?.bytes.toString()).toBe('<p>one');
    for (const name of [
      '../index.html',
      'inner/x.js',
      'inner',
      'link.js',
      '',
      '.',
      '..',
      'index-a1.js\0',
      'INDEX-A1.JS',
    ])
      expect(await files.asset(name)).toBeUndefined();
  });

  it('are there once they are built, and anew after another build', async () => {
    const path = folder();
    const files = new PageFiles(path);
    expect(await files.index()).toBeNull();
    expect(await files.asset('a.js')).toBeUndefined();
    build(path, '<p>one', { 'a.js': '1' }, 1);
    expect((await files.index())?.bytes.toString()).toBe('<p>one');
    expect((await files.asset('a.js'))?.bytes.toString()).toBe('1');
    rmSync(path, { recursive: true });
    build(path, '<p>two', { 'b.js': '2' }, 2);
    expect((await files.index())?.bytes.toString()).toBe('<p>two');
    expect(await files.asset('a.js')).toBeUndefined();
    expect((await files.asset('b.js'))?.bytes.toString()).toBe('2');
  });
});
