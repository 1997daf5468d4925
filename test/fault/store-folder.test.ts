import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, readdirSync, statSync } from 'node:fs';
import { copyFile, mkdir, open, readdir, readFile, rename, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it } from 'vitest';
import { FolderInUse, StartupError } from '../../src/base/errors.ts';
import { MARK_FILE } from '../../src/store/embedded/database/acknowledged-mark.ts';
import { DATABASE_FILE, LOCK_FILE } from '../../src/store/embedded/database/data-folder.ts';
import { idOf, NOW_MS, put, sample } from '../contract/store-samples.ts';
import { DIMENSION, openAt, recordingLog, temporaryFolder } from './store-setup.ts';

const LOG_FILE = `${DATABASE_FILE}-wal`;
const WRITER = new URL('./store-writer.ts', import.meta.url).pathname;
const isPosix = process.platform !== 'win32';
const isRoot = process.getuid?.() === 0;
const NOBODY = 65_534;
/** A user who owns nothing. */
const NOBODY_ELSE = { uid: NOBODY, gid: NOBODY };

async function refusal(folder: string): Promise<StartupError> {
  const error = await openAt(folder).then(
    () => new Error('it opened'),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(StartupError);
  return error as StartupError;
}

/** A folder whose server was killed after it had acknowledged these contexts; its log is there. */
async function killedFolder(acknowledgedMin = 20): Promise<{ folder: string; acknowledged: readonly string[] }> {
  const folder = await temporaryFolder();
  const child = spawn(process.execPath, [WRITER, folder, '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const acknowledged: string[] = [];
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => {
    acknowledged.push(line);
    if (acknowledged.length === acknowledgedMin) child.kill('SIGKILL');
  });
  await once(lines, 'close');
  return { folder, acknowledged };
}

const modeOf = (path: string): number => statSync(path).mode & 0o777;

describe.skipIf(!isPosix)('what is stored is closed to other users', () => {
  it('in a folder that is made', async () => {
    const folder = join(await temporaryFolder(), 'data');
    const store = await openAt(folder);
    await store.write([put(sample('a', DIMENSION))]);
    expect(modeOf(folder)).toBe(0o700);
    for (const name of readdirSync(folder)) expect(modeOf(join(folder, name)) & 0o077, name).toBe(0);
  });

  it('in a folder that was there for all to read, with files of an earlier run', async () => {
    const folder = await temporaryFolder();
    const first = await openAt(folder);
    await first.write([put(sample('a', DIMENSION))]);
    await first.close();
    await writeFile(join(folder, 'secret'), 'x'.repeat(64));
    for (const name of readdirSync(folder)) chmodSync(join(folder, name), name === 'indexes' ? 0o755 : 0o644);
    chmodSync(folder, 0o755);
    const store = await openAt(folder);
    await store.write([put(sample('b', DIMENSION))]);
    expect(readdirSync(folder)).toContain(LOG_FILE);
    for (const name of readdirSync(folder)) expect(modeOf(join(folder, name)) & 0o077, name).toBe(0);
    expect(modeOf(folder)).toBe(0o700);
  });

  it('in a folder that holds models of the hub, too', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'models'));
    chmodSync(folder, 0o755);
    await openAt(folder);
    expect(modeOf(folder)).toBe(0o700);
  });

  it('but not a folder that holds what is not ours', async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, 'recipes.txt'), 'soup', { mode: 0o644 });
    chmodSync(folder, 0o755);
    const warnings: string[] = [];
    await openAt(folder, { log: recordingLog(warnings) });
    expect(warnings.join()).toMatch(/others on this machine can read/);
    expect(modeOf(folder)).toBe(0o755);
    expect(modeOf(join(folder, 'recipes.txt'))).toBe(0o644);
    expect(modeOf(join(folder, DATABASE_FILE))).toBe(0o600);
  });

  it.skipIf(!isRoot)('and files of another owner that cannot be closed are told', async () => {
    const { folder } = await killedFolder(1);
    chmodSync(join(folder, LOCK_FILE), 0o666);
    chownSync(folder, NOBODY, NOBODY);
    for (const name of readdirSync(folder)) {
      if (name !== LOCK_FILE) chownSync(join(folder, name), NOBODY, NOBODY);
    }
    const output = await openElsewhere(folder, NOBODY_ELSE);
    expect(output).toMatch(/others on this machine can read .*contexts\.lock/);
  });
});

describe('a folder that is removed or replaced while the server runs', () => {
  const gone = { code: 'STORE_UNAVAILABLE', message: expect.stringContaining('removed or replaced') as string };

  it.skipIf(!isPosix)('takes no more writes, and the health tells', async () => {
    const folder = join(await temporaryFolder(), 'data');
    const store = await openAt(folder);
    await store.write([put(sample('a', DIMENSION))]);
    await rm(folder, { recursive: true });
    await expect(store.write([put(sample('b', DIMENSION))])).rejects.toMatchObject(gone);
    await expect(store.ping()).rejects.toMatchObject(gone);
  });

  it.skipIf(!isPosix)('takes writes again when it is back', async () => {
    const folder = join(await temporaryFolder(), 'data');
    const store = await openAt(folder);
    await store.write([put(sample('a', DIMENSION))]);
    await rename(folder, `${folder}-away`);
    await expect(store.write([put(sample('b', DIMENSION))])).rejects.toMatchObject(gone);
    await rename(`${folder}-away`, folder);
    await store.ping();
    await store.write([put(sample('c', DIMENSION))]);
    await store.close();
    const again = await openAt(folder);
    expect((await again.fetch('space', [idOf('a'), idOf('c')], NOW_MS)).map((record) => record?.id)).toEqual([
      idOf('a'),
      idOf('c'),
    ]);
  });

  it.skipIf(!isPosix)('or whose log alone is removed', async () => {
    const folder = await temporaryFolder();
    const store = await openAt(folder);
    await store.write([put(sample('a', DIMENSION))]);
    await rm(join(folder, LOG_FILE));
    await expect(store.write([put(sample('b', DIMENSION))])).rejects.toMatchObject(gone);
  });

  it('or whose lock file is deleted is not opened by a second server', async () => {
    const folder = await temporaryFolder();
    const store = await openAt(folder);
    await store.write([put(sample('a', DIMENSION))]);
    await rm(join(folder, LOCK_FILE));
    const refused = await refusal(folder);
    expect(refused).toBeInstanceOf(FolderInUse);
    expect(refused.message).toContain('in use by another server');
    await store.write([put(sample('b', DIMENSION))]);
  });

  it('or whose lock file is deleted is not opened by a second process, which takes no log from the first', async () => {
    const folder = await temporaryFolder();
    const store = await openAt(folder);
    await store.write([put(sample('a', DIMENSION))]);
    const log = await stat(join(folder, LOG_FILE));
    await rm(join(folder, LOCK_FILE));
    expect(await openElsewhere(folder)).toContain('in use by another server');
    expect((await stat(join(folder, LOG_FILE))).ino).toBe(log.ino);
    await store.write([put(sample('b', DIMENSION))]);
  });
});

describe('acknowledged writes that are missing at the start', () => {
  it('because the log is gone are told, and nothing is changed', async () => {
    const { folder } = await killedFolder();
    await rm(join(folder, LOG_FILE));
    const before = await readFile(join(folder, DATABASE_FILE));
    const error = await refusal(folder);
    expect(error.message).toContain('acknowledged writes are missing');
    expect(error.remedy).toContain(MARK_FILE);
    expect(await readFile(join(folder, DATABASE_FILE))).toEqual(before);
  });

  it.each([
    ['a bit of its first frame', 32 + 24 + 100],
    ['a bit in its middle', null],
  ])('because of a damaged log, %s, are told, and the log stays as it is', async (_, place) => {
    const { folder } = await killedFolder();
    const path = join(folder, LOG_FILE);
    const { size } = await stat(path);
    await flipBit(path, place ?? size >> 1);
    const before = await readFile(path);
    expect((await refusal(folder)).message).toContain('acknowledged writes are missing');
    expect(await readFile(path)).toEqual(before);
  });

  it('because the log is cut off are told', async () => {
    const { folder } = await killedFolder();
    await truncate(join(folder, LOG_FILE), 32 + 4096 + 24);
    expect((await refusal(folder)).message).toContain('acknowledged writes are missing');
  });

  it('because an older copy of the database was put there are told', async () => {
    const folder = await temporaryFolder();
    const first = await openAt(folder);
    await first.write([put(sample('a', DIMENSION))]);
    await first.close();
    const copy = join(await temporaryFolder(), 'copy.db');
    await copyFile(join(folder, DATABASE_FILE), copy);
    const second = await openAt(folder);
    await second.write([put(sample('b', DIMENSION))]);
    await second.close();
    await copyFile(copy, join(folder, DATABASE_FILE));
    expect((await refusal(folder)).message).toContain('acknowledged writes are missing');
  });

  it('are done without where the operator deletes the mark', async () => {
    const { folder, acknowledged } = await killedFolder();
    await flipBit(join(folder, LOG_FILE), 32 + 24 + 100);
    await refusal(folder);
    await rm(join(folder, MARK_FILE));
    const store = await openAt(folder);
    const found = await store.fetch('space', acknowledged.map(idOf), NOW_MS);
    expect(found.every((record) => record !== null)).toBe(false);
    await store.write([put(sample('after', DIMENSION))]);
    await store.close();
    const again = await openAt(folder);
    expect(await again.fetch('space', [idOf('after')], NOW_MS)).toMatchObject([{ id: idOf('after') }]);
  });

  it('are not claimed where a kill left everything in order', async () => {
    const { folder, acknowledged } = await killedFolder();
    const store = await openAt(folder);
    expect(await store.fetch('space', acknowledged.map(idOf), NOW_MS)).not.toContain(null);
  });
});

describe('a database that is missing or empty', () => {
  it('beside indexes of its contexts is refused', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'indexes'));
    await writeFile(join(folder, 'indexes', '1-1-0-30.usearch'), 'graph');
    expect((await refusal(folder)).message).toContain('missing or empty');
    await writeFile(join(folder, DATABASE_FILE), '');
    expect((await refusal(folder)).message).toContain('missing or empty');
    expect(await readdir(join(folder, 'indexes'))).toHaveLength(1);
  });

  it('after acknowledged writes is refused', async () => {
    const folder = await temporaryFolder();
    const store = await openAt(folder);
    await store.write([put(sample('a', DIMENSION))]);
    await store.close();
    await truncate(join(folder, DATABASE_FILE), 0);
    expect((await refusal(folder)).message).toContain('acknowledged writes are missing');
  });
});

describe.skipIf(!isRoot)('a folder that this user may only read', () => {
  it('is told with what to check, also after a kill', async () => {
    const { folder } = await killedFolder();
    chmodSync(folder, 0o755);
    for (const name of readdirSync(folder)) chmodSync(join(folder, name), name === 'indexes' ? 0o755 : 0o644);
    const output = await openElsewhere(folder, NOBODY_ELSE);
    expect(output).toMatch(/StartupError: .*cannot be (opened|locked|made)/);
    expect(output).toMatch(/remedy: .*(permissions|may write)/);
    expect(output).not.toContain('report it');
  });
});

/** Opens the store in a process of its own; gives what was logged and why it did not open. */
async function openElsewhere(folder: string, user: { uid?: number; gid?: number } = {}): Promise<string> {
  const opener = new URL('./store-opener.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, [opener, folder], {
    ...user,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await once(child, 'close');
  return output;
}

async function flipBit(path: string, place: number): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, place);
    await file.write(Buffer.from([(byte[0] as number) ^ 4]), 0, 1, place);
  } finally {
    await file.close();
  }
}
