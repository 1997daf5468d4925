// A whole server on a disk that is full in earnest: a file system of its own, which only root may make.

import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { World, type ServerProcess } from '../e2e/support/processes.ts';
import { WireClient } from '../support/wire-client.ts';

const world = new World();
const [MOUNT, UNMOUNT] = ['mount', 'umount'];
const disk = world.folder();
const mount = (...args: string[]): boolean => spawnSync(MOUNT, args).status === 0;
const hasDisk = process.platform === 'linux' && mount('-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk);
afterAll(async () => {
  await world.cleanUp().catch(() => undefined);
  if (hasDisk) spawnSync(UNMOUNT, ['--lazy', disk]);
  await world.cleanUp();
});

const BALLAST = join(disk, 'ballast');
const LONG = 'lorem ipsum dolor sit amet '.repeat(600);
const FULL = { code: 'STORE_UNAVAILABLE', message: 'STORE_UNAVAILABLE: the store cannot answer: the disk is full' };

const serve = (folder: string): Promise<ServerProcess> =>
  world.serve(folder, { VECTOR_DB__DATA_DIR: join(disk, 'data') });

const ready = async ({ httpPort }: ServerProcess): Promise<unknown> =>
  (await fetch(`http://127.0.0.1:${httpPort}/health/ready`)).json();

function clientOf({ port, dataDir }: ServerProcess): Promise<WireClient> {
  const secret = readFileSync(join(dataDir, 'secret'), 'utf8').trim();
  return WireClient.connect(port, { keyId: 'default', secret });
}

/** Until a store is refused, as it must be; gives the ids of those that were acknowledged. */
async function fill(client: WireClient): Promise<string[]> {
  const ids: string[] = [];
  for (;;) {
    try {
      ids.push((await client.request('context.store', { text: `${ids.length} ${LONG}` })).id);
    } catch (error) {
      expect(error).toMatchObject(FULL);
      return ids;
    }
  }
}

async function expectAll(client: WireClient, ids: readonly string[]): Promise<void> {
  for (const id of ids) expect(await client.request('context.get', { id })).toMatchObject({ context: { id } });
}

it.skipIf(!hasDisk)(
  'a server on a full disk takes no writes, is not ready and answers; with room it goes on, and nothing is lost',
  async () => {
    const folder = world.folder();
    writeFileSync(BALLAST, Buffer.alloc(3_000_000, 1));
    const server = await serve(folder);
    const client = await clientOf(server);
    const stored = await fill(client);
    expect(stored.length).toBeGreaterThan(10);
    await expect
      .poll(() => ready(server))
      .toEqual({ ready: false, reason: 'the store takes no writes: the disk is full' });
    expect((await fetch(`http://127.0.0.1:${server.httpPort}/health/live`)).status).toBe(200);
    await expectAll(client, stored);
    const { contexts } = await client.request('context.query', { query: 'lorem ipsum' });
    expect(contexts.length).toBeGreaterThan(0);

    rmSync(BALLAST);
    await expect.poll(() => ready(server), { timeout: 30_000, interval: 100 }).toEqual({ ready: true });
    stored.push(...(await fill(client)));
    await server.end('SIGKILL');

    // A start may find no room for what SQLite needs beside the database: then it says so.
    const again = await serve(folder).catch((error: unknown) => error as Error);
    if (again instanceof Error) expect(again.message).toMatch(/has room|free space/);
    else await again.end('SIGKILL');
    mount('-o', 'remount,size=32m', disk);
    const roomy = await serve(folder);
    const reader = await clientOf(roomy);
    await expectAll(reader, stored);
    await reader.request('context.store', { text: 'there is room' });
    expect(await ready(roomy)).toEqual({ ready: true });
    await roomy.end('SIGTERM');
  },
);
