import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, it } from 'vitest';
import { cliVariables, World } from './support/processes.ts';

const world = new World();
afterEach(() => world.cleanUp());

const TEXT = 'the spare key of the boathouse hangs behind the red door';

interface Listed {
  readonly snapshots: readonly { readonly id: string; readonly contexts: number; readonly label?: string }[];
}

it('by the command line: made of a running server, listed, verified, restored after all was lost, and pruned', async () => {
  const folder = world.folder();
  const server = await world.serve(folder, { LOGGING__LEVEL: 'info' });
  const run = (args: readonly string[]) => world.run(args, folder, cliVariables(server));
  const json = async (args: readonly string[]): Promise<unknown> => JSON.parse((await run([...args, '--json'])).stdout);
  await run(['store', TEXT]);
  const made = await run(['snapshot', 'create', '--label', 'drill']);
  expect(made).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^\d{8}T\d{6}Z-[0-9a-f]{6}: 1 context, /) as string,
  });
  const client = await server.connect();
  const { snapshots: told } = await client.listSnapshots();
  await client.close();
  expect(told).toMatchObject([{ contexts: 1, label: 'drill' }]);

  const listed = (await json(['snapshot', 'list'])) as Listed;
  expect(listed.snapshots).toMatchObject([{ id: told[0]!.id, label: 'drill' }]);
  expect((await run(['snapshot', 'verify'])).stdout).toContain('is whole: 1 context read, 1 found by a query');
  const busy = await run(['snapshot', 'restore', 'latest', '--replace']);
  expect(busy).toMatchObject({ code: 1, stderr: expect.stringContaining('in use by another server') as string });

  await run(['store', 'written after the snapshot']);
  const { stderr } = await server.end('SIGTERM');
  const lines = stderr.split('\n').filter((line) => line.includes('a snapshot was made'));
  expect(lines).toEqual([expect.stringMatching(/"context_count":1,/)]);
  for (const name of readdirSync(server.dataDir))
    if (name !== 'snapshots' && name !== 'secret') rmSync(join(server.dataDir, name), { recursive: true });
  const restored = await run(['snapshot', 'restore', 'latest']);
  expect(restored).toMatchObject({ code: 0, stdout: expect.stringContaining('1 context of ') as string });
  expect((await run(['snapshot', 'restore', 'latest'])).stderr).toContain('holds data already');

  const again = await world.serve(folder);
  const query = await world.run(['query', 'where is the spare key?', '--json'], folder, cliVariables(again));
  expect(query.stdout).toContain(TEXT);
  expect(query.stdout).not.toContain('written after');
  expect(existsSync(join(server.dataDir, 'snapshots', told[0]!.id, 'secret'))).toBe(false);
  await world.run(['snapshot', 'create'], folder, cliVariables(again));
  await world.run(['snapshot', 'create'], folder, cliVariables(again));
  const pruned = (await json(['snapshot', 'prune', '--keep-hourly', '1', '--keep-daily', '0'])) as {
    deleted: string[];
  };
  expect(pruned).toMatchObject({ deleted: [expect.any(String) as string], kept: 2 });
  expect(readdirSync(join(server.dataDir, 'snapshots'))).toHaveLength(2);
  await again.end('SIGTERM');
});

it('killed in the middle leaves none that a list or a restore would take, and the next one is whole', async () => {
  const folder = world.folder();
  const server = await world.serve(folder);
  const client = await server.connect();
  for (let i = 0; i < 10; i++) {
    const contexts = Array.from({ length: 500 }, (_, n) => ({
      text: `note ${i}/${n}: ${'so many words '.repeat(40)}`,
    }));
    await client.storeBatch({ contexts });
  }
  const snapshots = join(server.dataDir, 'snapshots');
  const asked = client.createSnapshot({}).catch(() => undefined);
  while (!existsSync(snapshots) || readdirSync(snapshots).every((name) => !isBegun(join(snapshots, name))))
    await sleep(1);
  server.kill('SIGKILL');
  await server.ended;
  await client.close({ timeoutMs: 0 });
  await asked;
  expect(readdirSync(snapshots).every((name) => name.startsWith('.partial-'))).toBe(true);

  const run = (args: readonly string[]) => world.run(args, folder);
  expect((await run(['snapshot', 'list', '--json'])).stdout).toContain('"snapshots": []');
  expect(await run(['snapshot', 'restore', 'latest', '--replace'])).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('there is no snapshot') as string,
  });
  const again = await world.serve(folder);
  const made = await world.run(['snapshot', 'create'], folder, cliVariables(again));
  expect(made.stdout).toContain('5,000 contexts');
  await again.end('SIGTERM');
  expect((await run(['snapshot', 'verify', 'latest'])).stdout).toContain('is whole: 5,000 contexts read');
});

/** Some of it is written. */
function isBegun(folder: string): boolean {
  return existsSync(folder) && readdirSync(folder).length > 0;
}

it('asked for where it cannot be written says where and why, and the server goes on', async () => {
  const folder = world.folder();
  const file = join(folder, 'file');
  writeFileSync(file, '');
  const server = await world.serve(folder, { SNAPSHOTS__FOLDER: join(file, 'snapshots') });
  const variables = cliVariables(server);
  const made = await world.run(['snapshot', 'create'], folder, variables);
  expect(made).toMatchObject({ code: 1 });
  expect(made.stderr).toContain(
    `no snapshot could be made in ${join(file, 'snapshots')}: a part of its path is a file`,
  );
  expect((await world.run(['store', TEXT], folder, variables)).code).toBe(0);
  await server.end('SIGTERM');
});

it('by schedule', async () => {
  const folder = world.folder();
  const target = join(folder, 'elsewhere');
  mkdirSync(target);
  const server = await world.serve(folder, {
    SNAPSHOTS__SCHEDULE: '* * * * * *',
    SNAPSHOTS__FOLDER: 'elsewhere',
    SNAPSHOTS__KEEP_HOURLY: '1',
    SNAPSHOTS__KEEP_DAILY: '0',
  });
  const metric = async (): Promise<string> => (await fetch(`http://127.0.0.1:${server.httpPort}/metrics`)).text();
  while (!(await metric()).includes('context_manager_jobs_total{job="snapshot",outcome="ok"} 2')) await sleep(100);
  expect(await metric()).toMatch(/context_manager_snapshot_timestamp_seconds \d{10}/);
  await server.end('SIGTERM');
  // The newest of the hour, or of two where one has just ended.
  expect(readdirSync(target).length).toBeLessThanOrEqual(2);
  const wrong = await world.failToServe(folder, { SNAPSHOTS__SCHEDULE: 'daily' });
  expect(wrong.stderr).toContain('`snapshots.schedule` is not a cron expression: daily');
});
