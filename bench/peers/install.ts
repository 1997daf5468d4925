import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

const FOLDER = fileURLToPath(new URL('.', import.meta.url));

/** The peers' packages, exactly as their lock file says, beside this file; nothing where they are there. */
export function installPeers(note: (message: string) => void): void {
  if (existsSync(new URL('node_modules/.package-lock.json', import.meta.url))) return;
  note('installing the packages of the peers (some 600 MB, once)');
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--no-save'], {
    cwd: FOLDER,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
}

/** By a name that type checks and linters do not follow: who never measures peers has none of them. */
export function peerPackage(name: string): Promise<unknown> {
  return import(pathToFileURL(createRequire(import.meta.url).resolve(name)).href);
}

/** As it is installed. */
export function peerVersion(name: string): string {
  const { version } = createRequire(import.meta.url)(`${FOLDER}node_modules/${name}/package.json`) as {
    version: string;
  };
  return version;
}
