// Strips the types of the sources and tests once, before the tests, for the threads that they start: see stripped-sources.js.

import { mkdir, mkdtemp, readFile, glob, rm, writeFile } from 'node:fs/promises';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

export default async function stripOnce(): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), 'cm-stripped-'));
  for await (const file of glob('{src,test}/**/*.ts')) {
    const target = join(folder, file);
    await mkdir(dirname(target), { recursive: true });
    await writeFile(target, stripTypeScriptTypes(await readFile(file, 'utf8')));
  }
  process.env['STRIPPED_SOURCES'] = folder;
  return () => rm(folder, { recursive: true });
}
