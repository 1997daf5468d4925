import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { systemRandom } from '../../src/base/random.ts';
import { NO_KEYS } from '../../src/store/embedded/border/opening-settings.ts';
import { systemClock } from '../../src/base/clock.ts';
import { silentLog } from '../../src/base/log.ts';
import { CodedError } from '../../src/base/errors.ts';
import type { EmbeddedStore } from '../../src/store/embedded/embedded-store.ts';
import { openDatabase } from '../../src/store/embedded/database/database.ts';
import { rehearse } from '../../src/store/embedded/rehearse.ts';
import type { Snapshot } from '../../src/store/snapshot/snapshot.ts';
import { SnapshotFolder } from '../../src/store/snapshot/snapshot-folder.ts';
import { idOf, NOW_MS, put, sample } from '../contract/store-samples.ts';
import { keeperOf, openStoreAt, restoreInto } from './snapshot-setup.ts';
import { DIMENSION, temporaryFolder } from './store-setup.ts';

let dataDir: string;
let folder: string;
let store: EmbeddedStore;
let snapshot: Snapshot;

beforeEach(async () => {
  dataDir = await temporaryFolder();
  folder = join(await temporaryFolder(), 'snapshots');
  store = await openStoreAt(dataDir);
  await store.write(Array.from({ length: 20 }, (_, i) => put(sample(`context-${i}`, DIMENSION))));
  snapshot = await keeperOf(store, folder).create('kept');
});

async function verified(): Promise<unknown> {
  const scratch = join(folder, 'scratch');
  rmSync(scratch, { recursive: true, force: true });
  mkdirSync(scratch);
  const found = new SnapshotFolder(folder).get(snapshot.manifest.id);
  return rehearse(found, scratch, { clock: systemClock, log: silentLog, seal: NO_KEYS, random: systemRandom });
}

function flip(path: string, place: number): void {
  const bytes = readFileSync(path);
  const at = Math.floor(bytes.length * place);
  bytes[at] = (bytes[at] ?? 0) ^ 0x10;
  writeFileSync(path, bytes);
}

describe('a snapshot', () => {
  it('is verified: opened, read to its end and asked', async () => {
    expect(await verified()).toEqual({ contexts: 20, queries: 1 });
  });

  it.each([
    ['contexts.db.zst', 0],
    ['contexts.db.zst', 0.5],
    ['contexts.db.zst', 0.999],
    ['manifest.json', 0.5],
    ['namespaces.json', 0.5],
    ['SHA256SUMS', 0.1],
  ])(
    'with a bit of %s flipped (at %d of it) is refused by verify and restore, and nothing changes',
    async (name, at) => {
      flip(join(snapshot.path, name), at);
      const target = await temporaryFolder();
      await store.close();
      cpSync(dataDir, target, { recursive: true });
      const before = readdirSync(target).sort();
      await expect(verified()).rejects.toThrow(/cannot be used/);
      const restoring = async (): Promise<unknown> =>
        restoreInto(target, new SnapshotFolder(folder).get(snapshot.manifest.id), true);
      await expect(restoring()).rejects.toThrow(/cannot be used/);
      expect(readdirSync(target).sort()).toEqual(before);
    },
  );

  it.each(['contexts.db.zst', 'manifest.json', 'SHA256SUMS'])(
    'without %s, or with half of it, is refused',
    async (name) => {
      truncateSync(join(snapshot.path, name), 40);
      await expect(verified()).rejects.toThrow(/cannot be used/);
      rmSync(join(snapshot.path, name));
      await expect(verified()).rejects.toThrow(/cannot be used/);
    },
  );

  it('whose names lead out of its folder is refused', async () => {
    const text = readFileSync(join(snapshot.path, 'manifest.json'), 'utf8');
    writeFileSync(join(snapshot.path, 'manifest.json'), text.replace('"contexts.db.zst"', '"../contexts.db.zst"'));
    await expect(verified()).rejects.toThrow('is not that of a snapshot');
  });

  it('of a newer format is told so', async () => {
    const text = readFileSync(join(snapshot.path, 'manifest.json'), 'utf8');
    writeFileSync(join(snapshot.path, 'manifest.json'), text.replace('"format": 1', '"format": 2'));
    await expect(verified()).rejects.toThrow('its format 2 is newer than this program');
  });
});

describe('what cannot be finished', () => {
  it('leaves nothing that a list would take, and a later snapshot clears it away', async () => {
    const partial = join(folder, '.partial-20200101T000000Z-000000');
    cpSync(snapshot.path, partial, { recursive: true });
    const found = new SnapshotFolder(folder).find();
    expect(found.snapshots.map(({ manifest }) => manifest.id)).toEqual([snapshot.manifest.id]);
    const keeper = keeperOf(store, folder);
    await keeper.create();
    // It may still be written to.
    expect(existsSync(partial)).toBe(true);
    const longAgo = new Date(Date.now() - 2 * 3_600_000);
    for (const path of [...readdirSync(partial).map((name) => join(partial, name)), partial])
      utimesSync(path, longAgo, longAgo);
    await keeper.create();
    expect(existsSync(partial)).toBe(false);
  });

  it('for want of a folder says which, and why', async () => {
    const file = join(await temporaryFolder(), 'file');
    writeFileSync(file, '');
    await expect(keeperOf(store, join(file, 'snapshots')).create()).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: `no snapshot could be made in ${join(file, 'snapshots')}: a part of its path is a file`,
    });
  });

  it('is taken away, whatever it failed at', async () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
    const failing = {
      copyInto: (target: string): Promise<never> => {
        writeFileSync(join(target, 'contexts.db'), 'some pages');
        return Promise.reject(full);
      },
    };
    await expect(keeperOf(failing, folder).create()).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: `no snapshot could be made in ${folder}: the disk is full`,
    });
    expect(readdirSync(folder)).toEqual([snapshot.manifest.id]);
  });

  it('as nobody waits for it any more ends, and leaves nothing', async () => {
    const abort = new AbortController();
    const creating = keeperOf(store, folder).create(undefined, abort.signal);
    abort.abort(new CodedError('DEADLINE_EXCEEDED', 'too late'));
    await expect(creating).rejects.toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(readdirSync(folder)).toEqual([snapshot.manifest.id]);
  });

  it('is not begun while another one is made', async () => {
    const keeper = keeperOf(store, folder);
    const first = keeper.create();
    await expect(keeper.create()).rejects.toMatchObject({ code: 'OVERLOADED', retryable: true });
    await first;
    await keeper.create();
  });
});

describe('a restore', () => {
  it('is refused while a server has the folder', async () => {
    await expect(restoreInto(dataDir, snapshot, true)).rejects.toThrow('in use by another server');
    await store.write([put(sample('later', DIMENSION))]);
    expect(await store.fetch('space', [idOf('later')], NOW_MS)).toMatchObject([{ id: idOf('later') }]);
  });

  it('into a folder with data needs to be told so, and keeps what was there', async () => {
    await store.write([put(sample('later', DIMENSION))]);
    await store.close();
    await expect(restoreInto(dataDir, snapshot)).rejects.toThrow('holds data already');
    const { keptAside } = await restoreInto(dataDir, snapshot, true);
    const now = await openStoreAt(dataDir);
    expect(await now.fetch('space', [idOf('later'), idOf('context-0')], NOW_MS)).toMatchObject([null, {}]);
    const old = await openStoreAt(keptAside ?? '');
    expect(await old.fetch('space', [idOf('later')], NOW_MS)).toMatchObject([{ id: idOf('later') }]);
  });

  it.each(['old', 'new'])(
    'that was interrupted while the %s files were in place is no data of a server, and ends when it is run again',
    async (inPlace) => {
      await store.write([put(sample('later', DIMENSION))]);
      await store.close();
      const aside = 'contexts.replaced-20200101T000000Z';
      mkdirSync(join(dataDir, aside), { mode: 0o700 });
      writeFileSync(join(dataDir, 'contexts.restore'), JSON.stringify({ inPlace, aside }));
      // As far as it had come: the database has moved aside, its note has not; or all has, and a part of the new is there.
      cpSync(join(dataDir, 'contexts.db'), join(dataDir, aside, 'contexts.db'));
      if (inPlace === 'old') rmSync(join(dataDir, 'contexts.db'));
      else {
        cpSync(join(dataDir, 'contexts.acknowledged'), join(dataDir, aside, 'contexts.acknowledged'));
        writeFileSync(join(dataDir, 'contexts.db'), 'half');
      }
      const settings = { dataDir, embeddingId: 'model-a', dimension: DIMENSION, databasePagesMax: null };
      const open = { ...settings, mayReembed: false, seal: NO_KEYS };
      expect(() => openDatabase(open, { random: systemRandom })).toThrow('was being restored');
      const { keptAside } = await restoreInto(dataDir, snapshot);
      expect(keptAside).toBe(join(dataDir, aside));
      const now = await openStoreAt(dataDir);
      expect(await now.fetch('space', [idOf('later'), idOf('context-0')], NOW_MS)).toMatchObject([null, {}]);
      const old = await openStoreAt(keptAside ?? '');
      expect(await old.fetch('space', [idOf('later')], NOW_MS)).toMatchObject([{ id: idOf('later') }]);
    },
  );
});
