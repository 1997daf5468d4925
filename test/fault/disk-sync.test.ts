// A whole server on a disk whose syncs fail in earnest, below SQLite. Needs a C compiler and a loader that preloads.

import { spawnSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { WireClient } from '../support/wire-client.ts';
import { World } from '../e2e/support/processes.ts';

const SOURCE = fileURLToPath(new URL('../support/failing-sync.c', import.meta.url));
const world = new World();
afterAll(() => world.cleanUp());

const library = join(world.folder(), 'failing-sync.so');
const compiler = process.env['CC'] ?? 'cc';
const hasLibrary =
  process.platform === 'linux' && spawnSync(compiler, ['-shared', '-fPIC', '-o', library, SOURCE, '-ldl']).status === 0;

it.skipIf(!hasLibrary)(
  'a server whose disk fails to sync is not ready, takes no writes, and has none of those that it refused after a kill',
  async () => {
    const folder = world.folder();
    const sign = join(folder, 'syncs-fail');
    const server = await world.serve(folder, { LD_PRELOAD: library, SYNC_FAILS: sign });
    const secret = readFileSync(join(server.dataDir, 'secret'), 'utf8').trim();
    // It repeats nothing.
    const client = await WireClient.connect(server.port, { keyId: 'default', secret });
    const ready = () => fetch(`http://127.0.0.1:${server.httpPort}/health/ready`).then((answer) => answer.json());
    const refusedFor = (text: string) =>
      client.request('context.store', { text }).then(
        () => null,
        (error: unknown) => error,
      );
    await client.request('context.store', { text: 'kept before' });

    writeFileSync(sign, '');
    const refused = { code: 'STORE_UNAVAILABLE', message: expect.stringContaining('the disk failed') as string };
    expect(await refusedFor('refused first')).toMatchObject(refused);
    expect(await refusedFor('refused second')).toMatchObject(refused);
    await expect
      .poll(ready)
      .toMatchObject({ ready: false, reason: expect.stringContaining('takes no writes: the disk failed') as string });
    expect((await client.request('context.query', { query: 'kept before' })).contexts).toMatchObject([
      { text: 'kept before' },
    ]);

    rmSync(sign);
    await expect.poll(ready, { timeout: 30_000, interval: 100 }).toEqual({ ready: true });
    await client.request('context.store', { text: 'kept after' });
    writeFileSync(sign, '');
    expect(await refusedFor('refused third')).toMatchObject(refused);
    await server.end('SIGKILL');

    const again = await world.serve(folder);
    const reader = await again.connect({ sender: 'agent-1' });
    const texts: unknown[] = [];
    for await (const { text } of reader.list({ limit: 10 })) texts.push(text);
    expect(texts.sort()).toEqual(['kept after', 'kept before']);
    await reader.close();
    await again.end('SIGTERM');
  },
);
