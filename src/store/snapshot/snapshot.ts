// One snapshot: a folder with the files of a store, a manifest that says what they are, and their sums in the form that
// `sha256sum --check` reads.

import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Level } from '../../base/context.ts';
import { DamagedSnapshot } from './damaged-snapshot.ts';
import { isSameSum, sumOf } from './packed-files.ts';
import type { FileSum, SnapshotFile } from './store-copy.ts';

export const MANIFEST_FILE = 'manifest.json';
export const SUMS_FILE = 'SHA256SUMS';
export const FORMAT = 1;

/** In snake_case, as it stands in the file. */
export interface Manifest {
  readonly format: number;
  readonly id: string;
  readonly label?: string;
  /** ISO 8601, UTC: all that was acknowledged before this moment is in it. */
  readonly created_at: string;
  readonly server: string;
  readonly store: string;
  readonly schema: number;
  readonly embedder: string;
  readonly dimension: number;
  readonly distance: string;
  readonly contexts: number;
  readonly counts: Readonly<Record<Level, number>>;
  readonly namespaces: number;
  readonly last_commit: number;
  readonly files: readonly SnapshotFile[];
}

export interface Snapshot {
  readonly path: string;
  readonly manifest: Manifest;
  readonly createdAtMs: number;
  /** Of its files, the manifest among them. */
  readonly bytes: number;
  /** Of the manifest, which holds those of the files. */
  readonly sha256: string;
}

const MANIFEST_BYTES_MAX = 1024 * 1024;
/** No path, so that nothing outside of the folder is ever read. */
const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

export function textSum(name: string, text: string): FileSum {
  const bytes = Buffer.from(text);
  return { name, bytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
}

export function sumsText(sums: readonly FileSum[]): string {
  return sums.map(({ name, sha256 }) => `${sha256}  ${name}\n`).join('');
}

/** What its manifest says, with the manifest's own sum checked, but none of the files'. Throws `DamagedSnapshot`. */
export function readSnapshot(path: string): Snapshot {
  const text = readText(path, MANIFEST_FILE);
  const sums = readText(path, SUMS_FILE);
  const sum = textSum(MANIFEST_FILE, text);
  const manifest = parseManifest(path, text);
  if (sums !== sumsText([sum, ...manifest.files]))
    throw new DamagedSnapshot(path, `its manifest is not what ${SUMS_FILE} says`);
  const bytes = manifest.files.reduce((total, file) => total + file.bytes, sum.bytes);
  return { path, manifest, createdAtMs: Date.parse(manifest.created_at), bytes, sha256: sum.sha256 };
}

/** Reads every file whole. Throws `DamagedSnapshot` where one is missing or is not what was written. */
export async function checkFiles({ path, manifest }: Snapshot): Promise<void> {
  for (const file of manifest.files) {
    const found = await sumOf(join(path, file.name)).catch((error: unknown) => {
      throw new DamagedSnapshot(path, `${file.name} is missing or cannot be read`, error);
    });
    if (!isSameSum(found, file))
      throw new DamagedSnapshot(path, `${file.name} is not what was written (its SHA-256 differs)`);
  }
}

function readText(path: string, name: string): string {
  try {
    const file = join(path, name);
    if (statSync(file).size > MANIFEST_BYTES_MAX) throw new Error('it is too long');
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new DamagedSnapshot(path, `${name} is missing or cannot be read`, error);
  }
}

function parseManifest(path: string, text: string): Manifest {
  let manifest: Partial<Manifest> | null;
  try {
    manifest = JSON.parse(text) as Partial<Manifest> | null;
  } catch (error) {
    throw new DamagedSnapshot(path, `${MANIFEST_FILE} is not JSON`, error);
  }
  const format: unknown = manifest?.format;
  if (typeof format === 'number' && format > FORMAT)
    throw new DamagedSnapshot(path, `its format ${format} is newer than this program, which knows ${FORMAT}`);
  if (!isManifest(manifest)) throw new DamagedSnapshot(path, `${MANIFEST_FILE} is not that of a snapshot`);
  if (manifest.id !== basename(path)) throw new DamagedSnapshot(path, `it is named ${manifest.id} in its manifest`);
  return manifest;
}

function isManifest(value: Partial<Manifest> | null): value is Manifest {
  if (value === null || value.format !== FORMAT || !Array.isArray(value.files)) return false;
  const { counts, created_at: createdAt = '' } = value;
  const texts = [value.id, value.store, value.embedder, value.distance];
  const numbers = [value.schema, value.dimension, value.contexts, value.namespaces, value.last_commit];
  return (
    texts.every((text) => typeof text === 'string') &&
    [...numbers, counts?.immediate, counts?.short_term, counts?.long_term].every(Number.isSafeInteger) &&
    Number.isFinite(Date.parse(createdAt)) &&
    value.files.every(isFile)
  );
}

function isFile(file: SnapshotFile | null): boolean {
  if (file === null) return false;
  return [file, ...(file.content === undefined ? [] : [file.content])].every(
    ({ name, bytes, sha256 }) =>
      FILE_NAME.test(name) && Number.isSafeInteger(bytes) && bytes >= 0 && /^[0-9a-f]{64}$/.test(sha256),
  );
}
