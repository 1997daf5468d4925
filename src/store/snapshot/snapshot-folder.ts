// The folder that snapshots lie in. One that is being made has another name until it is whole and on the disk, so that
// whatever has the name of a snapshot is one.

import { chmodSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { isAbsolute, join, sep } from 'node:path';
import { StartupError } from '../../base/errors.ts';
import { makeFolder } from '../../base/make-folder.ts';
import { syncFolder } from '../../base/sync-folder.ts';
import { DamagedSnapshot } from './damaged-snapshot.ts';
import { readSnapshot, type Snapshot } from './snapshot.ts';

const ID = /^\d{8}T\d{6}Z-[0-9a-f]{6}$/;
const PARTIAL = '.partial-';
/** Nothing was written to it for so long: whoever made it is gone. */
const ABANDONED_MS = 3_600_000;
const NOT_THERE: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR']);
const PRIVATE_FOLDER = 0o700;

export interface FoundSnapshots {
  /** The oldest first. */
  readonly snapshots: readonly Snapshot[];
  readonly damaged: readonly DamagedSnapshot[];
}

export class SnapshotFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** By their manifests; no other file is read. */
  find(): FoundSnapshots {
    const snapshots: Snapshot[] = [];
    const damaged: DamagedSnapshot[] = [];
    for (const name of this.#names()
      .filter((each) => ID.test(each))
      .sort()) {
      try {
        snapshots.push(readSnapshot(join(this.path, name)));
      } catch (error) {
        if (!(error instanceof DamagedSnapshot)) throw error;
        damaged.push(error);
      }
    }
    return { snapshots: snapshots.sort((one, other) => one.createdAtMs - other.createdAtMs), damaged };
  }

  /** By its id, by the path of its folder, or `latest`. Throws `StartupError`. */
  get(name: string): Snapshot {
    if (name === 'latest') {
      const newest = this.find().snapshots.at(-1);
      if (newest !== undefined) return newest;
      throw new StartupError(`there is no snapshot in ${this.path}`, 'Make one: `context-manager snapshot create`.');
    }
    const path = isAbsolute(name) || name.includes(sep) ? name : join(this.path, name);
    if (existsSync(path)) return readSnapshot(path);
    throw new StartupError(
      `there is no snapshot ${path}`,
      'See `context-manager snapshot list`, or name the folder of the snapshot.',
    );
  }

  /** A folder to work in, private, that no list shows. */
  startPartial(name: string): string {
    makeFolder(this.path, PRIVATE_FOLDER);
    const path = join(this.path, PARTIAL + name);
    rmSync(path, { recursive: true, force: true });
    mkdirSync(path, { mode: PRIVATE_FOLDER });
    // The umask may have taken more than others' rights.
    chmodSync(path, PRIVATE_FOLDER);
    return path;
  }

  /** From here on it is a snapshot. */
  finish(partial: string, id: string): Snapshot {
    const path = join(this.path, id);
    syncFolder(partial);
    renameSync(partial, path);
    syncFolder(this.path);
    return readSnapshot(path);
  }

  /** What was begun and will not be finished. */
  discard(partial: string): void {
    rmSync(partial, { recursive: true, force: true });
  }

  delete({ path }: Pick<Snapshot, 'path'>): void {
    // Under another name first: one that is half deleted is none.
    const gone = join(this.path, `${PARTIAL}deleted-${path.slice(path.lastIndexOf(sep) + 1)}`);
    renameSync(path, gone);
    syncFolder(this.path);
    rmSync(gone, { recursive: true, force: true });
  }

  /** What a killed process has left behind. */
  removeAbandoned(nowMs: number): void {
    for (const name of this.#names().filter((each) => each.startsWith(PARTIAL))) {
      const path = join(this.path, name);
      if (nowMs - lastChangeMs(path) > ABANDONED_MS) rmSync(path, { recursive: true, force: true });
    }
  }

  #names(): string[] {
    try {
      return readdirSync(this.path);
    } catch (error) {
      if (NOT_THERE.has((error as NodeJS.ErrnoException).code)) return [];
      throw error;
    }
  }
}

function lastChangeMs(folder: string): number {
  try {
    const paths = [folder, ...readdirSync(folder).map((name) => join(folder, name))];
    return Math.max(...paths.map((path) => statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0));
  } catch {
    // It was finished or removed just now.
    return Infinity;
  }
}
