import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, expect, test } from 'vitest';
import { LAUNCHER, type Variables, World } from './support/processes.ts';

const run = promisify(execFile);
const world = new World();
afterEach(() => world.cleanUp());

/** What `--version` printed, with what Node said of what it compiled. */
async function version(variables: Variables): Promise<string> {
  const inherited = { ...process.env };
  for (const name of ['NODE_COMPILE_CACHE', 'NODE_DISABLE_COMPILE_CACHE']) delete inherited[name];
  const { stdout, stderr } = await run(process.execPath, [LAUNCHER, '--version'], {
    env: { ...inherited, ...variables },
    maxBuffer: 64 * 1024 * 1024,
  });
  expect(stdout).toMatch(/\d+\.\d+\.\d+/);
  return stdout + stderr;
}

test('what one command has compiled, the next one need not compile', async () => {
  await version({});
  const said = await version({ NODE_DEBUG_NATIVE: 'COMPILE_CACHE' });
  expect(said).toMatch(/retrieving transpile cache for StrippedTypeScript \S*src\/cli\.ts\.\.\.success/);
});

test('a folder for what is compiled that cannot be written is no hindrance', async () => {
  const file = join(world.folder(), 'a-file');
  await writeFile(file, '');
  await version({ NODE_COMPILE_CACHE: join(file, 'below') });
});
