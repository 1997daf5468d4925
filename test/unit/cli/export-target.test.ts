import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { openTarget } from '../../../src/cli/transfer/export-target.ts';

const root = mkdtempSync(join(tmpdir(), 'cm-export-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let folder = '';
let file = '';
beforeEach(() => {
  folder = mkdtempSync(join(root, 'case-'));
  file = join(folder, 'backup.jsonl');
});

it('keeps the earlier file until the new one is complete', async () => {
  writeFileSync(file, 'earlier\n');
  const target = await openTarget(file);
  await target.write('new 1\n');
  await target.write('x'.repeat(100_000));
  expect(readFileSync(file, 'utf8')).toBe('earlier\n');
  await target.close();
  expect(readFileSync(file, 'utf8')).toBe(`new 1\n${'x'.repeat(100_000)}`);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(readdirSync(folder)).toEqual(['backup.jsonl']);
});

it('leaves the earlier file alone, and nothing beside it, where the export fails', async () => {
  writeFileSync(file, 'earlier\n');
  const target = await openTarget(file);
  await target.write('x'.repeat(100_000));
  target.discard();
  expect(readFileSync(file, 'utf8')).toBe('earlier\n');
  expect(readdirSync(folder)).toEqual(['backup.jsonl']);
});

it('takes the place of what an interrupted export left', async () => {
  writeFileSync(`${file}.part`, 'half a li', { mode: 0o644 });
  const target = await openTarget(file);
  expect(statSync(`${file}.part`).mode & 0o777).toBe(0o600);
  await target.close();
  expect(readFileSync(file, 'utf8')).toBe('');
});

it('says so, and leaves the other alone, where a second export to the same name overtakes it', async () => {
  const first = await openTarget(file);
  await first.write('first\n');
  const second = await openTarget(file);
  await second.write('second\n');
  await expect(first.close()).rejects.toThrow(`another export to ${file} was started meanwhile`);
  first.discard();
  await second.close();
  expect(readFileSync(file, 'utf8')).toBe('second\n');
  expect(readdirSync(folder)).toEqual(['backup.jsonl']);
});

it.runIf(existsSync('/dev/full'))('fails on a full device', async () => {
  const target = await openTarget('/dev/full');
  await target.write('line\n');
  await expect(target.close()).rejects.toMatchObject({
    message: 'cannot write /dev/full: no space left on device (ENOSPC)',
    remedy: 'Make room there, or export to another place.',
  });
  target.discard();
});

it('follows a link to the file it names', async () => {
  const linked = join(folder, 'today.jsonl');
  writeFileSync(linked, 'earlier\n');
  symlinkSync(linked, file);
  const target = await openTarget(file);
  await target.write('new\n');
  await target.close();
  expect(readFileSync(linked, 'utf8')).toBe('new\n');
});

it('says what is wrong with a path', async () => {
  mkdirSync(file);
  await expect(openTarget(file)).rejects.toMatchObject({
    message: `${file} is a folder`,
    remedy: 'Name a file in it.',
  });
  await expect(openTarget(join(folder, 'no', 'x'))).rejects.toMatchObject({
    message: `there is no folder ${join(folder, 'no')}`,
  });
  writeFileSync(join(folder, 'plain'), '');
  await expect(openTarget(join(folder, 'plain', 'x'))).rejects.toMatchObject({
    message: `${join(folder, 'plain')} is a file, not a folder`,
  });
});
