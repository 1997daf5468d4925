// A whole server whose file system turns read-only under it, as Linux makes one after an error of the disk. Such a file system
// can be had by root where there are loop devices; elsewhere this is skipped.

import { spawnSync } from 'node:child_process';
import { readdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { World, type ServerProcess } from '../e2e/support/processes.ts';

const world = new World();
const EXT4 = '/sys/fs/ext4';
const folder = world.folder();
const [image, disk] = [join(folder, 'image'), world.folder()];
const run = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0;
const devices = (): string[] => {
  try {
    return readdirSync(EXT4);
  } catch {
    return [];
  }
};
const before = devices();
const [MAKE, MOUNT, UNMOUNT] = ['mkfs.ext4', 'mount', 'umount'];
const hasDisk = process.platform === 'linux' && mounted();
/** Where an error of the disk is told to the system. */
const [device] = devices().filter((name) => !before.includes(name));
afterAll(async () => {
  await world.cleanUp().catch(() => undefined);
  if (hasDisk) run(UNMOUNT, '--lazy', disk);
  await world.cleanUp();
});

function mounted(): boolean {
  writeFileSync(image, '');
  truncateSync(image, 64 * 1024 * 1024);
  return run(MAKE, '-q', image) && run(MOUNT, '-o', 'loop,errors=remount-ro', image, disk);
}

const ready = async ({ httpPort }: ServerProcess): Promise<unknown> =>
  (await fetch(`http://127.0.0.1:${httpPort}/health/ready`)).json();

it.skipIf(!hasDisk || device === undefined)(
  'a server whose disk turns read-only takes no writes, is not ready, answers what it knows, and does not start on it',
  async () => {
    const variables = { VECTOR_DB__DATA_DIR: join(disk, 'data') };
    const server = await world.serve(world.folder(), variables);
    const client = await server.connect();
    const { id } = await client.store({ text: 'acknowledged before the fault' });
    expect(await ready(server)).toEqual({ ready: true });

    writeFileSync(join(EXT4, device ?? '', 'trigger_fs_error'), 'made for this test');
    await expect(client.store({ text: 'never acknowledged' }, { timeoutMs: 2_000 })).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
    });
    await expect
      .poll(() => ready(server), { timeout: 30_000 })
      .toEqual({ ready: false, reason: expect.stringContaining('the store takes no writes') as string });
    expect((await client.get({ id })).context.text).toBe('acknowledged before the fault');
    expect((await client.query({ query: 'before the fault' })).contexts.map((context) => context.id)).toEqual([id]);
    await client.close();
    expect((await server.end('SIGTERM')).code).toBe(0);

    await expect(world.serve(world.folder(), variables)).rejects.toThrow(
      /cannot be opened for writing.*not mounted read-only/s,
    );
  },
);
