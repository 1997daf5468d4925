import { chownSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemRandom } from '../../base/random.ts';
import { syncFolder } from '../../base/sync-folder.ts';
import type { KeyEntry } from '../../config/key-blocks.ts';
import { nodeSecretFiles } from '../../config/node-files.ts';

/** Where a new secret is kept for the server. */
export const PLACES = ['file', 'variable', 'settings'] as const;
export type Place = (typeof PLACES)[number];

/** A secret that was made, and how the server comes to it. */
export interface NewSecret {
  readonly secret: string;
  /** What the entry says. */
  readonly value: string;
  readonly path?: string;
  readonly variable?: string;
}

/** Below the data folder. */
const FOLDER = 'keys';
const SECRET_BYTES = 32;
const SUFFIX_BYTES = 4;
const PRIVATE_FILE = 0o600;

export function makeSecret(id: string, place: Place, dataDir: string, variable?: string): NewSecret {
  const secret = Buffer.from(systemRandom.bytes(SECRET_BYTES)).toString('hex');
  if (place === 'settings') return { secret, value: secret };
  if (place === 'variable') {
    const name = variable ?? `${id.toUpperCase().replace(/[^A-Z0-9]+/g, '_')}_SECRET`.replace(/^(?=\d)/, '_');
    return { secret, value: `\${${name}}`, variable: name };
  }
  // A name of its own: a secret that a killed command has left behind is in nobody's way, and one that is rotated is another file.
  const suffix = Buffer.from(systemRandom.bytes(SUFFIX_BYTES)).toString('hex');
  const path = join(dataDir, FOLDER, `${id.replace(/[^A-Za-z0-9._-]/g, '_').slice(0, 64)}-${suffix}`);
  nodeSecretFiles.createExclusively(path, `${secret}\n`, PRIVATE_FILE);
  giveToOwnerOf(dataDir, [dirname(path), path]);
  syncFolder(dirname(path));
  return { secret, value: `\${file:${path}}`, path };
}

/** It was made for an entry that did not come to be. */
export function forgetSecret({ path }: NewSecret): void {
  if (path !== undefined) rmSync(path, { force: true });
}

/** The file of an entry that is no more, where it is one of those made here; null: it is not, or there is none. */
export function removeSecretOf(entry: KeyEntry, dataDir: string): string | null {
  const path = fileOf(entry);
  if (path === undefined || dirname(path) !== join(dataDir, FOLDER)) return null;
  rmSync(path, { force: true });
  return path;
}

/** Where the secret of an entry is, in words. */
export function describeSecret(entry: KeyEntry, dataDir: string): string {
  const { secret } = entry;
  const path = fileOf(entry);
  if (path !== undefined) return path;
  if (typeof secret !== 'string') return `PROTOCOL_SECRET, or ${join(dataDir, 'secret')}`;
  const variable = /^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$/.exec(secret)?.[1];
  return variable === undefined ? 'in the settings' : `variable ${variable}`;
}

function fileOf({ secret }: KeyEntry): string | undefined {
  return typeof secret === 'string' ? /^\$\{file:([^}]+)\}$/.exec(secret)?.[1] : undefined;
}

/** Whoever makes keys as root makes them for the server, which is somebody else. */
function giveToOwnerOf(folder: string, paths: readonly string[]): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(folder);
  for (const path of paths) chownSync(path, uid, gid);
}
